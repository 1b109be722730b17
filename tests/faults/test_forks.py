"""Processes that come and go while they are read (F1, F2, F3, F13): no exception, no growth, no row of two processes."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from procpulse import Delta, Sampler
from procpulse.sources import PROCESSES, STAT, processes

STORM = """
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if not os.fork():
        os._exit(0)
"""


@contextlib.contextmanager
def storm(width: int = 2) -> Iterator[None]:
    """Processes that do nothing but fork children that end at once."""
    forkers = [subprocess.Popen([sys.executable, "-S", "-E", "-c", STORM]) for _ in range(width)]
    try:
        time.sleep(0.3)
        yield
    finally:
        for forker in forkers:
            forker.kill()
            forker.wait()


@pytest.mark.slow
async def test_two_hundred_ticks_beside_two_thousand_forks_a_second() -> None:
    with storm():
        async with Sampler([STAT, processes("io", "status", "cmdline", "cgroup", "fd_count")]) as sampler:
            seen: list[Delta] = []
            async for delta in sampler.deltas(interval=0.05):
                seen.append(delta)
                if len(seen) == 10:
                    early = sampler.statistics().descriptors
                if len(seen) == 200:
                    break
            statistics = sampler.statistics()
            rows = delta[PROCESSES]
            assert "bug" not in statistics.failures, statistics.failures
            assert "malformed" not in statistics.failures, statistics.failures
            assert statistics.descriptors <= early + 100, "descriptors of the dead are closed"
            assert statistics.threads <= 3
            assert rows[os.getpid()].stat.comm.startswith("py")
        forks = [d.usage.kernel.forks_per_second or 0 for d in seen]
    assert sum(forks) / len(forks) > 500, "a storm that was none proves nothing"
    for delta in seen:
        assert all(usage.cpu_ratio >= 0 for usage in delta.usage.processes.values())


async def test_rows_are_of_one_process_each() -> None:
    """In the middle of a storm, all parts of a row have the same pid, and the same name."""
    with storm():
        async with Sampler([processes("status", "comm")]) as sampler:
            async for snap in sampler.stream(interval=0.02):
                for pid, row in snap[PROCESSES].items():
                    assert row.pid == row.stat.pid == pid
                    if row.status is not None:
                        assert row.status.pid == pid
                        assert row.status.ppid in (row.stat.ppid, 1)
                if snap.seq > 50:
                    break
