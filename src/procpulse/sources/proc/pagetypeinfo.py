"""/proc/pagetypeinfo: free memory by size of block and by what may be done with it.

    Page block order: 9
    Pages per block:  512

    Free pages count per migrate type at order       0      1      2
    Node    0, zone   Normal, type      Movable   1069   1063    756

    Number of blocks type     Unmovable      Movable  Reclaimable
    Node 0, zone   Normal          137          552           79

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.source import File, Source
from procpulse.sources.proc.buddyinfo import place
from procpulse.text import inert, integers, lines, number, shorten, words


class FreeOfType(msgspec.Struct, frozen=True):
    """Free memory of one zone that is kept for one use."""

    node: Annotated[int, label("Number of the NUMA node.")]
    zone: Annotated[str, label("Name of the zone, such as Normal.")]
    type: Annotated[str, label("What it is for: Unmovable, Movable, Reclaimable, HighAtomic, CMA, Isolate.")]
    free_blocks: Annotated[
        dict[int, int],
        gauge("Free blocks by order, of 2 to the order pages each; the kernel stops counting at 100,000 (Linux 5.4)."),
    ]


class PageBlocks(msgspec.Struct, frozen=True):
    """Page blocks of one zone, by use."""

    node: Annotated[int, label("Number of the NUMA node.")]
    zone: Annotated[str, label("Name of the zone, such as Normal.")]
    blocks: Annotated[dict[str, int], gauge("Page blocks by type, such as Movable.")]
    mixed_blocks: Annotated[
        dict[str, int] | None,
        gauge("Page blocks that hold pages of another type, where the kernel tracks who owns pages (page_owner=on)."),
    ] = None


class Pagetypeinfo(msgspec.Struct, frozen=True):
    """How memory is grouped so that large blocks stay free."""

    page_block_order: Annotated[int | None, info("Size of a page block: 2 to this many pages.")]
    pages_per_block: Annotated[int | None, info("Pages in a page block.")]
    free: Annotated[list[FreeOfType], group("Free memory by zone and type.")]
    zones: Annotated[list[PageBlocks], group("Page blocks by zone.")]


def parse(file: File) -> Pagetypeinfo:
    facts: dict[bytes, int | None] = {}
    free: list[FreeOfType] = []
    blocks: dict[tuple[int, str], dict[str, int]] = {}
    mixed: dict[tuple[int, str], dict[str, int]] = {}
    table: dict[tuple[int, str], dict[str, int]] | None = None
    types: list[str] = []
    for line in lines(file.data):
        try:
            if line.startswith(b"Node"):
                node, zone, rest = place(line)
                if rest.startswith(b"type"):
                    _, type_, *counts = words(rest, 2)
                    free.append(FreeOfType(node, zone, inert(type_), dict(enumerate(_counts(counts)))))
                elif table is None or (node, zone) in table:
                    raise ValueError("a row of blocks without its heading")
                else:
                    table[node, zone] = dict(zip(types, integers(rest), strict=True))
            elif line.startswith((b"Number of blocks type", b"Number of mixed blocks")):
                table = mixed if b"mixed" in line else blocks
                types = inert(line).split()[4:]
            elif b":" in line:
                key, _, value = line.partition(b":")
                facts[key.strip()] = number(value.strip())
        except ValueError as error:
            file.lose("rows", error)
    if not (facts or free or blocks):
        raise ValueError(f"no rows: {shorten(file.data)}")
    return Pagetypeinfo(
        facts.get(b"Page block order"),
        facts.get(b"Pages per block"),
        free,
        [PageBlocks(*place, counts, mixed.get(place)) for place, counts in blocks.items()],
    )


def _counts(tokens: list[bytes]) -> list[int]:
    """Counts by order; `>100000` says that the kernel stopped counting there."""
    return integers(b" ".join(token.removeprefix(b">") for token in tokens))


PAGETYPEINFO = Source("pagetypeinfo", "/proc/pagetypeinfo", Pagetypeinfo, parse, cadence=60)
