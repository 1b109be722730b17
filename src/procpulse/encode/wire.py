"""What JSON and msgpack have in common: from the shell of a message to typed values.

A message names its sources; each value is decoded with the type of its source. What is not known here (a source of a
user, a later version) stays plain dicts and lists; fields that are not known are left out; a value that does not fit
its type becomes a failure of that source alone.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec

from procpulse import catalog
from procpulse.delta import Delta
from procpulse.growth import Reset
from procpulse.process import PerProcess
from procpulse.snapshot import Snapshot
from procpulse.source import Failure, Host, Reason, Source

Decode = Callable[[Any, Any], Any]
"""(bytes, type) -> value, of one format."""


Seq = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Rows = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
WallTime = Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)]
"""Seconds since 1970, up to the year 9999: what a calendar can show."""
Interval = Annotated[float, msgspec.Meta(gt=0, lt=1e10)]


class SnapshotShell(msgspec.Struct):
    """A snapshot whose values are not decoded yet."""

    seq: Seq
    time: WallTime
    monotonic_ns: Nanoseconds
    host: Host
    values: dict[str, msgspec.Raw]
    failures: dict[str, Failure] = {}
    read_ns: dict[str, Nanoseconds] = {}
    rows_ns: dict[str, list[tuple[Nanoseconds, Rows]]] = {}
    interval: Interval | None = None


class DeltaShell(msgspec.Struct):
    """A delta whose values are not decoded yet."""

    seq: Seq
    time: WallTime
    monotonic_ns: Nanoseconds
    host: Host
    values: dict[str, msgspec.Raw]
    elapsed_ns: dict[str, Nanoseconds]
    rows_elapsed_ns: dict[str, dict[int, int]] = {}
    resets: list[Reset] = []
    failures: dict[str, Failure] = {}
    gap: Rows = 0
    interval: Interval | None = None


T = TypeVar("T", Snapshot, Delta)


def fill(shell: Any, into: type[T], sources: Iterable[Source[Any]], decode: Decode) -> T:
    """The message of a shell, its values typed."""
    known = {source.name: source for source in sources}
    values: dict[str, Any] = {}
    failures: dict[str, Failure] = {}
    for name, raw in shell.values.items():
        value = typed(name, raw, known, decode)
        if isinstance(value, Failure):
            failures[name] = value
        else:
            values[name] = value
    rest = {name: getattr(shell, name) for name in shell.__struct_fields__ if name not in ("values", "failures")}
    if "rows_ns" in rest:
        check_row_times(values, rest["rows_ns"])
    return into(values=values, failures={**shell.failures, **failures}, **rest)


def typed(
    name: str,
    raw: Any,
    known: Mapping[str, Source[Any]],
    decode: Decode,
    type: Any = None,
) -> Any:
    """The value of a source; a `Failure` where it does not fit the type of the source.

    Args:
        name: What the source is called.
        raw: The value, encoded.
        known: Sources that are not procpulse's own.
        decode: Of the format.
        type: What it is to be; by default what the source says.

    Raises:
        msgspec.MsgspecError: the source is not known, and these bytes are no message at all.
    """
    source = find(name, known)
    if source is None:
        return decode(raw, Any)
    try:
        return decode(raw, type_of(source, raw, decode) if type is None else type)
    except msgspec.MsgspecError as error:
        return Failure(Reason.MALFORMED, source.path, f"does not fit this version: {error}")


def find(name: str, known: Mapping[str, Source[Any]]) -> Source[Any] | None:
    """The source of this name: one of those that are known, or procpulse's own."""
    return known.get(name) or (catalog.source(name) if name in catalog.modules() else None)


def check_row_times(values: Mapping[str, Any], rows_ns: Mapping[str, list[tuple[int, int]]]) -> None:
    """Raise where row times do not belong to the rows that are there. Rows without any were all read at once.

    Raises:
        msgspec.ValidationError: there are more or fewer times than rows.
    """
    for name, times in rows_ns.items():
        value = values.get(name, ())
        if (
            times
            and name in values
            and (not hasattr(value, "__len__") or sum(count for _, count in times) != len(value))
        ):
            raise msgspec.ValidationError(f"{name} has other times than rows")


class _Row(msgspec.Struct):
    """What of a row of processes tells the type of its threads."""

    threads: dict[Any, msgspec.Raw] | None = None


def type_of(source: Source[Any], raw: Any, decode: Decode, first: bytes | msgspec.Raw | None = None) -> Any:
    """The type of a value; the rows of processes, and of their threads, have the parts that the first of them has."""
    if not isinstance(source, PerProcess):
        return source.type
    if first is None:
        rows: dict[Any, msgspec.Raw] = decode(raw, dict[Any, msgspec.Raw])
        first = next(iter(rows.values()), msgspec.Raw(b""))
    row: dict[str, msgspec.Raw] = decode(first, dict[str, msgspec.Raw]) if bytes(first) else {}
    known = catalog.part_modules()
    parts = [name for name in row if name in known]
    if "threads" not in row:
        return catalog.module(source.name).processes(*parts).type if parts else source.type
    threads = decode(row["threads"], dict[Any, msgspec.Raw] | None)
    if not threads:
        tables: dict[Any, _Row] = decode(raw, dict[Any, _Row])
        threads = next((table.threads for table in tables.values() if table.threads), None)
    theirs: Any = True
    if threads:
        thread = decode(next(iter(threads.values())), dict[str, msgspec.Raw])
        theirs = [name for name in thread if name in known]
    return catalog.module(source.name).processes(*parts, threads=theirs).type
