"""psutil on the same host at the same moment: equal, within what a clock tick changes (P6)."""

import psutil

from procpulse import Sampler
from procpulse.sources import DISKSTATS, LOADAVG, MEMINFO, NET_DEV, PROCESSES, STAT, SWAPS, UPTIME, processes


def between(before: float, found: float, after: float, slack: float = 0.0) -> bool:
    return before - slack <= found <= after + slack


def test_the_whole_host() -> None:
    """psutil before and after: what we say lies between the two."""
    sampler = Sampler([STAT, MEMINFO, NET_DEV, DISKSTATS, LOADAVG, SWAPS, UPTIME])
    sampler.sample_sync()
    times, net, disks = psutil.cpu_times(), psutil.net_io_counters(pernic=True), psutil.disk_io_counters(perdisk=True)
    stats = psutil.cpu_stats()
    snap = sampler.sample_sync()
    later, net_later = psutil.cpu_times(), psutil.net_io_counters(pernic=True)
    disks_later, stats_later = psutil.disk_io_counters(perdisk=True), psutil.cpu_stats()
    sampler.close()
    cpu, tick = snap[STAT].cpu, 1 / snap.host.ticks_per_second
    assert cpu is not None
    for name in ("user", "nice", "system", "idle", "irq", "softirq", "steal"):
        ours = getattr(cpu, f"{name}_ticks") * tick
        assert between(getattr(times, name), ours, getattr(later, name), tick), name
    assert between(stats.ctx_switches, snap[STAT].context_switches, stats_later.ctx_switches)
    assert snap[MEMINFO].mem_total_bytes == psutil.virtual_memory().total
    assert snap[STAT].boot_time_seconds == int(psutil.boot_time())
    rows = {row.name: row for row in snap[NET_DEV]}
    for name in net.keys() & net_later.keys() & rows.keys():
        assert between(net[name].bytes_recv, rows[name].rx_bytes, net_later[name].bytes_recv), name
        assert between(net[name].packets_sent, rows[name].tx_packets, net_later[name].packets_sent), name
    found = {row.device: row for row in snap[DISKSTATS]}
    for name in disks.keys() & disks_later.keys() & found.keys():
        assert between(disks[name].read_count, found[name].reads, disks_later[name].read_count), name


def test_every_process() -> None:
    """Of each process that lives through both: name, parent, start, CPU time, memory, threads."""
    source = processes("status")
    sampler = Sampler([source])
    first = {p.pid: p.info for p in psutil.process_iter(["name", "ppid", "create_time", "cpu_times", "num_threads"])}
    snap = sampler.sample_sync()
    second = {p.pid: p.info for p in psutil.process_iter(["create_time", "cpu_times", "num_threads", "name", "ppid"])}
    sampler.close()
    tick = 1 / snap.host.ticks_per_second
    same = [p for p in first.keys() & second.keys() & snap[PROCESSES].keys() if first[p] and second[p]]
    same = [p for p in same if first[p]["create_time"] == second[p]["create_time"]]
    assert len(same) > 3
    for pid in same:
        row, before, after = snap[source][pid].stat, first[pid], second[pid]
        assert row.ppid in (before["ppid"], after["ppid"])
        if before["cpu_times"] is not None and after["cpu_times"] is not None:
            assert between(before["cpu_times"].user, row.user_ticks * tick, after["cpu_times"].user, tick)
            assert between(before["cpu_times"].system, row.system_ticks * tick, after["cpu_times"].system, tick)
        assert abs(snap.host.boot_time + row.start_ticks * tick - before["create_time"]) < 2  # type: ignore[operator]
    assert set(first) & set(second) <= set(snap[PROCESSES]), "whoever lived all the time is there"
