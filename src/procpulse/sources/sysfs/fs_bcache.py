"""/sys/fs/bcache/*: sets of disks that cache others, what was found in them, and what waits to be written back.

    cache_available_percent: 96, stats_total/cache_hits: 88213, bdev0/dirty_data: 1.5G
    bdev0/writeback_rate_debug: rate: 4.0k/sec
    cache0/priority_stats: Unused: 41%

Sizes are rounded by the kernel to a tenth of their unit, `1.5G`, and steps of counters that are sizes are as coarse.
The kernel answers under a lock that it also holds while devices are added; `priority_stats` sorts all buckets of the
cache, and is read once a minute.

https://docs.kernel.org/admin-guide/bcache.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import Unit, counter, gauge, group, info, label
from procpulse.text import keyed, number, rounded, rounded_amount
from procpulse.tree import Folder, Tree


class BcacheStats(msgspec.Struct, frozen=True, gc=False):
    """What happened since the cache or the device was attached."""

    cache_hits: Annotated[int | None, counter("Requests found in the cache.", bits="long", falls=True)] = None
    cache_misses: Annotated[int | None, counter("Requests not found in the cache.", bits="long", falls=True)] = None
    cache_bypass_hits: Annotated[
        int | None, counter("Requests past the cache of data that was in it.", bits="long", falls=True)
    ] = None
    cache_bypass_misses: Annotated[
        int | None, counter("Requests past the cache of data that was not in it.", bits="long", falls=True)
    ] = None
    cache_miss_collisions: Annotated[
        int | None, counter("Misses that were not cached: the data was written meanwhile.", bits="long", falls=True)
    ] = None
    cache_readaheads: Annotated[
        int | None, counter("Times that more was read than asked for; until Linux 5.14.", bits="long", falls=True)
    ] = None
    bypassed_bytes: Annotated[
        int | None, counter("Bytes read and written past the cache, rounded.", bits="long", falls=True, scale=512)
    ] = None


class BcacheWindow(msgspec.Struct, frozen=True, gc=False):
    """The same of late: older requests count less and less."""

    window: Annotated[str, label("How far it looks back: five_minute, hour or day.")]
    cache_hits: Annotated[int | None, gauge("Requests found in the cache.")] = None
    cache_misses: Annotated[int | None, gauge("Requests not found in the cache.")] = None
    cache_bypass_hits: Annotated[int | None, gauge("Requests past the cache of data that was in it.")] = None
    cache_bypass_misses: Annotated[int | None, gauge("Requests past the cache of data that was not in it.")] = None
    cache_miss_collisions: Annotated[
        int | None, gauge("Misses that were not cached: the data was written meanwhile.")
    ] = None
    cache_readaheads: Annotated[int | None, gauge("Times that more was read than asked for; until Linux 5.14.")] = None
    bypassed_bytes: Annotated[int | None, gauge("Bytes read and written past the cache, rounded.")] = None


class BcacheWriteback(msgspec.Struct, frozen=True, gc=False):
    """How fast dirty data is written back, and why. Sizes are rounded."""

    rate_bytes_per_second: Annotated[int | None, gauge("Speed that is aimed at; 0 while nothing is written back.")] = (
        None
    )
    dirty_bytes: Annotated[int | None, gauge("Data in the cache that is not on the device yet.")] = None
    target_bytes: Annotated[int | None, gauge("How much of that there should be.")] = None
    proportional_bytes: Annotated[int | None, gauge("Part of the speed that follows the distance to the target.")] = (
        None
    )
    integral_bytes: Annotated[int | None, gauge("Part of the speed that follows how long the distance lasts.")] = None
    change_bytes_per_second: Annotated[int | None, gauge("Last change of the speed.")] = None
    next_io_ms: Annotated[int | None, gauge("Time until the next write.")] = None


class BcacheBackingDevice(msgspec.Struct, frozen=True, gc=False):
    """A device that is cached."""

    name: Annotated[str, label("Name in the set, such as bdev0.")]
    device: Annotated[str | None, info("Name of the device, such as sdb (Linux 5.4).")] = None
    label: Annotated[str | None, info("Name that somebody gave it.")] = None
    state: Annotated[str | None, info("State: clean, dirty, inconsistent, or no cache.")] = None
    cache_mode: Annotated[str | None, info("Mode: writethrough, writeback, writearound or none.")] = None
    running: Annotated[bool | None, info("Whether it can be used.")] = None
    dirty_data_bytes: Annotated[int | None, gauge("Data in the cache that is not on it yet, rounded.")] = None
    io_errors: Annotated[int | None, counter("Requests that failed on it (Linux 4.18).", bits=32)] = None
    writeback: Annotated[BcacheWriteback | None, group("How fast dirty data is written back.")] = None
    stats: Annotated[BcacheStats | None, group("What happened since it was attached.")] = None
    windows: Annotated[list[BcacheWindow], group("What happened of late.")] = []


class BcacheCache(msgspec.Struct, frozen=True, gc=False):
    """A device that caches."""

    name: Annotated[str, label("Name in the set, such as cache0.")]
    io_errors: Annotated[int | None, gauge("Requests that failed on it; old ones count less and less.")] = None
    metadata_written_bytes: Annotated[
        int | None, counter("Bytes written to it that are not data, rounded.", bits="long", falls=True, scale=512)
    ] = None
    written_bytes: Annotated[
        int | None, counter("Bytes written to it, rounded.", bits="long", falls=True, scale=512)
    ] = None
    btree_written_bytes: Annotated[
        int | None, counter("Bytes of its index written to it, rounded.", bits="long", falls=True, scale=512)
    ] = None
    nbuckets: Annotated[int | None, gauge("Buckets that it is divided into.")] = None
    bucket_size_bytes: Annotated[int | None, gauge("Size of a bucket.")] = None
    unused_percent: Annotated[int | None, gauge("Share of buckets without data; read once a minute.")] = None
    metadata_percent: Annotated[int | None, gauge("Share of buckets with metadata; read once a minute.")] = None
    clean_percent: Annotated[
        int | None, gauge("Share of buckets with data that is on the device too; read once a minute (Linux 5.10).")
    ] = None
    dirty_percent: Annotated[
        int | None, gauge("Share of buckets with data that is not; read once a minute (Linux 5.10).")
    ] = None
    average_priority: Annotated[int | None, gauge("Average priority of buckets; read once a minute.")] = None


class Bcache(msgspec.Struct, frozen=True, gc=False):
    """One set of devices that cache others."""

    uuid: Annotated[str, label("Id of the set.")]
    average_key_size_bytes: Annotated[int | None, gauge("Data that an entry of the index is for, on average.")] = None
    btree_cache_size_bytes: Annotated[int | None, gauge("Memory that holds the index, rounded.")] = None
    cache_available_percent: Annotated[int | None, gauge("Share of the cache that holds no dirty data.")] = None
    congested: Annotated[
        int | None,
        gauge("Bytes from which on a request passes it by because it is too slow, rounded; 0 for none.", Unit.BYTES),
    ] = None
    root_usage_percent: Annotated[int | None, gauge("Share of the root of the index that is in use.")] = None
    tree_depth: Annotated[int | None, gauge("Levels of the index below its root.")] = None
    active_journal_entries: Annotated[int | None, gauge("Entries of the journal that are needed.")] = None
    btree_nodes: Annotated[int | None, gauge("Nodes of the index.")] = None
    btree_read_average_duration_us: Annotated[int | None, gauge("Time to read a node, on average.")] = None
    cache_read_races: Annotated[
        int | None, counter("Reads from a bucket that was used anew meanwhile, and were repeated.", bits="long")
    ] = None
    stats: Annotated[BcacheStats | None, group("What happened since it was attached.")] = None
    windows: Annotated[list[BcacheWindow], group("What happened of late.")] = []
    backing_devices: Annotated[list[BcacheBackingDevice], group("Devices that are cached.")] = []
    caches: Annotated[list[BcacheCache], group("Devices that cache.")] = []


_COUNTS = tuple(name.removesuffix("_bytes") for name in BcacheStats.__struct_fields__)
_WINDOWS = ("five_minute", "hour", "day")


def _counts(folder: Folder, window: str) -> list[int | None] | None:
    """What one directory of statistics holds; None where there is none."""
    values = [folder.parsed(f"stats_{window}/{name}", rounded_amount) for name in _COUNTS]
    return values if any(value is not None for value in values) else None


def _stats(folder: Folder) -> BcacheStats | None:
    values = _counts(folder, "total")
    return None if values is None else BcacheStats(*values)


def _windows(folder: Folder) -> list[BcacheWindow]:
    found = ((window, _counts(folder, window)) for window in _WINDOWS)
    return [BcacheWindow(window, *values) for window, values in found if values is not None]


def _writeback(data: bytes) -> BcacheWriteback:
    rows = dict(keyed(data))
    values = [
        None if (value := rows.get(key)) is None else rounded(value.removesuffix(b"/sec"))
        for key in (b"rate", b"dirty", b"target", b"proportional", b"integral", b"change")
    ]
    next_io = rows.get(b"next io")
    values.append(None if next_io is None else number(next_io.removesuffix(b"ms")))
    return BcacheWriteback(*values)


def _chosen(folder: Folder, name: str) -> str | None:
    """The one in brackets of a list of choices."""
    words = (folder.text(name) or "").split()
    return next((word.strip("[]") for word in words if word.startswith("[")), None)


def _backing(folder: Folder) -> BcacheBackingDevice:
    return BcacheBackingDevice(
        folder.name, folder.text("backing_dev_name"), folder.text("label"), folder.text("state"),
        _chosen(folder, "cache_mode"), folder.flag("running"), folder.parsed("dirty_data", rounded_amount),
        folder.number("io_errors"), folder.parsed("writeback_rate_debug", _writeback), _stats(folder),
        _windows(folder),
    )  # fmt: skip


def _priorities(data: bytes) -> list[int | None]:
    rows = dict(keyed(data))
    keys = (b"Unused", b"Metadata", b"Clean", b"Dirty", b"Average")
    return [None if (value := rows.get(key)) is None else number(value.removesuffix(b"%")) for key in keys]


def _cache(folder: Folder) -> BcacheCache:
    return BcacheCache(
        folder.name, folder.number("io_errors"), folder.parsed("metadata_written", rounded_amount),
        folder.parsed("written", rounded_amount), folder.parsed("btree_written", rounded_amount), folder.number("nbuckets"),
        folder.parsed("bucket_size", rounded_amount), *(folder.parsed("priority_stats", _priorities) or ()),
    )  # fmt: skip


def parse(folder: Folder) -> Bcache:
    number = folder.number
    return Bcache(
        folder.name, folder.parsed("average_key_size", rounded_amount), folder.parsed("btree_cache_size", rounded_amount),
        number("cache_available_percent"), folder.parsed("congested", rounded_amount), number("root_usage_percent"), number("tree_depth"),
        number("internal/active_journal_entries"), number("internal/btree_nodes"),
        number("internal/btree_read_average_duration_us"), number("internal/cache_read_races"), _stats(folder),
        _windows(folder), [_backing(device) for device in folder.folders("bdev[0-9]+")],
        [_cache(cache) for cache in folder.folders("cache[0-9]+")],
    )  # fmt: skip


_STATS = tuple(f"stats_{window}/{name}" for window in ("total", *_WINDOWS) for name in _COUNTS)
_BACKING = (
    "backing_dev_name", "label", "state", "cache_mode", "running", "dirty_data", "io_errors", "writeback_rate_debug",
)  # fmt: skip
_CACHE = ("io_errors", "metadata_written", "written", "btree_written", "nbuckets", "bucket_size", "priority_stats")
FILES = (
    "average_key_size", "btree_cache_size", "cache_available_percent", "congested", "root_usage_percent",
    "tree_depth", "internal/active_journal_entries", "internal/btree_nodes",
    "internal/btree_read_average_duration_us", "internal/cache_read_races", *_STATS,
    *(f"bdev[0-9]+/{name}" for name in (*_BACKING, *_STATS)), *(f"cache[0-9]+/{name}" for name in _CACHE),
)  # fmt: skip
FS_BCACHE = Tree(
    "fs_bcache", "/sys/fs/bcache/*-*", FILES, Bcache, parse, slow=True, seldom=("cache[0-9]+/priority_stats",), every=60
)
