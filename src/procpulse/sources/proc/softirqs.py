"""/proc/softirqs: softirqs served, by type and CPU.

                        CPU0       CPU1
              HI:          0          1
           TIMER:    2831512    2733424

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, label
from procpulse.source import File, Source
from procpulse.text import inert, integers, lines, number


class Softirq(msgspec.Struct, frozen=True, gc=False):
    """One type of softirq."""

    type: Annotated[str, label("Type, such as NET_RX.")]
    counts: Annotated[dict[int, int], counter("Softirqs served by CPU.", bits=32)]


def parse(file: File) -> list[Softirq]:
    header, *rows = lines(file.data)
    cpus = columns(header)
    softirqs = []
    for row in rows:
        type_, colon, counts = row.partition(b":")
        if not colon:
            raise ValueError("a row without a type")
        softirqs.append(Softirq(inert(type_.strip()), dict(zip(cpus, integers(counts, len(cpus)), strict=False))))
    return softirqs


def columns(header: bytes) -> list[int]:
    """The numbers of the CPUs in a header such as `CPU0 CPU1 CPU3`.

    Raises:
        ValueError: it is something else.
    """
    return [number(word.removeprefix(b"CPU")) for word in header.split()]


SOFTIRQS = Source("softirqs", "/proc/softirqs", list[Softirq], parse, rows=1)
