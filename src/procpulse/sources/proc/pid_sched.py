"""/proc/[pid]/sched: what the scheduler knows of the main thread of a process.

    vim (4711, #threads: 1)
    -------------------------------------------------------------------
    se.sum_exec_runtime                          :           812.004417
    nr_voluntary_switches                        :                  905

https://docs.kernel.org/scheduler/sched-debug.html
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from procpulse.fields import Unit, counter, gauge, info
from procpulse.process import Part, ProcessFile
from procpulse.text import fraction, inert, lines, number


class PidSched(msgspec.Struct, frozen=True, gc=False):
    """Scheduling of the main thread. The three dicts are empty unless the host collects such statistics.

    They are under the kernel's own names, without what it writes before them on older kernels (`se.statistics.`), so
    that a new kernel's new row shows up by itself.
    """

    events: Annotated[
        dict[str, int], counter("Events such as nr_wakeups, nr_forced_migrations, iowait_count.", falls=True)
    ]
    times: Annotated[
        dict[str, int], counter("Time spent, such as wait_sum, iowait_sum, sum_sleep_runtime.", Unit.NS, falls=True)
    ]
    longest: Annotated[dict[str, int], gauge("Longest spans, such as wait_max, sleep_max, slice_max.", Unit.NS)]
    policy: Annotated[int | None, info("Scheduling policy (SCHED_*).")] = None
    prio: Annotated[int | None, info("Priority in the kernel: 120 plus nice, below 100 for real time.")] = None
    sum_exec_runtime_ns: Annotated[int | None, counter("Time spent on a CPU.", falls=True)] = None
    vruntime_ns: Annotated[int | None, gauge("Time on a CPU, weighted by nice; the lowest goes next.")] = None
    exec_start_ns: Annotated[int | None, gauge("When it last got a CPU, by the clock of the scheduler.")] = None
    slice_ns: Annotated[int | None, gauge("How long it may run at a time (Linux 6.12).")] = None
    migrations: Annotated[int | None, counter("Times it was moved to another CPU.", falls=True)] = None
    switches: Annotated[int | None, counter("Times it left the CPU.", falls=True)] = None
    voluntary_switches: Annotated[int | None, counter("Times it gave up the CPU of its own accord.", falls=True)] = None
    involuntary_switches: Annotated[int | None, counter("Times the CPU was taken from it.", falls=True)] = None
    load_weight: Annotated[int | None, info("Weight that its nice value has; 1,024 or 1,048,576 for 0.")] = None
    load_avg: Annotated[int | None, gauge("Its share of the load of a CPU, 1,024 for all of it at nice 0.")] = None
    runnable_avg: Annotated[int | None, gauge("How much it runs or wants to, of 1,024 (Linux 5.7).")] = None
    util_avg: Annotated[int | None, gauge("How much it runs, of 1,024.")] = None
    util_est: Annotated[int | None, gauge("How much it is expected to run, of 1,024 (Linux 6.8).")] = None
    uclamp_min: Annotated[int | None, gauge("Least that it asked to be taken for, of 1,024 (Linux 5.3).")] = None
    uclamp_max: Annotated[int | None, gauge("Most that it asked to be taken for, of 1,024 (Linux 5.3).")] = None
    numa_pages_migrated: Annotated[int | None, counter("Pages moved to the node that it runs on.", falls=True)] = None
    numa_preferred_nid: Annotated[int | None, info("Node where most of its memory is; -1 for none.")] = None
    numa_faults: Annotated[int | None, gauge("Accesses to memory seen by NUMA balancing; old ones fade.")] = None


def _ms(value: bytes) -> int:
    return fraction(value, 6)


_FIELDS: dict[bytes, tuple[str, Callable[[bytes], int]]] = {
    b"policy": ("policy", number),
    b"prio": ("prio", number),
    b"se.sum_exec_runtime": ("sum_exec_runtime_ns", _ms),
    b"se.vruntime": ("vruntime_ns", _ms),
    b"se.exec_start": ("exec_start_ns", _ms),
    b"se.slice": ("slice_ns", number),
    b"se.nr_migrations": ("migrations", number),
    b"nr_switches": ("switches", number),
    b"nr_voluntary_switches": ("voluntary_switches", number),
    b"nr_involuntary_switches": ("involuntary_switches", number),
    b"se.load.weight": ("load_weight", number),
    b"se.avg.load_avg": ("load_avg", number),
    b"se.avg.runnable_avg": ("runnable_avg", number),
    b"se.avg.util_avg": ("util_avg", number),
    b"se.avg.util_est": ("util_est", number),
    b"uclamp.min": ("uclamp_min", number),
    b"uclamp.max": ("uclamp_max", number),
    b"numa_pages_migrated": ("numa_pages_migrated", number),
    b"numa_preferred_nid": ("numa_preferred_nid", number),
    b"total_numa_faults": ("numa_faults", number),
}
# The name in the first line can hold anything but more than 15 bytes, so this is the kernel's own.
_RULE = re.compile(rb"^-{20,}$", re.MULTILINE)
_EVENTS = (b"nr_wakeups", b"nr_migrations_", b"nr_failed_migrations", b"nr_forced_migrations")


def parse(file: ProcessFile) -> PidSched:
    rule = _RULE.search(file.data)
    if rule is None:
        raise ValueError("no rows")
    found: dict[str, Any] = {}
    events: dict[str, int] = {}
    times: dict[str, int] = {}
    longest: dict[str, int] = {}
    for line in lines(file.data[rule.end() :]):
        key, colon, value = line.partition(b":")
        if not colon:
            continue
        key, value = key.strip().removeprefix(b"se.statistics."), value.strip()
        try:
            if key in _FIELDS:
                field, understand = _FIELDS[key]
                found[field] = understand(value)
            elif key.startswith(_EVENTS) or key.endswith(b"_count"):
                events[inert(key)] = number(value)
            elif key.startswith(b"sum_") or key.endswith(b"_sum"):
                if b"." in value:
                    times[inert(key)] = _ms(value)
            elif key.endswith(b"_max") and b"." in value:
                longest[inert(key)] = _ms(value)
        except ValueError as error:
            file.lose(inert(key), error)
    return PidSched(events, times, longest, **found)


PID_SCHED = Part("sched", "sched", PidSched, parse)
