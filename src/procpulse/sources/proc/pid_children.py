"""/proc/[pid]/task/[tid]/children: the children of a process, of all its threads together.

    4107 4242

The kernel promises all of them only while none starts or ends; `ppid` in `stat` misses none.

https://docs.kernel.org/filesystems/proc.html#proc-pid-task-tid-children-information-about-task-children
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part
from procpulse.text import integers
from procpulse.tree import Folder


class PidChildren(msgspec.Struct, frozen=True, gc=False):
    """Children of a process."""

    pids: Annotated[list[int], info("Their pids, lowest first.")]


def parse(folder: Folder) -> PidChildren:
    pids: set[int] = set()
    for name in folder.found("task/*/children"):
        pids.update(folder.parsed(name, integers) or ())
    return PidChildren(sorted(pids))


PID_CHILDREN = Part("children", ("task/[0-9]*/children",), PidChildren, parse, cap=1 << 22, threads=False)
