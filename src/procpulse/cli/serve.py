"""procpulse serve: a page, streams and metrics of this host."""

import argparse
import grp
import ipaddress
import os
import socket
import stat
import sys
from typing import Any

from procpulse.cli import options as shared
from procpulse.private_files import read_secret

EXAMPLES = """\
examples:
  procpulse serve                                     then open http://127.0.0.1:8787/
  procpulse serve --unix /run/user/1000/procpulse.sock
  procpulse serve --host 0.0.0.0 --token-file token --name pulse.example
  curl -H "Authorization: Bearer $(cat token)" http://pulse.example:8787/v1/usage
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("--host", metavar="ADDRESS", default="127.0.0.1", help="listen here (default 127.0.0.1)")
    parser.add_argument("--port", metavar="N", type=port, default=8787, help="on this port (default 8787)")
    parser.add_argument(
        "--unix", metavar="PATH", help="listen on a socket of the file system, for this user and root alone"
    )
    parser.add_argument("--unix-group", metavar="GROUP", help="let the members of this group use that socket as well")
    parser.add_argument(
        "--interval",
        metavar="TIME",
        type=shared.duration,
        default=1.0,
        help="time between ticks, such as 1s, 500ms or 2m (default 1s)",
    )
    shared.add_sources(parser)
    parser.add_argument(
        "--cmdline",
        nargs="?",
        choices=("names", "redacted", "raw"),
        const="names",
        help="show command lines of processes: the program and the names of its options; with =redacted values as well, unless they may be secret; with =raw all, passwords too",
    )
    parser.add_argument(
        "--token-file", metavar="FILE", help="what clients have to show; or set PROCPULSE_TOKEN (never an argument)"
    )
    parser.add_argument(
        "--name", metavar="NAME", action="append", default=[], help="a name by which clients reach this server"
    )
    parser.add_argument(
        "--origin",
        metavar="URL",
        action="append",
        default=[],
        help="another site whose pages may ask, such as https://grafana.example",
    )
    parser.add_argument(
        "--trusted-proxy",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="a proxy whose X-Forwarded-For and X-Forwarded-Proto count: an address, a network, or unix",
    )
    parser.add_argument("--insecure", action="store_true", help="let anybody in without a token")
    parser.add_argument("--max-clients", metavar="N", type=shared.count, default=1024, help="of streams (default 1024)")
    parser.add_argument(
        "--max-clients-per-address", metavar="N", type=shared.count, default=32, help="of one address (default 32)"
    )
    shared.add_roots(parser)


def port(text: str) -> int:
    """A port; 0 for any that is free."""
    number = shared.count(text)
    if number > 65535:
        raise argparse.ArgumentTypeError(f"not a port: {text!r}")
    return number


def run(options: argparse.Namespace) -> int:
    """Serve until told to end; return the exit code."""
    token = _token(options)
    sources = None if options.sources == "default" else _sources(options)
    try:
        from procpulse.web import server
        from procpulse.web.application import Application
    except ModuleNotFoundError as error:
        raise shared.Refused(f"serve needs {error.name}: pip install 'procpulse[web]'") from None
    inherited = _inherited()
    try:
        application = Application(
            sources=sources,
            interval=options.interval,
            roots=shared.roots(options),
            cmdline=options.cmdline or False,
            access=_access(options, token, inherited),
            hosts=options.name,
            origins=options.origin,
            max_clients=options.max_clients,
            max_clients_per_address=options.max_clients_per_address,
        )
    except ValueError as error:
        raise shared.Refused(str(error), 2) from None
    if options.cmdline == "raw":
        print(
            "procpulse: arguments of processes are served with the passwords in them (--cmdline=raw)", file=sys.stderr
        )
    application.announced = True  # here it is said to whoever starts the server
    made = None if inherited else options.unix
    sockets = inherited or _listen(options, server)
    application.access.group = _group_of(sockets)
    where = [_address(listener) for listener in sockets]
    exposed = [place for place, local in where if not local]
    if exposed and token is None and not options.insecure:
        for listener in sockets:
            listener.close()
        raise shared.Refused(
            f"{exposed[0]} can be reached from elsewhere: name a --token-file, or set PROCPULSE_TOKEN, or say --insecure",
            2,
        )
    if exposed and token is None:
        print("procpulse: anybody who reaches this server sees what this host does (--insecure)", file=sys.stderr)

    if application.withheld:
        print(
            f"procpulse: {application.withheld}; all is shown with --token-file, by --unix, or with --insecure",
            file=sys.stderr,
        )

    def ready(up: bool) -> None:
        server.notify("READY=1" if up else "STOPPING=1")
        if up:
            print(f"procpulse: {' '.join(place for place, _ in where)}", flush=True)

    server.raise_descriptor_limit(4 * options.max_clients + 1024)
    server.Server(application, options.max_clients, ready).run(sockets)
    if made:
        os.unlink(made)
    return 0


def _access(options: argparse.Namespace, token: str | None, inherited: list[Any]) -> Any:
    """Who may ask.

    Raises:
        ValueError: what was said makes no sense.
    """
    from procpulse.web.access import Access
    from procpulse.web.peers import TrustedProxies
    from procpulse.web.tokens import Tokens

    if token is not None and options.insecure:
        raise ValueError("--insecure lets anybody in without a token, and there is one: leave out one of the two")
    return Access(
        tokens=None if token is None else Tokens.of(token),
        public=options.insecure,
        group=_group(options),
        proxies=TrustedProxies(options.trusted_proxy),
        by_socket=all(one.family == socket.AF_UNIX for one in inherited) if inherited else bool(options.unix),
    )


def _group(options: argparse.Namespace) -> int | None:
    """The number of the group that may use the socket."""
    name = options.unix_group
    if name is None:
        return None
    if not options.unix:
        raise ValueError("--unix-group is for a --unix socket")
    try:
        return int(name) if name.isascii() and name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        raise ValueError(f"--unix-group: there is no group {name!r}") from None


def _group_of(sockets: list[Any]) -> int | None:
    """The group that may use a socket of the file system, as its mode says, whoever made it."""
    for listener in sockets:
        name = listener.getsockname()
        if isinstance(name, str) and name.startswith("/"):
            found = os.stat(name)
            return found.st_gid if found.st_mode & stat.S_IWGRP else None
    return None


def _sources(options: argparse.Namespace) -> Any:
    for word in options.sources.split(","):
        if "environ" in word.partition(":")[2].split("+"):
            raise shared.Refused("--sources: environ may hold secrets and is never served", 2)
        if "cmdline" in word.partition(":")[2].split("+") and not options.cmdline:
            raise shared.Refused("--sources: arguments of processes are served only with --cmdline", 2)
    # What is hidden of arguments is the server's to say: --cmdline.
    return shared.sources(argparse.Namespace(**{**vars(options), "raw_arguments": True}))[0]


def _token(options: argparse.Namespace) -> str | None:
    token = os.environ.pop("PROCPULSE_TOKEN", None)
    if options.token_file is None:
        return token
    try:
        return read_secret(options.token_file)
    except (OSError, UnicodeDecodeError) as error:
        raise shared.Refused(f"--token-file: {error}", 2) from None


def _inherited() -> list[Any]:
    """What a service manager listens on for us, which comes before --host, --port and --unix."""
    from procpulse.web.activation import inherited

    try:
        return inherited()
    except ValueError as error:
        raise shared.Refused(str(error), 5) from None


def _listen(options: argparse.Namespace, server: Any) -> list[Any]:
    try:
        return (
            [server.listen_unix(options.unix, _group(options))]
            if options.unix
            else server.listen(options.host, options.port)
        )
    except (OSError, UnicodeError) as error:
        place = options.unix or f"{options.host} port {options.port}"
        raise shared.Refused(f"cannot listen on {place}: {getattr(error, 'strerror', None) or error}", 5) from None


def _address(listener: Any) -> tuple[str, bool]:
    """Where a socket listens, as an address to open, and whether only this machine can reach it."""
    name = listener.getsockname()
    if isinstance(name, str):
        return f"unix:{name}", True
    address = ipaddress.ip_address(name[0].partition("%")[0])
    shown = f"[{address}]" if address.version == 6 else str(address)
    return f"http://{shown}:{name[1]}/", address.is_loopback
