import pytest

from procpulse import Failure, Reason
from procpulse.sources import BLOCK
from procpulse.sources.sysfs.block import BlockDevice, BlockPartition, BlockStat
from tests.cases import Files, read, reading

S = "/sys/block/sda"
DISK: Files = {
    f"{S}/dev": "8:0\n",
    f"{S}/sda2/partition": "2\n",
    f"{S}/sda2/dev": "8:2\n",
    f"{S}/sda2/start": "1050624\n",
    f"{S}/sda2/size": "2095104\n",
    f"{S}/sda2/ro": "1\n",
    f"{S}/sda2/stat": "     11       12       13       14       21       22       23       24        1       31       32\n",
    f"{S}/sda2/holders/dm-0": "",
    f"{S}/sda2/holders/md0": "",
    f"{S}/sda2/uevent": "PARTNAME=data\n",
    f"{S}/sda10/partition": "10\n",
    f"{S}/sda10/start": "2048\n",
    f"{S}/sda10/stat": "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
}
SDA2 = BlockPartition(
    "sda2",
    2,
    "8:2",
    1050624 * 512,
    2095104 * 512,
    True,
    BlockStat(11, 11, 12, 13 * 512, 14, 21, 22, 23 * 512, 24, 1, 31, 32),
    ["dm-0", "md0"],
)
SDA10 = BlockPartition(
    "sda10",
    10,
    start_bytes=1048576,
    stat=BlockStat(17, 1, 2, 3 * 512, 4, 5, 6, 7 * 512, 8, 9, 10, 11, 12, 13, 14 * 512, 15, 16, 17),
)


def test_partitions_in_their_order_with_counters_of_kernels_4_17_and_5_5() -> None:
    assert read(BLOCK, DISK) == [BlockDevice("sda", device="8:0", partitions=[SDA2, SDA10])]


@pytest.mark.parametrize("name", ["nvme0n1p1", "mmcblk0p1", "loop0p1"])
def test_names(name: str) -> None:
    disk = name[: name.rindex("p")]
    files = {f"/sys/block/{disk}/{name}/partition": "1\n", f"/sys/block/{disk}/queue/rotational": "0\n"}
    [row] = read(BLOCK, files)
    assert row.partitions == [BlockPartition(name, 1)]


def test_directories_that_are_no_partitions() -> None:
    files = {f"{S}/dev": "8:0\n", f"{S}/mq0/size": "7\n", f"{S}/queue/nr_requests": "64\n", f"{S}/slaves/sdb1": ""}
    [row] = read(BLOCK, files)
    assert row.partitions == []


def test_garbage_costs_its_own_field() -> None:
    path = f"{S}/sda2/stat"
    files = {**DISK, f"{S}/sda2/start": "there\n", path: Failure(Reason.UNSUPPORTED, path, "EIO")}
    [row], this = reading(BLOCK, files)
    assert row.partitions == [
        BlockPartition("sda2", 2, "8:2", None, 2095104 * 512, True, None, ["dm-0", "md0"]),
        SDA10,
    ]
    assert {part: failed.reason for part, failed in this.failures.items()} == {
        "sda*/start": Reason.MALFORMED,
        "sda*/stat": Reason.UNSUPPORTED,
    }
