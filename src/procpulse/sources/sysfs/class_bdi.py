"""/sys/class/bdi/*: how much of what waits to be written each disk or mount may hold, and how far it reads ahead.

    8:0/read_ahead_kb: 128, 8:0/max_ratio: 100, 0:52-fuseblk/strict_limit: 1

https://docs.kernel.org/admin-guide/abi-testing.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.text import amount
from procpulse.tree import Folder, Tree


class BackingDevice(msgspec.Struct, frozen=True, gc=False):
    """Where file systems write to: a disk, or a mount without one."""

    name: Annotated[str, label("Its number as major:minor, with -fuseblk for some mounts, or default.")]
    read_ahead_bytes: Annotated[int | None, gauge("How much is read ahead.")] = None
    min_ratio_percent: Annotated[int | None, gauge("Least share of the write-back cache that it gets.")] = None
    max_ratio_percent: Annotated[int | None, gauge("Greatest share of the write-back cache that it gets.")] = None
    min_ratio_fine: Annotated[int | None, gauge("Least share in parts per million (Linux 6.2).")] = None
    max_ratio_fine: Annotated[int | None, gauge("Greatest share in parts per million (Linux 6.2).")] = None
    min_bytes: Annotated[int | None, gauge("Least share as of the memory now (Linux 6.2).")] = None
    max_bytes: Annotated[int | None, gauge("Greatest share as of the memory now (Linux 6.2).")] = None
    strict_limit: Annotated[
        bool | None, info("Whether its share is kept even while the cache as a whole has room (Linux 6.2).")
    ] = None


def _kib(data: bytes) -> int | None:
    return amount(data, 1024)


def parse(folder: Folder) -> BackingDevice:
    number = folder.number
    return BackingDevice(
        folder.name,
        folder.parsed("read_ahead_kb", _kib),
        number("min_ratio"),
        number("max_ratio"),
        number("min_ratio_fine"),
        number("max_ratio_fine"),
        number("min_bytes"),
        number("max_bytes"),
        folder.flag("strict_limit"),
    )


# Without stable_pages_required: the kernel complains in its log when somebody reads it.
FILES = (
    "read_ahead_kb", "min_ratio", "max_ratio", "min_ratio_fine", "max_ratio_fine", "min_bytes", "max_bytes",
    "strict_limit",
)  # fmt: skip
CLASS_BDI = Tree("class_bdi", "/sys/class/bdi/*", FILES, BackingDevice, parse)
