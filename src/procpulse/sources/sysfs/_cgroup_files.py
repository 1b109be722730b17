"""The files of a control group, understood: one record of all that was read of it.

What version 1 has is below `v1/`: some of its files have names that version 2 uses, too.

https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/index.html
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from procpulse.sources.proc.pressure import stalls
from procpulse.sources.sysfs._cgroup_names import names
from procpulse.sources.sysfs._cgroup_records import (
    Cgroup,
    CgroupCpu,
    CgroupCpuset,
    CgroupDevice,
    CgroupHugetlb,
    CgroupIo,
    CgroupMemory,
    CgroupPids,
    CgroupPressure,
)
from procpulse.text import decimal, inert, lines, mapping, number, scaled, span, within_64_bits, words
from procpulse.tree import Folder, natural

_EVENTS = re.compile(r"pg|p?swp(in|out)|zswp|workingset_|thp_|numa_")
"""Entries of memory.stat that are counters; all others are amounts of memory."""


def parse(folder: Folder) -> Cgroup:
    """One group, by its path: what the `*` of the folder's own path stands for."""
    events = folder.mapping("cgroup.events") or {}
    stat = folder.mapping("cgroup.stat") or {}
    held = folder.raw("cgroup.procs") if "cgroup.procs" in folder.entries else folder.raw("v1/cgroup.procs")
    return Cgroup(
        path=folder.wild[0],
        identity=0,
        hierarchies=[],
        own=[],
        **msgspec.structs.asdict(names(folder.wild[0])),
        type=folder.text("cgroup.type"),
        populated=_truth(events.get("populated")),
        frozen=_truth(events.get("frozen")),
        processes=None if held is None else held.count(b"\n"),
        descendants=stat.get("nr_descendants"),
        dying_descendants=stat.get("nr_dying_descendants"),
        max_descendants=folder.parsed("cgroup.max.descendants", limit),
        max_depth=folder.parsed("cgroup.max.depth", limit),
        cpu=_cpu(folder),
        memory=_memory(folder),
        io=_io(folder),
        pids=_pids(folder),
        cpuset=_cpuset(folder),
        hugetlb=_hugetlb(folder),
        pressure=_pressure(folder),
    )


def limit(data: bytes) -> int | None:
    """A limit as version 2 writes it, or version 1: None for no limit.

    Raises:
        ValueError: neither a number nor `max`.
    """
    value = None if data == b"max" else number(data)
    return None if value is None or value < 0 or value >= 1 << 62 else value


def pages_limit(data: bytes, page_size: int) -> int | None:
    """A limit of memory: no limit is also what 32-bit kernels of version 1 call it, 2^31-1 pages.

    Raises:
        ValueError: neither a number nor `max`.
    """
    value = limit(data)
    return None if value == 0x7FFFFFFF * page_size else value


def quota(data: bytes) -> tuple[int | None, int]:
    """The CPU time in a period, None for no limit, and the period, both in microseconds; `max 100000`.

    Raises:
        ValueError: not two numbers.
    """
    columns = words(data, 2)
    return limit(columns[0]), number(columns[1])


def _truth(value: int | None) -> bool | None:
    return None if value is None else value != 0


def _one_of(folder: Folder, prefix: str) -> bool:
    return any(name.startswith(prefix) for name in folder.entries)


def _cpu(folder: Folder) -> CgroupCpu | None:
    if not (_one_of(folder, "v1/cpu.") or _one_of(folder, "v1/cpuacct.")):
        if not any(name.startswith("cpu.") and name != "cpu.pressure" for name in folder.entries):
            return None
    stat = folder.mapping("cpu.stat") or {}
    local = folder.mapping("cpu.stat.local") or {}
    old = folder.mapping("v1/cpu.stat") or {}
    old_local = folder.mapping("v1/cpu.stat.local") or {}
    usage, user, system = _accounted(folder)
    most, period = folder.parsed("cpu.max", quota) or (
        folder.parsed("v1/cpu.cfs_quota_us", limit),
        folder.number("v1/cpu.cfs_period_us"),
    )
    burst = folder.number("cpu.max.burst")
    uclamp_max = folder.parsed("cpu.uclamp.max", lambda data: None if data == b"max" else decimal(data))
    return CgroupCpu(
        usage if usage is not None else stat.get("usage_usec"),
        user if user is not None else stat.get("user_usec"),
        system if system is not None else stat.get("system_usec"),
        stat.get("nice_usec"),
        stat.get("core_sched.force_idle_usec"),
        old.get("nr_periods", stat.get("nr_periods")),
        old.get("nr_throttled", stat.get("nr_throttled")),
        _us(old.get("throttled_time")) if old else stat.get("throttled_usec"),
        _us(old_local.get("throttled_time")) if old_local else local.get("throttled_usec"),
        old.get("nr_bursts", stat.get("nr_bursts")),
        _us(old.get("burst_time")) if old else stat.get("burst_usec"),
        most,
        period,
        burst if burst is not None else folder.number("v1/cpu.cfs_burst_us"),
        folder.number("cpu.weight"),
        folder.number("v1/cpu.shares"),
        folder.flag("cpu.idle"),
        folder.parsed("cpu.uclamp.min", decimal),
        uclamp_max,
    )


def _us(ns: int | None) -> int | None:
    return None if ns is None else ns // 1000


def _accounted(folder: Folder) -> tuple[int | None, int | None, int | None]:
    """CPU time by version 1, all, user and system, in microseconds; by clock ticks where that is all there is."""
    all_ns = folder.number("v1/cpuacct.usage")
    user_ns, system_ns = folder.number("v1/cpuacct.usage_user"), folder.number("v1/cpuacct.usage_sys")
    if user_ns is not None and system_ns is not None:
        return _us(all_ns), user_ns // 1000, system_ns // 1000
    tick_us = 1_000_000 // folder.host.ticks_per_second

    def spent(data: bytes) -> dict[str, int]:
        return {key: scaled(ticks, tick_us) for key, ticks in mapping(data).items()}

    times = folder.parsed("v1/cpuacct.stat", spent) or {}
    return _us(all_ns), times.get("user"), times.get("system")


def _memory(folder: Folder) -> CgroupMemory | None:
    n = folder.number

    def most(name: str) -> int | None:
        return folder.parsed(name, lambda data: pages_limit(data, folder.host.page_size))

    def counts(name: str) -> dict[str, int] | None:
        return folder.mapping(name)

    if any(name.startswith("v1/memory.") for name in folder.entries):
        stat = counts("v1/memory.stat")
        oom = counts("v1/memory.oom_control") or {}
        used, both = n("v1/memory.usage_in_bytes"), n("v1/memory.memsw.usage_in_bytes")
        sizes, events, tightest = _old_stat(stat, folder.host.page_size)
        return CgroupMemory(
            current_bytes=used,
            peak_bytes=n("v1/memory.max_usage_in_bytes"),
            max_bytes=most("v1/memory.limit_in_bytes"),
            soft_limit_bytes=most("v1/memory.soft_limit_in_bytes"),
            effective_max_bytes=tightest,
            swap_bytes=sizes.get("swap") if sizes is not None else None,
            memory_swap_bytes=both,
            memory_swap_max_bytes=most("v1/memory.memsw.limit_in_bytes"),
            kernel_bytes=n("v1/memory.kmem.usage_in_bytes"),
            tcp_bytes=n("v1/memory.kmem.tcp.usage_in_bytes"),
            limit_hits=n("v1/memory.failcnt"),
            oom_kill_disabled=_truth(oom.get("oom_kill_disable")),
            under_oom=_truth(oom.get("under_oom")),
            swappiness=n("v1/memory.swappiness"),
            events={"oom_kill": oom["oom_kill"]} if "oom_kill" in oom else None,
            stat_bytes=sizes,
            stat_events=events,
        )
    if not any(name.startswith("memory.") and name != "memory.pressure" for name in folder.entries):
        return None
    stat = counts("memory.stat")
    return CgroupMemory(
        current_bytes=n("memory.current"),
        peak_bytes=n("memory.peak"),
        min_bytes=most("memory.min"),
        low_bytes=most("memory.low"),
        high_bytes=most("memory.high"),
        max_bytes=most("memory.max"),
        swap_bytes=n("memory.swap.current"),
        swap_peak_bytes=n("memory.swap.peak"),
        swap_high_bytes=most("memory.swap.high"),
        swap_max_bytes=most("memory.swap.max"),
        zswap_bytes=n("memory.zswap.current"),
        zswap_max_bytes=most("memory.zswap.max"),
        zswap_writeback=folder.flag("memory.zswap.writeback"),
        oom_group=folder.flag("memory.oom.group"),
        events=counts("memory.events"),
        events_local=counts("memory.events.local"),
        swap_events=counts("memory.swap.events"),
        stat_bytes=None if stat is None else {k: v for k, v in stat.items() if not _EVENTS.match(k)},
        stat_events=None if stat is None else {k: v for k, v in stat.items() if _EVENTS.match(k)},
    )


def _old_stat(
    stat: dict[str, int] | None, page_size: int
) -> tuple[dict[str, int] | None, dict[str, int] | None, int | None]:
    """Sizes, events and the tightest limit of memory.stat of version 1, with the groups below, as in version 2."""
    if stat is None:
        return None, None, None
    whole = {k: stat.get(f"total_{k}", v) for k, v in stat.items() if not k.startswith(("total_", "hierarchical_"))}
    tightest = stat.get("hierarchical_memory_limit")
    return (
        {k: v for k, v in whole.items() if not _EVENTS.match(k)},
        {k: v for k, v in whole.items() if _EVENTS.match(k)},
        None if tightest is None else pages_limit(b"%d" % tightest, page_size),
    )


_IO_STAT = {
    "rbytes": "read_bytes", "wbytes": "written_bytes", "rios": "reads", "wios": "writes", "dbytes": "discarded_bytes",
    "dios": "discards", "cost.usage": "cost_usage_us", "cost.wait": "cost_wait_us",
}  # fmt: skip
_IO_MAX = {
    "rbps": "max_read_bytes_per_second", "wbps": "max_written_bytes_per_second", "riops": "max_reads_per_second",
    "wiops": "max_writes_per_second",
}  # fmt: skip
_OLD_MAX = {
    "read_bps": "max_read_bytes_per_second", "write_bps": "max_written_bytes_per_second",
    "read_iops": "max_reads_per_second", "write_iops": "max_writes_per_second",
}  # fmt: skip
_Devices = dict[str, dict[str, Any]]


def _io(folder: Folder) -> CgroupIo | None:
    found: _Devices = {}
    weight: int | None = None
    if any(name.startswith("v1/blkio.") for name in folder.entries):
        for name, wanted in (
            ("io_service_bytes", {"Read": "read_bytes", "Write": "written_bytes", "Discard": "discarded_bytes"}),
            ("io_serviced", {"Read": "reads", "Write": "writes", "Discard": "discards"}),
        ):
            whole = f"v1/blkio.throttle.{name}_recursive"
            whole = whole if whole in folder.entries else f"v1/blkio.throttle.{name}"
            _put(found, _old_io(folder, whole, wanted))
        for name, field in _OLD_MAX.items():
            _put(found, _by_device(folder, f"v1/blkio.throttle.{name}_device", field, limit))
        weight = folder.parsed("v1/blkio.bfq.weight", _usual)
        weight = folder.parsed("v1/blkio.weight", _usual) if weight is None else weight
    elif any(name.startswith("io.") and name != "io.pressure" for name in folder.entries):
        _put(found, _pairs(folder, "io.stat", _IO_STAT, number))
        _put(found, _pairs(folder, "io.max", _IO_MAX, limit))
        _put(found, _pairs(folder, "io.latency", {"target": "latency_target_us"}, limit))
        # io.weight belongs to the cost model; with the BFQ scheduler the weight is in a file of its own.
        for name in ("io.weight", "io.bfq.weight"):
            usual = folder.parsed(name, _usual)
            if usual is not None and weight is None:
                weight = usual
                _put(found, _by_device(folder, name, "weight", number))
    else:
        return None
    return CgroupIo([CgroupDevice(device, **found[device]) for device in sorted(found, key=natural)], weight)


def _put(found: _Devices, more: _Devices) -> None:
    for device, values in more.items():
        found.setdefault(device, {}).update(values)


def _pairs(folder: Folder, name: str, wanted: dict[str, str], parse: Callable[[bytes], int | None]) -> _Devices:
    """Numbers such as `8:0 rbytes=4096 wbytes=0`, by device and field. A device that was removed has no numbers.

    Numbers belong to the last name before them: Linux 5.15 and 5.16 write the names of devices without numbers with no
    line's end after them, so that the next device follows on the same line.
    """
    found: _Devices = {}
    for line in lines(folder.raw(name) or b""):
        device = b""
        for word in line.split():
            key, equals, value = word.partition(b"=")
            if not equals:
                device = word
            elif device and inert(key) in wanted:
                _add(found, device, wanted[inert(key)], partial(parse, value), folder, name)
    return found


def _old_io(folder: Folder, name: str, wanted: dict[str, str]) -> _Devices:
    """Lines of `8:0 Read 4096`. The last one, `Total 4096`, is of no device."""
    found: _Devices = {}
    for line in lines(folder.raw(name) or b""):
        device, operation, count = [b"", b"", *line.split()][-3:]
        field = wanted.get(inert(operation))
        if device and field is not None:
            _add(found, device, field, partial(number, count), folder, name)
    return found


def _by_device(folder: Folder, name: str, field: str, parse: Callable[[bytes], int | None]) -> _Devices:
    """Lines of `8:0 1048576`."""
    found: _Devices = {}
    for line in lines(folder.raw(name) or b""):
        device, value = [b"", *line.split()][-2:]
        if device not in (b"", b"default"):
            _add(found, device, field, partial(parse, value), folder, name)
    return found


_LIMITS = frozenset((*_IO_MAX.values(), "latency_target_us", "weight"))


def _add(
    found: _Devices, device: bytes, field: str, parse: Callable[[], int | None], folder: Folder, name: str
) -> None:
    """Keep a number of a device, or tell that it makes no sense.

    Devices may share a name: all that are being removed are called (unknown). What two of one name did is added up.
    Limits are not: where they differ, neither is that of the name.
    """
    fields = found.setdefault(inert(device), {})
    try:
        value = parse()
        known = fields.get(field)
        if field not in fields or field in _LIMITS:
            fields[field] = value if fields.get(field, value) == value else None
        elif known is not None and value is not None:
            fields[field] = within_64_bits(known + value)
    except ValueError as error:
        fields[field] = None
        folder.lose(name, error)


def _usual(data: bytes) -> int:
    """The weight without a device: `default 100`, or the number alone."""
    first = lines(data)[0].split()
    return number(first[1] if first[0] == b"default" else first[0])


def _pids(folder: Folder) -> CgroupPids | None:
    for prefix in ("v1/pids.", "pids."):
        if _one_of(folder, prefix):
            return CgroupPids(
                folder.number(prefix + "current"),
                folder.number(prefix + "peak"),
                folder.parsed(prefix + "max", limit),
                folder.mapping(prefix + "events"),
            )
    return None


def _cpuset(folder: Folder) -> CgroupCpuset | None:
    for prefix, effective in (("v1/cpuset.", "v1/cpuset.effective_{}"), ("cpuset.", "cpuset.{}.effective")):
        if _one_of(folder, prefix):
            return CgroupCpuset(
                folder.parsed(prefix + "cpus", span),
                folder.parsed(effective.format("cpus"), span),
                folder.parsed(prefix + "mems", span),
                folder.parsed(effective.format("mems"), span),
                folder.text(prefix + "cpus.partition"),
                folder.parsed(prefix + "cpus.exclusive.effective", span),
            )
    return None


def _hugetlb(folder: Folder) -> list[CgroupHugetlb] | None:
    for version in ("v1/", ""):
        sizes = {name.split(".")[1] for name in folder.entries if name.startswith(f"{version}hugetlb.")}
        if sizes:
            return [_huge(folder, f"{version}hugetlb.{size}.", size) for size in sorted(sizes, key=natural)]
    return None


def _huge(folder: Folder, prefix: str, size: str) -> CgroupHugetlb:
    def either(first: str, second: str, parse: Callable[[bytes], int | None] = number) -> int | None:
        return folder.parsed(prefix + (first if prefix + first in folder.entries else second), parse)

    events = folder.mapping(prefix + "events")
    return CgroupHugetlb(
        size,
        either("current", "usage_in_bytes"),
        folder.number(prefix + "max_usage_in_bytes"),
        either("max", "limit_in_bytes", limit),
        either("rsvd.current", "rsvd.usage_in_bytes"),
        either("rsvd.max", "rsvd.limit_in_bytes", limit),
        folder.number(prefix + "failcnt") if events is None else events.get("max"),
    )


def _pressure(folder: Folder) -> CgroupPressure | None:
    kinds = [stalls(folder, f"{kind}.pressure") for kind in ("cpu", "memory", "io", "irq")]
    return CgroupPressure(*kinds) if any(kind is not None for kind in kinds) else None
