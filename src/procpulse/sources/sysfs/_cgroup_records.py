"""What is known of a control group, by controller.

A record of a controller is None where the controller is off for the group. In such a record a limit is None where there
is no limit (the kernel says `max`); a limit that could not be read is a failure of the snapshot, under `cgroup/FILE`.
"""

from typing import Annotated

import msgspec

from procpulse.fields import Unit, counter, gauge, group, info, label
from procpulse.sources.proc.pressure import Stalls


class CgroupCpu(msgspec.Struct, frozen=True, gc=False):
    """CPU time of a control group with those below it, and how it is limited."""

    usage_us: Annotated[int | None, counter("CPU time.", falls=True)] = None
    user_us: Annotated[int | None, counter("CPU time in user mode.", falls=True)] = None
    system_us: Annotated[int | None, counter("CPU time in the kernel.", falls=True)] = None
    nice_us: Annotated[int | None, counter("CPU time in user mode at low priority (Linux 6.12).", falls=True)] = None
    core_sched_force_idle_us: Annotated[
        int | None, counter("CPU time lost to CPUs that core scheduling kept idle (Linux 6.1).", falls=True)
    ] = None
    periods: Annotated[int | None, counter("Periods of the quota in which it wanted to run.", falls=True, bits=32)] = (
        None
    )
    throttled: Annotated[int | None, counter("Periods in which the quota was used up.", falls=True, bits=32)] = None
    throttled_us: Annotated[
        int | None, counter("Time that it was not let run, each CPU counted for itself.", falls=True)
    ] = None
    local_throttled_us: Annotated[
        int | None, counter("The same, without limits of the groups above (Linux 6.6).", falls=True)
    ] = None
    bursts: Annotated[
        int | None, counter("Periods in which it ran beyond its quota (Linux 5.14).", falls=True, bits=32)
    ] = None
    burst_us: Annotated[int | None, counter("CPU time beyond the quota (Linux 5.14).", falls=True)] = None
    quota_us: Annotated[int | None, gauge("CPU time that it may use in a period; None for no limit.")] = None
    period_us: Annotated[int | None, gauge("Length of a period.")] = None
    burst_max_us: Annotated[
        int | None, gauge("Unused quota of earlier periods that it may use at most (Linux 5.14).")
    ] = None
    weight: Annotated[int | None, gauge("Its share among its siblings, from 1 to 10000; 100 is usual (version 2).")] = (
        None
    )
    shares: Annotated[int | None, gauge("Its share among its siblings; 1024 is usual (version 1).")] = None
    idle: Annotated[bool | None, info("Whether it runs only when nothing else does (Linux 5.15).")] = None
    uclamp_min_percent: Annotated[
        float | None, gauge("CPU frequency that its tasks are promised at least (Linux 5.4).")
    ] = None
    uclamp_max_percent: Annotated[
        float | None, gauge("CPU frequency that its tasks may ask for; None for no limit (Linux 5.4).")
    ] = None


class CgroupMemory(msgspec.Struct, frozen=True, gc=False):
    """Memory of a control group with those below it, and how it is limited."""

    current_bytes: Annotated[int | None, gauge("Memory in use, page cache and kernel memory included.")] = None
    peak_bytes: Annotated[int | None, gauge("Most that was ever in use (version 2: Linux 5.19).")] = None
    min_bytes: Annotated[int | None, gauge("Memory that is never taken from it; None for all of it (version 2).")] = (
        None
    )
    low_bytes: Annotated[int | None, gauge("Memory that is taken from it last; None for all of it (version 2).")] = None
    high_bytes: Annotated[int | None, gauge("Above this it is slowed down; None for no limit (version 2).")] = None
    max_bytes: Annotated[int | None, gauge("Above this it is out of memory; None for no limit.")] = None
    soft_limit_bytes: Annotated[
        int | None, gauge("What it is brought back to when memory is short; None for no limit (version 1).")
    ] = None
    effective_max_bytes: Annotated[
        int | None, gauge("Tightest limit of it and all groups above; None for no limit (version 1).")
    ] = None
    swap_bytes: Annotated[int | None, gauge("Swap in use.")] = None
    swap_peak_bytes: Annotated[int | None, gauge("Most swap that was ever in use (Linux 6.5).")] = None
    swap_high_bytes: Annotated[
        int | None, gauge("Swap above which it is slowed down; None for no limit (Linux 5.8).")
    ] = None
    swap_max_bytes: Annotated[int | None, gauge("Swap that it may use; None for no limit (version 2).")] = None
    memory_swap_bytes: Annotated[int | None, gauge("Memory and swap in use (version 1).")] = None
    memory_swap_max_bytes: Annotated[
        int | None, gauge("Memory and swap together that it may use; None for no limit (version 1).")
    ] = None
    zswap_bytes: Annotated[int | None, gauge("Memory that compressed swap takes (Linux 5.19).")] = None
    zswap_max_bytes: Annotated[
        int | None, gauge("Memory that compressed swap may take; None for no limit (Linux 5.19).")
    ] = None
    zswap_writeback: Annotated[bool | None, info("Whether compressed swap may go to disk (Linux 6.8).")] = None
    kernel_bytes: Annotated[int | None, gauge("Kernel memory in use (version 1).")] = None
    tcp_bytes: Annotated[int | None, gauge("Buffers of TCP in use (version 1).")] = None
    limit_hits: Annotated[
        int | None, counter("How often it ran into its limit (version 1).", bits="long", falls=True)
    ] = None
    oom_group: Annotated[bool | None, info("Whether all of it is killed when it is out of memory (Linux 4.19).")] = None
    oom_kill_disabled: Annotated[bool | None, info("Whether its tasks wait instead of being killed (version 1).")] = (
        None
    )
    under_oom: Annotated[bool | None, info("Whether it is out of memory, and its tasks may wait (version 1).")] = None
    swappiness: Annotated[int | None, gauge("How willingly it is swapped, from 0 to 200 (version 1).")] = None
    events: Annotated[
        dict[str, int] | None,
        counter(
            "How often it reached low, high and max, was out of memory, and lost processes (oom_kill).",
            bits="long",
            falls=True,
        ),
    ] = None
    events_local: Annotated[
        dict[str, int] | None, counter("The same, without the groups below (Linux 5.2).", bits="long", falls=True)
    ] = None
    swap_events: Annotated[
        dict[str, int] | None, counter("How often swap reached its limits or failed.", bits="long", falls=True)
    ] = None
    stat_bytes: Annotated[
        dict[str, int] | None,
        gauge("What its memory is used for, under the kernel's own names.", Unit.BYTES),
    ] = None
    stat_events: Annotated[
        dict[str, int] | None,
        counter("Page faults, reclaim and the like, under the kernel's own names.", bits="long", falls=True),
    ] = None


class CgroupDevice(msgspec.Struct, frozen=True, gc=False):
    """What a control group with those below it did on a block device, and how it is limited there."""

    device: Annotated[str, label("Device number, as major:minor.")]
    read_bytes: Annotated[int | None, counter("Bytes read.")] = None
    written_bytes: Annotated[int | None, counter("Bytes written.")] = None
    reads: Annotated[int | None, counter("Reads.")] = None
    writes: Annotated[int | None, counter("Writes.")] = None
    discarded_bytes: Annotated[int | None, counter("Bytes discarded (version 2: Linux 4.19).")] = None
    discards: Annotated[int | None, counter("Discards (version 2: Linux 4.19).")] = None
    max_read_bytes_per_second: Annotated[int | None, gauge("Bytes that it may read; None for no limit.")] = None
    max_written_bytes_per_second: Annotated[int | None, gauge("Bytes that it may write; None for no limit.")] = None
    max_reads_per_second: Annotated[int | None, gauge("Reads that it may make; None for no limit.")] = None
    max_writes_per_second: Annotated[int | None, gauge("Writes that it may make; None for no limit.")] = None
    latency_target_us: Annotated[
        int | None, gauge("Latency that it is to be protected from exceeding; None for none (Linux 4.19).")
    ] = None
    weight: Annotated[int | None, gauge("Its share of this device, where that is not the usual one.")] = None
    cost_usage_us: Annotated[int | None, counter("Device time by the cost model (Linux 5.16).")] = None
    cost_wait_us: Annotated[int | None, counter("Time that it waited for device time (Linux 5.16).")] = None


class CgroupIo(msgspec.Struct, frozen=True, gc=False):
    """Disks as a control group uses them."""

    devices: Annotated[list[CgroupDevice], group("Devices that it used or is limited on.", absent_is_zero=True)] = []
    weight: Annotated[int | None, gauge("Its share among its siblings, where the scheduler of the disk has any.")] = (
        None
    )


class CgroupPids(msgspec.Struct, frozen=True, gc=False):
    """Processes and threads of a control group with those below it."""

    current: Annotated[int | None, gauge("Processes and threads.")] = None
    peak: Annotated[int | None, gauge("Most that there ever were (Linux 6.1).")] = None
    max: Annotated[int | None, gauge("How many there may be; None for no limit.")] = None
    events: Annotated[dict[str, int] | None, counter("How often a fork was refused (max).", falls=True)] = None


class CgroupCpuset(msgspec.Struct, frozen=True, gc=False):
    """CPUs and memory nodes that a control group may use."""

    cpus: Annotated[list[int] | None, info("CPUs that it asks for; None where it asks for none and gets its parent's.")]
    cpus_effective: Annotated[list[int] | None, info("CPUs that it gets.")]
    mems: Annotated[list[int] | None, info("Memory nodes that it asks for; None as for CPUs.")]
    mems_effective: Annotated[list[int] | None, info("Memory nodes that it gets.")]
    partition: Annotated[
        str | None, info("Whether its CPUs are its own: member, root, isolated or why not (version 2).")
    ] = None
    cpus_exclusive: Annotated[list[int] | None, info("CPUs that are its own (version 2: Linux 6.7).")] = None


class CgroupHugetlb(msgspec.Struct, frozen=True, gc=False):
    """Huge pages of one size in a control group with those below it."""

    page_size: Annotated[str, label("Size of the pages, such as 2MB.")]
    current_bytes: Annotated[int | None, gauge("Huge pages in use.")] = None
    peak_bytes: Annotated[int | None, gauge("Most that were ever in use (version 1).")] = None
    max_bytes: Annotated[int | None, gauge("How much it may use; None for no limit.")] = None
    reserved_bytes: Annotated[int | None, gauge("Huge pages that are reserved (Linux 5.7).")] = None
    reserved_max_bytes: Annotated[int | None, gauge("How much it may reserve; None for no limit (Linux 5.7).")] = None
    limit_hits: Annotated[int | None, counter("How often the limit stood in the way.", bits="long", falls=True)] = None


class CgroupPressure(msgspec.Struct, frozen=True, gc=False):
    """Time that tasks of a control group lost for want of a resource (version 2)."""

    cpu: Annotated[Stalls | None, group("Waiting for a CPU.")] = None
    memory: Annotated[Stalls | None, group("Waiting for memory.")] = None
    io: Annotated[Stalls | None, group("Waiting for disks.")] = None
    irq: Annotated[Stalls | None, group("Interrupted by interrupts (Linux 6.1).")] = None


class Cgroup(msgspec.Struct, frozen=True, gc=False):
    """One control group: of version 2, or of all hierarchies of version 1 that have it by the same path."""

    path: Annotated[str, label("Path from the root of the hierarchy, as in /proc/[pid]/cgroup.")]
    identity: Annotated[int, label("A number that changes when the group is removed and made again.")]
    hierarchies: Annotated[
        list[str], info("Where it is mounted: unified for version 2, else directories such as cpu,cpuacct.")
    ]
    own: Annotated[
        list[str],
        info(
            "Hierarchies in which the program that samples is in this group itself, not in one below; the topmost group of the host is nobody's own."
        ),
    ]
    unit: Annotated[str | None, info("Service, scope or other unit of systemd, such as nginx.service.")] = None
    slice: Annotated[str | None, info("Innermost slice of systemd, such as system.slice.")] = None
    user_unit: Annotated[str | None, info("Unit of a user's own systemd.")] = None
    user_slice: Annotated[str | None, info("Innermost slice of a user's own systemd, such as app.slice.")] = None
    user_id: Annotated[int | None, info("User that it is a part of the login of.")] = None
    session: Annotated[str | None, info("Login session.")] = None
    container_id: Annotated[str | None, info("Id or name of the innermost container.")] = None
    runtime: Annotated[str | None, info("Who runs the container or machine, such as docker or containerd.")] = None
    pod_uid: Annotated[str | None, info("Kubernetes pod, by its uid.")] = None
    qos_class: Annotated[str | None, info("Class of service of the pod: guaranteed, burstable, besteffort.")] = None
    machine: Annotated[str | None, info("Virtual machine or container that is registered with systemd.")] = None
    type: Annotated[str | None, info("Type: domain, domain threaded, domain invalid or threaded (version 2).")] = None
    populated: Annotated[bool | None, info("Whether a process is in it or below (version 2).")] = None
    frozen: Annotated[bool | None, info("Whether its processes are frozen (Linux 5.2).")] = None
    processes: Annotated[int | None, gauge("Processes in it, without those of groups below.")] = None
    descendants: Annotated[int | None, gauge("Groups below it (version 2).")] = None
    dying_descendants: Annotated[
        int | None, gauge("Groups below it that were removed and still hold memory (version 2).")
    ] = None
    max_descendants: Annotated[int | None, gauge("Groups that may be below it; None for no limit (version 2).")] = None
    max_depth: Annotated[int | None, gauge("Levels that may be below it; None for no limit (version 2).")] = None
    cpu: Annotated[CgroupCpu | None, group("CPU time.")] = None
    memory: Annotated[CgroupMemory | None, group("Memory and swap.")] = None
    io: Annotated[CgroupIo | None, group("Disks.")] = None
    pids: Annotated[CgroupPids | None, group("Processes and threads.")] = None
    cpuset: Annotated[CgroupCpuset | None, group("CPUs and memory nodes.")] = None
    hugetlb: Annotated[list[CgroupHugetlb] | None, group("Huge pages, by size.")] = None
    pressure: Annotated[CgroupPressure | None, group("Time lost.")] = None
