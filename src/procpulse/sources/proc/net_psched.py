"""/proc/net/psched: the clock of the packet schedulers, for `tc` to convert times with.

    000003e8 00000040 000f4240 3b9aca00

https://man7.org/linux/man-pages/man8/tc.8.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.source import File, Source
from procpulse.text import hexadecimal, words


class NetPsched(msgspec.Struct, frozen=True, gc=False):
    """The clock of the packet schedulers."""

    microsecond_ns: Annotated[int, info("Nanoseconds in a microsecond, as user space scales its times.")]
    tick_ns: Annotated[int, info("Nanoseconds in a tick of the schedulers' clock.")]
    clock_hz: Annotated[int, info("Ticks a second of the clock that user space works with.")]
    timer_hz: Annotated[int, info("Ticks a second of the kernel's timer: 1,000,000,000 where it is a precise one.")]


def parse(file: File) -> NetPsched:
    return NetPsched(*[hexadecimal(word) for word in words(file.data, 4)[:4]])


NET_PSCHED = Source("net_psched", "/proc/net/psched", NetPsched, parse, whole=True)
