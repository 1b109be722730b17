"""/proc/fs/xfs/stat: what all XFS file systems of the host did, together.

    extent_alloc 8120 31077 5209 20011
    trans 115 70240 3
    xpc 901775360 46093312 15728640
    debug 0

https://docs.kernel.org/admin-guide/xfs.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import counter, gauge, group, info
from procpulse.source import File, Source
from procpulse.text import Lose, inert, integers, lines, shorten


class XfsExtents(msgspec.Struct, frozen=True, gc=False):
    """Space given out and taken back."""

    extents_allocated: Annotated[int, counter("Extents given to files.", bits=32)]
    blocks_allocated: Annotated[int, counter("Blocks of the file system in them.", bits=32)]
    extents_freed: Annotated[int, counter("Extents given back.", bits=32)]
    blocks_freed: Annotated[int, counter("Blocks of the file system in them.", bits=32)]


class XfsOldBtree(msgspec.Struct, frozen=True, gc=False):
    """A B+tree as counted before there were counters for each kind; always 0 on the kernels supported."""

    lookups: Annotated[int, counter("Records looked up.", bits=32)]
    compares: Annotated[int, counter("Records compared.", bits=32)]
    inserted_records: Annotated[int, counter("Records put in.", bits=32)]
    deleted_records: Annotated[int, counter("Records taken out.", bits=32)]


class XfsBlockMap(msgspec.Struct, frozen=True, gc=False):
    """Which blocks of a file are where."""

    reads: Annotated[int, counter("Ranges of files looked up for reading.", bits=32)]
    writes: Annotated[int, counter("Ranges of files mapped for writing.", bits=32)]
    unmaps: Annotated[int, counter("Ranges of files unmapped.", bits=32)]
    list_insertions: Annotated[int, counter("Extents put into the list of a file.", bits=32)]
    list_deletions: Annotated[int, counter("Extents taken from the list of a file.", bits=32)]
    list_lookups: Annotated[int, counter("Extents looked up in the list of a file.", bits=32)]
    list_compares: Annotated[int, counter("Extents compared while looking up.", bits=32)]


class XfsDirectories(msgspec.Struct, frozen=True, gc=False):
    """Directories."""

    lookups: Annotated[int, counter("Names looked up.", bits=32)]
    creates: Annotated[int, counter("Names made.", bits=32)]
    removes: Annotated[int, counter("Names removed.", bits=32)]
    getdents: Annotated[int, counter("Times that a directory was listed.", bits=32)]


class XfsTransactions(msgspec.Struct, frozen=True, gc=False):
    """Changes of metadata."""

    sync_commits: Annotated[int, counter("Transactions that waited for the log.", bits=32)]
    async_commits: Annotated[int, counter("Transactions that did not wait.", bits=32)]
    empty_commits: Annotated[int, counter("Transactions that changed nothing.", bits=32)]


class XfsInodes(msgspec.Struct, frozen=True, gc=False):
    """Inodes looked up in the cache."""

    attempts: Annotated[int, counter("Inodes looked up.", bits=32)]
    hits: Annotated[int, counter("Inodes found in the cache.", bits=32)]
    recycles: Annotated[int, counter("Inodes found that were about to be reclaimed, and used again.", bits=32)]
    misses: Annotated[int, counter("Inodes not found, and read from the disk.", bits=32)]
    duplicates: Annotated[int, counter("Inodes that somebody else had put in meanwhile.", bits=32)]
    reclaims: Annotated[int, counter("Inodes dropped from the cache.", bits=32)]
    attribute_changes: Annotated[int, counter("Changes of attributes such as the owner.", bits=32)]


class XfsLog(msgspec.Struct, frozen=True, gc=False):
    """The log of metadata."""

    writes: Annotated[int, counter("Log buffers written.", bits=32)]
    blocks: Annotated[int, counter("Blocks of 512 bytes in them.", bits=32)]
    waits_for_buffer: Annotated[int, counter("Times that no log buffer was free.", bits=32)]
    forces: Annotated[int, counter("Times that the log was forced to the disk.", bits=32)]
    force_sleeps: Annotated[int, counter("Times that somebody had to wait for that.", bits=32)]


class XfsPushAil(msgspec.Struct, frozen=True, gc=False):
    """Metadata written back to make room in the log (the active item list)."""

    space_requests: Annotated[int, counter("Times that a transaction asked for room in the log.", bits=32)]
    space_sleeps: Annotated[int, counter("Times that it had to wait for room.", bits=32)]
    pushes: Annotated[int, counter("Times that the list was pushed.", bits=32)]
    successes: Annotated[int, counter("Items pushed.", bits=32)]
    buffer_pushes: Annotated[int, counter("Items pushed by way of their buffer.", bits=32)]
    pinned: Annotated[int, counter("Items that could not be pushed: the log had not been written.", bits=32)]
    locked: Annotated[int, counter("Items that could not be pushed: they were locked.", bits=32)]
    flushing: Annotated[int, counter("Items that were being written already.", bits=32)]
    restarts: Annotated[int, counter("Times that pushing began anew.", bits=32)]
    flushes: Annotated[int, counter("Times that the log was forced to unpin items.", bits=32)]


class XfsStrategy(msgspec.Struct, frozen=True, gc=False):
    """Delayed allocations that became real when they were written."""

    quick: Annotated[int, counter("Writes of a single extent.", bits=32)]
    split: Annotated[int, counter("Writes of several extents.", bits=32)]


class XfsCalls(msgspec.Struct, frozen=True, gc=False):
    """System calls on files."""

    writes: Annotated[int, counter("Calls of write.", bits=32)]
    reads: Annotated[int, counter("Calls of read.", bits=32)]


class XfsAttributes(msgspec.Struct, frozen=True, gc=False):
    """Extended attributes."""

    gets: Annotated[int, counter("Attributes read.", bits=32)]
    sets: Annotated[int, counter("Attributes written.", bits=32)]
    removes: Annotated[int, counter("Attributes removed.", bits=32)]
    lists: Annotated[int, counter("Times that attributes were listed.", bits=32)]


class XfsInodeClusters(msgspec.Struct, frozen=True, gc=False):
    """Inodes written back in clusters."""

    inode_flushes: Annotated[int, counter("Inodes that were to be written.", bits=32)]
    flushes: Annotated[int, counter("Clusters written.", bits=32)]
    flushed_inodes: Annotated[int, counter("Inodes in them.", bits=32)]


class XfsVnodes(msgspec.Struct, frozen=True, gc=False):
    """Inodes in memory."""

    active: Annotated[int, gauge("Inodes in memory now.")]
    allocations: Annotated[int, counter("Not counted any more; always 0 on the kernels supported.", bits=32)]
    gets: Annotated[int, counter("Not counted any more; always 0 on the kernels supported.", bits=32)]
    holds: Annotated[int, counter("Not counted any more; always 0 on the kernels supported.", bits=32)]
    releases: Annotated[int, counter("Inodes that nobody used any more.", bits=32)]
    reclaims: Annotated[int, counter("Inodes that nobody used any more; the same number.", bits=32)]
    removes: Annotated[int, counter("Inodes handed over to be reclaimed.", bits=32)]
    frees: Annotated[int, counter("Not counted any more; always 0 on the kernels supported.", bits=32)]


class XfsBuffers(msgspec.Struct, frozen=True, gc=False):
    """Buffers of metadata."""

    gets: Annotated[int, counter("Buffers asked for.", bits=32)]
    creates: Annotated[int, counter("Buffers made.", bits=32)]
    locked_gets: Annotated[int, counter("Buffers found and locked.", bits=32)]
    locked_waits: Annotated[int, counter("Buffers found whose lock had to be waited for.", bits=32)]
    busy_locks: Annotated[int, counter("Buffers found whose lock was not waited for.", bits=32)]
    misses: Annotated[int, counter("Buffers not found.", bits=32)]
    page_retries: Annotated[int, counter("Times that memory for a buffer had to be asked for again.", bits=32)]
    page_hits: Annotated[int, counter("Pages of buffers found in the cache.", bits=32)]
    reads: Annotated[int, counter("Buffers read from the disk.", bits=32)]


class XfsBtree(msgspec.Struct, frozen=True, gc=False):
    """The B+trees of one kind."""

    lookups: Annotated[int, counter("Records looked up.", bits=32)]
    compares: Annotated[int, counter("Records compared.", bits=32)]
    inserted_records: Annotated[int, counter("Records put in.", bits=32)]
    deleted_records: Annotated[int, counter("Records taken out.", bits=32)]
    new_roots: Annotated[int, counter("Times that a tree became a level higher.", bits=32)]
    killed_roots: Annotated[int, counter("Times that a tree became a level lower.", bits=32)]
    increments: Annotated[int, counter("Steps to the next record.", bits=32)]
    decrements: Annotated[int, counter("Steps to the record before.", bits=32)]
    left_shifts: Annotated[int, counter("Records moved to the left neighbour.", bits=32)]
    right_shifts: Annotated[int, counter("Records moved to the right neighbour.", bits=32)]
    splits: Annotated[int, counter("Blocks split in two.", bits=32)]
    joins: Annotated[int, counter("Blocks joined to one.", bits=32)]
    allocations: Annotated[int, counter("Blocks added to trees.", bits=32)]
    frees: Annotated[int, counter("Blocks taken from trees.", bits=32)]
    moves: Annotated[int, counter("Records moved inside blocks.", bits=32)]


class XfsQuota(msgspec.Struct, frozen=True, gc=False):
    """Quotas in memory."""

    reclaims: Annotated[int, counter("Quotas dropped from memory.", bits=32)]
    reclaim_misses: Annotated[int, counter("Quotas that could not be dropped.", bits=32)]
    duplicates: Annotated[int, counter("Quotas that somebody else had put in meanwhile.", bits=32)]
    cache_misses: Annotated[int, counter("Quotas not found in memory.", bits=32)]
    cache_hits: Annotated[int, counter("Quotas found in memory.", bits=32)]
    wants: Annotated[int, counter("Quotas used again before they were dropped.", bits=32)]
    dquots: Annotated[int, gauge("Quotas in memory now.")]
    dquots_unused: Annotated[int, gauge("Quotas in memory that nobody uses now.")]


class XfsZones(msgspec.Struct, frozen=True, gc=False):
    """Collection of garbage on zoned disks."""

    read_calls: Annotated[int, counter("Reads of data that was to be moved.", bits=32)]
    write_calls: Annotated[int, counter("Writes of data that was moved.", bits=32)]
    zone_resets: Annotated[int, counter("Zones emptied.", bits=32)]


class XfsStats(msgspec.Struct, frozen=True, gc=False):
    """What XFS did, since it was loaded or its counters were cleared."""

    extent_alloc: Annotated[XfsExtents | None, group("Space given out and taken back.")]
    abt: Annotated[XfsOldBtree | None, group("Old counters of the trees of free space.")] = None
    blk_map: Annotated[XfsBlockMap | None, group("Which blocks of a file are where.")] = None
    bmbt: Annotated[XfsOldBtree | None, group("Old counters of the trees of extents.")] = None
    dir: Annotated[XfsDirectories | None, group("Directories.")] = None
    trans: Annotated[XfsTransactions | None, group("Changes of metadata.")] = None
    ig: Annotated[XfsInodes | None, group("Inodes looked up in the cache.")] = None
    log: Annotated[XfsLog | None, group("The log of metadata.")] = None
    push_ail: Annotated[XfsPushAil | None, group("Metadata written back to make room in the log.")] = None
    xstrat: Annotated[XfsStrategy | None, group("Delayed allocations that became real.")] = None
    rw: Annotated[XfsCalls | None, group("System calls on files.")] = None
    attr: Annotated[XfsAttributes | None, group("Extended attributes.")] = None
    icluster: Annotated[XfsInodeClusters | None, group("Inodes written back in clusters.")] = None
    vnodes: Annotated[XfsVnodes | None, group("Inodes in memory.")] = None
    buf: Annotated[XfsBuffers | None, group("Buffers of metadata.")] = None
    abtb2: Annotated[XfsBtree | None, group("Trees of free space by place.")] = None
    abtc2: Annotated[XfsBtree | None, group("Trees of free space by size.")] = None
    bmbt2: Annotated[XfsBtree | None, group("Trees of the extents of a file.")] = None
    ibt2: Annotated[XfsBtree | None, group("Trees of inodes.")] = None
    fibt2: Annotated[XfsBtree | None, group("Trees of free inodes.")] = None
    rmapbt: Annotated[XfsBtree | None, group("Trees of who owns which blocks.")] = None
    refcntbt: Annotated[XfsBtree | None, group("Trees of blocks that are shared.")] = None
    rmapbt_mem: Annotated[XfsBtree | None, group("Owners of blocks, in memory during a repair (Linux 6.9).")] = None
    rcbagbt: Annotated[XfsBtree | None, group("Shared blocks, in memory during a repair (Linux 6.9).")] = None
    rtrmapbt: Annotated[XfsBtree | None, group("Owners of blocks of the realtime device (Linux 6.14).")] = None
    rtrmapbt_mem: Annotated[XfsBtree | None, group("The same, in memory during a repair (Linux 6.14).")] = None
    rtrefcntbt: Annotated[XfsBtree | None, group("Shared blocks of the realtime device (Linux 6.14).")] = None
    qm: Annotated[XfsQuota | None, group("Quotas in memory.")] = None
    zoned: Annotated[XfsZones | None, group("Collection of garbage on zoned disks (Linux 7.0).")] = None
    metafiles: Annotated[int | None, gauge("Inodes in memory that hold metadata (Linux 7.0).")] = None
    flushed_bytes: Annotated[int | None, counter("Bytes of delayed allocations written back.")] = None
    written_bytes: Annotated[int | None, counter("Bytes that programs wrote.")] = None
    read_bytes: Annotated[int | None, counter("Bytes that programs read.")] = None
    relogs: Annotated[int | None, counter("Deferred work logged again to let the log move on (Linux 5.10).")] = None
    gc_written_bytes: Annotated[int | None, counter("Bytes moved on zoned disks (Linux 7.0).")] = None
    debug: Annotated[bool | None, info("Whether XFS was built with its assertions.")] = None


_GROUPS: dict[str, type[msgspec.Struct]] = {
    "extent_alloc": XfsExtents, "abt": XfsOldBtree, "blk_map": XfsBlockMap, "bmbt": XfsOldBtree,
    "dir": XfsDirectories, "trans": XfsTransactions, "ig": XfsInodes, "log": XfsLog, "push_ail": XfsPushAil,
    "xstrat": XfsStrategy, "rw": XfsCalls, "attr": XfsAttributes, "icluster": XfsInodeClusters, "vnodes": XfsVnodes,
    "buf": XfsBuffers, "abtb2": XfsBtree, "abtc2": XfsBtree, "bmbt2": XfsBtree, "ibt2": XfsBtree, "fibt2": XfsBtree,
    "rmapbt": XfsBtree, "refcntbt": XfsBtree, "rmapbt_mem": XfsBtree, "rcbagbt": XfsBtree, "rtrmapbt": XfsBtree,
    "rtrmapbt_mem": XfsBtree, "rtrefcntbt": XfsBtree, "qm": XfsQuota, "zoned": XfsZones,
}  # fmt: skip

_NUMBERS = {
    "metafile": ("metafiles",),
    "xpc": ("flushed_bytes", "written_bytes", "read_bytes"),
    "defer_relog": ("relogs",),
    "gc xpc": ("gc_written_bytes",),
}


def parse_stats(data: bytes, lose: Lose) -> XfsStats:
    """The counters of one file system, or of all of them; a row that makes no sense is lost by its name.

    Raises:
        ValueError: no row is one of them.
    """
    found: dict[str, Any] = {}
    for line in lines(data):
        key, numbers = _split(line)
        try:
            found.update(_row(key, numbers))
        except ValueError as error:
            lose(key, error)
    if not found:
        raise ValueError(f"no rows: {shorten(data)}")
    return XfsStats(found.pop("extent_alloc", None), **found)


def _row(key: str, numbers: bytes) -> dict[str, Any]:
    """What one row says, as fields."""
    if record := _GROUPS.get(key):
        width = len(record.__struct_fields__)
        return {key: record(*integers(numbers, width)[:width])}
    if names := _NUMBERS.get(key):
        return dict(zip(names, integers(numbers, len(names)), strict=False))
    return {key: integers(numbers, 1)[0] != 0} if key == "debug" else {}


def _split(line: bytes) -> tuple[str, bytes]:
    """The words at the start of a row, and the numbers after them."""
    words = line.split(b" ")
    first = next((i for i, word in enumerate(words) if word.isdigit()), len(words))
    return inert(b" ".join(words[:first])), b" ".join(words[first:])


def parse(file: File) -> XfsStats:
    return parse_stats(file.data, file.lose)


FS_XFS_STAT = Source("fs_xfs_stat", "/proc/fs/xfs/stat", XfsStats, parse, whole=True)
