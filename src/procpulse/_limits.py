"""What a process may really use: CPUs, memory, swap, processes, open files.

    from procpulse import limits

    found = await limits()
    workers = max(1, int(found.cpus))
    cache_bytes = found.memory_available_bytes // 4

A container sees the host's CPUs and memory in most places. What it may use is said by the control groups: its own and
every one above, of version 2, version 1, or both side by side; by its CPU affinity; and by its resource limits. The
tightest of them counts. In a container with a namespace of its own, groups above its own cannot be seen: then the limit
may be tighter than what is found here (version 1 tells the limit of memory all the same).

Where the groups of the process cannot be read (no /sys is mounted, as under bubblewrap or in a chroot; another mount
covers it; it is not allowed), `unknown` says so for each controller, and why:

    if "memory" in found.unknown:
        ...  # memory_bytes is None, or the tightest limit that could be seen: it may be less

What the host has never stands in for what is unknown, but for `cpus`, which is at most so many then.
"""

import os
import re
from typing import Annotated, Any, NamedTuple

import msgspec

from procpulse._membership import Membership, of_process
from procpulse.fields import gauge, info
from procpulse.sampler import DEADLINE, read, read_sync
from procpulse.source import Failure, Host, Malformed, Read, Reading, Reason, Roots, Source, Steps, Unreadable
from procpulse.sources.proc.meminfo import MEMINFO
from procpulse.sources.proc.pid_limits import PID_LIMITS, UNLIMITED
from procpulse.sources.sysfs import _cgroup_bounds as bounds
from procpulse.sources.sysfs._cgroup_records import Cgroup
from procpulse.text import span
from procpulse.tree import PAGE

__all__ = ["Limits", "limits", "limits_sync"]


class Limits(msgspec.Struct, frozen=True):
    """What a process may use, as the tightest of everything that limits it."""

    cpus: Annotated[
        float,
        gauge(
            "CPUs, as the least of quota, CPU set, affinity and CPUs online; may be a fraction; at most so many where `unknown` has cpu."
        ),
    ]
    online_cpus: Annotated[int | None, gauge("CPUs of the host that are online.")]
    affinity_cpus: Annotated[int | None, gauge("CPUs that it may run on, by its affinity.")]
    cpuset_cpus: Annotated[int | None, gauge("CPUs that it may run on, by its control groups.")]
    cpu_quota: Annotated[float | None, gauge("CPUs by the tightest quota; None for none that is known.")]
    cpu_path: Annotated[str | None, info("Control group that has this quota.")]
    memory_bytes: Annotated[
        int | None, gauge("Memory: the tightest limit, at most what the host has; None where neither is known.")
    ]
    memory_total_bytes: Annotated[int | None, gauge("Memory of the host.")]
    memory_max_bytes: Annotated[
        int | None, gauge("Tightest limit beyond which something is killed; None for none that is known.")
    ]
    memory_high_bytes: Annotated[
        int | None, gauge("Tightest limit beyond which it is slowed; None for none that is known.")
    ]
    memory_path: Annotated[str | None, info("Control group that has the tightest limit.")]
    memory_used_bytes: Annotated[int | None, gauge("Memory that counts against this limit; without one, the host's.")]
    memory_available_bytes: Annotated[
        int | None, gauge("What it can still get: what is left below every limit, idle page cache included.")
    ]
    swap_bytes: Annotated[int | None, gauge("Swap: the tightest limit, at most what the host has.")]
    swap_used_bytes: Annotated[int | None, gauge("Swap that counts against this limit; without one, the host's.")]
    swap_path: Annotated[str | None, info("Control group that has this limit.")]
    pids_max: Annotated[int | None, gauge("Processes and threads, by the tightest limit; None for none that is known.")]
    pids_used: Annotated[int | None, gauge("Processes and threads that count against this limit.")]
    pids_available: Annotated[
        int | None, gauge("How many more there may be below every limit; None for none that is known.")
    ]
    pids_path: Annotated[str | None, info("Control group that has this limit.")]
    open_files: Annotated[int | None, gauge("Open files (RLIMIT_NOFILE), now; None for no limit.")]
    open_files_max: Annotated[int | None, gauge("Open files that it may raise its limit to; None for no limit.")]
    user_processes: Annotated[int | None, gauge("Processes and threads of its user (RLIMIT_NPROC); None for no limit.")]
    address_space_bytes: Annotated[int | None, gauge("Address space (RLIMIT_AS); None for no limit.")]
    cgroup_version: Annotated[str, info("Versions of control groups that it is in: 2, 1, 1+2, or none.")]
    paths: Annotated[dict[str, str], info("Its control group, by controller.")]
    failures: Annotated[list[Failure], info("Files that could not be read, so that a limit may be missing here.")]
    unknown: Annotated[
        dict[str, Failure],
        info("Why a limit is not known, by controller: cpu, cpuset, memory, swap, pids; empty where all are known."),
    ] = {}


async def limits(pid: int | None = None, *, roots: Roots | None = None, deadline: float = DEADLINE) -> Limits:
    """What this process may use, now; or another one.

    Args:
        pid: Another process. With other roots: None is the first process of that host.
        roots: Where /proc and /sys are mounted; those of this machine by default.
        deadline: Seconds that it may take.

    Raises:
        Unavailable: there is no such process, or nothing can be read of it.
    """
    return await read(_Limits(pid, _affinity(pid, roots)), roots=roots, deadline=deadline)


def limits_sync(pid: int | None = None, *, roots: Roots | None = None, deadline: float = DEADLINE) -> Limits:
    """The same where no event loop runs.

    Raises:
        Unavailable: there is no such process, or nothing can be read of it.
    """
    return read_sync(_Limits(pid, _affinity(pid, roots)), roots=roots, deadline=deadline)


def _affinity(pid: int | None, roots: Roots | None) -> frozenset[int] | None:
    """The CPUs of the thread that asks: it may be bound to fewer than its process."""
    if pid is not None or not (roots is None or roots.own):
        return None
    try:
        return frozenset(os.sched_getaffinity(0))
    except OSError:  # a sandbox may forbid it
        return None


class _Limits(Source[Limits]):
    """Reads what limits a process.

    Args:
        pid: The process; None for the one that reads.
        affinity: Its CPUs, where they are known.
    """

    def __init__(self, pid: int | None = None, affinity: frozenset[int] | None = None):
        self.process = "/proc/self" if pid is None else f"/proc/{pid:d}"
        super().__init__("limits", f"{self.process}/cgroup", Limits, self._one_file)
        self.affinity = affinity

    @staticmethod
    def _one_file(file: object) -> Limits:
        raise TypeError("limits are not in one file")

    def steps(self, reading: Reading) -> Steps[Limits]:
        """Find the groups of the process, then read what each of them and each above allows.

        Raises:
            Unreadable: there is no such process, or nothing can be read of it.
        """
        requests: list[Any] = [
            Read(f"{self.process}/status", 1 << 16),
            Read(f"{self.process}/limits", 1 << 16),
            Read("/proc/meminfo", 1 << 16),
            Read("/sys/devices/system/cpu/online", PAGE),
        ]
        answers = yield requests
        status, rlimits, meminfo, online = answers
        groups = yield from of_process(self.process, _pid(status), reading.host)
        if isinstance(status, Failure) and groups.missing is not None:
            raise Unreadable(status)
        lost = [answer for answer in answers if isinstance(answer, Failure) and answer.reason is not Reason.MISSING]
        facts = _Facts(reading.host, status, rlimits, meminfo, online, self.affinity, [*lost, *groups.failures])
        return facts.limits(groups)


def _pid(status: Any) -> bytes:
    """The process's own id, by /proc/[pid]/status."""
    found = re.search(rb"^Pid:\s+([0-9]+)$", status, re.M) if isinstance(status, bytes) else None
    return found[1] if found is not None else b""


class _Facts(NamedTuple):
    """What was read that is no control group."""

    host: Host
    status: Any
    rlimits: Any
    meminfo: Any
    online: Any
    affinity: frozenset[int] | None
    failures: list[Failure]

    def limits(self, groups: Membership) -> Limits:
        """The tightest of everything that is known.

        Raises:
            Unreadable: not even the number of CPUs is known.
        """
        chains = groups.chains
        online = self._cpus(self.online, "/sys/devices/system/cpu/online")
        allowed = self.affinity if self.affinity is not None else self._allowed()
        chosen = bounds.cpus(chains.get("cpuset", []))
        quota = bounds.tightest(chains.get("cpu", []), bounds.cpu_quota)
        counts = [
            None if ids is None else len(ids & online if online else ids)
            for ids in (online, None if allowed is None else set(allowed), None if chosen is None else set(chosen))
        ]
        known = [float(count) for count in counts if count]
        if quota is not None:
            known.append(quota.limit)
        if not known:
            raise Unreadable(Failure(Reason.MISSING, "/sys/devices/system/cpu/online", "the number of CPUs is unknown"))
        memory, pids = chains.get("memory", []), chains.get("pids", [])
        meminfo = self._understood(MEMINFO, self.meminfo, "/proc/meminfo")
        total = meminfo.mem_total_bytes if meminfo is not None else None
        available = meminfo.mem_available_bytes if meminfo is not None else None
        limit = bounds.tightest(memory, bounds.memory_limit)
        binds = limit is not None and (total is None or limit.limit <= total)
        if "memory" in groups.unknown:
            # The host's are no answer for a group that may have less.
            available = None
        used = limit.group.memory.current_bytes if binds and limit is not None and limit.group.memory else None
        swap, swap_used, swap_path = self._swap(memory, meminfo, "swap" not in groups.unknown)
        processes = bounds.tightest(pids, bounds.pids_limit)
        rlimits = self._understood(PID_LIMITS, self.rlimits, "limits")
        return Limits(
            cpus=min(known),
            online_cpus=counts[0],
            affinity_cpus=counts[1],
            cpuset_cpus=counts[2],
            cpu_quota=None if quota is None else quota.limit,
            cpu_path=None if quota is None else quota.group.path,
            memory_bytes=_whole(limit) if binds else None if "memory" in groups.unknown else total,
            memory_total_bytes=total,
            memory_max_bytes=_whole(bounds.tightest(memory, bounds.memory_max)),
            memory_high_bytes=_whole(bounds.tightest(memory, bounds.memory_high)),
            memory_path=limit.group.path if limit is not None and binds else None,
            memory_used_bytes=used if binds else None if total is None or available is None else total - available,
            memory_available_bytes=bounds.least((available, *map(bounds.memory_left, memory))),
            swap_bytes=swap,
            swap_used_bytes=swap_used,
            swap_path=swap_path,
            pids_max=_whole(processes),
            pids_used=processes.group.pids.current if processes is not None and processes.group.pids else None,
            pids_available=bounds.least(map(bounds.pids_left, pids)),
            pids_path=None if processes is None else processes.group.path,
            open_files=_rlimit(rlimits, "open_files_soft"),
            open_files_max=_rlimit(rlimits, "open_files_hard"),
            user_processes=_rlimit(rlimits, "processes_soft"),
            address_space_bytes=_rlimit(rlimits, "address_space_soft_bytes"),
            cgroup_version="+".join(sorted({"1" if h.old else "2" for h in groups.hierarchies.values()})) or "none",
            paths={controller: hierarchy.path for controller, hierarchy in groups.hierarchies.items()},
            failures=self.failures,
            unknown=groups.unknown,
        )

    def _swap(self, memory: list[Cgroup], meminfo: Any, known: bool) -> tuple[int | None, int | None, str | None]:
        """Swap that may be used, what is used, and whose limit it is."""
        total = meminfo.swap_total_bytes if meminfo is not None else None
        free = meminfo.swap_free_bytes if meminfo is not None else None
        limit = bounds.tightest(memory, bounds.swap_limit)
        if limit is not None and limit.group.memory is not None and (total is None or limit.limit <= total):
            return int(limit.limit), limit.group.memory.swap_bytes, limit.group.path
        if not known:
            return None, None, None
        return total, None if total is None or free is None else total - free, None

    def _allowed(self) -> frozenset[int] | None:
        """The affinity of the main thread, by /proc/[pid]/status."""
        if not isinstance(self.status, bytes):
            return None
        rows = (line.partition(b":") for line in self.status.split(b"\n"))
        listed = next((value for key, _, value in rows if key == b"Cpus_allowed_list"), None)
        return self._cpus(listed, "status")

    def _cpus(self, listed: Any, path: str) -> frozenset[int] | None:
        if not isinstance(listed, bytes):
            return None
        try:
            return frozenset(span(listed)) or None
        except ValueError as error:
            self.failures.append(Failure(Reason.MALFORMED, path, str(error)))
            return None

    def _understood(self, source: Any, data: Any, path: str) -> Any:
        if not isinstance(data, bytes):
            return None
        try:
            return source.understand(data, self.host)
        except Malformed as error:
            self.failures.append(Failure(Reason.MALFORMED, path, str(error)))
            return None


def _whole(bound: bounds.Bound | None) -> int | None:
    return None if bound is None else int(bound.limit)


def _rlimit(rlimits: Any, name: str) -> int | None:
    value: int | None = getattr(rlimits, name, None)
    return None if value == UNLIMITED else value
