"""What children read and wrote is not told as what their parent does in the moment that it waits for them."""

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest

from procpulse import Host, Sampler, Snapshot, difference
from procpulse.sources import processes
from procpulse.sources.proc.pid_io import PidIo
from procpulse.sources.proc.pid_stat import PidStat
from procpulse.sources.proc.processes import row_type

HOST = Host(boot_id="a", word_bits=64, cpus=4)


def process(io: tuple[int, int], children: tuple[int, int] = (0, 0), ticks: int = 0) -> Any:
    minor, major = children
    stat = PidStat(
        7, "bash", "S", 1, 1, 1, 0, -1, 0, 5, minor, 0, major, ticks, 0, minor, 0, 20, 0, 1, 100, 4096, 8192, 2**64 - 1
    )
    make: Any = row_type(("io",))
    return make(7, 100, stat, PidIo(0, 0, 0, 0, *io, 0))


def usage(before: Any, after: Any) -> Any:
    found = []
    for seq, row in enumerate((before, after), 1):
        at = seq * 2_000_000_000
        found.append(Snapshot(seq, 1000.0, at, HOST, {"processes": {7: row}}, {}, {"processes": at}))
    return difference(*found).usage.processes[7]


def rates(found: Any) -> tuple[float | None, ...]:
    return (
        found.read_bytes_per_second,
        found.written_bytes_per_second,
        found.with_children_read_bytes_per_second,
        found.with_children_written_bytes_per_second,
    )


def test_a_process_of_its_own() -> None:
    assert rates(usage(process((0, 0)), process((4000, 2000)))) == (2000.0, 1000.0, None, None)


@pytest.mark.parametrize("children", [(300, 0), (0, 2), (1, 1)])
def test_a_process_that_waited(children: tuple[int, int]) -> None:
    found = usage(process((0, 0)), process((0, 10**9), children, ticks=4))
    assert rates(found) == (0.0, None, None, 5e8), "what did not grow at all is known to be 0"
    assert found.cpu_ratio == 0.02, "the time of children is counted beside its own"
    again = usage(process((0, 10**9), children), process((0, 10**9 + 4096), children))
    assert rates(again) == (0.0, 2048.0, None, None), "only in that tick"


async def test_a_shell_and_its_children(tmp_path: Path) -> None:
    """A shell that writes nothing runs two programs that do."""
    size = 24 << 20
    write = f"dd if=/dev/zero of={tmp_path}/data bs=1M count={size >> 20} conv=fsync 2>/dev/null; sleep 0.2"
    shell = await asyncio.create_subprocess_shell(
        f"read go; {write}; {write}; read end", executable="/bin/bash", stdin=asyncio.subprocess.PIPE
    )
    assert shell.stdin is not None
    source = processes("io")
    written: list[float] = []
    with_children: list[float] = []
    before = 0
    try:
        async with Sampler([source]) as sampler:
            shell.stdin.write(b"go\n")
            end = time.monotonic() + 60
            async for delta in sampler.deltas(0.05):
                row = delta[source].get(shell.pid)
                if row is None:
                    continue
                rates = delta.usage.processes[shell.pid]
                seconds = delta.rows_elapsed_ns["processes"][shell.pid] / 1e9
                written.append((rates.written_bytes_per_second or 0.0) * seconds)
                if rates.with_children_written_bytes_per_second is not None:
                    assert rates.written_bytes_per_second is None
                    with_children.append(rates.with_children_written_bytes_per_second * seconds)
                before += row.io.written_bytes
                if before >= 2 * size or time.monotonic() > end:
                    break
    finally:
        shell.kill()
        await shell.wait()
    if not before:
        pytest.skip("the file system of temporary files does not account what is written to it")
    assert sum(with_children) == pytest.approx(2 * size, rel=0.05)
    assert sum(written) < 1 << 20, "the shell writes next to nothing itself"


def test_every_child_has_page_faults() -> None:
    """What tells that a process waited is there for the smallest of children."""
    source = processes("stat")
    sampler = Sampler([source])
    try:
        before = sampler.sample_sync()[source][os.getpid()].stat.child_minor_faults
        child = os.fork()
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        after = sampler.sample_sync()[source][os.getpid()].stat.child_minor_faults
    finally:
        sampler.close()
    assert after > before
