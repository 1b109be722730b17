"""/proc/uptime: how long the host has been up, and how long its CPUs were idle.

    350735.47 234388.90

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter
from procpulse.source import File, Source
from procpulse.text import fraction


class Uptime(msgspec.Struct, frozen=True, gc=False):
    """Time since boot."""

    up_ms: Annotated[int, counter("Time since the host booted, time in suspend included.")]
    idle_ms: Annotated[int, counter("Time that its CPUs spent idle, summed over all of them.")]


def parse(file: File) -> Uptime:
    up, idle = file.data.split()[:2]
    return Uptime(fraction(up, 3), fraction(idle, 3))


UPTIME = Source("uptime", "/proc/uptime", Uptime, parse, whole=True)
