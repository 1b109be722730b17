"""/proc/[pid]/timers: the POSIX timers of a process.

    ID: 0
    signal: 60/00007fff86e452a8
    notify: signal/tid.2634
    ClockID: 1

The value that comes with the signal may be an address (ASLR) and is not exported.

https://man7.org/linux/man-pages/man5/proc_pid_timers.5.html
"""

import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from procpulse.fields import group, info, label
from procpulse.process import Part, ProcessFile
from procpulse.text import inert, keyed, number, shorten


class PosixTimer(msgspec.Struct, frozen=True, gc=False):
    """One timer."""

    id: Annotated[int, label("Number of the timer.")]
    signal: Annotated[int | None, info("Signal that it sends.")]
    notify: Annotated[str | None, info("How it tells that it ran out: signal, thread or none.")]
    target: Annotated[str | None, info("Whether it tells the process (pid) or one thread (tid).")]
    pid: Annotated[int | None, info("Which process or thread it tells.")]
    clock_id: Annotated[int | None, info("Its clock, such as 0 for real time, 1 monotonic; below 0 a CPU clock.")]


class PidTimers(msgspec.Struct, frozen=True, gc=False):
    """POSIX timers of a process."""

    timers: Annotated[list[PosixTimer], group("Each of them.")]


_NOTIFY = re.compile(rb"([a-z]{1,16})/(pid|tid)\.(-?[0-9]{1,20})")


def parse(file: ProcessFile) -> PidTimers:
    timers: list[dict[str, Any]] = []
    lost = False
    for key, value in keyed(file.data):
        if key == b"ID":
            identity = file.parsed("timers", number, value)
            lost = identity is None
            if not lost:
                timers.append({"id": identity})
        elif key in _ROWS and not lost:
            if not timers or not timers[-1].keys().isdisjoint(_ROWS[key][0]):
                lost = True  # what follows is of a timer whose number is missing
                file.lose("timers", ValueError(f"a row of no timer: {shorten(value)}"))
                continue
            fields, parse = _ROWS[key]
            values = file.parsed("timers", parse, value) or (None,) * len(fields)
            timers[-1].update(zip(fields, values, strict=True))
    if file.data.strip() and not timers:
        raise ValueError(f"no timer: {shorten(file.data)}")
    nothing: dict[str, Any] = dict.fromkeys(PosixTimer.__struct_fields__)
    return PidTimers([PosixTimer(**(nothing | timer)) for timer in timers])


def _signal(value: bytes) -> tuple[int]:
    return (number(value.partition(b"/")[0]),)


def _notify(value: bytes) -> tuple[str, str, int]:
    match = _NOTIFY.fullmatch(value)
    if match is None:
        raise ValueError(f"no way to notify: {shorten(value)}")
    return inert(match[1]), inert(match[2]), number(match[3])


def _clock(value: bytes) -> tuple[int]:
    return (number(value),)


_ROWS: dict[bytes, tuple[tuple[str, ...], Callable[[bytes], tuple[Any, ...]]]] = {
    b"signal": (("signal",), _signal),
    b"notify": (("notify", "target", "pid"), _notify),
    b"ClockID": (("clock_id",), _clock),
}
PID_TIMERS = Part("timers", "timers", PidTimers, parse, slow=True, cap=1 << 20, program=True, threads=False)
