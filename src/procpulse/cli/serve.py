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
from procpulse.cli.say import say
from procpulse.text import printable

EXAMPLES = """\
examples:
  procpulse serve                                     then open http://127.0.0.1:8787/
  procpulse serve --unix /run/user/1000/procpulse.sock
  procpulse serve --host 0.0.0.0 --token-file token --name pulse.example
  procpulse serve --host 0.0.0.0 --web-config web.yml --tokens tokens
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
        "--token-file",
        metavar="FILE",
        help="what clients have to show; PROCPULSE_TOKEN does as well, but stays readable in /proc/PID/environ",
    )
    parser.add_argument(
        "--tokens", metavar="FILE", help="hashes of tokens, with what each opens; `procpulse token` makes them"
    )
    parser.add_argument(
        "--web-config",
        metavar="FILE",
        help="TLS, client certificates, passwords and headers, in the format of Prometheus exporters",
    )
    parser.add_argument(
        "--session",
        metavar="TIME",
        type=shared.duration,
        default=7 * 86400.0,
        help="how long a browser that showed a token need not show it again, such as 12h (default 168h)",
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
    sources = None if options.sources == "default" else _sources(options)
    try:
        from procpulse.web import server
        from procpulse.web.application import Application
        from procpulse.web.settings import BadFile
    except ModuleNotFoundError as error:
        raise shared.Refused(f"serve needs {error.name}: pip install 'procpulse[web]'") from None
    settings = _settings(options)
    inherited = _inherited()
    try:
        application = Application(
            sources=sources,
            interval=options.interval,
            roots=shared.roots(options),
            cmdline=options.cmdline or False,
            access=_access(options, settings, inherited),
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
    settings.apply(application.guard)
    secure = settings.certificates is not None
    where = [_address(listener, secure) for listener in sockets]
    exposed = [place for place, local in where if not local]
    if exposed and not application.access.protected:
        for listener in sockets:
            listener.close()
        raise shared.Refused(
            f"{exposed[0]} can be reached from elsewhere: name a --token-file, --tokens or a --web-config with users or "
            "client certificates, or set PROCPULSE_TOKEN, or say --insecure",
            2,
        )
    _warn(options, application, settings, exposed)

    def ready(up: bool) -> None:
        server.notify("READY=1" if up else "STOPPING=1")
        if up:
            print(f"procpulse: {' '.join(place for place, _ in where)}", flush=True)

    async def reload() -> bool:
        try:
            less: bool = await settings.reload(application.guard)
        except BadFile as error:
            say(f"nothing was changed: {error}")
            return False
        say("tokens, passwords and certificates were read again")
        return less

    server.raise_descriptor_limit(4 * options.max_clients + 1024)
    server.Server(application, options.max_clients, ready, settings.certificates, reload).run(sockets)
    if made:
        os.unlink(made)
    return 0


def _warn(options: argparse.Namespace, application: Any, settings: Any, exposed: list[str]) -> None:
    """Tell whoever starts the server what they should know."""
    told = list(settings.notes)
    if exposed and options.insecure:
        told.append("anybody who reaches this server sees what this host does (--insecure)")
    elif exposed and settings.certificates is None:
        told.append(
            f"{exposed[0]} is not encrypted: whoever is on the way reads what this host does, and the token; use "
            "--web-config with a certificate, or a proxy that speaks TLS"
        )
    if application.withheld:
        told.append(f"{application.withheld}; all is shown with --token-file, by --unix, or with --insecure")
    for line in told:
        say(line)


def _settings(options: argparse.Namespace) -> Any:
    """What files say about who may ask."""
    from procpulse.web.settings import BadFile, Files, Settings

    files = Files(os.environ.pop("PROCPULSE_TOKEN", None), options.token_file, options.tokens, options.web_config)
    try:
        return Settings(files, options.session)
    except BadFile as error:
        raise shared.Refused(str(error), 2) from None
    except ModuleNotFoundError as error:
        raise shared.Refused(f"--web-config needs {error.name}: pip install 'procpulse[web]'") from None


def _access(options: argparse.Namespace, settings: Any, inherited: list[Any]) -> Any:
    """Who may ask.

    Raises:
        ValueError: what was said makes no sense.
    """
    from procpulse.web.peers import TrustedProxies

    if options.insecure and (settings.tokens or settings.passwords):
        raise ValueError("--insecure lets anybody in without a token, and there is one: leave out one of the two")
    return settings.access(
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


def _address(listener: Any, secure: bool) -> tuple[str, bool]:
    """Where a socket listens, as an address to open, and whether only this machine can reach it."""
    name = listener.getsockname()
    if isinstance(name, str):
        return f"unix:{printable(name)}", True
    address = ipaddress.ip_address(name[0].partition("%")[0])
    shown = f"[{address}]" if address.version == 6 else str(address)
    return f"http{'s' * secure}://{shown}:{name[1]}/", address.is_loopback
