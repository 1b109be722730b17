from typing import Any

import pytest

from procpulse import Host, Reason
from procpulse.source import Reading
from procpulse.sources import FS_BCACHE
from procpulse.sources.sysfs.fs_bcache import (
    Bcache,
    BcacheBackingDevice,
    BcacheCache,
    BcacheStats,
    BcacheWindow,
    BcacheWriteback,
)
from tests.cases import answer, failure, read, reading

UUID = "9f0b6d52-2f9e-4d38-8a0c-51d1c7d6a3b1"
B = f"/sys/fs/bcache/{UUID}"
STATS = {
    "cache_hits": "88213\n", "cache_misses": "9120\n", "cache_bypass_hits": "211\n", "cache_bypass_misses": "4011\n",
    "cache_miss_collisions": "2\n", "cache_readaheads": "5\n", "bypassed": "1.2G\n", "cache_hit_ratio": "90\n",
}  # fmt: skip
BYPASSED = 12 * (1 << 30) // 10
FILES = {
    f"{B}/average_key_size": "60.5k\n",
    f"{B}/btree_cache_size": "12.0M\n",
    f"{B}/cache_available_percent": "96\n",
    f"{B}/congested": "1.5k\n",
    f"{B}/root_usage_percent": "41\n",
    f"{B}/tree_depth": "2\n",
    f"{B}/internal/active_journal_entries": "7\n",
    f"{B}/internal/btree_nodes": "311\n",
    f"{B}/internal/btree_read_average_duration_us": "402\n",
    f"{B}/internal/cache_read_races": "3\n",
    f"{B}/internal/trigger_gc": "never opened",
    **{f"{B}/stats_total/{name}": data for name, data in STATS.items()},
    f"{B}/stats_hour/cache_hits": "4\n",
    f"{B}/bdev0/backing_dev_name": "sdc\n",
    f"{B}/bdev0/label": "archive\n",
    f"{B}/bdev0/state": "no cache\n",
    f"{B}/bdev0/cache_mode": "writethrough [writeback] writearound none\n",
    f"{B}/bdev0/running": "1\n",
    f"{B}/bdev0/dirty_data": "1.5G\n",
    f"{B}/bdev0/io_errors": "2\n",
    f"{B}/bdev0/writeback_rate_debug": "rate:\t\t4.0k/sec\ndirty:\t\t1.5G\ntarget:\t\t2.0G\nproportional:\t-200.5M\n"
    "integral:\t0.0k\nchange:\t\t-2.5k/sec\nnext io:\t-913ms\n",
    f"{B}/bdev0/stats_total/cache_hits": "9\n",
    f"{B}/cache0/io_errors": "1\n",
    f"{B}/cache0/metadata_written": "3.5G\n",
    f"{B}/cache0/written": "88.0G\n",
    f"{B}/cache0/btree_written": "512\n",
    f"{B}/cache0/nbuckets": "476932\n",
    f"{B}/cache0/bucket_size": "512.0k\n",
    f"{B}/cache0/priority_stats": "Unused:\t\t41%\nClean:\t\t54%\nDirty:\t\t4%\nMetadata:\t1%\nAverage:\t1502\n"
    "Sectors per Q:\t7871616\nQuantiles:\t[12 40 99 200]\n",
}
VALUES: dict[str, Any] = {
    "uuid": UUID,
    "average_key_size_bytes": 61952,
    "btree_cache_size_bytes": 12 << 20,
    "cache_available_percent": 96,
    "congested": 1536,
    "root_usage_percent": 41,
    "tree_depth": 2,
    "active_journal_entries": 7,
    "btree_nodes": 311,
    "btree_read_average_duration_us": 402,
    "cache_read_races": 3,
    "stats": BcacheStats(88213, 9120, 211, 4011, 2, 5, BYPASSED),
    "windows": [BcacheWindow("hour", 4)],
    "backing_devices": [
        BcacheBackingDevice(
            "bdev0",
            "sdc",
            "archive",
            "no cache",
            "writeback",
            True,
            3 << 29,
            2,
            BcacheWriteback(4096, 3 << 29, 2 << 30, -2005 * (1 << 20) // 10, 0, -2560, -913),
            BcacheStats(9),
        )
    ],
    "caches": [BcacheCache("cache0", 1, 7 << 29, 88 << 30, 512, 476932, 512 << 10, 41, 1, 54, 4, 1502)],
}


@pytest.mark.parametrize(
    ("files", "change"),
    [
        pytest.param({}, {}, id="all of it"),
        pytest.param(
            {"cache0/priority_stats": "Unused:\t\t41%\nMetadata:\t1%\nAverage:\t1502\n"},
            {"caches": [BcacheCache("cache0", 1, 7 << 29, 88 << 30, 512, 476932, 512 << 10, 41, 1, None, None, 1502)]},
            id="before clean and dirty, kernel 4.18",
        ),
        pytest.param({"btree_cache_size": "0\n"}, {"btree_cache_size_bytes": 0}, id="a size without a unit"),
    ],
)
def test_a_set(files: dict[str, str], change: dict[str, Any]) -> None:
    changed = FILES | {f"{B}/{name}": data for name, data in files.items()}
    assert read(FS_BCACHE, changed) == [Bcache(**(VALUES | change))]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("btree_cache_size", "12.0Q\n"),
        ("bdev0/writeback_rate_debug", "rate: fast/sec\n"),
        ("cache0/priority_stats", "Unused: most\n"),
        ("stats_total/bypassed", "1.\n"),
    ],
)
def test_garbage_costs_its_own_field(name: str, data: str) -> None:
    [row], this = reading(FS_BCACHE, FILES | {f"{B}/{name}": data})
    assert row.tree_depth == 2
    assert [f.reason for f in this.failures.values()] == [Reason.MALFORMED]


def test_buckets_are_sorted_once_a_minute() -> None:
    asked, rows = [], []
    files = {path: data.encode() for path, data in FILES.items()}
    memory: dict[Any, Any] = {}
    for second in (0, 1, 59, 60, 61):
        steps = FS_BCACHE.steps(Reading(Host(), memory, now_ns=second * 10**9))
        try:
            requests = next(steps)
            while True:
                asked += [second for request in requests if request.path.endswith("priority_stats")]
                requests = steps.send([answer(files, {}, request) for request in requests])
        except StopIteration as stop:
            rows.append(stop.value)
    assert [row.caches[0].unused_percent for [row] in rows] == [41] * 5
    assert asked == [0, 60]


def test_none() -> None:
    assert read(FS_BCACHE, {"/sys/fs/bcache/register": "never opened"}) == []
    assert failure(FS_BCACHE, {}).reason is Reason.MISSING
