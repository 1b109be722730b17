"""/proc/[pid]/fd: how many files a process has open, without looking at each. Needs its user, or CAP_SYS_PTRACE.

https://docs.kernel.org/filesystems/proc.html#process-specific-subdirectories
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge
from procpulse.process import Part
from procpulse.tree import Folder


class PidFdCount(msgspec.Struct, frozen=True, gc=False):
    """How many files a process has open."""

    count: Annotated[int, gauge("Open file descriptors.")]


def parse(folder: Folder) -> PidFdCount:
    names = folder.names("fd/")
    if names is None:
        raise ValueError("no directory")
    return PidFdCount(len(names))


PID_FD_COUNT = Part("fd_count", ("fd/",), PidFdCount, parse, program=True)
