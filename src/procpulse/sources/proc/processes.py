"""/proc/[pid]: every process, with the files asked for.

    PROCESSES                                # pid, identity, stat
    processes("stat", "io", "cmdline")       # and more
    processes("maps", rss_limit_bytes=1 << 30)
    processes("io", threads=True)            # and the same of each of its threads
    processes("io", threads=["status"])      # or this of each thread

https://docs.kernel.org/filesystems/proc.html#process-specific-subdirectories
"""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, cast

import msgspec

from procpulse import catalog
from procpulse.fields import group, label
from procpulse.process import Part, PerProcess
from procpulse.redact import Arguments
from procpulse.sources.proc.pid_stat import PID_STAT, PidStat

if TYPE_CHECKING:
    from procpulse.sources._parts import Parts  # the attributes that parts add, written by `make index`
else:

    class Parts(msgspec.Struct, frozen=True, gc=False):
        """Where the parts of a process come from, for type checkers."""


class _Row(Parts, frozen=True, gc=False):
    """What processes and threads have in common."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if name == "threads":
                raise AttributeError("'threads' were not asked for: sample processes(..., threads=True)")
            if name in catalog.part_modules():
                raise AttributeError(f"{name!r} was not asked for: sample processes({name!r}, ...)")
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __reduce__(self) -> Any:
        names = type(self).__struct_fields__
        return _rebuild, (type(self).__name__, names[2:], tuple(getattr(self, name) for name in names))


class Thread(_Row, frozen=True, gc=False):
    """One thread of a process. A part that was not asked for raises AttributeError; one that cannot be read is None."""

    tid: Annotated[int, label("Thread id; of the main thread, the pid.")]
    identity: Annotated[
        int,
        label("When it started, in clock ticks after boot; larger where a tid was used again within a tick (+ 2^48)."),
    ]
    if TYPE_CHECKING:
        stat: PidStat
    else:
        stat: Annotated[PidStat | None, group("State, CPU time and faults of the thread, memory of its process.")]


class Process(_Row, frozen=True, gc=False):
    """One process. A part that was not asked for raises AttributeError; one that cannot be read is None.

    `stat` is always there, as it proves that the process was. Only a captured tree can have a process without; what it
    has of that stands in a row whose `stat` is None.
    """

    pid: Annotated[int, label("Process id.")]
    identity: Annotated[
        int,
        label("When it started, in clock ticks after boot; larger where a pid was used again within a tick (+ 2^48)."),
    ]
    if TYPE_CHECKING:
        stat: PidStat
        threads: dict[int, Thread] | None
        """By tid; None where they cannot be listed."""
    else:
        stat: Annotated[PidStat | None, group("State, family, CPU time and memory.")]


def processes(
    *parts: str,
    threads: bool | Sequence[str] = False,
    rss_limit_bytes: int | None = None,
    arguments: Arguments | str = Arguments.RAW,
) -> PerProcess[Process]:
    """The process table with these parts of each process, such as "io" or "cmdline"; "stat" is always among them.

    Without arguments every part there is, but for those that may hold secrets (`environ`), which have to be named.

    Args:
        parts: Their names.
        threads: Whether to read the same parts of each thread, or these parts of each; `process.threads` has them by
            tid.
        rss_limit_bytes: Resident memory above which a process is not asked for the parts that stall it (`maps`,
            `numa_maps`, `smaps_rollup`); 8 GiB unless given.
        arguments: How much `cmdline` shows: "raw", all, which may hold passwords; "redacted", with what may be secret
            hidden; "names", the program and the names of options. Unless it is "raw", `environ` shows names alone.

    Raises:
        LookupError: there is no such part, or threads have none of this name.
        ValueError: `arguments` is something else.
    """
    names = _known(parts) or tuple(name for name in catalog.part_modules() if not catalog.part(name).secret)
    how = Arguments(arguments)
    if threads is False:
        return _of(names, None, rss_limit_bytes, how)
    if threads is True:
        return _of(names, parts_of_threads(names), rss_limit_bytes, how)
    for name in threads:
        if not catalog.part(name).of_threads:
            raise LookupError(f"threads have no part {name!r}: the process has it")
    return _of(names, _known(threads), rss_limit_bytes, how)


def showing(source: PerProcess[Any], how: Arguments) -> PerProcess[Any]:
    """The same table with so much of the arguments and the environment of each process, and of its threads."""
    threads = None if source.threads is None else showing(source.threads, how)
    parts = tuple(_shown(part, how) for part in source.parts)
    if parts == source.parts and threads is source.threads:
        return source
    shown = table(source.name, cast(Any, source.row), source.stat, parts, source.rss_limit_bytes, threads)
    shown.made = showing, (source, how)
    return shown


@cache
def table(
    name: str,
    row: Any,
    stat: Part[Any],
    parts: tuple[Part[Any], ...],
    rss_limit_bytes: int | None,
    threads: PerProcess[Any] | None,
) -> PerProcess[Any]:
    """A table of processes, the same object for the same parts, since samplers go by that."""
    return PerProcess(name, row, stat, parts, rss_limit_bytes, threads)


def _shown(part: Part[Any], how: Arguments) -> Part[Any]:
    if part.name == "cmdline":
        shown: Part[Any] = catalog.part_module("cmdline").SHOWN[how]
        return shown
    if part.name == "environ" and how is not Arguments.RAW:
        names: Part[Any] = catalog.part_module("environ").NAMES
        return names
    return part


def parts_of_threads(names: Sequence[str]) -> tuple[str, ...]:
    """Those of some parts that threads have, too."""
    return tuple(name for name in names if catalog.part(name).of_threads)


def _known(parts: Sequence[str]) -> tuple[str, ...]:
    """These names, in the order of all."""
    for name in parts:
        catalog.part(name)
    return tuple(name for name in catalog.part_modules() if name in parts)


@cache
def _of(
    names: tuple[str, ...],
    threads: tuple[str, ...] | None,
    rss_limit_bytes: int | None,
    how: Arguments = Arguments.RAW,
) -> PerProcess[Process]:
    source = _made(names, threads, rss_limit_bytes, how)
    source.made = _of, (names, threads, rss_limit_bytes, how)
    return source


def _made(
    names: tuple[str, ...], threads: tuple[str, ...] | None, rss_limit_bytes: int | None, how: Arguments
) -> PerProcess[Process]:
    own = tuple(name for name in names if name != "stat")
    parts = [_shown(catalog.part(name), how) for name in own]
    if threads is None:
        return PerProcess("processes", row_type(own), PID_STAT, parts, rss_limit_bytes)
    theirs = tuple(name for name in threads if name != "stat")
    of_threads = PerProcess(
        "threads",
        row_type(theirs, Thread),
        PID_STAT,
        [_shown(catalog.part(name), how) for name in theirs],
        rss_limit_bytes,
    )
    return PerProcess("processes", row_with_threads(own, theirs), PID_STAT, parts, rss_limit_bytes, of_threads)


@cache
def row_with_threads(names: tuple[str, ...], threads: tuple[str, ...]) -> Any:
    """The record of a process with these parts beside `stat`, and threads with those."""
    table: Any = dict[int, row_type(threads, Thread)]  # type: ignore[misc]
    return row_type(names, Process, (("threads", Annotated[table | None, group("Its threads, by tid.")]),))


@cache
def row_type(names: tuple[str, ...], base: Any = Process, more: tuple[tuple[str, Any], ...] = ()) -> Any:
    """The record of a process or a thread with these parts beside `stat`."""
    if not names and not more:
        return base
    columns: list[Any] = []
    for name in names:
        part = catalog.part(name)
        columns.append((name, Annotated[part.type | None, group(_summary(part.type))], None))
    columns += [(name, type_, None) for name, type_ in more]
    return msgspec.defstruct(
        base.__name__,
        columns,
        bases=(base,),
        namespace={"__doc__": base.__doc__},
        module=__name__,
        frozen=True,
        gc=False,
    )


def _summary(record: type) -> str:
    """The first line of a record's docstring."""
    return (record.__doc__ or "").strip().splitlines()[0]


def _rebuild(kind: str, names: tuple[str, ...], values: tuple[Any, ...]) -> Any:
    if kind == "Thread":
        return row_type(tuple(name for name in names if name != "stat"), Thread)(*values)
    parts = tuple(name for name in names if name not in ("stat", "threads"))
    if "threads" not in names:
        return row_type(parts)(*values)
    thread = next(iter((values[-1] or {}).values()), None)
    # Without a thread any type is right.
    theirs = parts_of_threads(parts) if thread is None else type(thread).__struct_fields__[3:]
    return row_with_threads(parts, theirs)(*values)


PROCESSES: PerProcess[Process] = _of(("stat",), None, None)
