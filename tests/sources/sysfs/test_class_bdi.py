from procpulse import Reason
from procpulse.sources import CLASS_BDI
from procpulse.sources.sysfs.class_bdi import BackingDevice
from tests.cases import failure, read, reading

C = "/sys/class/bdi"
OLD = {
    f"{C}/8:16/read_ahead_kb": "4096\n",
    f"{C}/8:16/min_ratio": "0\n",
    f"{C}/8:16/max_ratio": "100\n",
    f"{C}/8:16/stable_pages_required": "0\n",
}
NEW = OLD | {
    f"{C}/8:16/min_ratio_fine": "0\n",
    f"{C}/8:16/max_ratio_fine": "1000000\n",
    f"{C}/8:16/min_bytes": "0\n",
    f"{C}/8:16/max_bytes": "4953305088\n",
    f"{C}/8:16/strict_limit": "0\n",
}


def test_a_disk_kernel_4_18() -> None:
    assert read(CLASS_BDI, OLD) == [BackingDevice("8:16", 4194304, 0, 100)]


def test_a_disk_kernel_6_2() -> None:
    assert read(CLASS_BDI, NEW) == [BackingDevice("8:16", 4194304, 0, 100, 0, 1000000, 0, 4953305088, False)]


def test_mounts_without_a_disk() -> None:
    files = {
        f"{C}/0:52-fuseblk/read_ahead_kb": "128\n",
        f"{C}/0:52-fuseblk/strict_limit": "1\n",
        f"{C}/default/max_ratio": "100\n",
    }
    assert read(CLASS_BDI, files) == [
        BackingDevice("0:52-fuseblk", 131072, strict_limit=True),
        BackingDevice("default", max_ratio_percent=100),
    ]


def test_what_the_kernel_complains_of_is_never_read() -> None:
    assert "stable_pages_required" not in CLASS_BDI.files


def test_garbage_costs_its_own_field() -> None:
    [row], this = reading(CLASS_BDI, NEW | {f"{C}/8:16/read_ahead_kb": "far\n"})
    assert row == BackingDevice("8:16", None, 0, 100, 0, 1000000, 0, 4953305088, False)
    assert this.failures["read_ahead_kb"].reason is Reason.MALFORMED


def test_none() -> None:
    assert failure(CLASS_BDI, {}).reason is Reason.MISSING
