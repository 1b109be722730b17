"""/proc/misc: drivers of the miscellaneous devices, which share the major number 10.

    229 fuse
     63 vga_arbiter

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import label
from procpulse.source import File, Source
from procpulse.text import inert, lines, number


class MiscDevice(msgspec.Struct, frozen=True, gc=False):
    """One device."""

    minor: Annotated[int, label("Minor number of the device.")]
    name: Annotated[str, label("Name that its driver gave it.")]


def parse(file: File) -> list[MiscDevice]:
    rows = [line.split(None, 1) for line in lines(file.data)]
    return [MiscDevice(number(row[0]), inert(row[1]) if len(row) > 1 else "") for row in rows]


MISC = Source("misc", "/proc/misc", list[MiscDevice], parse, rows=0)
