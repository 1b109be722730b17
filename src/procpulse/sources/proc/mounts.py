r"""/proc/mounts: what is mounted, as /etc/fstab would have it.

    /dev/vda / ext4 rw,relatime,discard 0 0

https://docs.kernel.org/filesystems/proc.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.source import File, Source
from procpulse.sources.proc.mountinfo import mount_options, rows
from procpulse.text import inert, number, unescape


class MountEntry(msgspec.Struct, frozen=True, gc=False):
    """One mounted file system. One mount point may come more than once: the last one is seen."""

    line: Annotated[int, label("Line of the file, from 1.")]
    source: Annotated[str, info("Device, or another name of what is mounted.")]
    mount_point: Annotated[str, info("Where it is mounted.")]
    fs_type: Annotated[str, info("Type of the file system, such as ext4.")]
    options: Annotated[list[str], info("Mount options.")]
    dump_frequency: Annotated[int, info("Always 0.")] = 0
    pass_number: Annotated[int, info("Always 0.")] = 0


def parse(file: File) -> list[MountEntry]:
    mounts = []
    for i, line in enumerate(rows(file.data), 1):
        source, point, fs_type, options, *numbers = line.split(b" ")
        mounts.append(
            MountEntry(
                i,
                inert(unescape(source)),
                inert(unescape(point)),
                inert(unescape(fs_type)),
                mount_options(options, fs_type),
                *map(number, numbers[:2]),
            )
        )
    return mounts


MOUNTS = Source("mounts", "/proc/self/mounts", list[MountEntry], parse, cap=1 << 24, rows=0)
