"""/proc/buddyinfo: free memory by size of block, which shows how fragmented it is.

    Node 0, zone   Normal   2647   1639   1272    796    602    416    244    138     94     61    179

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, label
from procpulse.source import File, Source
from procpulse.text import inert, integers, lines, number, shorten


class FreeBlocks(msgspec.Struct, frozen=True):
    """Free memory of one zone."""

    node: Annotated[int, label("Number of the NUMA node.")]
    zone: Annotated[str, label("Name of the zone, such as Normal.")]
    free_blocks: Annotated[dict[int, int], gauge("Free blocks by order: a block of order n is 2 to the n pages.")]


def parse(file: File) -> list[FreeBlocks]:
    return [_row(line) for line in lines(file.data)]


def _row(line: bytes) -> FreeBlocks:
    node, zone, counts = place(line)
    return FreeBlocks(node, zone, dict(enumerate(integers(counts))))


def place(line: bytes) -> tuple[int, str, bytes]:
    """A line that begins with `Node 0, zone Normal`, as (node, zone, the rest).

    Raises:
        ValueError: it begins with something else.
    """
    where, comma, rest = line.partition(b",")
    words = where.split()
    zone = rest.split(None, 2)
    if not comma or len(words) != 2 or words[0] != b"Node" or len(zone) < 2 or zone[0] != b"zone":
        raise ValueError(f"no node and zone: {shorten(line)}")
    return number(words[1]), inert(zone[1].rstrip(b",")), zone[2] if len(zone) > 2 else b""


BUDDYINFO = Source("buddyinfo", "/proc/buddyinfo", list[FreeBlocks], parse, rows=0)
