"""procpulse token: a token for a server, and the line that a file of tokens has for it."""

import argparse
import os
import stat
from pathlib import Path

from procpulse.cli import options as shared

EXAMPLES = """\
examples:
  procpulse token --scope metrics --name prometheus   a token, then its line
  procpulse token --scope metrics --append tokens > prometheus.token
  procpulse serve --tokens tokens
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument(
        "--scope",
        metavar="SCOPES",
        default="all",
        help="what it opens: metrics (/metrics), usage (rates of the host, and the page without processes) or all; several with commas between (default all)",
    )
    parser.add_argument("--name", metavar="NAME", default="", help="who is meant; it stands in the line")
    parser.add_argument("--append", metavar="FILE", help="write the line into this file, and print the token alone")


def run(options: argparse.Namespace) -> int:
    """Make one; return the exit code."""
    try:
        from procpulse.web import tokens
    except ModuleNotFoundError as error:
        raise shared.Refused(f"token needs {error.name}: pip install 'procpulse[web]'") from None
    scopes = [scope for scope in tokens.SCOPES if scope in options.scope.split(",")]
    if not scopes or len(scopes) != len(options.scope.split(",")):
        raise shared.Refused(f"--scope: scopes are {', '.join(tokens.SCOPES)}, each once, with commas between", 2)
    if not options.name.isprintable():
        raise shared.Refused("--name: this cannot be printed", 2)
    token = tokens.new_token()
    line = tokens.line_of(token, scopes, options.name.strip())
    if options.append is None:
        print(token)
        print(line)
        return 0
    try:
        _append(Path(options.append), line)
    except OSError as error:
        raise shared.Refused(f"--append: {error}") from None
    print(token)
    return 0


def _append(path: Path, line: str) -> None:
    """Add a line to a file that belongs to this user and nobody else may read, or make one."""
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(fd, "r+b", buffering=0) as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise PermissionError(1, "no place for tokens: it has to be a file of yours with mode 0600", str(path))
        before = b""
        if found.st_size:
            file.seek(-1, os.SEEK_END)
            before = b"" if file.read(1) == b"\n" else b"\n"
        file.write(before + line.encode() + b"\n")
