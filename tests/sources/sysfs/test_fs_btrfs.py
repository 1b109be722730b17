import pytest

from procpulse import Reason
from procpulse.sources import FS_BTRFS
from procpulse.sources.sysfs.fs_btrfs import (
    Btrfs,
    BtrfsCommits,
    BtrfsDevice,
    BtrfsMember,
    BtrfsProfile,
    BtrfsSpace,
)
from tests.cases import failure, read, reading

UUID = "3c8f2f0e-5a11-4d6b-9d53-0b7f1c2d4e60"
B = f"/sys/fs/btrfs/{UUID}"
KERNEL_4_18 = {
    f"{B}/label": "photos\n",
    f"{B}/nodesize": "16384\n",
    f"{B}/sectorsize": "4096\n",
    f"{B}/clone_alignment": "4096\n",
    f"{B}/quota_override": "0\n",
    f"{B}/features/extended_iref": "1\n",
    f"{B}/features/raid56": "1\n",
    f"{B}/devices/sdb1/size": "2097152\n",
    f"{B}/devices/sdc@": "../../../../devices/pci0000:00/block/sdc",
    f"{B}/devices/sdd/size": "4194304\n",
    f"{B}/allocation/global_rsv_size": "16777216\n",
    f"{B}/allocation/global_rsv_reserved": "16760832\n",
    f"{B}/allocation/data/total_bytes": "644087808\n",
    f"{B}/allocation/data/bytes_used": "1048576\n",
    f"{B}/allocation/data/disk_total": "966131712\n",
    f"{B}/allocation/data/disk_used": "1572864\n",
    f"{B}/allocation/data/bytes_may_use": "4096\n",
    f"{B}/allocation/data/bytes_pinned": "8192\n",
    f"{B}/allocation/data/total_bytes_pinned": "12288\n",
    f"{B}/allocation/data/bytes_readonly": "65536\n",
    f"{B}/allocation/data/bytes_reserved": "16384\n",
    f"{B}/allocation/data/flags": "1\n",
    f"{B}/allocation/data/raid5/total_bytes": "644087808\n",
    f"{B}/allocation/data/raid5/used_bytes": "1048576\n",
    f"{B}/allocation/system/total_bytes": "8388608\n",
    f"{B}/allocation/system/raid1/total_bytes": "8388608\n",
    f"{B}/allocation/system/raid1/used_bytes": "16384\n",
    f"{B}/allocation/system/mirror9/total_bytes": "1\n",
    "/sys/fs/btrfs/features/raid1c34": "0\n",
}
LATER = {
    f"{B}/metadata_uuid": "0abb23a9-579b-43e6-ad30-227ef47fcb9d\n",
    f"{B}/checksum": "crc32c (crc32c-intel)\n",
    f"{B}/exclusive_operation": "none\n",
    f"{B}/generation": "88231\n",
    f"{B}/commit_stats": "commits 4411\nlast_commit_ms 12\nmax_commit_ms 2304\ntotal_commit_ms 190233\n",
    f"{B}/allocation/data/bytes_zone_unusable": "20480\n",
    f"{B}/allocation/data/chunk_size": "1073741824\n",
    f"{B}/devinfo/3/in_fs_metadata": "1\n",
    f"{B}/devinfo/3/missing": "1\n",
    f"{B}/devinfo/3/replace_target": "0\n",
    f"{B}/devinfo/3/writeable": "0\n",
    f"{B}/devinfo/3/error_stats": "write_errs 1\nread_errs 2\nflush_errs 3\ncorruption_errs 4\ngeneration_errs 5\n",
}
DATA = BtrfsSpace(
    "data", 644087808, 1048576, 966131712, 1572864, 4096, 8192, 12288, 65536, 16384, None, None, 1,
    [BtrfsProfile("raid5", 644087808, 1048576, 1.5)],
)  # fmt: skip
SYSTEM = BtrfsSpace(
    "system", 8388608, profiles=[BtrfsProfile("mirror9", 1), BtrfsProfile("raid1", 8388608, 16384, 2.0)]
)
DEVICES = [BtrfsDevice("sdb1", 1 << 30), BtrfsDevice("sdc"), BtrfsDevice("sdd", 1 << 31)]
OLD = Btrfs(
    UUID, "photos", None, ["extended_iref", "raid56"], None, None, 16384, 4096, 4096, False, None, 16777216, 16760832,
    None, [DATA, SYSTEM], DEVICES,
)  # fmt: skip
NEW = Btrfs(
    UUID, "photos", "0abb23a9-579b-43e6-ad30-227ef47fcb9d", ["extended_iref", "raid56"], "crc32c (crc32c-intel)",
    "none", 16384, 4096, 4096, False, 88231, 16777216, 16760832, BtrfsCommits(4411, 12, 2304, 190233),
    [
        BtrfsSpace(
            "data", 644087808, 1048576, 966131712, 1572864, 4096, 8192, 12288, 65536, 16384, 20480, 1 << 30, 1,
            [BtrfsProfile("raid5", 644087808, 1048576, 1.5)],
        ),
        SYSTEM,
    ],
    DEVICES, [BtrfsMember(3, True, True, False, False, 1, 2, 3, 4, 5)],
)  # fmt: skip


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(KERNEL_4_18, OLD, id="raid5 and a profile of the future, kernel 4.18"),
        pytest.param(KERNEL_4_18 | LATER, NEW, id="a missing device, kernel 6.18"),
        pytest.param(
            {f"{B}/allocation/data/raid6/used_bytes": "7\n", f"{B}/devices/sda@": "gone"},
            Btrfs(
                UUID,
                spaces=[BtrfsSpace("data", profiles=[BtrfsProfile("raid6", None, 7)])],
                devices=[BtrfsDevice("sda")],
            ),
            id="too few devices to know the ratio",
        ),
        pytest.param({f"{B}/label": "\n", f"{B}/nodesize": "4096\n"}, Btrfs(UUID, node_size_bytes=4096), id="no label"),
    ],
)
def test_file_systems(files: dict[str, str], expected: Btrfs) -> None:
    assert read(FS_BTRFS, files) == [expected]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nodesize", "big\n"),
        ("commit_stats", "commits 1\n"),
        ("generation", "-\n"),
        ("devinfo/3/error_stats", "write_errs many\n"),
        ("devices/sdb1/size", "1 2\n"),
        ("allocation/data/flags", "0x1\n"),
    ],
)
def test_garbage_costs_its_own_field(name: str, data: str) -> None:
    [row], this = reading(FS_BTRFS, KERNEL_4_18 | {f"{B}/devinfo/3/missing": "0\n", f"{B}/{name}": data})
    assert row.label == "photos"
    assert [f.reason for f in this.failures.values()] == [Reason.MALFORMED]


def test_none() -> None:
    assert read(FS_BTRFS, {"/sys/fs/btrfs/features/raid1c34": "0\n"}) == []
    assert failure(FS_BTRFS, {}).reason is Reason.MISSING
