"""Finds every source: whatever module of `sources` is named `loadavg` holds the source `LOADAVG`.

Nothing is listed by hand, and no module is imported before its source is wanted.
"""

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from procpulse.process import Part
from procpulse.source import Source

_PACKAGES = ("procpulse.sources.proc", "procpulse.sources.sysfs")

PROFILE = [
    "stat",
    "meminfo",
    "loadavg",
    "uptime",
    "vmstat",
    "diskstats",
    "swaps",
    "pressure",
    "net_dev",
    "net_snmp",
    "net_netstat",
    "net_sockstat",
    "sys_fs",
    "block_links",
    "class_net_links",
]
"""What `Sampler()` reads where it is not told: the whole host, cheap enough for ten times a second."""


@cache
def modules() -> dict[str, str]:
    """The full name of each module with a source, by the name of the source. Imports none of them."""
    found = {}
    for package in _PACKAGES:
        path = importlib.import_module(package).__path__
        for module in pkgutil.iter_modules(path):
            if not module.name.startswith(("pid_", "_")):
                found[module.name] = f"{package}.{module.name}"
    return dict(sorted(found.items()))


@cache
def part_modules() -> dict[str, str]:
    """The full name of each module with a part of a process, by the name of the part."""
    package = "procpulse.sources.proc"
    path = importlib.import_module(package).__path__
    names = sorted(module.name for module in pkgutil.iter_modules(path) if module.name.startswith("pid_"))
    return {name.removeprefix("pid_"): f"{package}.{name}" for name in names}


def module(name: str) -> ModuleType:
    """The module of a source.

    Raises:
        LookupError: there is no such source; names those that are close.
    """
    try:
        return importlib.import_module(modules()[name])
    except KeyError:
        raise LookupError(unknown("source", name, list(modules()))) from None


def source(name: str) -> Source[Any]:
    """The source of this name.

    Raises:
        LookupError: there is no such source; names those that are close.
    """
    found: Source[Any] = getattr(module(name), name.upper())
    return found


def factory(name: str) -> Callable[..., Source[Any]] | None:
    """What makes sources of this kind to order: the function that is named like its module, if it has one.

    Raises:
        LookupError: there is no such module.
    """
    found: Callable[..., Source[Any]] | None = getattr(module(name), name, None)
    return found


def part(name: str) -> Part[Any]:
    """The part of a process of this name.

    Raises:
        LookupError: there is no such part; names those that are close.
    """
    try:
        found: Part[Any] = getattr(part_module(name), f"PID_{name.upper()}")
    except KeyError:
        raise LookupError(unknown("part of a process", name, list(part_modules()))) from None
    return found


def part_module(name: str) -> ModuleType:
    """The module of a part of a process.

    Raises:
        KeyError: there is no such part.
    """
    return importlib.import_module(part_modules()[name])


def sources() -> dict[str, Source[Any]]:
    """Every source, by name."""
    return {name: source(name) for name in modules()}


def default_sources() -> list[Source[Any]]:
    """The profile of a whole host that a sampler reads by default."""
    return [source(name) for name in PROFILE]


def unknown(what: str, name: str, known: list[str]) -> str:
    """The message for a name that does not exist, with what may have been meant."""
    return f"no {what} {name!r}" + suggestion(name, known)


def suggestion(name: str, known: list[str] | None = None) -> str:
    """What may have been meant by a name that does not exist; empty where nothing comes close."""
    import difflib  # only for mistakes

    spelled = {n.lower(): n for n in ([n.upper() for n in modules()] if known is None else known)}
    close = difflib.get_close_matches(name.lower(), spelled, 3)
    return f"; did you mean {' or '.join(spelled[n] for n in close)}?" if close else ""
