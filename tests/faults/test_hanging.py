"""Files that hang, for real (F16, F17, F35, S6, S17; P2): in open, in read, in the middle, on FUSE and as a FIFO.

Each costs its own field, and nothing waits for it: no other source, no tick, no end of the program.
"""

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procpulse import Reason, Roots, Sampler
from procpulse.sources import LOADAVG, MEMINFO, STAT, UPTIME, processes
from tests.faults.fuse import mounted
from tests.faults.making import ROOT, child, needs_fuse, quantile

pytestmark = pytest.mark.root

Figure = Callable[[str, Any], None]

EIGHT = """
    import anyio, json, subprocess, sys, time
    from pathlib import Path
    from procpulse import Sampler, catalog
    from procpulse.sources import processes
    from tests.faults.fuse import mounted

    HUNG = ["cmdline", "version", "cpuinfo", "swaps", "consoles", "devices", "misc", "uptime"]
    kinds = [{"open": "hang"}, {"read": "hang"}, {"data": "x" * 100, "short": 10, "after": 50, "read": "hang"}]
    behaviour = {name: kinds[i % 3] for i, name in enumerate(HUNG)}
    INTERVAL = 0.5
    NAMES = [*catalog.PROFILE, *HUNG, "block", "class_net", "zram"]

    async def main(change):
        snaps, late, threads = [], [], 0
        sampler = Sampler([catalog.source(name) for name in dict.fromkeys(NAMES)])
        released = recovered = None
        async with sampler:
            stream = sampler.stream(INTERVAL)
            async for snap in stream:
                schedule = stream._schedule
                late.append((snap.monotonic_ns - schedule.due_ns(snap.seq)) / 1e6)
                threads = max(threads, sampler.statistics().threads)
                snaps.append(snap)
                if released is None:
                    assert set(HUNG) <= {n for n, f in snap.failures.items() if f.reason == "timeout"}, snap.failures
                    lost = {n.partition("/")[0] for n, f in snap.failures.items() if f.reason == "timeout"} - set(HUNG)
                    assert not snap.seq or not lost, f"a hung file costs others: {lost}"
                if len(snaps) == 6:
                    assert len(sampler.statistics().stuck) == 8, sampler.statistics().stuck
                    change({name: {"data": Path("/proc/mounts").read_text()} for name in HUNG})
                    released = snap.seq
                elif released is not None:
                    timeouts = {n for n, f in snap.failures.items() if f.reason == "timeout"}
                    if not timeouts & set(HUNG):
                        recovered = snap.seq - released
                        break
                    assert snap.seq < released + 20, f"it does not recover: {snap.failures}"
            statistics = sampler.statistics()
        print(json.dumps({"late": late, "threads": threads, "recovered": recovered, "stuck": statistics.stuck,
                          "healthy": len(snaps[0].values), "missed": statistics.missed, "failures": statistics.failures}))

    point = Path(sys.argv[1])
    with mounted(point, behaviour) as change:
        for name in HUNG:
            subprocess.run(["mount", "--bind", point / name, f"/proc/{name}"], check=True)
        anyio.run(main, change)
"""


def test_eight_hung_files_cost_their_own_fields(tmp_path: Path, figure: Figure) -> None:
    """Three hundred files of the host are read while eight of /proc hang in three ways; then they are released."""
    needs_fuse()
    found = child(EIGHT, unshare=["--mount"], arguments=[str(tmp_path / "fuse")])
    assert found["healthy"] >= 13, "sources with a value beside the hung ones"
    assert found["threads"] <= 2 + 8
    assert found["recovered"] <= 3
    assert found["stuck"] == {}
    assert "bug" not in found["failures"]
    assert quantile(found["late"], 0.5) < 50
    figure("P2 tick lateness with 8 hung files, p99 in ms (limit 5)", quantile(found["late"], 0.99))
    figure("P2 threads with 8 hung files (limit 10)", found["threads"])
    figure("P2 ticks until they are read again (limit 2)", found["recovered"])


@pytest.mark.parametrize("behaviour", [{"open": "hang"}, {"read": "hang"}], ids=["in open", "in read"])
def test_the_program_ends_at_once_while_a_read_hangs(tmp_path: Path, behaviour: dict[str, str], figure: Figure) -> None:
    needs_fuse()
    code = """
        import anyio, sys, time
        from procpulse import Roots, Sampler
        from procpulse.sources import LOADAVG, MEMINFO

        async def main():
            async with Sampler([LOADAVG, MEMINFO], roots=Roots(proc=sys.argv[1], sys=sys.argv[1])) as sampler:
                async for snap in sampler.stream(0.1):
                    assert snap[LOADAVG].last_pid == 3
                    assert snap.failures["meminfo"].reason == "timeout"
                    if snap.seq >= 3:
                        break
                assert list(sampler.statistics().stuck) == ["/proc/meminfo"]
        anyio.run(main)
        print(time.monotonic())
    """
    files = {"loadavg": {"data": "0.1 0.2 0.3 1/2 3\n"}, "meminfo": behaviour}
    with mounted(tmp_path / "fuse", files):
        process = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "fuse")],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            cwd=ROOT,
        )
        took = time.monotonic() - float(process.stdout or "nan")
    assert process.returncode == 0, process.stderr
    assert took < 3
    figure("P2 seconds from the end of main() to the end of the process, a read hung (limit 1)", took)


def test_a_timeout_shows_within_its_deadline(tmp_path: Path) -> None:
    needs_fuse()
    tree = tmp_path / "fuse"
    with mounted(tree, {"proc/meminfo": {"read": "hang"}, "proc/loadavg": {"data": "0.1 0.2 0.3 1/2 3\n"}}) as change:
        sampler = Sampler(
            [MEMINFO, LOADAVG], roots=Roots(proc=str(tree / "proc"), sys=str(tree)), deadlines={MEMINFO: 0.2}
        )
        started = time.monotonic()
        snap = sampler.sample_sync()
        assert time.monotonic() - started < 1.5
        assert snap.failures["meminfo"].reason is Reason.TIMEOUT
        assert snap[LOADAVG].last_pid == 3
        started = time.monotonic()
        assert sampler.sample_sync().failures["meminfo"].reason is Reason.TIMEOUT
        assert time.monotonic() - started < 0.15, "the second time nobody waits for it"
        change({"proc/meminfo": {"data": "MemTotal: 4 kB\n"}})
        end = time.monotonic() + 5
        while "meminfo" in (snap := sampler.sample_sync()).failures and time.monotonic() < end:
            time.sleep(0.01)
        assert snap[MEMINFO].mem_total_bytes == 4096
        sampler.close()


def test_a_process_whose_files_hang(tmp_path: Path) -> None:
    """One process of three, as with a command line that lies in FUSE (S17): the other rows are whole."""
    needs_fuse()
    zeros = " ".join("0" * 17)
    stat = f"S {zeros} 0 7 4096 2 99 {' '.join('0' * 27)}\n"
    files: dict[str, dict[str, Any]] = {}
    for pid in (1, 2, 3):
        files[f"proc/{pid}/stat"] = {"data": f"{pid} (x) {stat}"}
        files[f"proc/{pid}/cmdline"] = {"data": f"/bin/{pid}\0"}
    files["proc/2/cmdline"] = {"read": "hang"}
    tree = tmp_path / "fuse"
    with mounted(tree, files):
        source = processes("cmdline")
        sampler = Sampler([source], roots=Roots(proc=str(tree / "proc"), sys=str(tree)), deadlines={source: 0.5})
        for _ in range(3):
            snap = sampler.sample_sync()
            rows = snap[source]
            assert list(rows) == [1, 2, 3]
            assert rows[2].cmdline is None
            assert rows[3].cmdline is not None
            assert snap.failures["processes/cmdline"].reason is Reason.TIMEOUT
        sampler.close()


def test_fifos_in_place_of_kernel_files() -> None:
    """A FIFO without a writer blocks whoever opens it in the usual way."""
    found = child(
        """
        import json, time
        from procpulse import Sampler
        from procpulse.sources import LOADAVG, MEMINFO, STAT
        started = time.monotonic()
        snap = Sampler([LOADAVG, MEMINFO, STAT]).sample_sync()
        print(json.dumps([time.monotonic() - started, {n: f.reason for n, f in snap.failures.items()}, list(snap.values)]))
        """,
        unshare=["--mount"],
        setup="d=$(mktemp -d); mkfifo $d/fifo; for f in loadavg meminfo; do mount --bind $d/fifo /proc/$f; done; rm -r $d",
    )
    took, failures, values = found
    assert failures == {"loadavg": "unsupported", "meminfo": "unsupported"}
    assert values == ["stat"]
    assert took < 1


def test_a_fuse_file_system_that_died(tmp_path: Path) -> None:
    """Its server is gone: every access fails with ENOTCONN, as with a dead lxcfs."""
    needs_fuse()
    found = child(
        """
        import json, os, signal, subprocess, sys
        from pathlib import Path
        from procpulse import Sampler
        from procpulse.sources import LOADAVG, STAT, UPTIME
        from tests.faults import fuse

        point = Path(sys.argv[1])
        with fuse.mounted(point, {"loadavg": {"data": "0.1 0.2 0.3 1/2 3\\n"}}):
            subprocess.run(["mount", "--bind", point / "loadavg", "/proc/loadavg"], check=True)
            sampler = Sampler([LOADAVG, STAT, UPTIME])
            before = sampler.sample_sync()
            for folder in Path("/proc").glob("[0-9]*"):
                if f"fuse.py\\0{point}" in (folder / "cmdline").read_text():
                    os.kill(int(folder.name), signal.SIGKILL)
                    while (folder / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                        pass
            after = sampler.sample_sync()
        failure = after.failures["loadavg"]
        print(json.dumps([before[LOADAVG].last_pid, failure.reason, failure.detail, sorted(after.values)]))
        """,
        unshare=["--mount"],
        arguments=[str(tmp_path / "fuse")],
    )
    assert found == [3, "unsupported", "ENOTCONN", ["stat", "uptime"]]


def test_values_of_a_fuse_file_system_are_values(tmp_path: Path) -> None:
    """As lxcfs serves them: through the slow lane, right all the same."""
    needs_fuse()
    tree = tmp_path / "fuse"
    with mounted(
        tree, {"proc/uptime": {"data": "12.34 5.60\n"}, "proc/stat": {"data": Path("/proc/stat").read_text()}}
    ):
        sampler = Sampler([UPTIME, STAT], roots=Roots(proc=str(tree / "proc"), sys=str(tree)))
        snap = sampler.sample_sync()
        assert snap[UPTIME].up_ms == 12_340
        assert len(snap[STAT].cpus) == os.cpu_count()
        sampler.close()
