"""/proc/filesystems: the types of file systems that can be mounted without loading a module.

    nodev	tmpfs
        ext4

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.source import File, Source
from procpulse.text import inert, lines


class FilesystemType(msgspec.Struct, frozen=True, gc=False):
    """One type of file systems."""

    name: Annotated[str, label("Name of the type, such as ext4.")]
    nodev: Annotated[bool, info("Whether it needs no block device.")]


def parse(file: File) -> list[FilesystemType]:
    types = []
    for line in lines(file.data):
        nodev, tab, name = line.partition(b"\t")
        if not tab or nodev not in (b"", b"nodev"):
            raise ValueError("neither nodev nor a blank column")
        types.append(FilesystemType(inert(name), nodev == b"nodev"))
    return types


FILESYSTEMS = Source("filesystems", "/proc/filesystems", list[FilesystemType], parse, rows=0)
