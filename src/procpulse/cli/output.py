"""Ticks as lines: a table for people, JSON and CSV for programs; of a live stream and of a recording alike."""

import argparse
import csv
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

from procpulse import usage
from procpulse.cli import options as shared
from procpulse.cli.table import bold, percent, size, thousands
from procpulse.delta import Delta
from procpulse.snapshot import Snapshot
from procpulse.sources.proc.loadavg import LOADAVG

_HEADER_EVERY = 20

_Column = tuple[str, str, int, Callable[[Delta], str]]


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
    ("", "time", 8, lambda delta: time.strftime("%H:%M:%S", time.localtime(delta.time))),
    ("cpu %", "usr", 4, _user),
    ("cpu %", "sys", 4, _system),
    ("cpu %", "iow", 4, _cpu("iowait_ratio")),
    ("cpu %", "busy", 5, _cpu("busy_ratio")),
    ("", "run", 4, _runnable),
    ("memory", "used", 6, _memory("used_bytes")),
    ("memory", "avail", 6, _memory("available_bytes")),
    ("memory", "swap", 6, _memory("swap_used_bytes")),
    ("disk B/s", "read", 6, _disks("read_bytes_per_second")),
    ("disk B/s", "write", 6, _disks("written_bytes_per_second")),
    ("net B/s", "in", 6, _network("rx_bytes_per_second")),
    ("net B/s", "out", 6, _network("tx_bytes_per_second")),
    ("pressure %", "cpu", 4, _pressure("cpu_some_ratio")),
    ("pressure %", "mem", 4, _pressure("memory_some_ratio")),
    ("pressure %", "io", 4, _pressure("io_some_ratio")),
    ("", "ctxsw/s", 8, lambda delta: thousands(delta.usage.kernel.context_switches_per_second)),
)


def header() -> list[str]:
    """Two lines: the groups of columns, and the columns."""
    groups: list[tuple[str, int]] = []
    for group, _, width, _ in COLUMNS:
        if groups and groups[-1][0] == group and group:
            groups[-1] = (group, groups[-1][1] + width + 1)
        else:
            groups.append((group, width))
    above = " ".join(f" {group} ".center(width, "-") if group else " " * width for group, width in groups)
    below = " ".join(name.rjust(width) for _, name, width, _ in COLUMNS)
    return [bold(above.rstrip()), bold(below)]


def line(delta: Delta) -> str:
    """One tick."""
    return " ".join(show(delta).rjust(width) for _, _, width, show in COLUMNS)


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
        default="snapshot",
        help="what a line of JSON holds (default snapshot)",
    )
    parser.add_argument(
        "--rows",
        choices=tuple(_ROWS),
        default="host",
        help="what a line of CSV is of: the host, or each of its cpus, disks, ... (default host)",
    )


class Ticks(Protocol):
    """Where ticks come from."""

    def snapshots(self) -> AsyncIterator[Snapshot]:
        """Each as it was taken."""
        ...

    def deltas(self) -> AsyncIterator[Delta]:
        """What changed from one to the next."""
        ...


async def show(ticks: Ticks, options: argparse.Namespace, named: bool = False) -> int:
    """Print ticks as they come, in the form that was asked for; return the exit code.

    Args:
        ticks: Where they come from.
        options: Of the command.
        named: Whether each source was named, so that it must be there.
    """
    format = options.format or ("table" if sys.stdout.isatty() else "json")
    items: AsyncIterator[Any] = ticks.snapshots() if format == "json" and options.emit == "snapshot" else ticks.deltas()
    lines = {"table": _table, "json": _json, "csv": _csv}[format](options)
    code, shown = 0, 0
    try:
        async for item in items:
            if not shown:
                code = shared.failure_code(item.failures, named)
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


def _table(options: argparse.Namespace) -> _Show:
    def show(delta: Delta, shown: int) -> None:
        if shown % _HEADER_EVERY == 0:
            print("\n".join(header()))
        if delta.gap:
            print(f"{'':8} ({delta.gap} missed)")
        print(line(delta))

    return show


def _json(options: argparse.Namespace) -> _Show:
    from procpulse.encode import json

    def show(item: Any, shown: int) -> None:
        if options.emit == "usage":
            item = {"seq": item.seq, "time": item.time, "gap": item.gap, "usage": item.usage.rates()}
        sys.stdout.buffer.write(json.encode(item) + b"\n")

    return show


def _csv(options: argparse.Namespace) -> _Show:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    columns, rows = _ROWS[options.rows]

    def show(delta: Delta, shown: int) -> None:
        if not shown:
            writer.writerow(["time", "seq", "gap", *columns])
        moment = datetime.fromtimestamp(delta.time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        for row in rows(delta.usage):
            writer.writerow([moment, delta.seq, delta.gap, *map(cell, row)])

    return show


def cell(value: Any) -> Any:
    """A value for CSV. Text that a spreadsheet would take for a formula gets a quote before it."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value


_GROUPS = {
    "cpu": usage.CpuUsage,
    "memory": usage.MemoryUsage,
    "kernel": usage.KernelUsage,
    "pressure": usage.PressureUsage,
}


def _host(found: usage.Usage) -> Iterator[list[Any]]:
    row: list[Any] = []
    for group, record in _GROUPS.items():
        values = getattr(found, group)
        row += [getattr(values, name, None) for name in record.__struct_fields__]
    yield row


def _each(group: str, record: Any, key: str = "") -> tuple[list[str], Callable[[usage.Usage], Iterator[list[Any]]]]:
    """The columns and the rows of something that a host has several of."""
    names = record.__struct_fields__

    def rows(found: usage.Usage) -> Iterator[list[Any]]:
        for label, values in getattr(found, group).items():
            yield [*([label] if key else []), *(getattr(values, name) for name in names)]

    return [*([key] if key else []), *names], rows


_ROWS: dict[str, tuple[list[str], Callable[[usage.Usage], Iterator[list[Any]]]]] = {
    "host": ([f"{group}.{name}" for group, record in _GROUPS.items() for name in record.__struct_fields__], _host),
    "cpus": _each("cpus", usage.CpuUsage, "cpu"),
    "disks": _each("disks", usage.DiskUsage),
    "interfaces": _each("interfaces", usage.InterfaceUsage),
    "processes": _each("processes", usage.ProcessUsage),
}
