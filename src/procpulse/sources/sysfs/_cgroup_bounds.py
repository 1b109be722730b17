"""What limits a process by its control groups: the tightest of its own group and all those above.

Works on a chain of records, the group itself first, the topmost last. A limit of a group above is shared: what counts
against it is the use of that group, with everything else below it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from procpulse.sources.sysfs._cgroup_records import Cgroup


class Bound(NamedTuple):
    """A limit, and the group that has it."""

    limit: float
    group: Cgroup


def tightest(chain: Sequence[Cgroup], limit: Callable[[Cgroup], float | None]) -> Bound | None:
    """The smallest limit of a chain; of equal ones the innermost."""
    bounds = [Bound(found, group) for group in chain if (found := limit(group)) is not None]
    return min(bounds, key=lambda bound: bound.limit, default=None)


def cpu_quota(group: Cgroup) -> float | None:
    """How many CPUs a group may use, by its quota; None for all."""
    cpu = group.cpu
    if cpu is None or cpu.quota_us is None or not cpu.period_us:
        return None
    return cpu.quota_us / cpu.period_us


def memory_max(group: Cgroup) -> int | None:
    """Above this a group is out of memory; None for no limit.

    Version 1 tells the tightest of all groups above, those that cannot be seen from a container as well.
    """
    memory = group.memory
    return None if memory is None else least((memory.max_bytes, memory.effective_max_bytes))


def memory_high(group: Cgroup) -> int | None:
    """Above this a group is slowed down so much that it cannot be said to have more; None for no limit."""
    return None if group.memory is None else group.memory.high_bytes


def memory_limit(group: Cgroup) -> int | None:
    """The memory that a group may use; None for no limit."""
    return least((memory_max(group), memory_high(group)))


def memory_left(group: Cgroup) -> int | None:
    """What a group may still use: what its limit leaves, and page cache that is not in use; None for no limit."""
    limit, memory = memory_limit(group), group.memory
    if limit is None or memory is None or memory.current_bytes is None:
        return None
    idle = (memory.stat_bytes or {}).get("inactive_file", 0)
    return max(0, min(limit, limit - memory.current_bytes + idle))


def swap_limit(group: Cgroup) -> int | None:
    """The swap that a group may use; None for no limit. In version 1 the limit is that of memory and swap together."""
    memory = group.memory
    if memory is None:
        return None
    if memory.memory_swap_max_bytes is None:
        return least((memory.swap_max_bytes, memory.swap_high_bytes))
    return max(0, memory.memory_swap_max_bytes - (memory.max_bytes or 0))


def pids_limit(group: Cgroup) -> int | None:
    """How many processes and threads a group may have; None for no limit."""
    return None if group.pids is None else group.pids.max


def pids_left(group: Cgroup) -> int | None:
    """How many more it may have; None for no limit."""
    pids = group.pids
    return None if pids is None or pids.max is None or pids.current is None else max(0, pids.max - pids.current)


def cpus(chain: Sequence[Cgroup]) -> list[int] | None:
    """The CPUs that a group may run on: what the innermost that knows says; None where none does."""
    known = (group.cpuset.cpus_effective or group.cpuset.cpus for group in chain if group.cpuset is not None)
    return next((found for found in known if found), None)


def least(values: Iterable[int | None]) -> int | None:
    """The smallest of what is known."""
    return min((value for value in values if value is not None), default=None)
