"""What changed between two snapshots: the same types, with growth in place of totals.

Everything follows from the metadata of the fields. Counters become growth; gauges, labels and facts are those of the
newer snapshot. Rows are matched by their labels, and a row that was not there before has no delta. What is None in
either snapshot is None. A counter that fell has grown by 0 and is named in `resets`, unless it is one that wraps, at
32 bits or at a value that the device tells, and the step is one that it may have made.

The work for each record type is compiled once into one expression, as `dataclasses` does for `__init__`.
"""

from collections.abc import Callable, Generator, Iterable
from functools import cache, cached_property
from operator import attrgetter
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from procpulse.fields import Kind, Shape, describe, fields, is_record
from procpulse.snapshot import Snapshot, Unavailable
from procpulse.source import SLICE_NS, Failure, Host, Source

if TYPE_CHECKING:
    from procpulse.usage import Usage

T = TypeVar("T")

FACTS = ("block_links", "class_net_links")
"""Sources that say what devices are, which totals need to know; they count nothing, and are read now and then."""


class Reset(msgspec.Struct, frozen=True):
    """A counter that went backwards: a device or driver started anew, a CPU went away, or the kernel corrected itself."""

    source: str
    row: str
    """Which row, by its labels; empty for a source of one record."""
    field: str
    before: int
    after: int


class Growth(msgspec.Struct, frozen=True):
    """The growth of one source, and how long it took."""

    value: Any
    elapsed_ns: int
    rows_elapsed_ns: dict[Any, int] = {}
    """Of each row, where rows have times of their own."""


class Delta(msgspec.Struct, frozen=True, dict=True):
    """What changed between two snapshots, by source.

    delta[NET_DEV]                   # list[Interface]: counters hold the growth
    delta.seconds(NET_DEV)           # over how long, by the time of its own reads
    delta.usage.cpu.busy_ratio       # what follows from several fields
    """

    seq: int
    """Of the newer snapshot."""
    time: float
    """Of the newer snapshot, in seconds since 1970."""
    monotonic_ns: int
    host: Host
    values: dict[str, Any]
    """Growth by source. A source that was not read in both snapshots, or not anew, is absent."""
    elapsed_ns: dict[str, int]
    """Time between the two reads of each source."""
    rows_elapsed_ns: dict[str, dict[Any, int]] = {}
    """Time between the two reads of each row, where rows have times of their own."""
    resets: list[Reset] = []
    """Counters that went backwards."""
    failures: dict[str, Failure] = {}
    """As in the newer snapshot."""
    gap: int = 0
    """How many ticks were missed between the two."""
    interval: float | None = None

    def __getitem__(self, source: Source[T]) -> T:
        """The growth of a source.

        Raises:
            Unavailable: it was not read in both snapshots.
        """
        try:
            value: T = self.values[source.name]
        except KeyError:
            raise Unavailable(source.name, self.failures.get(source.name), "has nothing to compare with yet") from None
        return value

    def get(self, source: Source[T]) -> T | None:
        """The growth of a source; None where there is none yet."""
        return self.values.get(source.name)

    def __contains__(self, source: Source[Any]) -> bool:
        return source.name in self.values

    def seconds(self, source: Source[Any]) -> float:
        """How long the growth of a source took.

        Raises:
            Unavailable: it was not read in both snapshots.
        """
        try:
            return self.elapsed_ns[source.name] / 1e9
        except KeyError:
            raise Unavailable(source.name, self.failures.get(source.name), "has nothing to compare with yet") from None

    @cached_property
    def carried(self) -> dict[str, Growth]:
        """The last growth of sources that were not read anew in this tick, since they have a cadence.

        It is what `usage` speaks of until they are read again. It was in the `values` of an earlier delta, so who adds
        up growth must not add it again; it is not sent, either. A source that fails or disappears has none.
        """
        return {}

    def carrying(self, carried: dict[str, Growth]) -> "Delta":
        """This delta, with the last growth of sources that were not read anew."""
        if carried:
            self.__dict__["carried"] = carried  # as a cached property is set
        return self

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Values of the newer snapshot that say what devices are, by source, whenever they were read; not sent."""
        return {}

    def knowing(self, after: Snapshot) -> "Delta":
        """This delta, with what its newer snapshot says of devices."""
        self.__dict__["facts"] = {name: after.values[name] for name in FACTS if name in after.values}
        return self

    def growth(self, source: Source[Any]) -> Growth | None:
        """The newest growth of a source that is known: of this tick, or carried; None where there is none."""
        name = source.name
        if name in self.values:
            return Growth(self.values[name], self.elapsed_ns.get(name, 0), self.rows_elapsed_ns.get(name, {}))
        return self.carried.get(name)

    @cached_property
    def usage(self) -> "Usage":
        """Rates and ratios that people ask for; computed when they are touched."""
        from procpulse.usage import Usage  # usage is built on deltas

        return Usage(self)


class _Log:
    """Where the compiled functions report resets."""

    __slots__ = ("resets", "row", "source")

    def __init__(self) -> None:
        self.resets: list[Reset] = []
        self.source = ""
        self.row: Any = ""
        """Which row it is, by its key."""

    def fell(self, field: str, before: int, after: int) -> int:
        self.resets.append(Reset(self.source, _name(self.row), field, before, after))
        return 0

    def wrapped(self, field: str, before: int, after: int, period: int) -> int:
        """The growth of a counter that fell and starts again after so many: up to half of that is plausible."""
        grown = after - before + period
        if before < period and 0 <= grown < period // 2:
            return grown
        return self.fell(field, before, after)

    def ranged(self, field: str, before: int, after: int, largest: int | None, now: int | None) -> int:
        """As `wrapped`, by the largest value that the device tells, then and now."""
        if largest is None or largest != now:
            return self.fell(field, before, after)
        return self.wrapped(field, before, after, largest + 1)


_Grow = Callable[[Any, Any, _Log], Any]


def _mapping(field: str, bits: int) -> _Grow:
    def grow(before: dict[Any, int], after: dict[Any, int], log: _Log) -> dict[Any, int]:
        growth = {}
        for key, new in after.items():
            old = before.get(key)
            if old is None:
                continue
            if new >= old:
                growth[key] = new - old
            elif bits < 64:
                growth[key] = log.wrapped(f"{field}.{key}", old, new, 1 << bits)
            else:
                growth[key] = log.fell(f"{field}.{key}", old, new)
        return growth

    return grow


def labels(record: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that tell one row of this type from another."""
    return tuple(field.name for field in fields(record) if field.kind is Kind.LABEL)


def _keyed(rows: Iterable[Any], names: tuple[str, ...]) -> dict[Any, Any]:
    if len(names) == 1:
        name = names[0]
        return {getattr(row, name): row for row in rows}
    return {tuple(getattr(row, name) for name in names): row for row in rows}


def _rows(record: type[msgspec.Struct]) -> _Grow:
    names = labels(record)
    grow = compiled(record)

    def rows(before: list[Any], after: list[Any], log: _Log) -> list[Any]:
        outer = log.row
        known = _keyed(before, names)
        growth = []
        for key, new in _keyed(after, names).items():
            old = known.get(key)
            if old is not None:
                log.row = f"{_name(outer)}/{_name(key)}" if outer != "" else key
                growth.append(grow(old, new, log))
        log.row = outer
        return growth

    return rows


def _table(record: type[msgspec.Struct]) -> _Grow:
    def table(before: dict[Any, Any], after: dict[Any, Any], log: _Log) -> dict[Any, Any]:
        outer = log.row
        growth = {}
        for key, new in after.items():
            old = before.get(key)
            if old is not None:
                log.row = f"{_name(outer)}/{key}" if outer != "" else str(key)
                kind: Any = type(new)
                grown = _grown(kind)(old, new, log)
                if grown is not None:
                    growth[key] = grown
        log.row = outer
        return growth

    return table


@cache
def _told(record: type[msgspec.Struct]) -> Callable[[Any], Any]:
    """What tells a row of this type from others."""
    names = labels(record)
    return attrgetter(*names) if names else lambda row: None


def _name(key: Any) -> str:
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)


@cache
def compiled(record: type[msgspec.Struct]) -> _Grow:
    """The function (before, after, log) -> growth of one record type."""
    scope: dict[str, Any] = {"record": record}
    arguments = []
    for i, field in enumerate(fields(record)):
        name = field.name
        expression = f"b.{name}"
        if field.kind is Kind.COUNTER and field.shape is Shape.SCALAR:
            fell = f"log.fell({name!r}, a.{name}, b.{name})"
            if field.wraps_at:
                fell = f"log.ranged({name!r}, a.{name}, b.{name}, a.{field.wraps_at}, b.{field.wraps_at})"
            elif field.bits < 64:
                fell = f"log.wrapped({name!r}, a.{name}, b.{name}, {1 << field.bits})"
            expression = f"d if (d := b.{name} - a.{name}) >= 0 else {fell}"
        elif field.kind is Kind.COUNTER and field.shape is Shape.MAPPING:
            scope[f"f{i}"] = _mapping(name, field.bits)
            expression = f"f{i}(a.{name}, b.{name}, log)"
        elif field.shape in (Shape.RECORD, Shape.ROWS, Shape.TABLE):
            make: Any = {Shape.RECORD: compiled, Shape.ROWS: _rows, Shape.TABLE: _table}[field.shape]
            scope[f"f{i}"] = make(field.type)
            expression = f"f{i}(a.{name}, b.{name}, log)"
        if field.optional and not expression.startswith("b."):
            expression = f"None if a.{name} is None or b.{name} is None else {expression}"
        elif field.optional and field.kind is Kind.COUNTER:
            expression = f"None if a.{name} is None or b.{name} is None else ({expression})"
        arguments.append(f"({expression})")
    code = f"def grow(a, b, log):\n    return record({', '.join(arguments)})"
    exec(compile(code, f"<delta of {record.__name__}>", "exec"), scope)
    grow: _Grow = scope["grow"]
    return grow


@cache
def _grown(record: Any) -> _Grow:
    """The growth between two rows under one key; None where they do not speak of the same thing, with the same fields:
    a pid that was reused does not."""
    told, grow = _told(record), compiled(record)

    def grown(before: Any, after: Any, log: _Log) -> Any:
        if type(before) is not record or (before is not after and told(before) != told(after)):
            return None
        return grow(before, after, log)

    return grown


@cache
def _of_type(type_: Any) -> _Grow | None:
    """The growth of the whole value of a source; None for a value that is not made of records."""
    shape, _, inner = describe(type_)
    if shape is Shape.RECORD:
        return compiled(inner)
    if shape is Shape.ROWS:
        return _rows(inner)
    if shape is Shape.TABLE:
        return _table(inner)
    return None


def _type_of(value: Any) -> Any:
    """The type of a value, as its source would declare it."""
    if isinstance(value, list):
        return list[type(value[0])] if value else None  # type: ignore[misc]
    if isinstance(value, dict):
        first = next(iter(value.values()), None)
        return dict[Any, type(first)] if is_record(type(first)) else None  # type: ignore[misc]
    return type(value) if isinstance(value, msgspec.Struct) else None


def _made_of_records(rows: dict[Any, Any]) -> bool:
    """Whether the rows are those of a source that is known; others are plain dicts when they come from a message."""
    return is_record(type(next(iter(rows.values()), None)))


def growing(
    before: Snapshot, after: Snapshot, memory: dict[str, dict[Any, tuple[Any, Any]]] | None = None
) -> Generator[None, None, Delta]:
    """Compare two snapshots, with a pause whenever a slice of time is over.

    Args:
        before: The older.
        after: The newer.
        memory: Kept from one comparison of a stream to the next: the rows that are the same in both snapshots, and
            their growth of nothing, which need not be made again for as long as they stay the same.

    Raises:
        ValueError: they are of different boots.
    """
    if before.host.boot_id != after.host.boot_id:
        raise ValueError(f"the snapshots are of different boots: {before.host.boot_id} and {after.host.boot_id}")
    log = _Log()
    values: dict[str, Any] = {}
    elapsed: dict[str, int] = {}
    rows_elapsed: dict[str, dict[Any, int]] = {}
    until = monotonic_ns() + SLICE_NS
    for name, new in after.values.items():
        took = after.read_ns.get(name, after.monotonic_ns) - before.read_ns.get(name, before.monotonic_ns)
        if name not in before.values or took <= 0:
            continue
        old = before.values[name]
        if type(old) is not type(new):
            continue
        log.source = name
        if isinstance(new, dict) and after.rows_ns.get(name) and _made_of_records(new):
            growth: Any = {}
            spans = rows_elapsed[name] = {}
            was, now = before.row_times(name), after.row_times(name)
            known, still = (memory or {}).get(name, {}), {}
            kind: Any
            for i, (key, row) in enumerate(new.items()):
                if not i % 8 and monotonic_ns() >= until:
                    yield
                    until = monotonic_ns() + SLICE_NS
                earlier, kind = old.get(key), type(row)
                if earlier is row:
                    found = known.get(key)
                    if found is None or found[0] is not row:
                        found = (row, _grown(kind)(row, row, log))
                    still[key] = found
                    growth[key] = found[1]
                elif earlier is None:
                    continue
                else:
                    log.row = key
                    grown = _grown(kind)(earlier, row, log)
                    if grown is None:
                        continue
                    growth[key] = grown
                then = was.get(key)
                if then is not None and key in now:
                    spans[key] = now[key] - then
            log.row = ""
            if memory is not None:
                memory[name] = still
        else:
            kind = _type_of(new)
            grow = _of_type(kind) if kind is not None else None
            if grow is None:
                if not isinstance(new, list | dict) or new:
                    continue
                growth = new
            else:
                growth = grow(old, new, log)
            if monotonic_ns() >= until:
                yield
                until = monotonic_ns() + SLICE_NS
        values[name] = growth
        elapsed[name] = took
    return Delta(
        seq=after.seq,
        time=after.time,
        monotonic_ns=after.monotonic_ns,
        host=after.host,
        values=values,
        elapsed_ns=elapsed,
        rows_elapsed_ns=rows_elapsed,
        resets=log.resets,
        failures=after.failures,
        gap=max(0, after.seq - before.seq - 1),
        interval=after.interval,
    )


def difference(before: Snapshot, after: Snapshot) -> Delta:
    """What changed between two snapshots of one host and boot.

    Raises:
        ValueError: they are of different boots.
    """
    steps = growing(before, after)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            delta: Delta = stop.value
            return delta.knowing(after)
