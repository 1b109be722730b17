"""/proc/[pid]: every process, with the files asked for.

    PROCESSES                                # pid, identity, stat
    processes("stat", "io", "cmdline")       # and more
    processes("maps", rss_limit_bytes=1 << 30)

https://docs.kernel.org/filesystems/proc.html#process-specific-subdirectories
"""

from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from procpulse import catalog
from procpulse.fields import group, label
from procpulse.process import PerProcess
from procpulse.sources.proc.pid_stat import PID_STAT, PidStat

if TYPE_CHECKING:
    from procpulse.sources._parts import Parts  # the attributes that parts add, written by `make index`
else:

    class Parts(msgspec.Struct, frozen=True, gc=False):
        """Where the parts of a process come from, for type checkers."""


class Process(Parts, frozen=True, gc=False):
    """One process. A part that was not asked for raises AttributeError; one that cannot be read is None."""

    pid: Annotated[int, label("Process id.")]
    identity: Annotated[
        int, label("Number that the reader gave the process when it met it; a pid used again has another.")
    ]
    stat: Annotated[PidStat, group("State, family, CPU time and memory.")]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name in catalog.part_modules():
                raise AttributeError(f"{name!r} was not asked for: sample processes({name!r}, ...)")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __reduce__(self) -> Any:
        names = type(self).__struct_fields__
        return _rebuild, (names[2:], tuple(getattr(self, name) for name in names))


def processes(*parts: str, rss_limit_bytes: int | None = None) -> PerProcess[Process]:
    """The process table with these parts of each process, such as "io" or "cmdline"; "stat" is always among them.

    Without arguments every part there is, but for those that may hold secrets (`environ`), which have to be named.

    Args:
        parts: Their names.
        rss_limit_bytes: Resident memory above which a process is not asked for the parts that stall it (`maps`,
            `numa_maps`, `smaps_rollup`); 8 GiB unless given.

    Raises:
        LookupError: there is no such part.
    """
    known = catalog.part_modules()
    for name in parts:
        catalog.part(name)
    if not parts:
        return _of(tuple(name for name in known if not catalog.part(name).secret), rss_limit_bytes)
    return _of(tuple(name for name in known if name in parts), rss_limit_bytes)


@cache
def _of(names: tuple[str, ...], rss_limit_bytes: int | None) -> PerProcess[Process]:
    parts = [catalog.part(name) for name in names if name != "stat"]
    return PerProcess("processes", row_type(tuple(part.name for part in parts)), PID_STAT, parts, rss_limit_bytes)


@cache
def row_type(names: tuple[str, ...]) -> type[Process]:
    """The record of a process with these parts beside `stat`."""
    if not names:
        return Process
    columns = []
    for name in names:
        part = catalog.part(name)
        columns.append((name, Annotated[part.type | None, group(_summary(part.type))], None))
    return msgspec.defstruct(
        "Process",
        columns,
        bases=(Process,),
        namespace={"__doc__": Process.__doc__},
        module=__name__,
        frozen=True,
        gc=False,
    )  # type: ignore[return-value]


def _summary(record: type) -> str:
    """The first line of a record's docstring."""
    return (record.__doc__ or "").strip().splitlines()[0]


def _rebuild(names: tuple[str, ...], values: tuple[Any, ...]) -> Process:
    make: Any = row_type(tuple(name for name in names if name != "stat"))
    process: Process = make(*values)
    return process


PROCESSES: PerProcess[Process] = _of(("stat",), None)
