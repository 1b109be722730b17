"""/proc/[pid]/timers: the POSIX timers of a process.

    ID: 0
    signal: 60/00007fff86e452a8
    notify: signal/tid.2634
    ClockID: 1

The value that comes with the signal may be an address (ASLR) and is not exported.

https://man7.org/linux/man-pages/man5/proc_pid_timers.5.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import group, info, label
from procpulse.process import Part, ProcessFile
from procpulse.text import inert, number, shorten


class PosixTimer(msgspec.Struct, frozen=True, gc=False):
    """One timer."""

    id: Annotated[int, label("Number of the timer.")]
    signal: Annotated[int, info("Signal that it sends.")]
    notify: Annotated[str, info("How it tells that it ran out: signal, thread or none.")]
    target: Annotated[str, info("Whether it tells the process (pid) or one thread (tid).")]
    pid: Annotated[int, info("Which process or thread it tells.")]
    clock_id: Annotated[int, info("Its clock, such as 0 for real time, 1 monotonic; below 0 a CPU clock.")]


class PidTimers(msgspec.Struct, frozen=True, gc=False):
    """POSIX timers of a process."""

    timers: Annotated[list[PosixTimer], group("Each of them.")]


_TIMER = re.compile(
    rb"ID: (?P<id>[0-9]{1,20})\n"
    rb"signal: (?P<signal>[0-9]{1,5})/[^\n]{0,40}\n"
    rb"notify: (?P<notify>[a-z]{1,16})/(?P<target>pid|tid)\.(?P<pid>-?[0-9]{1,20})\n"
    rb"ClockID: (?P<clock>-?[0-9]{1,20})\n"
)


def parse(file: ProcessFile) -> PidTimers:
    data, place, rows = file.data, 0, []
    while match := _TIMER.match(data, place):
        place = match.end()
        row = PosixTimer(
            number(match["id"]),
            number(match["signal"]),
            inert(match["notify"]),
            inert(match["target"]),
            number(match["pid"]),
            number(match["clock"]),
        )
        rows.append(row)
    if place != len(data):
        raise ValueError(f"no timer: {shorten(data[place : place + 200])}")
    return PidTimers(rows)


PID_TIMERS = Part("timers", "timers", PidTimers, parse, slow=True, cap=1 << 20, program=True, threads=False)
