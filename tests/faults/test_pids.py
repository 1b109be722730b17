"""Pids that are used again, zombies, kernel threads (F3, F5, F6, F9; P7): no growth across two processes, ever."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procpulse import Sampler, difference
from procpulse.sources import processes
from tests.faults.making import child

Figure = Callable[[str, Any], None]

REUSED = """
    import ctypes, json, os, signal, struct, sys, time
    from procpulse import Sampler, difference
    from procpulse.sources import processes

    SET_TID = 4242
    pids = (ctypes.c_int * 1)(SET_TID)
    call = ctypes.PyDLL(None, use_errno=True).syscall  # keeps the interpreter's lock: the child goes on in Python

    def born(burn):
        '''A process of that very pid, by clone3 with set_tid, that has used some CPU time and written some bytes.'''
        fields = [0] * 11
        fields[4] = signal.SIGCHLD
        fields[8], fields[9] = ctypes.addressof(pids), 1
        packed = struct.pack("11Q", *fields)
        ready, go = os.pipe()
        pid = call(435, packed, len(packed))
        if pid < 0:
            raise OSError(ctypes.get_errno(), "clone3")
        if not pid:
            end = time.process_time() + burn
            while time.process_time() < end:
                pass
            os.write(go, b"x" * int(1 + burn * 10000))
            signal.pause()
            os._exit(0)
        os.read(ready, 4096)
        os.close(ready), os.close(go)
        return pid

    def ended(pid):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    rounds, descriptors = int(sys.argv[1]), int(sys.argv[2])
    source = processes("io", "status") if sys.argv[3] == "parts" else processes("status")
    sampler = Sampler([source], descriptors=descriptors)
    wrong, same_tick, identities = 0, 0, set()
    pid = born(0.02)
    before = sampler.sample_sync()
    for i in range(rounds):
        old = before[source][SET_TID]
        ended(pid)
        pid = born(0.02 if i % 50 == 0 else 0.0)
        after = sampler.sample_sync()
        new = after[source][SET_TID]
        identities.add(new.identity)
        same_tick += old.stat.start_ticks == new.stat.start_ticks
        delta = difference(before, after)
        wrong += SET_TID in delta[source] or new.identity == old.identity
        before = after
    # Nobody died since: the same process, and a delta of it.
    after = sampler.sample_sync()
    kept = SET_TID in difference(before, after)[source]
    ended(pid)
    print(json.dumps({"wrong": wrong, "same_tick": same_tick, "identities": len(identities), "kept": kept}))
"""


@pytest.mark.root
@pytest.mark.parametrize(
    ("rounds", "descriptors", "parts"), [(500, 1000, "parts"), (500, 0, "parts")], ids=["descriptors", "none to spare"]
)
def test_a_thousand_pids_are_used_again(rounds: int, descriptors: int, parts: str, figure: Figure) -> None:
    found = child(
        REUSED,
        unshare=["--pid", "--fork", "--mount-proc"],
        arguments=[str(rounds), str(descriptors), parts],
    )
    assert found["wrong"] == 0
    assert found["identities"] == rounds
    assert found["kept"], "a process that lives has a delta"
    assert found["same_tick"] > 0, "some started in one clock tick: the start time cannot tell"
    figure(
        "P7 pids used again at once, wrong deltas",
        f"{rounds}, {found['wrong']}; {found['same_tick']} in one clock tick",
    )


def test_a_zombie_is_a_zombie() -> None:
    """It has a state and its CPU time, and no memory, no program, no files: absent, not 0."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; e = time.process_time() + .05\nwhile time.process_time() < e: pass"]
    )
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    source = processes("cmdline", "exe", "statm", "status", "io", "fd_count", "mountstats")
    sampler = Sampler([source])
    row = sampler.sample_sync()[source][process.pid]
    assert row.stat.state == "Z"
    assert row.stat.user_ticks + row.stat.system_ticks >= 4
    assert row.exe is None
    assert row.cmdline is None or row.cmdline.arguments == []
    assert row.status is not None
    assert row.status.vm_rss_bytes is None
    again = sampler.sample_sync()
    assert process.pid in again[source], "it stays until somebody waits for it"
    process.wait()
    assert process.pid not in sampler.sample_sync()[source]
    sampler.close()


def test_kernel_threads_have_no_program() -> None:
    """ENOENT and ESRCH from their files do not mean that they are gone."""
    source = processes("cmdline", "exe", "smaps_rollup", "maps", "status")
    sampler = Sampler([source])
    first, second = sampler.sample_sync(), sampler.sample_sync()
    sampler.close()
    threads = [row for row in second[source].values() if row.stat.kernel_thread]
    if not threads:
        pytest.skip("no kernel threads are to be seen here")
    for row in threads:
        assert (row.exe, row.smaps_rollup, row.maps) == (None, None, None)
        assert row.cmdline is None or row.cmdline.arguments == []
        assert row.status is not None
    assert {row.pid for row in threads} <= set(difference(first, second)[source]) | {0} or len(threads) > 1


def test_what_is_gone_is_counted_not_failed(tmp_path: Path) -> None:
    """A process that ends between the list and the read leaves no row, no failure and no word (F1, F2)."""
    source = processes("io", "status")
    sampler = Sampler([source])
    sampler.sample_sync()
    for _ in range(20):
        process = subprocess.Popen(["true"])
        process.wait()
        snap = sampler.sample_sync()
        assert process.pid not in snap[source]
        assert "processes" not in snap.failures
        assert "processes/stat" not in snap.failures
    sampler.close()
