"""The roots that a command was given: whether they are what they are said to be, and where a file below them really is."""

import os
from collections.abc import Iterator
from functools import cache
from typing import Any

from msgspec.structs import replace

from procpulse import catalog
from procpulse.snapshot import Failure
from procpulse.source import Roots

_LIKE_ANY = {"cmdline", "crypto", "devices", "filesystems", "locks", "misc", "modules", "version"}
"""Names that files of /proc share with files of other directories, such as /etc/modules."""


def strange(option: str, path: str) -> str:
    """Why a directory can be no /proc or /sys, neither a mounted nor a captured one; empty where it may be one.

    Args:
        option: `--proc-root` or `--sys-root`.
        path: The directory.
    """
    try:
        held = os.listdir(path)
    except OSError as error:
        return f"{path!r} cannot be listed: {error.strerror}"
    if not held:
        return ""  # nothing is mounted there, which is for each source to say
    top = "/proc" if option == "--proc-root" else "/sys"
    if top == "/proc" and any(name.isdigit() for name in held):
        return ""
    if any(name in held and os.path.exists(f"{path}/{rest}") for name, rest in _places(top)):
        return ""
    kind = "procfs" if top == "/proc" else "sysfs"
    return f"{path!r} is neither a {kind} nor a captured tree of one: it has none of their files"


def _places(top: str) -> Iterator[tuple[str, str]]:
    """What sources read below /proc or /sys: the first part of each path, and so much of it as has no wildcard."""
    for name in ("self", "sys/kernel", "net/dev") if top == "/proc" else ("class", "block", "devices/system"):
        yield name.partition("/")[0], name
    for source in catalog.sources().values():
        root, _, rest = source.path.removeprefix("/").partition("/")
        if f"/{root}" == top and rest and rest not in _LIKE_ANY:
            known = rest.partition("*")[0].partition("[")[0].rstrip("/")
            if known:
                yield known.partition("/")[0], known


def told(failure: Failure, roots: Roots | None) -> str:
    """A failure as people read it, with the place that was really opened where the roots are not those of this machine."""
    return str(replace(failure, path=place(failure.path, roots)))


def place(path: str, roots: Roots | None) -> str:
    """Where a file below /proc or /sys really is."""
    if roots is None or roots.own or not path.startswith(("/proc/", "/sys/")):
        return path
    real: str = _files(roots).place(path)
    return real


@cache
def _files(roots: Roots) -> Any:
    from procpulse.reader.files import Budget, Files  # only for what went wrong

    return Files(roots, Budget(0))
