"""Rates that people ask for: each formula by hand, None where there is nothing to say, never a made-up 0."""

from typing import Any

import pytest

from procpulse import Delta, Host
from procpulse.sources.proc.diskstats import Disk
from procpulse.sources.proc.meminfo import Meminfo
from procpulse.sources.proc.net_dev import Interface
from procpulse.sources.proc.pid_io import PidIo
from procpulse.sources.proc.pid_stat import PidStat
from procpulse.sources.proc.pressure import Pressure, Stall, Stalls
from procpulse.sources.proc.processes import row_type
from procpulse.sources.proc.stat import Cpu, CpuTime, Stat
from procpulse.sources.proc.vmstat import Vmstat
from procpulse.usage import CpuUsage, DiskUsage, InterfaceUsage, KernelUsage, MemoryUsage, ProcessUsage


def delta(seconds: float = 2.0, **values: Any) -> Delta:
    elapsed = dict.fromkeys(values, round(seconds * 1e9))
    return Delta(1, 0.0, 0, Host(page_size=4096, ticks_per_second=100), values, elapsed)


def stat(cpu: CpuTime, *cpus: Cpu, **rest: Any) -> Stat:
    return Stat(cpu, list(cpus), **rest)


def test_cpu_shares_add_up() -> None:
    usage = delta(stat=stat(CpuTime(40, 10, 20, 80, 20, 4, 6, 20, guest_ticks=8, guest_nice_ticks=2))).usage.cpu
    # 200 ticks: guest time is inside user and nice.
    assert usage == CpuUsage(
        busy_ratio=0.5, user_ratio=0.16, nice_ratio=0.04, system_ratio=0.1, irq_ratio=0.02, softirq_ratio=0.03,
        iowait_ratio=0.1, steal_ratio=0.1, guest_ratio=0.05, idle_ratio=0.4,
    )  # fmt: skip


def test_cpu_with_the_columns_of_an_old_kernel() -> None:
    usage = delta(stat=stat(CpuTime(30, 0, 10, 60))).usage.cpu
    assert usage is not None
    assert (usage.busy_ratio, usage.idle_ratio, usage.steal_ratio) == (0.4, 0.6, 0.0)


def test_guests_ahead_of_their_user_time() -> None:
    usage = delta(stat=stat(CpuTime(5, 0, 0, 95, guest_ticks=7))).usage.cpu
    assert usage is not None
    assert usage.user_ratio == 0
    assert usage.busy_ratio + usage.idle_ratio == pytest.approx(1)


def test_no_time_has_passed_by_the_clock_of_the_cpu() -> None:
    assert delta(stat=stat(CpuTime(0, 0, 0, 0, 0, 0, 0, 0, 0, 0))).usage.cpu is None


def test_cpus_by_number() -> None:
    usage = delta(stat=stat(CpuTime(1, 0, 0, 1), Cpu(0, 5, 0, 0, 5), Cpu(3, 0, 0, 0, 10), Cpu(5, 0, 0, 0, 0))).usage
    assert {number: cpu.busy_ratio for number, cpu in usage.cpus.items()} == {0: 0.5, 3: 0.0}


def test_memory() -> None:
    usage = delta(meminfo=Meminfo(1000, 10, 250, swap_total_bytes=400, swap_free_bytes=100)).usage.memory
    assert usage == MemoryUsage(1000, 250, 750, 0.75, 0.25, 400, 300, 0.75)


def test_memory_of_a_host_without_swap_and_of_one_that_does_not_say() -> None:
    usage = delta(meminfo=Meminfo(1000, 10, swap_total_bytes=0, swap_free_bytes=0)).usage.memory
    assert usage == MemoryUsage(1000, None, None, None, None, 0, 0, None)


def test_disks() -> None:
    grown = Disk(
        "sda", 8, 0, 20, reads=40, reads_merged=1, read_bytes=81920, read_ms=120, writes=10, writes_merged=0,
        written_bytes=40960, write_ms=400, in_flight=3, io_ms=500, weighted_io_ms=1000, discards=10, discards_merged=0,
        discarded_bytes=0, discard_ms=80, flushes=4, flush_ms=9,
    )  # fmt: skip
    assert delta(diskstats=[grown]).usage.disks == {
        "sda": DiskUsage("sda", 40960.0, 20480.0, 20.0, 5.0, 5.0, 2.0, 3.0, 40.0, 10.0, 0.5, 0.25)
    }


def test_an_idle_disk_waits_for_nothing() -> None:
    [usage] = delta(diskstats=[Disk("sda", 8, 0, 14, *[0] * 11)]).usage.disks.values()
    assert (usage.await_ms, usage.read_await_ms, usage.write_await_ms) == (None, None, None)
    assert (usage.busy_ratio, usage.reads_per_second, usage.discards_per_second) == (0, 0, None)


def test_a_disk_is_never_busier_than_busy() -> None:
    [usage] = delta(diskstats=[Disk("sda", 8, 0, 14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2013, 0)]).usage.disks.values()
    assert usage.busy_ratio == 1


def test_interfaces() -> None:
    grown = Interface("eth0", 2000, 20, 2, 4, 0, 0, 0, 0, 6000, 60, 6, 8, 0, 0, 0, 0)
    assert delta(net_dev=[grown]).usage.interfaces == {
        "eth0": InterfaceUsage("eth0", 1000.0, 3000.0, 10.0, 30.0, 1.0, 3.0, 2.0, 4.0)
    }


def test_the_kernel() -> None:
    events = {"pgfault": 100, "pgmajfault": 2, "pgpgin": 8, "pgpgout": 4, "pswpin": 2, "pswpout": 6}
    usage = delta(
        stat=stat(CpuTime(1, 0, 0, 1), interrupts=50, context_switches=300, forks=4, procs_running=3, procs_blocked=1, softirqs=20),
        vmstat=Vmstat({}, events),
    ).usage.kernel  # fmt: skip
    assert usage == KernelUsage(150.0, 2.0, 25.0, 10.0, 3, 1, 50.0, 1.0, 4096.0, 2048.0, 4096.0, 12288.0)


def test_a_kernel_that_does_not_count_has_nothing_to_say() -> None:
    usage = delta(stat=stat(CpuTime(1, 0, 0, 1)), vmstat=Vmstat({}, {"pgfault": 1})).usage.kernel
    assert usage.context_switches_per_second is None
    assert usage.swap_in_bytes_per_second is None
    assert usage.page_faults_per_second == 0.5


def stalls(some: int, full: int | None) -> Stalls:
    return Stalls(Stall(0, 0, 0, some), None if full is None else Stall(0, 0, 0, full))


def test_pressure() -> None:
    usage = delta(
        pressure=Pressure(stalls(1_000_000, None), stalls(500_000, 200_000), stalls(4_000_000, 0))
    ).usage.pressure
    assert usage is not None
    assert (usage.cpu_some_ratio, usage.cpu_full_ratio) == (0.5, None)
    assert (usage.io_some_ratio, usage.io_full_ratio) == (0.25, 0.1)
    assert (usage.memory_some_ratio, usage.memory_full_ratio) == (1.0, 0.0), "at most the whole time"
    assert usage.irq_full_ratio is None


def row(pid: int, user: int, system: int, rss: int = 0) -> PidStat:
    return PidStat(pid, f"p{pid}", "R", 1, 1, 1, 0, -1, 0, 10, 0, 2, 0, user, system, 0, 0, 20, 0, 1, 100, 0, rss, 0)


def processes(**parts: Any) -> Delta:
    make: Any = row_type(tuple(parts))
    rows = {pid: make(pid, pid, row(pid, pid * 10, 0, 100 - pid), *parts.values()) for pid in (1, 2, 3, 4)}
    found = delta(processes=rows)
    found.rows_elapsed_ns["processes"] = {1: 1_000_000_000}
    return found


def test_processes() -> None:
    usage = processes(io=PidIo(0, 0, 0, 0, 4000, 2000, 0)).usage
    assert usage.processes[1].cpu_ratio == pytest.approx(0.1), "by its own time"
    assert usage.processes[2] == ProcessUsage(
        2, "p2", "R", 0.1, 0.1, 0.0, 98, 1, 5.0, 1.0, 2000.0, 1000.0, None, None, None
    )


def test_top() -> None:
    usage = processes().usage
    assert [process.pid for process in usage.top(2)] == [4, 3]
    assert [process.pid for process in usage.top(2, by="rss_bytes")] == [1, 2]
    assert [process.pid for process in usage.top(1, by=lambda process: -process.pid)] == [1]
    assert usage.top(by="read_bytes_per_second") == [], "nobody asked for that part"
    with pytest.raises(ValueError, match="no field 'cpu'"):
        usage.top(by="cpu")


def test_nothing_sampled_nothing_to_say() -> None:
    usage = delta().usage
    assert usage.cpu is None
    assert usage.memory is None
    assert usage.pressure is None
    assert usage.kernel == KernelUsage()
    assert usage.cpus == usage.disks == usage.interfaces == usage.processes == {}
    assert usage.rates().cpu is None
