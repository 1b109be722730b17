"""Every part of 1,000 processes beside a fork storm: rows come and go, and nothing is raised."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from procpulse import Reason, Sampler, difference
from procpulse.sources import PROCESSES, processes

# 1,000 children that sleep, then a storm: a child a time that ends at once, as fast as they can be made.
CROWD = """
import os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pause()
        os._exit(0)
print("there", flush=True)
signal.pause()
"""
STORM = """
import os
while os.getppid() == {parent}:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
"""
PART_FAILURES = {Reason.DENIED, Reason.UNSUPPORTED, Reason.TIMEOUT, Reason.MISSING}


@contextmanager
def crowd(size: int) -> Iterator[int]:
    """So many processes and a storm; the number of the group that they are in."""
    sleepers = subprocess.Popen(
        [sys.executable, "-c", CROWD, str(size)], stdout=subprocess.PIPE, start_new_session=True
    )
    storm = subprocess.Popen([sys.executable, "-S", "-c", STORM.format(parent=os.getpid())])
    assert sleepers.stdout is not None
    assert sleepers.stdout.readline() == b"there\n"
    try:
        yield sleepers.pid
    finally:
        storm.kill()
        storm.wait()
        os.killpg(sleepers.pid, signal.SIGTERM)
        sleepers.wait()
        sleepers.stdout.close()


def watch(source: Any, group: int, size: int, ticks: int) -> None:
    """Sample so often; each of the crowd is there at each tick, and whatever fails has a reason."""
    sampler = Sampler([source], deadlines={source: 120.0})
    before = None
    for _ in range(ticks):
        snapshot = sampler.sample_sync()
        rows = snapshot[PROCESSES]
        assert len([pid for pid, row in rows.items() if row.stat.pgrp == group]) == size + 1
        assert {failure.reason for failure in snapshot.failures.values()} <= PART_FAILURES, snapshot.failures
        if before is not None:
            grown = difference(before, snapshot)
            assert not [reset for reset in grown.resets if reset.field in ("user_ticks", "system_ticks")]
            assert len(grown.usage.processes) > size
        before = snapshot
    statistics = sampler.statistics()
    assert not statistics.failures.get(Reason.BUG)
    sampler.close()


def test_every_part_of_many_processes_beside_a_fork_storm() -> None:
    with crowd(100) as group:
        watch(processes(), group, 100, 2)


def test_small_parts_and_threads_of_1000_processes_beside_a_fork_storm() -> None:
    with crowd(1000) as group:
        watch(processes("stat", "status", "io", "schedstat", threads=True), group, 1000, 5)


@pytest.mark.slow
@pytest.mark.skipif("SLOW" not in os.environ, reason="takes a minute: set SLOW")
def test_every_part_and_thread_of_1000_processes_beside_a_fork_storm() -> None:
    with crowd(1000) as group:
        watch(processes(threads=True), group, 1000, 5)
