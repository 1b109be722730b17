"""What JSON and msgpack have in common: from the shell of a message to typed values.

A message names its sources; each value is decoded with the type of its source. What is not known here (a source of a
user, a later version) stays plain dicts and lists; fields that are not known are left out; a value that does not fit
its type becomes a failure of that source alone.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from procpulse import catalog
from procpulse.delta import Delta, Reset
from procpulse.process import PerProcess
from procpulse.snapshot import Snapshot
from procpulse.source import Failure, Host, Reason, Source

Decode = Callable[[Any, Any], Any]
"""(bytes, type) -> value, of one format."""


class SnapshotShell(msgspec.Struct):
    """A snapshot whose values are not decoded yet."""

    seq: int
    time: float
    monotonic_ns: int
    host: Host
    values: dict[str, msgspec.Raw]
    failures: dict[str, Failure] = {}
    read_ns: dict[str, int] = {}
    rows_ns: dict[str, list[tuple[int, int]]] = {}
    interval: float | None = None


class DeltaShell(msgspec.Struct):
    """A delta whose values are not decoded yet."""

    seq: int
    time: float
    monotonic_ns: int
    host: Host
    values: dict[str, msgspec.Raw]
    elapsed_ns: dict[str, int]
    rows_elapsed_ns: dict[str, dict[int, int]] = {}
    resets: list[Reset] = []
    failures: dict[str, Failure] = {}
    gap: int = 0
    interval: float | None = None


T = TypeVar("T", Snapshot, Delta)


def fill(shell: Any, into: type[T], sources: Iterable[Source[Any]], decode: Decode) -> T:
    """The message of a shell, its values typed."""
    known = {source.name: source for source in sources}
    values: dict[str, Any] = {}
    failures: dict[str, Failure] = {}
    for name, raw in shell.values.items():
        source = known.get(name)
        if source is None and name in catalog.modules():
            source = catalog.source(name)
        if source is None:
            values[name] = decode(raw, Any)
            continue
        try:
            values[name] = decode(raw, _type(source, raw, decode))
        except msgspec.MsgspecError as error:
            failures[name] = Failure(Reason.MALFORMED, source.path, f"does not fit this version: {error}")
    rest = {name: getattr(shell, name) for name in shell.__struct_fields__ if name not in ("values", "failures")}
    return into(values=values, failures={**shell.failures, **failures}, **rest)


class _Threads(msgspec.Struct):
    """Of a row of a process, only its threads."""

    threads: dict[Any, dict[str, msgspec.Raw]] | None = None


def _type(source: Source[Any], raw: msgspec.Raw, decode: Decode) -> Any:
    """The type of a value; the rows of processes, and of their threads, have the parts that the first of them has."""
    if not isinstance(source, PerProcess):
        return source.type
    # Only the names in the first row matter: what is not decoded is skipped.
    rows: dict[Any, msgspec.Raw] = decode(raw, dict[Any, msgspec.Raw])
    first: dict[str, Any] = next((decode(row, dict[str, msgspec.Raw]) for row in rows.values()), {})
    known = catalog.part_modules()
    parts = [name for name in first if name in known]
    if "threads" not in first:
        return catalog.module(source.name).processes(*parts).type if parts else source.type
    threads = (decode(row, _Threads).threads for row in rows.values())
    thread = next((thread for those in threads for thread in (those or {}).values()), None)
    theirs = True if thread is None else [name for name in thread if name in known]
    return catalog.module(source.name).processes(*parts, threads=theirs).type
