from typing import Any

import pytest

from procpulse import Reason
from procpulse.sources import MDRAID
from procpulse.sources.sysfs.mdraid import MdComponent, MdRaid
from tests.cases import failure, read, reading

M = "/sys/block/md0/md"
FILES = {
    f"{M}/level": "raid5\n",
    f"{M}/array_state": "active\n",
    f"{M}/metadata_version": "1.2\n",
    f"{M}/uuid": "6b1f3a52-0c4d-4f0e-9a77-2d1c5e8b9f00\n",
    f"{M}/consistency_policy": "resync\n",
    f"{M}/raid_disks": "3\n",
    f"{M}/degraded": "1\n",
    f"{M}/chunk_size": "524288\n",
    f"{M}/component_size": "976630464\n",
    f"{M}/sync_action": "recover\n",
    f"{M}/last_sync_action": "check\n",
    f"{M}/sync_completed": "246913024 / 1953260928\n",
    f"{M}/sync_speed": "187264\n",
    f"{M}/mismatch_cnt": "128\n",
    f"{M}/stripe_cache_size": "256\n",
    f"{M}/stripe_cache_active": "17\n",
    f"{M}/dev-sdb1/state": "in_sync\n",
    f"{M}/dev-sdb1/slot": "0\n",
    f"{M}/dev-sdb1/errors": "4\n",
    f"{M}/dev-sdb1/size": "976630464\n",
    f"{M}/dev-sdb1/offset": "264192\n",
    f"{M}/dev-sda10/state": "faulty,want_replacement\n",
    f"{M}/dev-sda10/slot": "none\n",
    f"{M}/dev-nvme0n1/state": "journal\n",
    f"{M}/dev-nvme0n1/slot": "journal\n",
    f"{M}/rd0/state": "in_sync\n",
    f"{M}/new_dev": "",
    "/sys/block/sda/size": "7\n",
}
VALUES: dict[str, Any] = {
    "name": "md0",
    "level": "raid5",
    "array_state": "active",
    "metadata_version": "1.2",
    "uuid": "6b1f3a52-0c4d-4f0e-9a77-2d1c5e8b9f00",
    "consistency_policy": "resync",
    "raid_disks": 3,
    "degraded_disks": 1,
    "chunk_size_bytes": 524288,
    "component_size_bytes": 976630464 * 1024,
    "sync_action": "recover",
    "last_sync_action": "check",
    "sync_completed_bytes": 246913024 * 512,
    "sync_all_bytes": 1953260928 * 512,
    "sync_completed_ratio": 246913024 / 1953260928,
    "sync_speed_bytes_per_second": 187264 * 1024,
    "mismatch_bytes": 65536,
    "stripe_cache_size": 256,
    "stripe_cache_active": 17,
    "components": [
        MdComponent("nvme0n1", ["journal"]),
        MdComponent("sda10", ["faulty", "want_replacement"]),
        MdComponent("sdb1", ["in_sync"], 0, 4, 976630464 * 1024, 264192 * 512),
    ],
}


def test_an_array_that_is_rebuilt() -> None:
    assert read(MDRAID, FILES) == [MdRaid(**VALUES)]


@pytest.mark.parametrize(
    ("files", "change"),
    [
        pytest.param(
            {"sync_action": "idle\n", "sync_completed": "none\n", "sync_speed": "none\n"},
            {
                "sync_action": "idle",
                "sync_completed_bytes": None,
                "sync_all_bytes": None,
                "sync_completed_ratio": None,
                "sync_speed_bytes_per_second": None,
            },
            id="nothing is going on",
        ),
        pytest.param(
            {"sync_completed": "delayed\n"},
            {"sync_completed_bytes": None, "sync_all_bytes": None, "sync_completed_ratio": None},
            id="waiting",
        ),
        pytest.param(
            {"raid_disks": "4 (3)\n", "chunk_size": "262144 (524288)\n", "sync_action": "reshape\n"},
            {"raid_disks": 4, "previous_raid_disks": 3, "chunk_size_bytes": 262144, "sync_action": "reshape"},
            id="reshaped",
        ),
        pytest.param({"raid_disks": "\n", "degraded": ""}, {"raid_disks": None, "degraded_disks": None}, id="inactive"),
        pytest.param({"metadata_version": "external:imsm\n"}, {"metadata_version": "external:imsm"}, id="container"),
        pytest.param({"uuid": b"\x1b\xff\n"}, {"uuid": "\\x1b\\xff"}, id="hostile"),
    ],
)
def test_states(files: dict[str, str | bytes], change: dict[str, Any]) -> None:
    changed = {**FILES, **{f"{M}/{name}": data for name, data in files.items()}}
    assert read(MDRAID, changed) == [MdRaid(**(VALUES | change))]


def test_raid0_kernel_4_18() -> None:
    files = {
        "/sys/block/md127/md/level": "raid0\n",
        "/sys/block/md127/md/array_state": "clean\n",
        "/sys/block/md127/md/raid_disks": "2\n",
        "/sys/block/md_home/md/level": "linear\n",
        "/sys/block/mda/size": "1\n",
    }
    assert read(MDRAID, files) == [
        MdRaid("md127", "raid0", "clean", raid_disks=2),
        MdRaid("md_home", "linear"),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("sync_completed", "1953260928\n"),
        ("sync_completed", "half / all\n"),
        ("raid_disks", "many\n"),
        ("raid_disks", "4 (many)\n"),
        ("sync_speed", "fast\n"),
        ("mismatch_cnt", "1 2\n"),
        ("dev-sdb1/slot", "first\n"),
    ],
)
def test_garbage_costs_its_own_field(name: str, data: str) -> None:
    [row], this = reading(MDRAID, FILES | {f"{M}/{name}": data})
    assert row.level == "raid5"
    assert row.components[2].state == ["in_sync"]
    assert [failed.reason for failed in this.failures.values()] == [Reason.MALFORMED]


def test_none() -> None:
    assert read(MDRAID, {"/sys/block/sda/size": "7\n"}) == []
    assert failure(MDRAID, {}).reason is Reason.MISSING


@pytest.mark.parametrize(
    ("level", "metadata", "expected"),
    [
        ("\n", "external:ddf\n", "container"),
        ("", "external:imsm\n", "container"),
        ("container\n", "external:imsm\n", "container"),
        ("raid1\n", "external:/md127/0\n", "raid1"),
        ("\n", "external:/md127/0\n", None),
        ("\n", "external:-md127/0\n", None),
        ("\n", "1.2\n", None),
    ],
)
def test_a_container_has_no_level_and_no_id_in_the_kernel(level: str, metadata: str, expected: str | None) -> None:
    files = {
        f"{M}/level": level,
        f"{M}/metadata_version": metadata,
        f"{M}/uuid": "00000000-0000-0000-0000-000000000000\n",
        f"{M}/array_state": "inactive\n",
    }
    [array] = read(MDRAID, files)
    assert (array.level, array.uuid, array.metadata_version) == (expected, None, metadata.strip())
