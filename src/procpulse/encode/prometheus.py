"""Samples as Prometheus metrics, from what the fields say of themselves.

    REGISTRY.register(Collector(Sampler([STAT, MEMINFO, PROCESSES])))   # in a service's own registry

A field becomes `procpulse_<source>_<field>` in base units: milliseconds, ticks and the like are seconds, pages are
bytes, percent are ratios; counters end in `_total`. Labels of a row are labels, the words of an open set the label
`key`, facts the labels of `procpulse_<source>_info`. What could not be read is absent, and `procpulse_source_up` is 0.

There is no series a process: processes are added up by name or control group, the greatest each for itself and the
rest as `other`. Needs the package prometheus_client.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import msgspec
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector as BaseCollector

from procpulse.encode.process_groups import MOST_NAMES, Groups, label_text
from procpulse.fields import Field, Kind, Shape, Unit, fields, is_record
from procpulse.sampler import Sampler
from procpulse.snapshot import Snapshot
from procpulse.source import Host

MOST_SAMPLES = 20_000
"""How many samples one source may have; the rows after are left out and counted."""

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
                labels[name] = label_text(getattr(record, field.name))
            elif field.kind is Kind.INFO and field.type is str:
                found = getattr(record, field.name)
                if found is not None:
                    facts[field.name] = label_text(found)
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
                    self._add(name, field, {**labels, key: label_text(word)}, number * column.factor)
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
