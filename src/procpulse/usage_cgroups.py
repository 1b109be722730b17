"""What control groups did a second, and our own beside the host: used by `usage`.

Shares of CPU time are as for processes: 1 is one CPU all the time. What a controller that is off would say is None.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.sources.proc.pressure import Stalls
from procpulse.sources.sysfs import _cgroup_bounds as bounds
from procpulse.sources.sysfs._cgroup_records import Cgroup
from procpulse.sources.sysfs.cgroup import UNIFIED


class CgroupUsage(msgspec.Struct, frozen=True, gc=False):
    """What a control group, with those below it, did a second."""

    path: Annotated[str, label("Path of the group.")]
    name: Annotated[str, info("What it is, in short: a unit, a container, a pod, a machine, or the end of its path.")]
    container_id: Annotated[str | None, info("Innermost container.")] = None
    pod_uid: Annotated[str | None, info("Kubernetes pod.")] = None
    cpu_ratio: Annotated[float | None, gauge("CPU time / elapsed; 1 is one CPU all the time.")] = None
    user_ratio: Annotated[float | None, gauge("CPU time in user mode / elapsed.")] = None
    system_ratio: Annotated[float | None, gauge("CPU time in the kernel / elapsed.")] = None
    cpu_quota: Annotated[float | None, gauge("CPUs by its own quota; None for no quota.")] = None
    cpu_quota_ratio: Annotated[
        float | None, gauge("CPU time / what the quota allows, at most 1; None for no quota.")
    ] = None
    throttled_ratio: Annotated[
        float | None, gauge("Periods in which the quota was used up / periods; None where it did not run by periods.")
    ] = None
    memory_bytes: Annotated[int | None, gauge("Memory in use.")] = None
    memory_limit_bytes: Annotated[int | None, gauge("The lower of its own limits; None for no limit.")] = None
    memory_ratio: Annotated[float | None, gauge("Memory in use / limit, at most 1; None for no limit.")] = None
    working_set_bytes: Annotated[int | None, gauge("Memory in use, without page cache that is not.")] = None
    swap_bytes: Annotated[int | None, gauge("Swap in use.")] = None
    oom_kills: Annotated[int | None, gauge("Processes that were killed for want of memory, since the last tick.")] = (
        None
    )
    read_bytes_per_second: Annotated[float | None, gauge("Bytes from disks.")] = None
    written_bytes_per_second: Annotated[float | None, gauge("Bytes to disks.")] = None
    reads_per_second: Annotated[float | None, gauge("Reads from disks.")] = None
    writes_per_second: Annotated[float | None, gauge("Writes to disks.")] = None
    pids: Annotated[int | None, gauge("Processes and threads.")] = None
    pids_ratio: Annotated[float | None, gauge("Processes and threads / limit, at most 1; None for no limit.")] = None
    cpu_some_ratio: Annotated[float | None, gauge("Time in which some task waited for a CPU / elapsed.")] = None
    cpu_full_ratio: Annotated[float | None, gauge("Time in which all tasks waited for a CPU / elapsed.")] = None
    memory_some_ratio: Annotated[float | None, gauge("Some task waited for memory.")] = None
    memory_full_ratio: Annotated[float | None, gauge("All tasks waited for memory.")] = None
    io_some_ratio: Annotated[float | None, gauge("Some task waited for a disk.")] = None
    io_full_ratio: Annotated[float | None, gauge("All tasks waited for a disk.")] = None
    irq_full_ratio: Annotated[float | None, gauge("Tasks were interrupted (Linux 6.1).")] = None


class ContainerUsage(msgspec.Struct, frozen=True, gc=False):
    """The control group of the program that samples: what is used against what may be used.

    Where a group above has the tightest limit, it is that group's use that counts against it. Of a controller whose group
    is not known, or for which the program is in the topmost group of the host, everything is None: what the host does
    and has is no container's.
    """

    path: Annotated[str, info("Its control group.")]
    name: Annotated[str, info("What it is, in short.")]
    container_id: Annotated[str | None, info("Innermost container.")] = None
    runtime: Annotated[str | None, info("Who runs the container.")] = None
    pod_uid: Annotated[str | None, info("Kubernetes pod.")] = None
    cpu_ratio: Annotated[float | None, gauge("CPU time / elapsed; 1 is one CPU all the time.")] = None
    cpu_limit: Annotated[float | None, gauge("CPUs that it may use: the tightest of quotas, CPU set and host.")] = None
    cpu_used_ratio: Annotated[float | None, gauge("CPU time / what it may use, at most 1.")] = None
    cpu_path: Annotated[str | None, info("Group that has the tightest quota, if one limits it.")] = None
    throttled_ratio: Annotated[
        float | None, gauge("Periods in which a quota was used up / periods, where that was most along its path.")
    ] = None
    memory_bytes: Annotated[int | None, gauge("Memory in use.")] = None
    memory_limit_bytes: Annotated[int | None, gauge("Tightest limit, at most what the host has.")] = None
    memory_used_ratio: Annotated[float | None, gauge("Memory in use / what it may use, at most 1.")] = None
    memory_available_bytes: Annotated[int | None, gauge("What it can still get below every limit.")] = None
    memory_path: Annotated[str | None, info("Group that has the tightest limit, if one limits it.")] = None
    pids: Annotated[int | None, gauge("Processes and threads that count against the tightest limit.")] = None
    pids_limit: Annotated[int | None, gauge("Tightest limit of processes and threads; None for no limit.")] = None


def cgroup_usage(grown: Cgroup, seconds: float, host_cpus: int | None = None) -> CgroupUsage:
    """The rates of one group, from its growth in so many seconds.

    Args:
        grown: The growth.
        seconds: In how long.
        host_cpus: CPUs of the host, where that is known: a group cannot have used more.
    """
    cpu, memory, io, pids = grown.cpu, grown.memory, grown.io, grown.pids
    used = _cpu_ratio(grown, seconds, host_cpus)
    microseconds = seconds * 1e6
    quota, limit = bounds.cpu_quota(grown), bounds.memory_limit(grown)
    current = None if memory is None else memory.current_bytes
    stat = None if memory is None else memory.stat_bytes
    pressure = grown.pressure

    def per_second(name: str) -> float | None:
        return None if io is None else sum(getattr(device, name) or 0 for device in io.devices) / seconds

    cpu_some, cpu_full = stall_shares(None if pressure is None else pressure.cpu, seconds)
    memory_some, memory_full = stall_shares(None if pressure is None else pressure.memory, seconds)
    io_some, io_full = stall_shares(None if pressure is None else pressure.io, seconds)
    return CgroupUsage(
        path=grown.path,
        name=title(grown),
        container_id=grown.container_id,
        pod_uid=grown.pod_uid,
        cpu_ratio=used,
        user_ratio=_at_most(host_cpus, _share(None if cpu is None else cpu.user_us, microseconds)),
        system_ratio=_at_most(host_cpus, _share(None if cpu is None else cpu.system_us, microseconds)),
        cpu_quota=quota,
        cpu_quota_ratio=_filled(used, quota),
        throttled_ratio=_throttled(grown),
        memory_bytes=current,
        memory_limit_bytes=limit,
        memory_ratio=_filled(current, limit),
        working_set_bytes=None if current is None or stat is None else max(0, current - stat.get("inactive_file", 0)),
        swap_bytes=None if memory is None else memory.swap_bytes,
        oom_kills=None if memory is None or memory.events is None else memory.events.get("oom_kill"),
        read_bytes_per_second=per_second("read_bytes"),
        written_bytes_per_second=per_second("written_bytes"),
        reads_per_second=per_second("reads"),
        writes_per_second=per_second("writes"),
        pids=None if pids is None else pids.current,
        pids_ratio=None if pids is None else _filled(pids.current, pids.max),
        cpu_some_ratio=cpu_some,
        cpu_full_ratio=cpu_full,
        memory_some_ratio=memory_some,
        memory_full_ratio=memory_full,
        io_some_ratio=io_some,
        io_full_ratio=io_full,
        irq_full_ratio=stall_shares(None if pressure is None else pressure.irq, seconds)[1],
    )


def container_usage(
    rows: Iterable[Cgroup], seconds: float, host_cpus: int | None, total_bytes: int | None, available_bytes: int | None
) -> ContainerUsage | None:
    """Our own group against its limits; None where it is not known which one that is, or where it is the host.

    Args:
        rows: The growth of all groups.
        seconds: In how long.
        host_cpus: CPUs of the host that are online, where that is known.
        total_bytes: Memory of the host.
        available_bytes: What of it programs can still get.
    """
    by_path = {row.path: row for row in rows}
    chains = {name: _chain(by_path, name) for name in ("cpu", "memory", "pids", "cpuset")}
    if any(chain and chain[0].path != "/" for chain in chains.values()):
        # One controller has a group for us, so the topmost group of another is the host's.
        chains = {name: () if chain and chain[0].path == "/" else chain for name, chain in chains.items()}
    cpu, memory, pids, cpuset = chains.values()
    own = next((chain[0] for chain in (memory, cpu, pids) if chain), None)
    if own is None:
        return None
    quota = bounds.tightest(cpu, bounds.cpu_quota)
    chosen = bounds.cpus(cpuset)
    count = bounds.least((host_cpus, None if chosen is None else len(chosen))) if cpu else None
    if quota is not None and count is not None and quota.limit > count:
        quota = None
    allowed = count if quota is None else quota.limit
    runs = quota.group if quota is not None else cpu[0] if cpu else None
    cpu_ratio = None if runs is None else _cpu_ratio(runs, seconds, host_cpus)
    throttled = [share for row in cpu if (share := _throttled(row)) is not None]
    if not memory:
        total_bytes = available_bytes = None
    bound = bounds.tightest(memory, bounds.memory_limit)
    if bound is not None and total_bytes is not None and bound.limit > total_bytes:
        bound = None
    holds = bound.group if bound is not None else memory[0] if memory else None
    held = holds.memory.current_bytes if holds is not None and holds.memory is not None else None
    most = bounds.least((total_bytes, None if bound is None else int(bound.limit)))
    processes = bounds.tightest(pids, bounds.pids_limit)
    counted = processes.group if processes is not None else pids[0] if pids else None
    return ContainerUsage(
        path=own.path,
        name=title(own),
        container_id=own.container_id,
        runtime=own.runtime,
        pod_uid=own.pod_uid,
        cpu_ratio=cpu_ratio,
        cpu_limit=None if allowed is None else float(allowed),
        cpu_used_ratio=_filled(cpu_ratio, allowed),
        cpu_path=None if quota is None else quota.group.path,
        throttled_ratio=max(throttled, default=None),
        memory_bytes=held,
        memory_limit_bytes=most,
        memory_used_ratio=_filled(held, most),
        memory_available_bytes=bounds.least((available_bytes, *map(bounds.memory_left, memory))),
        memory_path=None if bound is None else bound.group.path,
        pids=counted.pids.current if counted is not None and counted.pids is not None else None,
        pids_limit=None if processes is None else int(processes.limit),
    )


def title(row: Cgroup) -> str:
    """What a group is, in one short word or two."""
    if row.container_id is not None:
        return row.container_id[:12]
    if row.pod_uid is not None:
        return f"pod {row.pod_uid}"
    return row.machine or row.user_unit or row.unit or row.path.rpartition("/")[2] or row.path


def _chain(by_path: dict[str, Cgroup], controller: str) -> Sequence[Cgroup]:
    """Our own group for a controller and those above it, the innermost first; version 1 has the last word."""
    old = [row for row in by_path.values() if any(controller in name.split(",") for name in row.own)]
    own = old or [row for row in by_path.values() if UNIFIED in row.own]
    if not own:
        return ()
    path = own[0].path
    chain = [own[0]]
    while path != "/":
        path = path.rpartition("/")[0] or "/"
        above = by_path.get(path)
        if above is not None:
            chain.append(above)
    return chain


def _cpu_ratio(grown: Cgroup, seconds: float, host_cpus: int | None) -> float | None:
    return None if grown.cpu is None else _at_most(host_cpus, _share(grown.cpu.usage_us, seconds * 1e6))


def _throttled(grown: Cgroup) -> float | None:
    return None if grown.cpu is None else _filled(grown.cpu.throttled, grown.cpu.periods)


def _at_most(limit: float | None, value: float | None) -> float | None:
    return value if limit is None or value is None else min(value, limit)


def _filled(part: float | None, whole: float | None) -> float | None:
    """How full it is, at most 1: a limit may be set below what is in use, and a quota may allow bursts."""
    return _at_most(1.0, _share(part, whole))


def _share(part: float | None, whole: float | None) -> float | None:
    return None if part is None or not whole else part / whole


def stall_shares(grown: Stalls | None, seconds: float) -> tuple[float | None, float | None]:
    """The shares of time in which some and all tasks waited."""

    def share(kind: str) -> float | None:
        stall = getattr(grown, kind, None)
        return None if stall is None else min(1.0, stall.total_us / (seconds * 1e6))

    return share("some"), share("full")
