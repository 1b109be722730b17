"""/proc/[pid]/comm: the name of a process.

    vim

https://docs.kernel.org/filesystems/proc.html#proc-pid-comm-proc-pid-task-tid-comm
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part, ProcessFile
from procpulse.text import inert


class PidComm(msgspec.Struct, frozen=True, gc=False):
    """The name of a process."""

    comm: Annotated[str, info("Name, which the process may change at will.")]


def parse(file: ProcessFile) -> PidComm:
    if not file.data:
        raise ValueError("empty")
    return PidComm(inert(file.data[:-1]))


PID_COMM = Part("comm", "comm", PidComm, parse)
