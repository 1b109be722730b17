"""Processes that come and go while they are read (F1, F2, F3, F13; P1): no exception, no growth, no row of two processes."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.storm import storm

from procpulse import Delta, Sampler
from procpulse.sources import PROCESSES, STAT, processes
from tests.faults.making import compiled


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


def test_one_that_is_being_taken_away_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a moment its `stat` still answers, in state X and with nothing in it that speaks of the process."""
    pread = os.pread
    taken: list[int] = []

    def torn(fd: int, size: int, offset: int) -> bytes:
        data = pread(fd, size, offset)
        pid, bracket, rest = data.partition(b" (")
        if bracket and pid.isdigit() and int(pid) in taken:
            return pid + bracket + rest.replace(b") S ", b") X ")
        return data

    with subprocess.Popen(["sleep", "60"]) as child:
        sampler = Sampler([PROCESSES])
        while child.pid not in (rows := sampler.sample_sync()[PROCESSES]) or rows[child.pid].stat.state != "S":
            time.sleep(0.01)
        sampler.sample_sync()
        monkeypatch.setattr(os, "pread", torn)
        taken.append(child.pid)
        snapshots = [sampler.sample_sync() for _ in range(3)]
        taken.clear()
        again = sampler.sample_sync()
        child.kill()
    sampler.close()
    assert [child.pid in snap[PROCESSES] for snap in snapshots] == [False] * 3
    assert all(snap.failures == again.failures for snap in snapshots)
    assert child.pid in again[PROCESSES]


def test_one_that_takes_the_place_of_another_is_found() -> None:
    """The number of processes is the same then, by which the reader sees that it need not list them."""
    sampler = Sampler([PROCESSES])
    for _ in range(20):
        with subprocess.Popen(["sleep", "60"]) as first:
            assert first.pid in sampler.sample_sync()[PROCESSES]
            assert first.pid in sampler.sample_sync()[PROCESSES]
            first.kill()
        with subprocess.Popen(["sleep", "60"]) as second:
            rows = sampler.sample_sync()[PROCESSES]
            second.kill()
        assert second.pid in rows
        assert first.pid not in rows
    sampler.close()


def test_processes_are_not_listed_again_while_the_kernel_counts_as_many(monkeypatch: pytest.MonkeyPatch) -> None:
    def counts_agree() -> bool:
        """Not in a pid namespace of our own: the kernel counts everybody's processes."""
        names = os.listdir("/proc")
        folders = [name for name in names if os.path.isdir(f"/proc/{name}") and not os.path.islink(f"/proc/{name}")]
        return os.stat("/proc").st_nlink == 2 + len(folders)

    if not any(counts_agree() for _ in range(100)):
        pytest.skip("only some of the processes are shown here")
    sampler = Sampler([PROCESSES])
    listed: list[object] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda place: listed.append(place) or scandir(place))
    for ticks in range(1, 500):
        sampler.sample_sync()
        if len(listed) < ticks:
            break
    sampler.close()
    assert len(listed) < ticks


# As small as a process can be, so that there are ten thousand of them in a second.
SWARM = r"""
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(void) {
    signal(SIGCHLD, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        if (!vfork()) _exit(0);
}
"""


@contextlib.contextmanager
def swarm(folder: Path) -> Iterator[None]:
    programs = [subprocess.Popen([compiled(SWARM, folder)]) for _ in range(2)]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


@pytest.mark.slow
async def test_ten_thousand_forks_a_second(tmp_path: Path, figure: Callable[[str, Any], None]) -> None:
    with swarm(tmp_path):
        async with Sampler([STAT, processes("io", "status", "cmdline")]) as sampler:
            seen: list[Delta] = []
            async for delta in sampler.deltas(interval=0.1):
                seen.append(delta)
                if len(seen) == 30:
                    break
            statistics = sampler.statistics()
    assert not {"bug", "malformed", "exhausted"} & statistics.failures.keys(), statistics.failures
    assert os.getpid() in seen[-1][PROCESSES]
    forks = [d.usage.kernel.forks_per_second or 0 for d in seen]
    assert max(forks) > 2000, "a storm that was none proves nothing"
    assert all(usage.cpu_ratio >= 0 for delta in seen for usage in delta.usage.processes.values())
    figure("P1 forks a second, survived (limit 10,000)", f"mean {sum(forks) / len(forks):.0f}, most {max(forks):.0f}")
