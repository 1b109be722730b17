"""/proc/fs/fscache/stats: what the cache of network file systems did.

    FS-Cache statistics
    Cookies: n=3 v=1 vcol=0 voom=0
    Acquire: n=7 ok=7 oom=0

From Linux 6.8 on, /proc/fs/fscache is a link to /proc/fs/netfs, and the numbers of that come first.

https://docs.kernel.org/filesystems/caching/fscache.html#statistical-information
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge
from procpulse.source import File, Source
from procpulse.text import inert, keyed, number


class FscacheStats(msgspec.Struct, frozen=True):
    """Statistics of FS-Cache, under the kernel's own names: Linux 5.17 and 6.8 replaced most of them."""

    counts: Annotated[
        dict[str, int], gauge("What there is now, by row and name: Cookies.n is the cookies that are in use.")
    ]
    events: Annotated[
        dict[str, int], counter("Events since boot, by row and name: Acquire.ok is the cookies handed out.", bits=32)
    ]


# Rows of things in progress, and the names in other rows that fall again. Before Linux 5.17 all cookies were counted
# for ever; the names there are others.
_STATES = ("CacheOp",)
_STATE = (
    "Cookies.n", "Cookies.v", "LRU.n", "LRU.at", "RdHelp.rr", "RdHelp.sr", "Netfs.rr", "Netfs.sr", "Objs.rr",
    "Objs.sr", "Objs.foq",
)  # fmt: skip


def parse(file: File) -> FscacheStats:
    counts: dict[str, int] = {}
    events: dict[str, int] = {}
    for row, pairs in keyed(file.data):
        title = inert(row)
        for pair in pairs.split():
            name, equals, text = pair.partition(b"=")
            key = f"{title}.{inert(name)}"
            value = file.parsed(key if equals else title, number, text if equals else pair)
            if value is not None and equals:
                (counts if title in _STATES or key in _STATE else events)[key] = value
    if not counts and not events:
        raise ValueError("no rows")
    return FscacheStats(counts, events)


FS_FSCACHE_STATS = Source("fs_fscache_stats", "/proc/fs/fscache/stats", FscacheStats, parse)
