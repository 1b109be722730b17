"""What may leave the process: which sources a server samples, and what is taken out of a sampler that it is given.

A client chooses among what the server samples, and can ask for nothing else. `environ` never leaves, whoever asks;
arguments of processes only where the server was started with them, and then as much of them as it was told.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from procpulse import catalog
from procpulse.process import PerProcess
from procpulse.redact import Arguments
from procpulse.snapshot import Snapshot
from procpulse.source import Source
from procpulse.sources.proc import cmdline as kernel
from procpulse.sources.proc.pid_cmdline import PidCmdline, as_shown
from procpulse.sources.proc.processes import row_type, row_with_threads, showing, table

NEEDED = ("stat", "meminfo", "vmstat", "diskstats", "net_dev", "pressure", "block_links", "class_net_links")
"""What usage is made of, beside processes."""

EXTRA = ("class_thermal", "class_hwmon", "cgroup")
"""What a page shows beside the default profile, where a host has it."""

SLOW = {"class_thermal": 5.0, "class_hwmon": 10.0, "cgroup": 5.0}
"""Seconds between reads of what talks to hardware, or is long."""


def arguments(cmdline: bool | str) -> Arguments | None:
    """How much of the arguments of processes is shown; None for none of them.

    Args:
        cmdline: "names", "redacted" or "raw"; True for "names", False for none.

    Raises:
        ValueError: something else.
    """
    if isinstance(cmdline, bool):
        return Arguments.NAMES if cmdline else None
    return Arguments(cmdline)


def default_sources(how: Arguments | None) -> list[Source[Any]]:
    """What a server samples unless it is told: the host, its processes with their I/O, temperatures, control groups."""
    names = [*catalog.PROFILE, *EXTRA]
    parts = ("io",) if how is None else ("io", "cmdline")
    return [*map(catalog.source, names), catalog.module("processes").processes(*parts)]


def complete(sources: Iterable[Source[Any]]) -> list[Source[Any]]:
    """These sources, and those that usage is made of."""
    found = {source.name: source for source in sources}
    for name in NEEDED:
        found.setdefault(name, catalog.source(name))
    found.setdefault("processes", catalog.source("processes"))
    return list(found.values())


def cadence(sources: Iterable[Source[Any]], interval: float) -> dict[Source[Any], float]:
    """Seconds between reads of those sources that need not be read at every tick."""
    slow = {source: SLOW[source.name] for source in sources if source.name in SLOW and source.cadence is None}
    return {source: seconds for source, seconds in slow.items() if seconds > interval}


def allowed(sources: Iterable[Source[Any]], how: Arguments | None) -> list[Source[Any]]:
    """The sources as a server may sample them: secrets left out, arguments hidden where they are parsed.

    Args:
        sources: What is asked for.
        how: How much of the arguments of processes is shown; None for none of them.
    """
    return [
        _allowed(source, how)
        if isinstance(source, PerProcess)
        else kernel.REDACTED
        if source.name == kernel.REDACTED.name and how is not Arguments.RAW
        else source
        for source in sources
    ]


def _allowed(source: PerProcess[Any], how: Arguments | None) -> PerProcess[Any]:
    parts = [part for part in source.parts if not part.secret and (how is not None or part.name != "cmdline")]
    threads = source.threads
    if threads is not None and any(part.secret or part.name == "cmdline" for part in threads.parts):
        threads = None  # what these may be seen of stands with their process
    if tuple(parts) != source.parts or threads is not source.threads:
        names = tuple(part.name for part in parts)
        row = (
            row_type(names) if threads is None else row_with_threads(names, tuple(part.name for part in threads.parts))
        )
        source = table(source.name, row, source.stat, tuple(parts), source.rss_limit_bytes, threads)
    return source if how is None else showing(source, how)


class Publisher:
    """Takes out of the snapshots of a sampler what its clients may not see.

    Args:
        sources: What the sampler reads.
        how: How much of the arguments of processes is shown; None for none of them.
    """

    def __init__(self, sources: Iterable[Source[Any]], how: Arguments | None):
        sources = list(sources)
        self._how = how
        self.sources = allowed(sources, how)
        """What clients see, by type."""
        self._tables = [
            (old.name, [part.name for part in new.parts] + ["threads"] * (new.threads is not None), new.row)
            for old, new in zip(sources, self.sources, strict=True)
            if isinstance(old, PerProcess) and isinstance(new, PerProcess) and old is not new
        ]
        self._rows: dict[str, dict[int, tuple[Any, Any]]] = {}

    def __call__(self, snapshot: Snapshot) -> Snapshot:
        """The snapshot as clients may see it."""
        values = dict(snapshot.values)
        changed = False
        for name, parts, row in self._tables:
            if name in values:
                values[name] = self._table(name, parts, row, values[name])
                changed = True
        told = values.get(kernel.REDACTED.name)
        if isinstance(told, kernel.Cmdline) and self._how is not Arguments.RAW:
            values[kernel.REDACTED.name] = kernel.without_secrets(told)
            changed |= values[kernel.REDACTED.name] is not told
        ordered = {name: dict(sorted(values[name].items())) for name in snapshot.rows_ns if not _ascends(values[name])}
        if not changed and not ordered:
            return snapshot
        rows_ns = dict(snapshot.rows_ns)
        for name, rows in ordered.items():
            times = snapshot.row_times(name)
            rows_ns[name] = pieces([times[key] for key in rows])
        return msgspec.structs.replace(snapshot, values={**values, **ordered}, rows_ns=rows_ns)

    def _table(self, name: str, parts: list[str], row: Any, rows: dict[int, Any]) -> dict[int, Any]:
        known, kept, made = self._rows.get(name, {}), {}, {}
        for pid, old in rows.items():
            pair = known.get(pid)
            if pair is None or pair[0] is not old:
                fields = [getattr(old, part) for part in parts]
                if self._how is not None:
                    fields = [as_shown(f, self._how) if isinstance(f, PidCmdline) else f for f in fields]
                pair = (old, row(old.pid, old.identity, old.stat, *fields))
            kept[pid] = pair
            made[pid] = pair[1]
        self._rows[name] = kept
        return made


def _ascends(rows: dict[Any, Any]) -> bool:
    keys = list(rows)
    return keys == sorted(keys)


def pieces(times: list[int]) -> list[tuple[int, int]]:
    """Times of rows, one after the other, as (when, how many)."""
    found: list[tuple[int, int]] = []
    for when in times:
        if found and found[-1][0] == when:
            found[-1] = (when, found[-1][1] + 1)
        else:
            found.append((when, 1))
    return found
