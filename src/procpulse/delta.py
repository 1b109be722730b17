"""What changed between two snapshots: the same types, with growth in place of totals.

Counters become growth; gauges, labels and facts are those of the newer snapshot. Rows are matched by their labels, and
a row that was not there before has no delta. What is None in either snapshot is None. A row of which a counter fell was
made anew: it has no delta either, and is named in `resets`. `growth` has the rules.
"""

from collections.abc import Generator
from functools import cached_property
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from procpulse.fields import is_record
from procpulse.growth import Log, Reset, Unknown, grown_row, of_type, type_of
from procpulse.snapshot import Shared, Snapshot, Unavailable, no_source
from procpulse.source import SLICE_NS, Failure, Host, Source

if TYPE_CHECKING:
    from procpulse.usage import Usage

T = TypeVar("T")

FACTS = ("block_links", "class_net_links")
"""Sources that say what devices are, which totals need to know; they count nothing, and are read now and then."""


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
    """Counters that went backwards: one of each row that was made anew, which has no growth, and each that fell by itself."""
    failures: dict[str, Failure] = {}
    """As in the newer snapshot."""
    gap: int = 0
    """How many ticks were missed between the two."""
    interval: float | None = None

    def __post_init__(self) -> None:
        if self.interval is None:
            return  # of two single samples
        for name in ("values", "elapsed_ns", "rows_elapsed_ns"):
            found = getattr(self, name)
            if type(found) is dict:
                msgspec.structs.force_setattr(self, name, Shared(found))

    def __getitem__(self, source: Source[T]) -> T:
        """The growth of a source.

        Raises:
            Unavailable: it was not read in both snapshots.
            TypeError: it is not asked for by a source.
        """
        try:
            value: T = self.values[source.name]
        except KeyError:
            raise Unavailable(source.name, self.failures.get(source.name), "has nothing to compare with yet") from None
        except AttributeError:
            raise no_source(source) from None
        return value

    def get(self, source: Source[T]) -> T | None:
        """The growth of a source; None where there is none yet.

        Raises:
            TypeError: it is not asked for by a source.
        """
        try:
            return self.values.get(source.name)
        except AttributeError:
            raise no_source(source) from None

    def __contains__(self, source: Source[Any]) -> bool:
        try:
            return source.name in self.values
        except AttributeError:
            raise no_source(source) from None

    def seconds(self, source: Source[Any]) -> float:
        """How long the growth of a source took.

        Raises:
            Unavailable: it was not read in both snapshots.
            TypeError: it is not asked for by a source.
        """
        try:
            return self.elapsed_ns[source.name] / 1e9
        except KeyError:
            raise Unavailable(source.name, self.failures.get(source.name), "has nothing to compare with yet") from None
        except AttributeError:
            raise no_source(source) from None

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
            vars(self)["carried"] = carried  # as a cached property is set
        return self

    @cached_property
    def facts(self) -> dict[str, Any]:
        """Values of the newer snapshot that say what devices are, by source, whenever they were read; not sent."""
        return {}

    def knowing(self, after: Snapshot) -> "Delta":
        """This delta, with what its newer snapshot says of devices."""
        vars(self)["facts"] = {name: after.values[name] for name in FACTS if name in after.values}
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
        ValueError: they are of different boots, or the first is later than the second.
    """
    if before.monotonic_ns > after.monotonic_ns and before.host.boot_id == after.host.boot_id:
        raise ValueError("the first snapshot is later than the second: difference(before, after)")
    if before.host.boot_id != after.host.boot_id:
        raise ValueError(f"the snapshots are of different boots: {before.host.boot_id} and {after.host.boot_id}")
    log = Log(after.host.word_bits)
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
                        found = (row, grown_row(kind)(row, row, log))
                    still[key] = found
                    growth[key] = found[1]
                elif earlier is None:
                    continue
                else:
                    log.row = key
                    grown = grown_row(kind)(earlier, row, log)
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
            kind = type_of(new)
            grow = of_type(kind) if kind is not None else None
            if grow is None:
                if not isinstance(new, list | dict) or new:
                    continue
                growth = new
            else:
                try:
                    growth = grow(old, new, log)
                except Unknown:
                    continue
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

    They may come from two samplers, from recordings or from a server: processes are matched by pid and start time.

    Raises:
        ValueError: they are of different boots, or the first is later than the second.
    """
    steps = growing(before, after)
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            delta: Delta = stop.value
            return delta.knowing(after)
