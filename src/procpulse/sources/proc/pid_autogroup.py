"""/proc/[pid]/autogroup: the group of its session, with which a process shares its CPU time.

    /autogroup-118 nice 0

https://man7.org/linux/man-pages/man7/sched.7.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part, ProcessFile
from procpulse.text import number, shorten


class PidAutogroup(msgspec.Struct, frozen=True, gc=False):
    """The scheduling group of a session."""

    id: Annotated[int, info("Number of the group.")]
    nice: Annotated[int, info("Nice value of the group, from 19 (low priority) to -20 (high).")]


_ROW = re.compile(rb"/autogroup-([0-9]{1,20}) nice (-?[0-9]{1,3})\n")


def parse(file: ProcessFile) -> PidAutogroup | None:
    if not file.data:
        return None
    match = _ROW.fullmatch(file.data)
    if match is None:
        raise ValueError(f"no group: {shorten(file.data)}")
    return PidAutogroup(number(match[1]), number(match[2]))


PID_AUTOGROUP = Part("autogroup", "autogroup", PidAutogroup, parse, threads=False)
