"""Ticks as lines: a table for people, JSON and CSV for programs; of a live stream and of a recording alike."""

import argparse
import csv
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from procpulse.cli import options as shared
from procpulse.cli import rows as of
from procpulse.cli.table import bold, percent, size, thousands
from procpulse.delta import Delta
from procpulse.snapshot import Snapshot
from procpulse.source import Roots
from procpulse.sources.proc.loadavg import LOADAVG

_HEADER_EVERY = 20
_TIME = 8  # characters of a time


class _Column(NamedTuple):
    """One column of the table of the host."""

    group: str
    name: str
    width: int
    show: Callable[[Delta], str]
    needs: tuple[str, ...]
    """Sources, of which it needs one."""


def _cpu(name: str) -> Callable[[Delta], str]:
    return lambda delta: percent(getattr(delta.usage.cpu, name, None))


def _system(delta: Delta) -> str:
    cpu = delta.usage.cpu
    return percent(None if cpu is None else cpu.system_ratio + cpu.irq_ratio + cpu.softirq_ratio)


def _user(delta: Delta) -> str:
    cpu = delta.usage.cpu
    return percent(None if cpu is None else cpu.user_ratio + cpu.nice_ratio + cpu.guest_ratio)


def _runnable(delta: Delta) -> str:
    loadavg = delta.get(LOADAVG)
    running = delta.usage.kernel.procs_running if loadavg is None else loadavg.runnable
    return "-" if running is None else str(running)


def _memory(name: str) -> Callable[[Delta], str]:
    return lambda delta: size(getattr(delta.usage.memory, name, None))


def _disks(name: str) -> Callable[[Delta], str]:
    return lambda delta: size(getattr(delta.usage.disk_total, name, None))


def _network(name: str) -> Callable[[Delta], str]:
    return lambda delta: size(getattr(delta.usage.network_total, name, None))


def _pressure(name: str) -> Callable[[Delta], str]:
    return lambda delta: percent(getattr(delta.usage.pressure, name, None))


COLUMNS: tuple[_Column, ...] = (
    _Column("cpu %", "usr", 4, _user, ("stat",)),
    _Column("cpu %", "sys", 4, _system, ("stat",)),
    _Column("cpu %", "iow", 4, _cpu("iowait_ratio"), ("stat",)),
    _Column("cpu %", "busy", 5, _cpu("busy_ratio"), ("stat",)),
    _Column("", "run", 4, _runnable, ("loadavg", "stat")),
    _Column("memory", "used", 6, _memory("used_bytes"), ("meminfo",)),
    _Column("memory", "avail", 6, _memory("available_bytes"), ("meminfo",)),
    _Column("memory", "swap", 6, _memory("swap_used_bytes"), ("meminfo",)),
    _Column("disk B/s", "read", 6, _disks("read_bytes_per_second"), ("diskstats",)),
    _Column("disk B/s", "write", 6, _disks("written_bytes_per_second"), ("diskstats",)),
    _Column("net B/s", "in", 6, _network("rx_bytes_per_second"), ("net_dev",)),
    _Column("net B/s", "out", 6, _network("tx_bytes_per_second"), ("net_dev",)),
    _Column("pressure %", "cpu", 4, _pressure("cpu_some_ratio"), ("pressure",)),
    _Column("pressure %", "mem", 4, _pressure("memory_some_ratio"), ("pressure",)),
    _Column("pressure %", "io", 4, _pressure("io_some_ratio"), ("pressure",)),
    _Column("", "ctxsw/s", 8, lambda delta: thousands(delta.usage.kernel.context_switches_per_second), ("stat",)),
)
"""What the table of the host shows beside the time."""


def columns(there: Collection[str]) -> list[_Column]:
    """The columns that have a source.

    Raises:
        Refused: none has.
    """
    found = [column for column in COLUMNS if any(source in there for source in column.needs)]
    if not found:
        wanted = sorted({source for column in COLUMNS for source in column.needs})
        raise shared.Refused(
            f"a table is of {', '.join(wanted)}: add one of these to --sources, or use --format json", 2
        )
    return found


class Times:
    """What to show as the time of each tick: when it was due, so that ticks a second apart are shown a second apart.

    A tick may be taken up to half an interval late, and the next one on time. Shown is the time of the first tick and
    as many intervals as there are ticks since; where that is off by more than half an interval, since the clock was set
    or another recording begins, it starts anew.
    """

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None

    def __call__(self, delta: Delta) -> str:
        """The time of a tick, on this machine's wall clock."""
        interval = delta.interval or 0.0
        if self._first is None:
            self._first = delta.seq, delta.time
        due = self._first[1] + (delta.seq - self._first[0]) * interval
        if abs(due - delta.time) > max(interval / 2, 0.5):
            self._first = delta.seq, delta.time
            due = delta.time
        return time.strftime("%H:%M:%S", time.localtime(round(due, 3)))


def header(shown: list[_Column]) -> list[str]:
    """Two lines: the groups of columns, and the columns."""
    groups: list[tuple[str, int]] = [("", _TIME)]
    for column in shown:
        if groups[-1][0] == column.group and column.group:
            groups[-1] = (column.group, groups[-1][1] + column.width + 1)
        else:
            groups.append((column.group, column.width))
    above = " ".join(f" {group} ".center(width, "-") if group else " " * width for group, width in groups)
    below = " ".join(name.rjust(wide) for name, wide in [("time", _TIME), *((c.name, c.width) for c in shown)])
    return [bold(above.rstrip()), bold(below)]


def add_form(parser: argparse.ArgumentParser) -> None:
    """What a tick looks like."""
    parser.add_argument(
        "--format",
        choices=("table", "json", "csv"),
        help="default: a table on a terminal, one JSON object a line elsewhere; csv is of usage",
    )
    parser.add_argument(
        "--emit",
        choices=("snapshot", "delta", "usage"),
        help="what a line of JSON holds (default snapshot); tables and CSV are of usage",
    )
    parser.add_argument(
        "--rows",
        choices=of.CHOICES,
        help="show usage of each of these instead: a row of a table or of CSV, or a member of JSON (default host)",
    )


class Form(NamedTuple):
    """What was asked for."""

    format: str
    emit: str
    rows: str | None


def form(options: argparse.Namespace) -> Form:
    """How ticks are to be shown.

    Raises:
        Refused: the options do not go together.
    """
    format, emit, rows = options.format, options.emit, options.rows
    if format is None:
        format = "table" if emit is None and sys.stdout.isatty() else "json"
    if format != "json" and emit not in (None, "usage"):
        raise shared.Refused(f"--emit {emit} is for --format json: {format} is of usage", 2)
    if rows is not None and emit not in (None, "usage"):
        raise shared.Refused(f"--rows {rows} is of usage, not of --emit {emit}", 2)
    return Form(format, emit or ("snapshot" if rows is None else "usage"), rows)


class Ticks(Protocol):
    """Where ticks come from."""

    recorded: bool
    """Whether they come from a recording."""

    async def names(self) -> Collection[str]:
        """The sources that they may have."""
        ...

    def snapshots(self) -> AsyncIterator[Snapshot]:
        """Each as it was taken."""
        ...

    def deltas(self) -> AsyncIterator[Delta]:
        """What changed from one to the next."""
        ...


async def show(ticks: Ticks, options: argparse.Namespace, named: bool = False, roots: Roots | None = None) -> int:
    """Print ticks as they come, in the form that was asked for; return the exit code.

    Args:
        ticks: Where they come from.
        options: Of the command.
        named: Whether each source was named, so that it must be there.
        roots: Where they are read, so that failures name the real place.

    Raises:
        Refused: there would never be what was asked for.
    """
    chosen = form(options)
    lines: _Show
    if chosen.emit == "snapshot" and chosen.format == "json":
        items: AsyncIterator[Any] = ticks.snapshots()
        lines = _json(chosen, ())
    else:
        there = await ticks.names()
        of.check(chosen.rows, there, ticks.recorded)
        lines = {"table": _table, "json": _json, "csv": _csv}[chosen.format](chosen, there)
        items = ticks.deltas()
    code, shown = 0, 0
    try:
        async for item in items:
            if not shown:
                code = shared.failure_code(item.failures, named, roots)
            lines(item, shown)
            sys.stdout.flush()
            shown += 1
            if shown == options.count:
                break
    finally:
        if isinstance(items, AsyncGenerator):
            await items.aclose()
    return code


_Show = Callable[[Any, int], None]


def _table(chosen: Form, there: Collection[str]) -> _Show:
    times = Times()
    if chosen.rows is not None and chosen.rows != "host":
        each = of.EACH[chosen.rows]

        def show_each(delta: Delta, shown: int) -> None:
            print(bold(times(delta)) + (f"  ({delta.gap} missed)" if delta.gap else ""))
            print("\n".join(of.table(each, delta)) + "\n")

        return show_each
    used = columns(there)

    def show(delta: Delta, shown: int) -> None:
        if shown % _HEADER_EVERY == 0:
            print("\n".join(header(used)))
        if delta.gap:
            print(f"{'':{_TIME}} ({delta.gap} missed)")
        print(" ".join([times(delta), *(column.show(delta).rjust(column.width) for column in used)]))

    return show


def _json(chosen: Form, there: Collection[str]) -> _Show:
    from procpulse.encode import json

    groups: list[str] | None = None
    if chosen.rows == "host":
        groups = list(of.host_groups(there))
    elif chosen.rows is not None:
        groups = [of.EACH[chosen.rows].group]

    def show(item: Any, shown: int) -> None:
        if chosen.emit == "usage":
            found = item.usage.rates() if groups is None else {name: getattr(item.usage, name) for name in groups}
            item = {"seq": item.seq, "time": item.time, "gap": item.gap, "usage": found}
        sys.stdout.buffer.write(json.encode(item) + b"\n")

    return show


def _csv(chosen: Form, there: Collection[str]) -> _Show:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    if chosen.rows is None or chosen.rows == "host":
        names, rows = of.host_columns(of.host_groups(there))
    else:
        names, rows = of.EACH[chosen.rows].columns, of.EACH[chosen.rows].of

    def show(delta: Delta, shown: int) -> None:
        if not shown:
            writer.writerow(["time", "seq", "gap", *names])
        moment = datetime.fromtimestamp(delta.time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for row in rows(delta):
            writer.writerow([moment, delta.seq, delta.gap, *map(cell, row)])

    return show


def cell(value: Any) -> Any:
    """A value for CSV. Text that a spreadsheet would take for a formula gets a quote before it."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
