"""/sys/fs/xfs/*/stats/stats: what each mounted XFS file system did; for all of them together see fs_xfs_stat.

    extent_alloc 8120 31077 5209 20011
    trans 115 70240 3
    xpc 901775360 46093312 15728640

https://docs.kernel.org/admin-guide/xfs.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import group, label
from procpulse.sources.proc.fs_xfs_stat import XfsStats, parse_stats
from procpulse.tree import Folder, Tree


class Xfs(msgspec.Struct, frozen=True, gc=False):
    """One mounted XFS file system."""

    device: Annotated[str, label("Name of the device that it is on, such as sda1.")]
    stats: Annotated[XfsStats | None, group("What it did since it was mounted or its counters were cleared.")] = None


def parse(folder: Folder) -> Xfs | None:
    # Beside the file systems there is the directory of their sum, which holds no such file.
    stats = folder.parsed(
        "stats/stats", lambda data: parse_stats(data, lambda _, error: folder.lose("stats/stats", error))
    )
    return Xfs(folder.name, stats) if folder.entries else None


FS_XFS = Tree("fs_xfs", "/sys/fs/xfs/*", ("stats/stats",), Xfs, parse)
