"""/sys/block/*/slaves: which block devices are built on others.

    /sys/block/dm-0/slaves/nvme0n1p3

What a disk and what is built on it did is the same work, counted twice; this tells the two apart. It changes only when
somebody sets up storage, so it is read every ten seconds.

https://docs.kernel.org/admin-guide/abi-stable.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.tree import Folder, Tree


class BlockLinks(msgspec.Struct, frozen=True, gc=False):
    """What one whole block device is built on; partitions are no rows."""

    name: Annotated[str, label("Name of the device, such as dm-0.")]
    slaves: Annotated[list[str] | None, info("Devices and partitions that it is built on; none for a real disk.")] = (
        None
    )


def parse(folder: Folder) -> BlockLinks:
    return BlockLinks(folder.name, folder.names("slaves/"))


BLOCK_LINKS = Tree("block_links", "/sys/block/*", ("slaves/",), BlockLinks, parse, cadence=10.0)
