"""Rates and ratios that follow from several fields: what people ask for when they ask how busy a host is.

Everything is computed from a delta, by the elapsed time of its own source, when it is touched. Of a source with a
cadence, between its reads, it is the last growth that is known, by the time that this took. Shares are ratios from
0 to 1. None means that there is nothing to say: the source was not sampled, its kernel does not count it, or no time
has passed by its clock. It is never a made-up 0.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec

from procpulse.fields import gauge, group, label
from procpulse.source import Source
from procpulse.sources.proc.diskstats import DISKSTATS, Disk
from procpulse.sources.proc.meminfo import MEMINFO
from procpulse.sources.proc.net_dev import NET_DEV, Interface
from procpulse.sources.proc.pressure import PRESSURE
from procpulse.sources.proc.processes import PROCESSES, Process
from procpulse.sources.proc.stat import STAT, Cpu, CpuTime
from procpulse.sources.proc.vmstat import VMSTAT
from procpulse.sources.sysfs.block_links import BLOCK_LINKS
from procpulse.sources.sysfs.cgroup import CGROUP
from procpulse.sources.sysfs.class_net_links import CLASS_NET_LINKS
from procpulse.usage_cgroups import CgroupUsage, ContainerUsage, cgroup_usage, container_usage, stall_shares
from procpulse.usage_processes import ProcessUsage, ThreadUsage, process_usage, thread_usage
from procpulse.usage_totals import DiskTotal, NetworkTotal, disk_total, network_total

if TYPE_CHECKING:
    from procpulse.delta import Delta

__all__ = [
    "CgroupUsage",
    "ContainerUsage",
    "CpuUsage",
    "DiskTotal",
    "DiskUsage",
    "InterfaceUsage",
    "KernelUsage",
    "MemoryUsage",
    "NetworkTotal",
    "PressureUsage",
    "ProcessUsage",
    "Rates",
    "ThreadUsage",
    "Usage",
]

T = TypeVar("T")
U = TypeVar("U", bound=msgspec.Struct)


class CpuUsage(msgspec.Struct, frozen=True, gc=False):
    """What CPUs did, as disjoint shares of their time that add up to 1.

    The whole is user + nice + system + idle + iowait + irq + softirq + steal, all as growth in ticks; the kernel counts
    guest time within user and nice time, and it is taken out there.

    The kernel moves time between iowait and idle, when a task that waited goes on elsewhere. Where one of them fell,
    only both together are known: then `iowait_ratio` is None, and `idle_ratio` has the time of both.
    A CPU whose counters started anew, as they may when it comes back, has no row in that tick.
    """

    busy_ratio: Annotated[float, gauge("Everything but idle and iowait.")]
    user_ratio: Annotated[float, gauge("User mode, without nice and guests.")]
    nice_ratio: Annotated[float, gauge("User mode at low priority, without guests.")]
    system_ratio: Annotated[float, gauge("The kernel, without interrupts.")]
    irq_ratio: Annotated[float, gauge("Interrupts.")]
    softirq_ratio: Annotated[float, gauge("Softirqs.")]
    iowait_ratio: Annotated[float | None, gauge("Idle while a task waited for a disk.")]
    steal_ratio: Annotated[float, gauge("Given to others by the hypervisor.")]
    guest_ratio: Annotated[float, gauge("Guests, niced ones included.")]
    idle_ratio: Annotated[float, gauge("Nothing to do.")]


class MemoryUsage(msgspec.Struct, frozen=True, gc=False):
    """How full memory and swap are.

    Where more is said to be available than there is, as in containers of LXC, of which the kernel tells one number of
    the host and one of the container, what is used is not known: it is None, and so are the ratios.
    """

    total_bytes: Annotated[int, gauge("Memory.")]
    available_bytes: Annotated[int | None, gauge("What programs can still get (MemAvailable).")]
    used_bytes: Annotated[int | None, gauge("Total - available.")]
    used_ratio: Annotated[float | None, gauge("Used / total.")]
    available_ratio: Annotated[float | None, gauge("Available / total.")]
    swap_total_bytes: Annotated[int | None, gauge("Swap space.")]
    swap_used_bytes: Annotated[int | None, gauge("Swap total - swap free.")]
    swap_used_ratio: Annotated[float | None, gauge("Swap used / swap total; None without swap.")]


class DiskUsage(msgspec.Struct, frozen=True, gc=False):
    """What a disk did a second, as `iostat -x` has it."""

    device: Annotated[str, label("Name of the device.")]
    read_bytes_per_second: Annotated[float, gauge("Bytes read.")]
    written_bytes_per_second: Annotated[float, gauge("Bytes written.")]
    reads_per_second: Annotated[float, gauge("Reads completed.")]
    writes_per_second: Annotated[float, gauge("Writes completed.")]
    discards_per_second: Annotated[float | None, gauge("Discards completed.")]
    flushes_per_second: Annotated[float | None, gauge("Flushes completed.")]
    read_await_ms: Annotated[float | None, gauge("Time of reads / reads: what one took; None without any.")]
    write_await_ms: Annotated[float | None, gauge("Time of writes / writes; None without any.")]
    await_ms: Annotated[float | None, gauge("Time of reads, writes and discards / their number; None without any.")]
    queue_length: Annotated[float, gauge("Weighted time in flight / elapsed: requests in flight on average.")]
    busy_ratio: Annotated[
        float, gauge("Time with requests in flight / elapsed, at most 1: the kernel may count a request when it ends.")
    ]


class InterfaceUsage(msgspec.Struct, frozen=True, gc=False):
    """What a network interface did a second."""

    name: Annotated[str, label("Name of the interface.")]
    rx_bytes_per_second: Annotated[float, gauge("Bytes received.")]
    tx_bytes_per_second: Annotated[float, gauge("Bytes sent.")]
    rx_packets_per_second: Annotated[float, gauge("Packets received.")]
    tx_packets_per_second: Annotated[float, gauge("Packets sent.")]
    rx_errors_per_second: Annotated[float, gauge("Bad packets received.")]
    tx_errors_per_second: Annotated[float, gauge("Packets that could not be sent.")]
    rx_dropped_per_second: Annotated[float, gauge("Packets dropped on their way in.")]
    tx_dropped_per_second: Annotated[float, gauge("Packets dropped on their way out.")]


class KernelUsage(msgspec.Struct, frozen=True, gc=False):
    """What the kernel did a second."""

    context_switches_per_second: Annotated[float | None, gauge("Switches from one task to another.")] = None
    forks_per_second: Annotated[float | None, gauge("Processes and threads created.")] = None
    interrupts_per_second: Annotated[float | None, gauge("Interrupts served.")] = None
    softirqs_per_second: Annotated[float | None, gauge("Softirqs served.")] = None
    procs_running: Annotated[int | None, gauge("Tasks that run or wait for a CPU.")] = None
    procs_blocked: Annotated[int | None, gauge("Tasks that wait for a disk.")] = None
    page_faults_per_second: Annotated[float | None, gauge("Page faults, major ones included (pgfault).")] = None
    major_page_faults_per_second: Annotated[float | None, gauge("Page faults that needed a disk (pgmajfault).")] = None
    page_in_bytes_per_second: Annotated[float | None, gauge("Read from disks (pgpgin).")] = None
    page_out_bytes_per_second: Annotated[float | None, gauge("Written to disks (pgpgout).")] = None
    swap_in_bytes_per_second: Annotated[float | None, gauge("Brought back from swap (pswpin x page size).")] = None
    swap_out_bytes_per_second: Annotated[float | None, gauge("Put into swap (pswpout x page size).")] = None


class PressureUsage(msgspec.Struct, frozen=True, gc=False):
    """Shares of time lost for want of a resource: growth of `total` / elapsed, at most 1."""

    cpu_some_ratio: Annotated[float | None, gauge("Some task waited for a CPU.")] = None
    cpu_full_ratio: Annotated[float | None, gauge("All tasks waited for a CPU (Linux 5.13).")] = None
    memory_some_ratio: Annotated[float | None, gauge("Some task waited for memory.")] = None
    memory_full_ratio: Annotated[float | None, gauge("All tasks waited for memory.")] = None
    io_some_ratio: Annotated[float | None, gauge("Some task waited for a disk.")] = None
    io_full_ratio: Annotated[float | None, gauge("All tasks waited for a disk.")] = None
    irq_full_ratio: Annotated[float | None, gauge("Tasks were interrupted (Linux 6.1).")] = None


class Rates(msgspec.Struct, frozen=True, gc=False):
    """All of a `Usage`, as one record that can be sent."""

    cpu: Annotated[CpuUsage | None, group("All CPUs together.")]
    cpus: Annotated[dict[int, CpuUsage], group("Each CPU, by number.")]
    memory: Annotated[MemoryUsage | None, group("Memory and swap.")]
    disks: Annotated[dict[str, DiskUsage], group("Disks, by name.")]
    interfaces: Annotated[dict[str, InterfaceUsage], group("Network interfaces, by name.")]
    kernel: Annotated[KernelUsage, group("The kernel.")]
    pressure: Annotated[PressureUsage | None, group("Time lost.")]
    processes: Annotated[dict[int, ProcessUsage], group("Processes, by pid.")]
    threads: Annotated[dict[int, ThreadUsage], group("Threads, by tid, where they are sampled.")] = {}
    cgroups: Annotated[dict[str, CgroupUsage], group("Control groups, by path, where they are sampled.")] = {}
    container: Annotated[
        ContainerUsage | None, group("The control group of the program that samples, beside the host.")
    ] = None
    disk_total: Annotated[DiskTotal | None, group("All disks together, each counted once.")] = None
    network_total: Annotated[NetworkTotal | None, group("All interfaces that lead out of the host together.")] = None


class Usage:
    """Rates and ratios of one delta, each computed when it is first touched.

    A source with a cadence keeps its last rates from one of its reads to the next; it has none before its second.
    """

    def __init__(self, delta: "Delta"):
        self._delta = delta

    @cached_property
    def cpu(self) -> CpuUsage | None:
        """All CPUs together; None where `stat` is not sampled or its clock has not ticked."""
        stat = self._get(STAT)
        return _cpu(stat.cpu) if stat is not None and stat.cpu is not None else None

    @cached_property
    def cpus(self) -> dict[int, CpuUsage]:
        """Each CPU that was online in both samples, by number."""
        stat = self._get(STAT)
        usages = ((cpu.cpu, _cpu(cpu)) for cpu in (stat.cpus if stat is not None else ()))
        return {number: usage for number, usage in usages if usage is not None}

    @cached_property
    def memory(self) -> MemoryUsage | None:
        """Memory and swap, now."""
        info = self._get(MEMINFO)
        if info is None or info.mem_total_bytes is None:
            return None
        total, available = info.mem_total_bytes, info.mem_available_bytes
        used = _rest(total, available)
        swap, free = info.swap_total_bytes, info.swap_free_bytes
        swapped = _rest(swap, free)
        return MemoryUsage(
            total_bytes=total,
            available_bytes=available,
            used_bytes=used,
            used_ratio=_ratio(used, total),
            available_ratio=None if used is None else _ratio(available, total),
            swap_total_bytes=swap,
            swap_used_bytes=swapped,
            swap_used_ratio=_ratio(swapped, swap),
        )

    @cached_property
    def disks(self) -> dict[str, DiskUsage]:
        """Disks and partitions, by name."""
        seconds = self._seconds(DISKSTATS)
        disks = self._get(DISKSTATS)
        return {disk.device: _disk(disk, seconds) for disk in disks} if disks and seconds else {}

    @cached_property
    def interfaces(self) -> dict[str, InterfaceUsage]:
        """Network interfaces, by name."""
        seconds = self._seconds(NET_DEV)
        interfaces = self._get(NET_DEV)
        return {row.name: _interface(row, seconds) for row in interfaces} if interfaces and seconds else {}

    @cached_property
    def disk_total(self) -> DiskTotal | None:
        """All disks together, each counted once: no partitions, nothing that is built on other disks."""
        return disk_total(self.disks, self._delta.facts.get(BLOCK_LINKS.name))

    @cached_property
    def network_total(self) -> NetworkTotal | None:
        """The interfaces that lead out of the host together: cards, or in a container what leads out of that."""
        return network_total(self.interfaces, self._delta.facts.get(CLASS_NET_LINKS.name))

    @cached_property
    def kernel(self) -> KernelUsage:
        """Context switches, forks, interrupts, paging, swapping."""
        stat, vmstat = self._get(STAT), self._get(VMSTAT)
        rates: dict[str, Any] = {}
        seconds = self._seconds(STAT)
        if stat is not None and seconds:
            for name in ("context_switches", "forks", "interrupts", "softirqs"):
                rates[f"{name}_per_second"] = _rate(getattr(stat, name), seconds)
            rates["procs_running"], rates["procs_blocked"] = stat.procs_running, stat.procs_blocked
        seconds = self._seconds(VMSTAT)
        if vmstat is not None and seconds:
            page = self._delta.host.page_size
            for name, event, unit in (
                ("page_faults", "pgfault", 1),
                ("major_page_faults", "pgmajfault", 1),
                ("page_in_bytes", "pgpgin", 1024),
                ("page_out_bytes", "pgpgout", 1024),
                ("swap_in_bytes", "pswpin", page),
                ("swap_out_bytes", "pswpout", page),
            ):
                count = vmstat.events.get(event)
                rates[f"{name}_per_second"] = None if count is None else count * unit / seconds
        return KernelUsage(**rates)

    @cached_property
    def pressure(self) -> PressureUsage | None:
        """Time lost for want of a resource."""
        pressure = self._get(PRESSURE)
        seconds = self._seconds(PRESSURE)
        if pressure is None or not seconds:
            return None
        return PressureUsage(
            *stall_shares(pressure.cpu, seconds),
            *stall_shares(pressure.memory, seconds),
            *stall_shares(pressure.io, seconds),
            stall_shares(pressure.irq, seconds)[1],
        )

    @cached_property
    def processes(self) -> dict[int, ProcessUsage]:
        """Processes that were there in both samples, by pid."""
        ticks, cpus = self._delta.host.ticks_per_second, self._cpus()
        return {
            process.pid: process_usage(process, seconds, ticks, cpus)
            for process, seconds in self._rows()
            if process.stat is not None
        }

    @cached_property
    def threads(self) -> dict[int, ThreadUsage]:
        """Threads that were there in both samples, by tid; none unless `processes(..., threads=True)` is sampled."""
        ticks = self._delta.host.ticks_per_second
        return {
            tid: thread_usage(process.pid, thread, seconds, ticks)
            for process, seconds in self._rows()
            for tid, thread in (getattr(process, "threads", None) or {}).items()
            if thread.stat is not None
        }

    @cached_property
    def cgroups(self) -> dict[str, CgroupUsage]:
        """Control groups that were there in both samples, by path; none unless `cgroup` is sampled."""
        seconds = self._seconds(CGROUP)
        rows = self._get(CGROUP)
        cpus = self._cpus()
        return {row.path: cgroup_usage(row, seconds, cpus) for row in rows} if rows and seconds else {}

    @cached_property
    def container(self) -> ContainerUsage | None:
        """The control group of the program that samples, against the tightest of its limits.

        None unless `cgroup` is sampled. With `stat` and `meminfo` it knows what the host has, too: where nothing
        limits the group, the host does.
        """
        seconds = self._seconds(CGROUP)
        rows = self._get(CGROUP)
        if not rows or not seconds:
            return None
        stat, meminfo = self._get(STAT), self._get(MEMINFO)
        return container_usage(
            rows,
            seconds,
            len(stat.cpus) or None if stat is not None else None,
            meminfo.mem_total_bytes if meminfo is not None else None,
            meminfo.mem_available_bytes if meminfo is not None else None,
        )

    def _cpus(self) -> int | None:
        """How many CPUs there are, where that is known: as many as were met first, or more that came."""
        stat = self._get(STAT)
        return max(self._delta.host.cpus or 0, len(stat.cpus) if stat is not None else 0) or None

    def _rows(self) -> Iterator[tuple[Process, float]]:
        """Each process, and over how many seconds it is told."""
        growth = self._delta.growth(PROCESSES)
        if growth is None:
            return
        for pid, process in growth.value.items():
            elapsed = growth.rows_elapsed_ns.get(pid, growth.elapsed_ns)
            if elapsed > 0:
                yield process, elapsed / 1e9

    def top(
        self, count: int = 10, by: str | Callable[[ProcessUsage], float | None] = "cpu_ratio"
    ) -> list[ProcessUsage]:
        """The processes that have most of something, the greatest first; those without a value are left out.

        Args:
            count: How many at most.
            by: A field of `ProcessUsage`, or a function of one.

        Raises:
            ValueError: there is no such field.
        """
        return _most(self.processes.values(), ProcessUsage, count, by)

    def top_cgroups(
        self, count: int = 10, by: str | Callable[[CgroupUsage], float | None] = "cpu_ratio"
    ) -> list[CgroupUsage]:
        """The control groups that have most of something, as `top` does it. A group counts those below it as well.

        Args:
            count: How many at most.
            by: A field of `CgroupUsage`, or a function of one.

        Raises:
            ValueError: there is no such field.
        """
        return _most(self.cgroups.values(), CgroupUsage, count, by)

    def rates(self) -> Rates:
        """All of it, as one record."""
        return Rates(**{name: getattr(self, name) for name in Rates.__struct_fields__})

    def _get(self, source: Source[T]) -> T | None:
        growth = self._delta.growth(source)
        return None if growth is None else growth.value

    def _seconds(self, source: Source[Any]) -> float:
        growth = self._delta.growth(source)
        return 0.0 if growth is None else growth.elapsed_ns / 1e9


def _most(rows: Iterable[U], kind: type[U], count: int, by: str | Callable[[U], float | None]) -> list[U]:
    """The rows with the greatest values; of equal ones those that come first.

    Raises:
        ValueError: there is no such field.
    """
    names = kind.__struct_fields__
    if isinstance(by, str) and by not in names:
        what = "processes" if kind is ProcessUsage else "control groups"
        raise ValueError(f"no field {by!r}; {what} can be ordered by {', '.join(names)}")
    name = by
    value: Callable[[U], Any] = (lambda usage: getattr(usage, name)) if isinstance(name, str) else name
    known = [(found, usage) for usage in rows if (found := value(usage)) is not None]
    return [usage for _, usage in sorted(known, key=lambda item: item[0], reverse=True)[:count]]


def _rest(whole: int | None, part: int | None) -> int | None:
    """What is left of a whole; None where the part is larger."""
    return None if whole is None or part is None or part > whole else whole - part


def _ratio(part: int | None, whole: int | None) -> float | None:
    return None if part is None or not whole else part / whole


def _rate(growth: int | None, seconds: float) -> float | None:
    return None if growth is None else growth / seconds


def _sum(values: Iterable[int | None]) -> int:
    return sum(value or 0 for value in values)


def _cpu(grown: CpuTime | Cpu | None) -> CpuUsage | None:
    if grown is None:
        return None
    iowait, irq, softirq, steal = (
        grown.iowait_ticks or 0, grown.irq_ticks or 0, grown.softirq_ticks or 0, grown.steal_ticks or 0,
    )  # fmt: skip
    # The kernel adds to both at almost the same time: between the two, a guest may be ahead of its user time.
    guest = min(grown.guest_ticks or 0, grown.user_ticks)
    guest_nice = min(grown.guest_nice_ticks or 0, grown.nice_ticks)
    user, nice, guests = grown.user_ticks - guest, grown.nice_ticks - guest_nice, guest + guest_nice
    system, idle = grown.system_ticks, grown.idle_ticks
    total = user + nice + guests + system + idle + iowait + irq + softirq + steal
    if not total:
        return None
    return CpuUsage(
        busy_ratio=(total - idle - iowait) / total,
        user_ratio=user / total,
        nice_ratio=nice / total,
        system_ratio=system / total,
        irq_ratio=irq / total,
        softirq_ratio=softirq / total,
        iowait_ratio=None if grown.iowait_ticks is None else iowait / total,
        steal_ratio=steal / total,
        guest_ratio=guests / total,
        idle_ratio=idle / total,
    )


def _disk(grown: Disk, seconds: float) -> DiskUsage:
    requests = _sum((grown.reads, grown.writes, grown.discards))
    took = _sum((grown.read_ms, grown.write_ms, grown.discard_ms))
    return DiskUsage(
        grown.device,
        grown.read_bytes / seconds,
        grown.written_bytes / seconds,
        grown.reads / seconds,
        grown.writes / seconds,
        _rate(grown.discards, seconds),
        _rate(grown.flushes, seconds),
        _ratio(grown.read_ms, grown.reads),
        _ratio(grown.write_ms, grown.writes),
        _ratio(took, requests),
        grown.weighted_io_ms / (seconds * 1000),
        min(1.0, grown.io_ms / (seconds * 1000)),
    )


def _interface(grown: Interface, seconds: float) -> InterfaceUsage:
    fields = ("bytes", "packets", "errors", "dropped")
    growth = [getattr(grown, f"{way}_{field}") for field in fields for way in ("rx", "tx")]
    return InterfaceUsage(grown.name, *[count / seconds for count in growth])
