"""/proc/[pid]/wchan: where in the kernel a process waits.

    poll_schedule_timeout

https://man7.org/linux/man-pages/man5/proc_pid_wchan.5.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part, ProcessFile
from procpulse.text import inert


class PidWchan(msgspec.Struct, frozen=True, gc=False):
    """Where the main thread of a process waits."""

    symbol: Annotated[
        str | None, info("Function of the kernel; None while it runs, or where the kernel hides it from this user.")
    ] = None


def parse(file: ProcessFile) -> PidWchan:
    symbol = file.data.strip()
    if not symbol:
        raise ValueError("empty")
    return PidWchan(None if symbol == b"0" else inert(symbol))


PID_WCHAN = Part("wchan", "wchan", PidWchan, parse, newline=False)
