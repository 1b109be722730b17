from typing import Any

import pytest

from procpulse import Reason
from procpulse.sources import FS_BCACHEFS
from procpulse.sources.sysfs.fs_bcachefs import (
    Bcachefs,
    BcachefsBtreeWrites,
    BcachefsCompression,
    BcachefsDevice,
    BcachefsError,
)
from tests.cases import failure, read, reading

UUID = "6a5d7b1c-0e44-4f0f-8d0e-7f3a2b9c1d22"
B = f"/sys/fs/bcachefs/{UUID}"
FILES = {
    f"{B}/btree_cache_size": "251M\n",
    f"{B}/counters/btree_node_read": "since mount:\t4411\nsince filesystem creation:\t902331\n",
    f"{B}/counters/io_write": "since mount:\t1.5G\nsince filesystem creation:\t3.5T\n",
    f"{B}/compression_stats": "type      compressed    uncompressed     average extent size\n"
    "lz4         301M            512M                   56.5k\nzstd:       1.0G 3.5G 60k\n",
    f"{B}/errors": "btree_node_read_err 2 1790112233\nalloc_key_data_type_wrong 1\n",
    f"{B}/btree_write_stats": "\tnr\tsize\ninitial:\t19022\t108k\n",
    f"{B}/dev-0/label": "hdd.disk0\n",
    f"{B}/dev-0/state": "[rw] ro evacuating spare\n",
    f"{B}/dev-0/bucket_size": "512k\n",
    f"{B}/dev-0/nbuckets": "953870\n",
    f"{B}/dev-0/durability": "1\n",
    f"{B}/dev-0/block@": "../../../../devices/pci0000:00/block/sda",
    f"{B}/dev-0/io_done": "read:\nsb          : 110592\nbtree       : 41109\nwrite:\nsb          : 4096\n",
    f"{B}/dev-0/io_errors": "IO errors since filesystem creation\n  read:    3\n  write:   0\n"
    "IO errors since 12 days ago\n  read:    9\n",
    f"{B}/dev-12/state": "ro\n",
    f"{B}/internal/trigger_gc": "never opened",
}
VALUES: dict[str, Any] = {
    "uuid": UUID,
    "btree_cache_size_bytes": 251 << 20,
    "counters_since_mount": {"btree_node_read": 4411, "io_write": 3 << 29},
    "counters_since_creation": {"btree_node_read": 902331, "io_write": 7 << 39},
    "compression": [
        BcachefsCompression("lz4", 301 << 20, 512 << 20, 57856),
        BcachefsCompression("zstd", 1 << 30, 7 << 29, 60 << 10),
    ],
    "errors": [BcachefsError("btree_node_read_err", 2, 1790112233), BcachefsError("alloc_key_data_type_wrong", 1)],
    "btree_writes": [BcachefsBtreeWrites("initial", 19022, 108 << 10)],
    "devices": [
        BcachefsDevice(
            0, "sda", "hdd.disk0", "rw", 512 << 10, 953870, 1, {"sb": 110592, "btree": 41109}, {"sb": 4096},
            {"read": 3, "write": 0},
        ),
        BcachefsDevice(12, state="ro"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("files", "change"),
    [
        pytest.param({}, {}, id="all of it"),
        pytest.param({"compression_stats": "type compressed\n"}, {"compression": []}, id="nothing compressed"),
        pytest.param({"btree_cache_size": "1.50GiB\n"}, {"btree_cache_size_bytes": 3 << 29}, id="a unit in full"),
        pytest.param(
            {"counters/io_write": "since mount: 7\n"},
            {
                "counters_since_mount": {"btree_node_read": 4411, "io_write": 7},
                "counters_since_creation": {"btree_node_read": 902331},
            },
            id="a counter of this mount only",
        ),
    ],
)
def test_a_file_system(files: dict[str, str], change: dict[str, Any]) -> None:
    changed = FILES | {f"{B}/{name}": data for name, data in files.items()}
    assert read(FS_BCACHEFS, changed) == [Bcachefs(**(VALUES | change))]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("counters/io_write", "for ever: 7\n"),
        ("compression_stats", "type\nlz4 1.0G\n"),
        ("errors", "odd\n"),
        ("btree_write_stats", "nr size\ninitial: many 1k\n"),
        ("dev-0/io_done", "read:\n  btree: x\n"),
        ("dev-0/io_errors", "read: 1\n"),
    ],
)
def test_garbage_costs_its_own_field(name: str, data: str) -> None:
    [row], this = reading(FS_BCACHEFS, FILES | {f"{B}/{name}": data})
    assert row.devices[0].label == "hdd.disk0"
    assert [f.reason for f in this.failures.values()] == [Reason.MALFORMED]


def test_none() -> None:
    assert failure(FS_BCACHEFS, {}).reason is Reason.MISSING
