"""What a client asks for: which sources, how many processes, how often; and the part of a snapshot that this is."""

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from procpulse import catalog
from procpulse.delta import Delta
from procpulse.fields import Kind, fields
from procpulse.snapshot import Snapshot
from procpulse.usage import ProcessUsage, Rates
from procpulse.web.publish import pieces

ORDERS = tuple(field.name for field in fields(ProcessUsage) if field.kind is Kind.GAUGE)
"""What processes can be ordered by."""

MOST_TOP = 10_000
LONGEST = 3600.0
_DECIMAL = re.compile(r"[0-9]{1,10}(\.[0-9]{1,18})?(e[+-]?[0-9]{1,2})?")
PARAMETERS = ("sources", "top", "by", "interval", "usage")


class Selection(msgspec.Struct, frozen=True):
    """What one client wants of each sample. Clients that want the same share the work."""

    sources: tuple[str, ...] | None = None
    """Names of sources; None for all that the server samples."""
    top: int | None = None
    """How many processes; None for all."""
    by: str = "cpu_ratio"
    """What these processes have most of."""
    every: int = 1
    """Each how many ticks of the sampler."""
    usage: bool = False
    """Whether rates and ratios come along."""


class Wrong(ValueError):
    """A query that makes no sense; its message is for the one who asked."""


def parse(
    query: Mapping[str, list[str]], sampled: Iterable[str], interval: float, allow: Iterable[str] = PARAMETERS
) -> Selection:
    """The selection that a query asks for.

    Args:
        query: Values by name, as `urllib.parse.parse_qs` gives them, blank ones kept.
        sampled: Names of the sources that there are.
        interval: Seconds between ticks of the sampler.
        allow: The names that mean something here.

    Raises:
        Wrong: it cannot be had.
    """
    allow = set(allow)
    for name, values in query.items():
        if name not in allow:
            raise Wrong(f"no parameter {name[:40]!r}; there are {', '.join(sorted(allow)) or 'none'}")
        if len(values) > 1:
            raise Wrong(f"{name} is given twice")
    given = {name: values[0] for name, values in query.items()}
    top = given.get("top")
    if top is not None and not (top.isascii() and top.isdigit() and len(top) < 6 and int(top) <= MOST_TOP):
        raise Wrong(f"top is a number from 0 to {MOST_TOP}")
    by = given.get("by", "cpu_ratio")
    if by not in ORDERS:
        raise Wrong(f"by is one of {', '.join(ORDERS)}")
    usage = given.get("usage", "0")
    if usage not in ("0", "1"):
        raise Wrong("usage is 0 or 1")
    return Selection(
        _sources(given.get("sources"), list(sampled)),
        None if top is None else int(top),
        by,
        _every(given.get("interval"), interval),
        usage == "1",
    )


def _sources(asked: str | None, sampled: list[str]) -> tuple[str, ...] | None:
    if asked is None:
        return None
    names = [name for name in asked.split(",") if name]
    for name in names:
        if name not in sampled:
            raise Wrong(
                f"no source {name[:40]!r} here{catalog.suggestion(name[:40], sampled)}; /v1/sources lists what there is"
            )
    chosen = set(names)
    return tuple(name for name in sampled if name in chosen)


def _every(asked: str | None, interval: float) -> int:
    if asked is None:
        return 1
    seconds = float(asked) if _DECIMAL.fullmatch(asked) else math.nan
    every = round(seconds / interval) if math.isfinite(seconds) and seconds <= max(LONGEST, interval) else 0
    if every < 1 or abs(every * interval - seconds) > 1e-6 * seconds:
        raise Wrong(f"interval is a multiple of {interval:g}, up to {LONGEST:g} seconds")
    return every


def top(snapshot: Snapshot, delta: Delta | None, selection: Selection) -> set[int] | None:
    """The pids that a selection is about; None for all."""
    if selection.top is None:
        return None
    if delta is not None:
        return {process.pid for process in delta.usage.top(selection.top, selection.by)}
    rows = snapshot.values.get("processes", {}).values()
    # In a captured tree a process may have no stat.
    largest = sorted(rows, key=lambda row: (0 if row.stat is None else -row.stat.rss_bytes, row.pid))
    return {row.pid for row in largest[: selection.top]}


def select(snapshot: Snapshot, delta: Delta | None, selection: Selection) -> Snapshot:
    """The part of a snapshot that was asked for."""
    names = list(snapshot.values) if selection.sources is None else selection.sources
    values = {name: snapshot.values[name] for name in names if name in snapshot.values}
    rows_ns = {name: snapshot.rows_ns[name] for name in names if name in snapshot.rows_ns}
    if "processes" in values:
        pids = top(snapshot, delta, selection)
        if pids is not None:
            times = snapshot.row_times("processes")
            rows = {pid: row for pid, row in values["processes"].items() if pid in pids}
            values["processes"] = rows
            if times:
                rows_ns["processes"] = pieces([times[pid] for pid in rows])
    if selection.sources is None:
        failures = snapshot.failures
    else:
        chosen = set(selection.sources)
        failures = {name: why for name, why in snapshot.failures.items() if name.partition("/")[0] in chosen}
    read_ns = {name: snapshot.read_ns[name] for name in names if name in snapshot.read_ns}
    return msgspec.structs.replace(snapshot, values=values, failures=failures, read_ns=read_ns, rows_ns=rows_ns)


def select_delta(delta: Delta, selection: Selection) -> Delta:
    """The part of a delta that was asked for."""
    names = set(delta.values) if selection.sources is None else set(selection.sources)
    values = {name: value for name, value in delta.values.items() if name in names}
    rows = {name: times for name, times in delta.rows_elapsed_ns.items() if name in names}
    resets = [reset for reset in delta.resets if reset.source in names]
    if selection.top is not None and "processes" in values:
        pids = {process.pid for process in delta.usage.top(selection.top, selection.by)}
        values["processes"] = {pid: row for pid, row in values["processes"].items() if pid in pids}
        rows["processes"] = {pid: took for pid, took in rows.get("processes", {}).items() if pid in pids}
        resets = [reset for reset in resets if reset.source != "processes" or int(reset.row.split("/")[0]) in pids]
    failures = delta.failures
    if selection.sources is not None:
        failures = {name: why for name, why in failures.items() if name.partition("/")[0] in names}
    return Delta(
        seq=delta.seq,
        time=delta.time,
        monotonic_ns=delta.monotonic_ns,
        host=delta.host,
        values=values,
        elapsed_ns={name: took for name, took in delta.elapsed_ns.items() if name in names},
        rows_elapsed_ns=rows,
        resets=resets,
        failures=failures,
        gap=delta.gap,
        interval=delta.interval,
    )


def rates(delta: Delta, selection: Selection) -> Rates:
    """The rates and ratios that were asked for: all of them, with so many processes."""
    usage = delta.usage
    if selection.top is None:
        return usage.rates()
    chosen = {process.pid: process for process in usage.top(selection.top, selection.by)}
    whole: dict[str, Any] = {name: getattr(usage, name) for name in Rates.__struct_fields__ if name not in _MANY}
    threads = {tid: thread for tid, thread in usage.threads.items() if thread.pid in chosen}
    cgroups = {group.path: group for group in usage.top_cgroups(selection.top)}
    return Rates(**whole, processes=chosen, threads=threads, cgroups=cgroups)


_MANY = ("processes", "threads", "cgroups")
HISTORY = ("cpu", "cpus", "memory", "disks", "disk_total", "interfaces", "network_total", "kernel", "pressure")
"""What a history has of the rates."""
DEVICES = ("cpus", "disks", "interfaces")
"""What of these is told for each device by itself."""
