"""/proc/slabinfo: the caches that the kernel takes its small objects from.

    slabinfo - version: 2.1
    # name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables ...
    TCPv6                 26     26   2496   13    8 : tunables    0    0    0 : slabdata      2      2      0

https://man7.org/linux/man-pages/man5/slabinfo.5.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import Unit, gauge, info, label
from procpulse.source import File, Source
from procpulse.text import inert, integers, lines, shorten


class Slab(msgspec.Struct, frozen=True, gc=False):
    """One cache of objects of one size."""

    name: Annotated[str, label("Name of the cache.")]
    nth: Annotated[int, label("Which of the caches of this name, from 0; names need not be unique.")]
    active_objects: Annotated[int, gauge("Objects in use.")]
    objects: Annotated[int, gauge("Objects that there is room for.")]
    object_size_bytes: Annotated[int, gauge("Size of an object.")]
    objects_per_slab: Annotated[int, gauge("Objects in a slab.")]
    pages_per_slab: Annotated[int, gauge("Size of a slab.", Unit.PAGES)]
    limit: Annotated[int, info("Most objects that a CPU keeps for itself (0 with SLUB).")]
    batch_count: Annotated[int, info("Objects that a CPU takes or gives back at once (0 with SLUB).")]
    shared_factor: Annotated[int, info("Size of the cache that CPUs share (0 with SLUB).")]
    active_slabs: Annotated[int, gauge("Slabs with objects in use.")]
    slabs: Annotated[int, gauge("Slabs.")]
    shared_available: Annotated[int, gauge("Objects that are free in the shared cache (0 with SLUB).")]


def parse(file: File) -> list[Slab]:
    seen: dict[bytes, int] = {}
    slabs = []
    for row in lines(file.data):
        if row.startswith((b"#", b"slabinfo - version:")):
            continue
        # Debugging kernels add more groups behind another colon.
        objects, limits, totals, *_ = row.split(b" : ")
        name, *counts = objects.rsplit(None, 5)
        tunables, *limit = limits.split()
        slabdata, *total = totals.split()
        if len(counts) != 5 or len(limit) != 3 or (tunables, slabdata) != (b"tunables", b"slabdata"):
            raise ValueError(f"not a row of slabinfo: {shorten(row)}")
        nth = seen[name] = seen.get(name, -1) + 1
        slabs.append(Slab(inert(name), nth, *integers(b" ".join((*counts, *limit, *total)), 11)[:11]))
    return slabs


SLABINFO = Source("slabinfo", "/proc/slabinfo", list[Slab], parse, cap=1 << 22, rows=2)
