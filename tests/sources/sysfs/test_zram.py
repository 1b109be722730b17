import pytest

from procpulse import Failure, Reason
from procpulse.sources import ZRAM
from procpulse.sources.sysfs.zram import Zram
from tests.cases import Files, failure, read, reading

Z = "/sys/block/zram0"
OLD: Files = {
    f"{Z}/initstate": "1\n",
    f"{Z}/disksize": "4294967296\n",
    f"{Z}/comp_algorithm": "lzo [lz4] deflate\n",
    f"{Z}/mm_stat": " 838356992 239161234 256274432        0 256962560    13371        7     1870\n",
    f"{Z}/io_stat": "       2        1        3    40118\n",
}
NEW: Files = {
    **OLD,
    f"{Z}/mm_stat": " 838356992 239161234 256274432 1048576000 256962560    13371        7     1870     5205\n",
    f"{Z}/diskseq": "10\n",
    f"{Z}/backing_dev": "/dev/sda5\n",
    f"{Z}/bd_stat": "       3        4        5\n",
}
OLD_ROW = Zram(
    "zram0", None, True, 4294967296, "lz4", ["lzo", "lz4", "deflate"], 838356992, 239161234, 256274432, 0, 256962560, 13371,
    7, 1870, None, 2, 1, 3, 40118,
)  # fmt: skip
NEW_ROW = Zram(
    "zram0", 10, True, 4294967296, "lz4", ["lzo", "lz4", "deflate"], 838356992, 239161234, 256274432, 1048576000,
    256962560, 13371, 7, 1870, 5205, 2, 1, 3, 40118, "/dev/sda5", 12288, 16384, 20480,
)  # fmt: skip


def test_kernel_4_18() -> None:
    assert read(ZRAM, OLD) == [OLD_ROW]


def test_with_a_backing_device_kernel_6_18() -> None:
    assert read(ZRAM, NEW) == [NEW_ROW]


def test_devices_in_their_order_before_they_have_a_size() -> None:
    files = {"/sys/block/zram10/initstate": "0\n", "/sys/block/zram2/disksize": "0\n", "/sys/block/zram2/hot_add": "1"}
    assert read(ZRAM, files) == [Zram("zram2", disksize_bytes=0), Zram("zram10", initialized=False)]


def test_nothing_that_acts_is_opened() -> None:
    assert not {"hot_add", "reset", "compact", "idle", "writeback"} & set(ZRAM.files)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("mm_stat", "1 2 3 4 5 6\n"),
        ("mm_stat", "1 2 3 4 5 6 seven\n"),
        ("mm_stat", "99999999999999999999999 2 3 4 5 6 7 8 9\n"),
        ("io_stat", "1\n"),
        ("bd_stat", "-\n"),
    ],
)
def test_garbage_costs_its_own_fields(name: str, data: str) -> None:
    [row], this = reading(ZRAM, {**NEW, f"{Z}/{name}": data})
    assert row.disksize_bytes == 4294967296
    assert {part: failed.reason for part, failed in this.failures.items()} == {name: Reason.MALFORMED}


def test_a_path_of_somebody_else_is_inert() -> None:
    [row] = read(ZRAM, {f"{Z}/backing_dev": b"/dev/\x1b[2J\xff\n"})
    assert row.backing_dev == "/dev/\\x1b[2J\\xff"


def test_denied() -> None:
    path = f"{Z}/mm_stat"
    [row], this = reading(ZRAM, {**OLD, path: Failure(Reason.DENIED, path, "EACCES")})
    assert (row.orig_data_bytes, row.failed_reads) == (None, 2)
    assert this.failures == {"mm_stat": Failure(Reason.DENIED, path, "EACCES")}


def test_none() -> None:
    assert read(ZRAM, {"/sys/block/sda/size": "7\n"}) == []
    assert failure(ZRAM, {}).reason is Reason.MISSING
