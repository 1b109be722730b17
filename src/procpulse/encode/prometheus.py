"""Samples as Prometheus metrics, from what the fields say of themselves.

    REGISTRY.register(Collector(Sampler([STAT, MEMINFO, PROCESSES])))   # in a service's own registry

A field becomes `procpulse_<source>_<field>` in base units: milliseconds, ticks and the like are seconds, pages are
bytes, percent are ratios; counters end in `_total`. Labels of a row are labels, the words of an open set the label
`key`, facts the labels of `procpulse_<source>_info`. What could not be read is absent, and `procpulse_source_up` is 0.

There is no series a process: processes are added up by name or control group, the greatest each for itself and the
rest as `other`. Needs the package prometheus_client.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import msgspec
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector as BaseCollector

from procpulse.fields import Field, Kind, Shape, Unit, fields, is_record
from procpulse.sampler import Sampler
from procpulse.snapshot import Snapshot
from procpulse.source import Host

MOST_NAMES = 200
"""How many groups of processes have series of their own."""
MOST_TOP = 20
MOST_SAMPLES = 20_000
"""How many samples one source may have; the rows after are left out and counted."""
LONGEST_LABEL = 200
STALE_SECONDS = 3600.0
OTHER = "other"

Families = dict[str, Metric]


class Collector(BaseCollector):
    """Gives a registry what a sampler reads, at each scrape.

    Args:
        sampler: Read anew at each scrape, in the thread that scrapes, so nobody else should use it.
        newest: Instead of a sampler, what gives the newest snapshot, or None while there is none.
        by: What processes are added up by: "name" or "cgroup" (which needs the part `cgroup`).
        most: How many groups of processes get series of their own.

    Raises:
        TypeError: neither or both of `sampler` and `newest`.
        ValueError: processes cannot be added up by that.
    """

    def __init__(
        self,
        sampler: Sampler | None = None,
        *,
        newest: Callable[[], Snapshot | None] | None = None,
        by: str = "name",
        most: int = MOST_NAMES,
    ):
        if (sampler is None) == (newest is None):
            raise TypeError("give either a sampler or what gives the newest snapshot")
        self._newest: Callable[[], Snapshot | None] = newest if newest is not None else _reading(sampler)
        self._lock = threading.Lock()
        self.groups = Groups(by, most)
        """Processes, added up. Give it each snapshot, and none that lives between two scrapes is missed."""

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is depends on the host."""
        return []

    def collect(self) -> Iterator[Metric]:
        """The metrics of the newest snapshot."""
        with self._lock:
            snapshot = self._newest()
            if snapshot is None:
                return
            self.groups.update(snapshot)
            found = [*families(snapshot).values(), *self.groups.families(snapshot.host).values()]
        yield from found


def _reading(sampler: Sampler | None) -> Callable[[], Snapshot]:
    assert sampler is not None
    return sampler.sample_sync


def families(snapshot: Snapshot) -> Families:
    """The metrics of all sources of a snapshot, by name; those of processes aside."""
    found: Families = {}
    left: dict[str, int] = {}
    for source, value in snapshot.values.items():
        if source in snapshot.rows_ns or source == "processes":
            continue
        walk = _Walk(found, snapshot.host)
        walk.value(f"procpulse_{source}", value, {})
        if walk.left:
            left[source] = walk.left
    up = GaugeMetricFamily("procpulse_source_up", "Whether a source could be read.", labels=["source"])
    failed = GaugeMetricFamily(
        "procpulse_source_failed_parts", "Parts of a source that could not be read.", labels=["source", "reason"]
    )
    names = [*snapshot.values, *(name for name in snapshot.failures if "/" not in name)]
    for name in dict.fromkeys(names):
        up.add_metric([name], float(name in snapshot.values))
    parts: dict[tuple[str, str], int] = {}
    for name, failure in snapshot.failures.items():
        key = (name.partition("/")[0], str(failure.reason))
        parts[key] = parts.get(key, 0) + failure.count
    for labels, count in parts.items():
        failed.add_metric(labels, count)
    cut = GaugeMetricFamily("procpulse_source_left_out_rows", "Rows of a source that are too many.", labels=["source"])
    for name, rows in left.items():
        cut.add_metric([name], rows)
    when = GaugeMetricFamily("procpulse_sample_time_seconds", "When this was sampled, since 1970.", snapshot.time)
    return {**found, **{family.name: family for family in (up, failed, cut, when)}}


class Column(msgspec.Struct, frozen=True):
    """How a field becomes a metric."""

    name: str
    """What its metric ends in, without `_total`."""
    factor: float
    field: Field


@cache
def columns(record: type[msgspec.Struct], ticks: int, page: int) -> tuple[Column, ...]:
    """How the fields of a record become metrics.

    Args:
        record: The type.
        ticks: Clock ticks in a second.
        page: Bytes in a page.
    """
    found: dict[str, Column] = {}
    for field in fields(record):
        name, factor = _named(field, ticks, page)
        if name in found:  # as used_pages beside used_bytes
            name, factor = field.name, 1.0
        found[name] = Column(name, factor, field)
    return tuple(found.values())


def _named(field: Field, ticks: int, page: int) -> tuple[str, float]:
    unit = field.unit
    if unit is Unit.NONE:
        return field.name, 1.0
    of_host = {
        Unit.TICKS: ("seconds", 1 / ticks),
        Unit.PAGES: ("bytes", float(page)),
        Unit.BITS_PER_SECOND: ("bytes_per_second", 0.125),
    }
    base, factor = of_host.get(unit, unit.base)
    stem = "" if field.name == unit.value else field.name.removesuffix(f"_{unit.value}")
    return f"{stem}_{base}" if stem else base, factor


_ABBREVIATED = frozenset(["s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"])
_REPLACED = {
    "summary": "sums",
    "gauge": "level",
    "counter": "count",
    "histogram": "buckets",
    "bits": "bit",
    "megabytes": "megs",
}
_ENDINGS = {"total": "all", "count": "number", "sum": "sums", "bucket": "buckets", "info": "facts"}


@cache
def tidy(name: str) -> str:
    """A name without the words that Prometheus keeps for itself, or takes for a unit."""
    words = [_REPLACED.get(word, word) for word in name.split("_") if word]
    words[-1] = _ENDINGS.get(words[-1], words[-1])
    joined: list[str] = []
    for word in words:
        if joined and joined[-1] in _ABBREVIATED:
            joined[-1] += word
        else:
            joined.append(word)
    if len(joined) > 1 and joined[-1] in _ABBREVIATED:
        joined[-2:] = ["".join(joined[-2:])]
    return "_".join(joined)


class _Walk:
    """Turns one value into samples."""

    def __init__(self, found: Families, host: Host):
        self._found = found
        self._host = host
        self._count = 0
        self.left = 0
        """Rows that were left out."""

    def value(self, prefix: str, value: Any, labels: dict[str, str]) -> None:
        """A record, or rows of them."""
        if isinstance(value, list):
            self._rows(prefix, value, labels)
        elif isinstance(value, dict):
            self._rows(prefix, list(value.values()), labels)
        elif is_record(type(value)):
            self._record(prefix, value, labels)

    def _rows(self, prefix: str, rows: list[Any], labels: dict[str, str]) -> None:
        for place, row in enumerate(rows):
            if not is_record(type(row)):
                return
            if self._count >= MOST_SAMPLES:
                self.left += len(rows) - place
                return
            self._record(prefix, row, labels)

    def _record(self, prefix: str, record: Any, outer: dict[str, str]) -> None:
        kind: Any = type(record)
        table = columns(kind, self._host.ticks_per_second, self._host.page_size)
        labels = dict(outer)
        facts = {}
        for column in table:
            field = column.field
            if field.kind is Kind.LABEL:
                name = field.name
                while name in labels:
                    name = f"{prefix.rpartition('_')[2]}_{name}"
                labels[name] = _text(getattr(record, field.name))
            elif field.kind is Kind.INFO and field.type is str:
                found = getattr(record, field.name)
                if found is not None:
                    facts[field.name] = _text(found)
        for column in table:
            field = column.field
            found = getattr(record, field.name)
            if found is None or field.kind in (Kind.LABEL, Kind.INFO):
                continue
            name = tidy(f"{prefix}_{column.name}")
            if field.kind is Kind.GROUP:
                self.value(f"{prefix}_{field.name}", found, labels)
            elif field.shape is Shape.SCALAR:
                self._add(name, field, labels, found * column.factor)
            elif field.shape is Shape.MAPPING:
                key = "key" if "key" not in labels else "name"
                for word, number in found.items():
                    self._add(name, field, {**labels, key: _text(word)}, number * column.factor)
        if facts:
            known = {name: value for name, value in facts.items() if name not in labels}
            family = self._family(InfoMetricFamily, tidy(prefix), "Facts.")
            family.add_sample(f"{family.name}_info", {**labels, **known}, 1.0)
            self._count += 1

    def _add(self, name: str, field: Field, labels: dict[str, str], value: float) -> None:
        counts = field.kind is Kind.COUNTER
        family = self._family(CounterMetricFamily if counts else GaugeMetricFamily, name, field.help)
        family.add_sample(f"{family.name}_total" if counts else family.name, labels, float(value))
        self._count += 1

    def _family(self, make: Any, name: str, help: str) -> Metric:
        family = self._found.get(name)
        if family is None:
            family = self._found[name] = make(name, help)
        return family


def _text(value: Any) -> str:
    """A label: names are inert already, so only their length is bounded."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 3] + "..."


class _Group:
    """What the processes of one name did since it was first seen, and have now."""

    __slots__ = ("counters", "gauges", "seen")

    def __init__(self) -> None:
        self.counters = [0.0] * len(COUNTERS)
        self.gauges = [0.0] * len(GAUGES)
        self.seen = 0.0

    def add(self, growth: list[float]) -> None:
        for place, grown in enumerate(growth):
            self.counters[place] += grown


COUNTERS = (
    ("cpu_seconds", "CPU time."),
    ("minor_faults", "Page faults that needed no disk."),
    ("major_faults", "Page faults that needed a disk."),
    ("read_bytes", "Bytes read from disks, of processes whose I/O may be seen."),
    ("written_bytes", "Bytes written to disks, of processes whose I/O may be seen."),
)
GAUGES = (("processes", "Processes."), ("threads", "Threads."), ("resident_bytes", "Resident memory."))


class Groups:
    """Processes added up by name or control group, without more series than the limit, however they rename themselves.

    The greatest by CPU time and by memory get series of their own and keep them for an hour after they were last seen,
    so that what an ordinary host runs is always there; the others are `other`. Counters start at 0 when a group is
    first told apart, hold the growth of every process in it, and never fall.

    Args:
        by: "name" or "cgroup".
        most: How many groups beside `other`.

    Raises:
        ValueError: processes cannot be added up by that.
    """

    def __init__(self, by: str = "name", most: int = MOST_NAMES, clock: Callable[[], float] = time.monotonic):
        if by not in ("name", "cgroup"):
            raise ValueError(f"processes can be added up by name or cgroup, not by {by!r}")
        self._by = by
        self._most = most
        self._clock = clock
        self._shown: dict[str, _Group] = {}
        self._other = _Group()
        self._before: dict[int, tuple[int, tuple[float, ...]]] = {}
        self._seq: tuple[str, int] | None = None
        self._fresh = True

    def restart(self) -> None:
        """The next snapshot is of another sampler, whose processes have other identities: nothing grew up to it."""
        self._before.clear()
        self._fresh = True

    def update(self, snapshot: Snapshot) -> None:
        """Take in a snapshot; the same one again changes nothing."""
        rows = snapshot.values.get("processes")
        key = (snapshot.host.boot_id, snapshot.monotonic_ns)
        if rows is None or key == self._seq:
            return
        first, self._fresh, self._seq = self._fresh, False, key
        ticks = snapshot.host.ticks_per_second
        growth: dict[str, list[float]] = {}
        levels: dict[str, list[float]] = {}
        known = {}
        for pid, row in rows.items():
            if row.stat is None:
                continue
            name = self._name(row)
            totals = _totals(row, ticks)
            identity, before = self._before.get(pid, (None, totals if first else _NOTHING))
            if identity is not None and identity != row.identity:
                before = _NOTHING
            known[pid] = (row.identity, totals)
            sums = growth.setdefault(name, [0.0] * len(COUNTERS))
            for place, (old, new) in enumerate(zip(before, totals, strict=True)):
                sums[place] += max(0.0, new - old)
            level = levels.setdefault(name, [0.0] * len(GAUGES))
            level[0] += 1
            level[1] += row.stat.num_threads
            level[2] += row.stat.rss_bytes
        self._before = known
        self._promote(growth, levels)
        for group in (*self._shown.values(), self._other):
            group.gauges = [0.0] * len(GAUGES)
        for name, grown in growth.items():
            group = self._shown.get(name, self._other)
            group.add(grown)
            group.gauges = [a + b for a, b in zip(group.gauges, levels[name], strict=True)]

    def _name(self, row: Any) -> str:
        if self._by == "name":
            return _text(row.stat.comm)
        cgroup = getattr(row, "cgroup", None)
        return _text((cgroup and cgroup.unified) or "")

    def _promote(self, growth: dict[str, list[float]], levels: dict[str, list[float]]) -> None:
        """Who gets a series: what fits, the greatest first."""
        now = self._clock()
        for name in growth:
            if name in self._shown:
                self._shown[name].seen = now
        for name in [name for name, group in self._shown.items() if now - group.seen > STALE_SECONDS]:
            # What it did stays counted, so that the sum of all never falls.
            self._other.add(self._shown.pop(name).counters)
        new = [name for name in growth if name not in self._shown and name != OTHER]
        if len(self._shown) + len(new) > self._most:
            by_cpu = sorted(new, key=lambda name: -growth[name][0])[:MOST_TOP]
            by_memory = sorted(new, key=lambda name: -levels[name][2])[:MOST_TOP]
            new = list(dict.fromkeys(name for pair in zip(by_cpu, by_memory, strict=True) for name in pair))
        for name in new[: max(0, self._most - len(self._shown))]:
            self._shown[name] = _Group()
            self._shown[name].seen = now

    def families(self, host: Host) -> Families:
        """The metrics of the groups, by name; none before the first snapshot with processes."""
        if self._seq is None:
            return {}
        label = [self._by]
        found: Families = {}
        groups = [*self._shown.items(), (OTHER, self._other)]
        for place, (name, help) in enumerate(COUNTERS):
            counter = CounterMetricFamily(f"procpulse_process_group_{name}", help, labels=label)
            for group, item in groups:
                counter.add_metric([group], item.counters[place])
            found[counter.name] = counter
        for place, (name, help) in enumerate(GAUGES):
            gauge = GaugeMetricFamily(f"procpulse_process_group_{name}", help, labels=label)
            for group, item in groups:
                gauge.add_metric([group], item.gauges[place])
            found[gauge.name] = gauge
        return found


_NOTHING = (0.0,) * len(COUNTERS)


def _totals(row: Any, ticks: int) -> tuple[float, ...]:
    stat, io = row.stat, getattr(row, "io", None)
    return (
        (stat.user_ticks + stat.system_ticks) / ticks,
        stat.minor_faults,
        stat.major_faults,
        0.0 if io is None else io.read_bytes,
        0.0 if io is None else io.written_bytes,
    )
