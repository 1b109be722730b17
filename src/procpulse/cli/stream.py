"""procpulse stream: what happens, tick by tick."""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

from procpulse.cli import options as shared
from procpulse.cli.table import bold, percent, size, thousands
from procpulse.delta import Delta
from procpulse.sampler import Sampler
from procpulse.sources.proc.loadavg import LOADAVG
from procpulse.sources.proc.pressure import PRESSURE

EXAMPLES = """\
examples:
  procpulse stream                                  one line a second
  procpulse stream --interval 5s --count 12
  procpulse stream --sources stat,net_dev | jq .    one JSON snapshot a line
  procpulse stream --emit usage --format json       rates and ratios instead
"""

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
    return lambda delta: size(_total(delta.usage.disks, name, _is_whole_disk))


def _network(name: str) -> Callable[[Delta], str]:
    return lambda delta: size(_total(delta.usage.interfaces, name, lambda interface: interface != "lo"))


def _total(rows: dict[str, Any], name: str, chosen: Callable[[str], bool]) -> float | None:
    return sum(getattr(row, name) for key, row in rows.items() if chosen(key)) if rows else None


def _is_whole_disk(device: str) -> bool:
    """Whether a device does I/O of its own: partitions, loops and mapped devices count what another one does."""
    if device.startswith(("loop", "ram", "dm-", "md", "zram", "sr", "fd")):
        return False
    if device.startswith(("nvme", "mmcblk", "nbd")):
        return "p" not in device.removeprefix("mmcblk").partition("n")[2]
    return not device[-1].isdigit()


def _pressure(name: str) -> Callable[[Delta], str]:
    return lambda delta: percent(getattr(delta.usage.pressure, name, None)) if PRESSURE in delta else "-"


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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    shared.add_ticks(parser)
    shared.add_sources(parser)
    parser.add_argument(
        "--format", choices=("table", "json"), help="default: a table on a terminal, one JSON object a line elsewhere"
    )
    parser.add_argument(
        "--emit",
        choices=("snapshot", "delta", "usage"),
        default="snapshot",
        help="what a line of JSON holds (default snapshot)",
    )
    shared.add_roots(parser)


def run(options: argparse.Namespace) -> int:
    """Print ticks until told to stop; return the exit code."""
    sources, named = shared.sources(options)
    sampler = Sampler(sources, roots=shared.roots(options))
    format = options.format or ("table" if sys.stdout.isatty() else "json")
    show = _table if format == "table" else _json
    return asyncio.run(show(sampler, options, named))


async def _table(sampler: Sampler, options: argparse.Namespace, named: bool) -> int:
    code, shown = 0, 0
    async with sampler:
        async for delta in sampler.deltas(options.interval, align=options.align):
            if not shown:
                code = shared.failure_code(delta.failures, named)
            if shown % _HEADER_EVERY == 0:
                print("\n".join(header()))
            if delta.gap:
                print(f"{'':8} ({delta.gap} missed)")
            print(line(delta), flush=True)
            shown += 1
            if shown == options.count:
                break
    return code


async def _json(sampler: Sampler, options: argparse.Namespace, named: bool) -> int:
    from procpulse.encode import json

    code, shown = 0, 0
    async with sampler:
        items: Any = (sampler.stream if options.emit == "snapshot" else sampler.deltas)(
            options.interval, align=options.align
        )
        async for item in items:
            if not shown:
                code = shared.failure_code(item.failures, named)
            if options.emit == "usage":
                item = {"seq": item.seq, "time": item.time, "gap": item.gap, "usage": item.usage.rates()}
            sys.stdout.buffer.write(json.encode(item) + b"\n")
            sys.stdout.buffer.flush()
            shown += 1
            if shown == options.count:
                break
    return code
