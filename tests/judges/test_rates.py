"""Rates against independent judges on the live host, under a load that the test makes itself.

Both sides watch the same span of time as closely as two programs can; they agree within the noise of its ends.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from procpulse import Delta, Sampler, difference
from procpulse.sources import DISKSTATS, LOADAVG, MEMINFO, NET_DEV, PRESSURE, STAT, UPTIME, VMSTAT, processes
from tests.conftest import program

pytestmark = pytest.mark.slow
SOURCES = [STAT, MEMINFO, NET_DEV, DISKSTATS, VMSTAT, PRESSURE, LOADAVG, UPTIME, processes("io", "status", "schedstat")]
SPAN = 3


@contextlib.contextmanager
def load() -> Iterator[int]:
    """CPU, disk and network at work; yields the pid of the process that burns the CPU."""
    burner = subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"])
    stop = threading.Event()

    def disk() -> None:
        with tempfile.TemporaryFile(dir=Path(__file__).parent) as file:
            while not stop.wait(0.05):
                os.pwrite(file.fileno(), os.urandom(1 << 20), 0)
                os.fdatasync(file.fileno())

    def network() -> None:
        one, two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with one, two:
            one.bind(("127.0.0.1", 0))
            while not stop.wait(0.002):
                two.sendto(b"x" * 1000, one.getsockname())
                one.recv(2000)

    threads = [threading.Thread(target=work) for work in (disk, network)]
    for thread in threads:
        thread.start()
    try:
        yield burner.pid
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        burner.kill()
        burner.wait()


@pytest.fixture(scope="module")
def watched() -> dict[str, Any]:
    """One span of time, seen by procpulse, psutil, vmstat and iostat."""
    vmstat, iostat = program("vmstat"), program("iostat")
    with load() as pid:
        sampler = Sampler(SOURCES)
        victim = psutil.Process(pid)
        time.sleep(0.5)
        others = [
            subprocess.Popen(
                command, stdout=subprocess.PIPE, text=True, env={**os.environ, "LC_ALL": "C", "S_TIME_FORMAT": "ISO"}
            )
            for command in ([vmstat, "-n", str(SPAN), "2"], [iostat, "-x", "-k", "-y", str(SPAN), "1"])
        ]
        time.sleep(0.1)
        before = sampler.sample_sync()
        judge = {
            "start": time.monotonic(),
            "cpu": psutil.cpu_times(),
            "cpus": psutil.cpu_times(percpu=True),
            "net": psutil.net_io_counters(pernic=True),
            "disk": psutil.disk_io_counters(perdisk=True),
            "stats": psutil.cpu_stats(),
            "process": victim.cpu_times(),
        }
        time.sleep(SPAN - 0.05)
        after = sampler.sample_sync()
        found = {
            "end": time.monotonic(),
            "cpu": psutil.cpu_times(),
            "cpus": psutil.cpu_times(percpu=True),
            "net": psutil.net_io_counters(pernic=True),
            "disk": psutil.disk_io_counters(perdisk=True),
            "stats": psutil.cpu_stats(),
            "process": victim.cpu_times(),
            "memory": psutil.virtual_memory(),
            "swap": psutil.swap_memory(),
        }
        texts = [other.communicate()[0] for other in others]
        sampler.close()
    return {
        "delta": difference(before, after), "before": judge, "after": found, "pid": pid, "vmstat": texts[0], "iostat": texts[1],
        "seconds": found["end"] - judge["start"],
    }  # fmt: skip


def delta(watched: dict[str, Any]) -> Delta:
    found: Delta = watched["delta"]
    return found


def shares(before: Any, after: Any) -> dict[str, float]:
    """psutil's CPU times as shares, guests taken out of user and nice time."""
    grown = {name: getattr(after, name) - getattr(before, name) for name in before._fields}
    grown["user"] -= grown["guest"]
    grown["nice"] -= grown["guest_nice"]
    total = sum(grown.values())
    return {name: value / total for name, value in grown.items()}


def test_cpu(watched: dict[str, Any]) -> None:
    usage = delta(watched).usage
    theirs = shares(watched["before"]["cpu"], watched["after"]["cpu"])
    assert usage.cpu is not None
    assert usage.cpu.user_ratio == pytest.approx(theirs["user"], abs=0.03)
    assert usage.cpu.system_ratio == pytest.approx(theirs["system"], abs=0.03)
    assert usage.cpu.iowait_ratio == pytest.approx(theirs["iowait"], abs=0.03)
    assert usage.cpu.steal_ratio == pytest.approx(theirs["steal"], abs=0.03)
    assert usage.cpu.busy_ratio == pytest.approx(1 - theirs["idle"] - theirs["iowait"], abs=0.03)
    assert usage.cpu.busy_ratio > 0.3
    for cpu, before, after in zip(
        usage.cpus.values(), watched["before"]["cpus"], watched["after"]["cpus"], strict=True
    ):
        theirs = shares(before, after)
        assert cpu.busy_ratio == pytest.approx(1 - theirs["idle"] - theirs["iowait"], abs=0.05)


def test_cpu_as_vmstat_has_it(watched: dict[str, Any]) -> None:
    usage = delta(watched).usage
    names, values = watched["vmstat"].splitlines()[1].split(), watched["vmstat"].splitlines()[-1].split()
    row = dict(zip(names, map(int, values), strict=True))
    cpu = usage.cpu
    assert cpu is not None
    assert (cpu.user_ratio + cpu.nice_ratio) * 100 == pytest.approx(row["us"], abs=6)
    assert (cpu.system_ratio + cpu.irq_ratio + cpu.softirq_ratio) * 100 == pytest.approx(row["sy"], abs=6)
    assert cpu.idle_ratio * 100 == pytest.approx(row["id"], abs=6)
    assert usage.kernel.context_switches_per_second == pytest.approx(row["cs"], rel=0.25, abs=50)
    assert usage.kernel.interrupts_per_second == pytest.approx(row["in"], rel=0.25, abs=50)


def test_context_switches_and_interrupts(watched: dict[str, Any]) -> None:
    kernel, before, after = delta(watched).usage.kernel, watched["before"]["stats"], watched["after"]["stats"]
    seconds = watched["seconds"]
    assert kernel.context_switches_per_second == pytest.approx(
        (after.ctx_switches - before.ctx_switches) / seconds, rel=0.1
    )
    assert kernel.interrupts_per_second == pytest.approx((after.interrupts - before.interrupts) / seconds, rel=0.1)
    assert kernel.softirqs_per_second == pytest.approx(
        (after.soft_interrupts - before.soft_interrupts) / seconds, rel=0.1
    )


def test_interfaces(watched: dict[str, Any]) -> None:
    for name, usage in delta(watched).usage.interfaces.items():
        before, after = watched["before"]["net"][name], watched["after"]["net"][name]
        seconds = watched["seconds"]
        assert usage.rx_bytes_per_second == pytest.approx(
            (after.bytes_recv - before.bytes_recv) / seconds, rel=0.1, abs=2000
        )
        assert usage.tx_packets_per_second == pytest.approx(
            (after.packets_sent - before.packets_sent) / seconds, rel=0.1, abs=5
        )
    assert delta(watched).usage.interfaces["lo"].rx_bytes_per_second > 100_000


def test_disks(watched: dict[str, Any]) -> None:
    busiest = max(delta(watched).usage.disks.values(), key=lambda disk: disk.written_bytes_per_second)
    before, after = watched["before"]["disk"][busiest.device], watched["after"]["disk"][busiest.device]
    seconds = watched["seconds"]
    assert busiest.written_bytes_per_second > 1_000_000
    assert busiest.written_bytes_per_second == pytest.approx(
        (after.write_bytes - before.write_bytes) / seconds, rel=0.15
    )
    assert busiest.writes_per_second == pytest.approx((after.write_count - before.write_count) / seconds, rel=0.15)
    assert busiest.busy_ratio == pytest.approx((after.busy_time - before.busy_time) / seconds / 1000, rel=0.2, abs=0.05)


def test_disks_as_iostat_has_them(watched: dict[str, Any]) -> None:
    lines = [line.split() for line in watched["iostat"].splitlines() if line.strip()]
    header = next(line for line in lines if line[0].startswith("Device"))
    rows = {
        line[0]: dict(zip(header[1:], map(float, line[1:]), strict=True)) for line in lines[lines.index(header) + 1 :]
    }
    busiest = max(delta(watched).usage.disks.values(), key=lambda disk: disk.written_bytes_per_second)
    theirs = rows[busiest.device]
    assert busiest.writes_per_second == pytest.approx(theirs["w/s"], rel=0.25, abs=2)
    assert busiest.written_bytes_per_second / 1024 == pytest.approx(theirs["wkB/s"], rel=0.25, abs=100)
    assert busiest.write_await_ms == pytest.approx(theirs["w_await"], rel=0.5, abs=1)
    assert busiest.queue_length == pytest.approx(theirs["aqu-sz"], rel=0.5, abs=0.1)
    assert busiest.busy_ratio * 100 == pytest.approx(theirs["%util"], rel=0.4, abs=5)


def test_memory(watched: dict[str, Any]) -> None:
    memory, theirs = delta(watched).usage.memory, watched["after"]["memory"]
    assert memory is not None
    assert memory.total_bytes == theirs.total
    assert memory.available_bytes == pytest.approx(theirs.available, rel=0.02)
    assert memory.used_ratio == pytest.approx(theirs.percent / 100, abs=0.02)
    assert memory.swap_total_bytes == watched["after"]["swap"].total


def test_a_process(watched: dict[str, Any]) -> None:
    usage = delta(watched).usage.processes[watched["pid"]]
    before, after = watched["before"]["process"], watched["after"]["process"]
    burnt = (after.user + after.system - before.user - before.system) / watched["seconds"]
    assert usage.cpu_ratio == pytest.approx(burnt, abs=0.05)
    assert usage.cpu_ratio > 0.3
    assert usage.run_ratio == pytest.approx(usage.cpu_ratio, abs=0.05), "the scheduler's own clock agrees"
    assert delta(watched).usage.top(1)[0].cpu_ratio >= usage.cpu_ratio


def test_memory_as_free_has_it() -> None:
    rows = subprocess.run([program("free"), "-b", "-w"], capture_output=True, text=True, check=True).stdout.splitlines()
    names, values = rows[0].split(), rows[1].split()[1:]
    theirs = dict(zip(names, map(int, values), strict=True))
    info = asyncio.run(Sampler([MEMINFO]).sample())[MEMINFO]
    assert info.mem_total_bytes == theirs["total"]
    assert info.mem_free_bytes == pytest.approx(theirs["free"], rel=0.02)
    assert info.buffers_bytes == pytest.approx(theirs["buffers"], rel=0.05, abs=1 << 20)
    assert info.mem_available_bytes == pytest.approx(theirs["available"], rel=0.02)


def test_pressure_stays_within_its_bounds(watched: dict[str, Any]) -> None:
    usage = delta(watched).usage.pressure
    if usage is None:
        pytest.skip("the kernel accounts for no pressure")
    assert all(value is None or 0 <= value <= 1 for value in (getattr(usage, name) for name in usage.__struct_fields__))
