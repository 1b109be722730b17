"""/proc/schedstat: how long tasks ran and waited on each CPU, and how the scheduler moved them about.

    version 17
    timestamp 4295192744
    cpu0 0 0 118227 37214 60312 23117 41877243018 3720881245 80640
    domain0 MC ff 6120 6115 2 1034 0 5 0 3 0 9 6106 45210 45180 21 9000 0 31 0 30 1 40 45140 20 ...

https://docs.kernel.org/scheduler/sched-stats.html
"""

from functools import partial
from typing import Annotated, Any

import msgspec

from procpulse.fields import counter, group, info, label
from procpulse.source import File, Source
from procpulse.text import inert, integers, lines, number, shorten


class Balancing(msgspec.Struct, frozen=True, gc=False):
    """How often the scheduler looked for tasks to pull, and what came of it."""

    calls: Annotated[int, counter("Times it looked for work to pull.", bits=32)]
    balanced: Annotated[int, counter("Times the load was even already.", bits=32)]
    failures: Annotated[int, counter("Times it tried to move tasks and failed.", bits=32)]
    pulls: Annotated[int, counter("Tasks pulled.", bits=32)]
    hot_pulls: Annotated[int, counter("Tasks pulled though they were still hot in a cache.", bits=32)]
    no_busier_queues: Annotated[int, counter("Times there was no busier queue.", bits=32)]
    no_busier_groups: Annotated[int, counter("Times there was no busier group of CPUs.", bits=32)]
    load_imbalances: Annotated[int | None, counter("Imbalance of load, summed (Linux 6.14).", bits=32)] = None
    utilization_imbalances: Annotated[
        int | None, counter("Imbalance of utilization, summed (Linux 6.14).", bits=32)
    ] = None
    task_imbalances: Annotated[int | None, counter("Imbalance in tasks, summed (Linux 6.14).", bits=32)] = None
    misfit_imbalances: Annotated[
        int | None, counter("Imbalance by tasks too big for their CPU, summed (Linux 6.14).", bits=32)
    ] = None
    imbalances: Annotated[int | None, counter("Imbalance found, summed; in parts since Linux 6.14.", bits=32)] = None


class SchedDomain(msgspec.Struct, frozen=True, gc=False):
    """The CPUs at one distance from a CPU, among which the scheduler balances."""

    domain: Annotated[int, label("Number of the domain, from the nearest CPUs to the farthest.")]
    cpu_mask: Annotated[str, info("Which CPUs it holds, as a hexadecimal mask.")]
    busy: Annotated[Balancing, group("Balancing while the CPU was busy.")]
    idle: Annotated[Balancing, group("Balancing while the CPU was idle.")]
    newly_idle: Annotated[Balancing, group("Balancing when the CPU had just run out of work.")]
    active_balances: Annotated[int, counter("Times a running task was to be pushed away.", bits=32)]
    active_balance_failures: Annotated[int, counter("Times that failed.", bits=32)]
    active_balance_pushes: Annotated[int, counter("Times that succeeded.", bits=32)]
    remote_wakeups: Annotated[int, counter("Tasks woken that had last run on another CPU of the domain.", bits=32)]
    affine_wakeups: Annotated[int, counter("Tasks moved to the CPU that woke them.", bits=32)]
    balanced_wakeups: Annotated[int, counter("Wakeups that began to balance.", bits=32)]
    name: Annotated[str | None, info("What its CPUs share, such as SMT, MC, PKG, NUMA (Linux 6.14).")] = None


class SchedCpu(msgspec.Struct, frozen=True):
    """The scheduler on one CPU."""

    cpu: Annotated[int, label("Number of the CPU; offline ones are missing.")]
    yields: Annotated[int, counter("Calls of sched_yield().", bits=32)]
    schedules: Annotated[int, counter("Times the next task was chosen.", bits=32)]
    idle_schedules: Annotated[int, counter("Times there was none, and the CPU became idle.", bits=32)]
    wakeups: Annotated[int, counter("Tasks woken.", bits=32)]
    local_wakeups: Annotated[int, counter("Tasks woken that had last run on this CPU.", bits=32)]
    running_ns: Annotated[int, counter("Time that tasks ran.")]
    waiting_ns: Annotated[int, counter("Time that tasks waited for their turn, summed over all of them.")]
    timeslices: Annotated[int, counter("Times that a task got the CPU.", bits="long")]
    domains: Annotated[list[SchedDomain], group("Balancing by domain.")] = []


class Schedstat(msgspec.Struct, frozen=True):
    """The scheduler's own statistics. The kernel only counts some of them after `sysctl kernel.sched_schedstats=1`."""

    version: Annotated[int | None, info("Version of the file's format; 15, 16 and 17 are understood in full.")]
    cpus: Annotated[list[SchedCpu], group("Each CPU that is online.")]
    jiffies: Annotated[int | None, info("The kernel's own clock, in its internal ticks.")] = None


def parse(file: File) -> Schedstat:
    header: dict[bytes, int | None] = {}
    cpus: list[SchedCpu] = []
    domains: list[SchedDomain] | None = None
    for line in lines(file.data):
        key, _, rest = line.partition(b" ")
        if key.startswith(b"cpu"):
            cpu = file.parsed("cpus", partial(_cpu, key), rest)
            domains = None if cpu is None else cpu.domains
            if cpu is not None:
                cpus.append(cpu)
        elif key.startswith(b"domain"):
            version = header.get(b"version")
            domain = file.parsed("domains", partial(_domain, key, version), rest) if version in _DOMAINS else None
            if domain is not None and domains and domain.domain <= domains[-1].domain:
                domains = None  # the row of the CPU is missing: these are not those of the one before
            if domain is not None and domains is not None:
                domains.append(domain)
        elif key in (b"version", b"timestamp"):
            header[key] = file.parsed(key.decode(), number, rest.strip())
        else:
            file.lose("rows", ValueError(f"neither a CPU nor a domain: {shorten(line)}"))
    if not cpus and not header:
        raise ValueError(f"no rows: {shorten(file.data)}")
    return Schedstat(header.get(b"version"), cpus, header.get(b"timestamp"))


def _cpu(key: bytes, row: bytes) -> SchedCpu:
    # The second column is always 0: what it counted is gone.
    yields, _, schedules, idle, wakeups, local, running, waiting, slices = integers(row, 9)[:9]
    return SchedCpu(number(key[3:]), yields, schedules, idle, wakeups, local, running, waiting, slices, [])


# Columns of one kind of balancing, and the order of the kinds, by version. What a version to come means by its columns
# cannot be known; those of CPUs have not changed since version 15.
_DOMAINS = {15: (8, (1, 0, 2)), 16: (8, (0, 1, 2)), 17: (11, (0, 1, 2))}


def _domain(key: bytes, version: int, rest: bytes) -> SchedDomain:
    domain = number(key[6:])
    width, order = _DOMAINS[version]
    name = None
    if version >= 17:
        name, _, rest = rest.partition(b" ")
    mask, _, columns = rest.partition(b" ")
    v = integers(columns, 3 * width + 12)
    busy, idle, newly_idle = (_balancing(v[width * kind : width * (kind + 1)]) for kind in order)
    pushes, wakeups = v[3 * width : 3 * width + 3], v[3 * width + 9 : 3 * width + 12]  # what is between is not counted
    last: list[Any] = [*pushes, *wakeups, inert(name) if name else None]
    return SchedDomain(domain, inert(mask), busy, idle, newly_idle, *last)


def _balancing(v: list[int]) -> Balancing:
    columns: list[Any] = v[:3] + v[7:] + v[3:7] if len(v) == 11 else [*v[:3], *v[4:], None, None, None, None, v[3]]
    return Balancing(*columns)


SCHEDSTAT = Source("schedstat", "/proc/schedstat", Schedstat, parse, cap=1 << 24)
