"""/proc/[pid]/statm: memory of a process, in pages.

    149919 12547 3121 19864 0 14531 0

https://docs.kernel.org/filesystems/proc.html#process-specific-subdirectories
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge
from procpulse.process import Part, ProcessFile
from procpulse.text import integers, sized


class PidStatm(msgspec.Struct, frozen=True, gc=False):
    """Memory of a process."""

    size_bytes: Annotated[int, gauge("Virtual memory.")]
    resident_bytes: Annotated[int, gauge("Resident memory.")]
    shared_bytes: Annotated[int, gauge("Resident memory of files and shared memory.")]
    text_bytes: Annotated[int, gauge("Code.")]
    lib_bytes: Annotated[int, gauge("Always 0.")]
    data_bytes: Annotated[int, gauge("Data and stack.")]
    dirty_bytes: Annotated[int, gauge("Always 0.")]


def parse(file: ProcessFile) -> PidStatm:
    pages = integers(file.data, 7)
    return PidStatm(*[sized(count, file.host.page_size) for count in pages[:7]])


PID_STATM = Part("statm", "statm", PidStatm, parse, program=True)
