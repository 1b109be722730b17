"""/proc/partitions: disks and their partitions, with their sizes.

    major minor  #blocks  name

     259        0 1953514584 nvme0n1

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.source import File, Source
from procpulse.text import inert, lines, number, sized


class Partition(msgspec.Struct, frozen=True, gc=False):
    """One disk or partition."""

    name: Annotated[str, label("Name of the device, such as sda1.")]
    major: Annotated[int, info("Major number of the device.")]
    minor: Annotated[int, info("Minor number of the device.")]
    size_bytes: Annotated[int, gauge("Its size.")]


def parse(file: File) -> list[Partition]:
    partitions = []
    for line in lines(file.data):
        if line.startswith(b"major"):
            continue
        major, minor, blocks, name = line.split(None, 3)
        partitions.append(Partition(inert(name), number(major), number(minor), sized(number(blocks), 1024)))
    return partitions


PARTITIONS = Source("partitions", "/proc/partitions", list[Partition], parse, rows=2)
