"""/proc/[pid]/loginuid: the user that logged in, whoever a process runs as by now.

    1000

https://man7.org/linux/man-pages/man5/proc_pid_loginuid.5.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part, ProcessFile
from procpulse.text import number

_UNSET = (1 << 32) - 1


class PidLoginuid(msgspec.Struct, frozen=True, gc=False):
    """Who logged in, as the audit subsystem keeps it."""

    uid: Annotated[int | None, info("User id; None for what no login started.")] = None


def parse(file: ProcessFile) -> PidLoginuid:
    uid = number(file.data.strip())
    return PidLoginuid(None if uid == _UNSET else uid)


PID_LOGINUID = Part("loginuid", "loginuid", PidLoginuid, parse, newline=False)
