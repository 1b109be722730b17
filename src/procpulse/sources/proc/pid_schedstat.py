"""/proc/[pid]/schedstat: time on a CPU and waiting for one.

    411605849 93680043 79

https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter
from procpulse.process import Part, ProcessFile
from procpulse.text import integers


class PidSchedstat(msgspec.Struct, frozen=True, gc=False):
    """Scheduling of the main thread of a process."""

    run_ns: Annotated[int, counter("Time spent on a CPU.", falls=True)]
    wait_ns: Annotated[int, counter("Time spent waiting for a CPU.", falls=True)]
    timeslices: Annotated[int, counter("Times it was put on a CPU.", falls=True, bits="long")]


def parse(file: ProcessFile) -> PidSchedstat:
    run, wait, slices = integers(file.data, 3)[:3]
    return PidSchedstat(run, wait, slices)


PID_SCHEDSTAT = Part("schedstat", "schedstat", PidSchedstat, parse)
