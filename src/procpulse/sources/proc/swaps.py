r"""/proc/swaps: where the host swaps to.

    Filename				Type		Size		Used		Priority
    /dev/zram0                              partition	2097148		0		100

https://docs.kernel.org/admin-guide/sysctl/vm.html#swappiness
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.source import File, Source
from procpulse.text import inert, number, sized, unescape


class Swap(msgspec.Struct, frozen=True, gc=False):
    """One swap device or file."""

    filename: Annotated[str, label("Path of the device or file.")]
    type: Annotated[str, info("Whether it is a partition or a file.")]
    size_bytes: Annotated[int, gauge("How much fits into it.")]
    used_bytes: Annotated[int, gauge("How much is in it.")]
    priority: Annotated[int, info("Those of the highest priority are filled first.")]


def parse(file: File) -> list[Swap]:
    swaps = []
    for line in file.data.split(b"\n")[1:]:
        if not line.strip():
            continue
        filename, type_, size, used, priority = line.rsplit(None, 4)
        swaps.append(
            Swap(
                inert(unescape(filename)),
                inert(type_),
                sized(number(size), 1024),
                sized(number(used), 1024),
                number(priority),
            )
        )
    return swaps


SWAPS = Source("swaps", "/proc/swaps", list[Swap], parse, rows=1)
