"""Nothing below /sys is opened but what a source names, and no source names what acts when it is read."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from procpulse import Roots, Source, catalog
from procpulse.reader import Reader
from procpulse.source import Link, Piece, Read
from procpulse.sources import CPU_IDLE
from procpulse.tree import Bundle, Tree, glob
from tests.conftest import FIXTURES, program, roots, trees

SOURCES = {name: source for name, source in catalog.sources().items() if source.path.startswith("/sys")}

# Files that do something when they are read: make a device, wake or stop hardware, walk all memory, clear a log.
ACTING = [
    "/sys/class/zram-control/hot_add",
    "/sys/class/zram-control/hot_remove",
    "/sys/block/sda/device/rescan",
    "/sys/block/sda/device/delete",
    "/sys/block/sda/device/vpd_pg80",
    "/sys/block/sda/trace/enable",
    "/sys/block/zram0/reset",
    "/sys/block/zram0/compact",
    "/sys/block/zram0/debug_stat",
    "/sys/block/md0/md/bitmap_set_bits",
    "/sys/block/md0/md/new_dev",
    "/sys/bus/pci/devices/0000:00:02.0/config",
    "/sys/bus/pci/devices/0000:00:02.0/rom",
    "/sys/bus/pci/devices/0000:00:02.0/vpd",
    "/sys/bus/pci/devices/0000:00:02.0/resource0",
    "/sys/bus/pci/devices/0000:00:02.0/remove",
    "/sys/bus/pci/devices/0000:00:02.0/reset",
    "/sys/class/drm/card0/device/rom",
    "/sys/class/drm/card0/device/gpu_recover",
    "/sys/class/drm/card0/card0-DP-1/edid",
    "/sys/class/drm/card0/error",
    "/sys/class/fc_host/host0/issue_lip",
    "/sys/class/fc_host/host0/statistics/reset_statistics",
    "/sys/class/net/eth0/device/reset",
    "/sys/class/net/eth0/device/eeprom",
    "/sys/class/nvme/nvme0/reset_controller",
    "/sys/class/nvme/nvme0/rescan_controller",
    "/sys/class/sas_phy/phy-0:0/link_reset",
    "/sys/class/hwmon/hwmon0/device/eeprom",
    "/sys/class/watchdog/watchdog0/device/reset",
    "/sys/class/rtc/rtc0/device/nvram",
    "/sys/devices/system/cpu/cpu0/crash_notes",
    "/sys/devices/system/node/node0/compact",
    "/sys/devices/system/edac/mc/mc0/reset_counters",
    "/sys/fs/bcache/9f0b6d52-2f9e-4d38-8a0c-51d1c7d6a3b1/internal/trigger_gc",
    "/sys/fs/bcache/9f0b6d52-2f9e-4d38-8a0c-51d1c7d6a3b1/internal/bset_tree_stats",
    "/sys/fs/bcache/9f0b6d52-2f9e-4d38-8a0c-51d1c7d6a3b1/clear_stats",
    "/sys/fs/bcachefs/6a5d7b1c-0e44-4f0f-8d0e-7f3a2b9c1d22/internal/trigger_gc",
    "/sys/fs/bcachefs/6a5d7b1c-0e44-4f0f-8d0e-7f3a2b9c1d22/dev-0/io_errors_reset",
    "/sys/fs/btrfs/3c8f2f0e-5a11-4d6b-9d53-0b7f1c2d4e60/devinfo/1/scrub_speed_max",
    "/sys/fs/ext4/sda1/trigger_fs_error",
    "/sys/fs/ext4/sda1/simulate_fail",
    "/sys/fs/xfs/sda1/stats/stats_clear",
    "/sys/fs/selinux/avc/reset",
    "/sys/kernel/mm/page_idle/bitmap",
    "/sys/kernel/mm/damon/admin/kdamonds/nr_kdamonds",
    "/sys/kernel/config/target/iscsi/iqn.2003-01.org.example:x/tpgt_1/attrib/authentication",
]


@cache
def allowed(name: str) -> list[Any]:
    """What a source may open, as functions of a path."""
    source: Source[Any] = SOURCES[name]
    if name == "cgroup":  # its own tests hold what it opens below here
        return [re.compile(r"/sys/fs/cgroup(/.*)?").fullmatch]
    if isinstance(source, Bundle):
        numbers = (
            ("/sys/devices/system/cpu/possible",) if name == "fs_selinux_avc" else ()
        )  # which CPUs its rows are of
        return [*map(glob, numbers), *(glob(f"{source.path}/{file.rstrip('/@')}") for file in source.files)]
    beside: tuple[str, ...] = ()
    if name == "target_iscsi":
        beside = ("/sys/kernel/config/target/core/*/*/udev_path",)
    if name == "cpu_idle":
        head = ("current_driver", "current_governor_ro", "available_governors")
        source, beside = CPU_IDLE.cpus, tuple(f"{source.path}/cpuidle/{file}" for file in head)
    assert isinstance(source, Tree)
    power = (source.power,) if source._asleep is not None else ()
    return [
        *map(glob, beside),
        *(glob(f"{source.path}/{file.rstrip('/@')}".rstrip("/")) for file in (*source.files, *power)),
    ]


def may(name: str, path: str) -> bool:
    fixed = re.split(r"[*?[]", SOURCES[name].path)[0]
    near = path.startswith(fixed) or name in ("target_iscsi", "fs_selinux_avc")
    return near and any(match(path) for match in allowed(name))


def listed(path: str) -> bool:
    """Whether some source may open it."""
    return any(may(name, path) for name in SOURCES)


@pytest.mark.parametrize("path", ACTING)
def test_no_source_may_open_what_acts_when_it_is_read(path: str) -> None:
    assert [name for name in SOURCES if name != "cgroup" and may(name, path)] == []


def opened(tree: Path | None, *sources: Source[Any]) -> set[str]:
    """The files and links below /sys that are asked for, to the second time."""
    asked = []
    reader = Reader(Roots() if tree is None else roots(tree), observe=lambda request, _: asked.append(request))
    for _ in range(2):
        reader.read_sync(sources, lambda source: 30.0)
    reader.close()
    return {r.path for r in asked if isinstance(r, Read | Piece | Link) and r.path.startswith("/sys")}


@pytest.mark.parametrize("tree", [None, *trees()], ids=lambda tree: tree.name if tree else "this host")
def test_what_is_asked_for_is_in_some_list(tree: Path | None) -> None:
    paths = opened(tree, *SOURCES.values())
    assert [path for path in paths if not listed(path)] == []


@pytest.mark.parametrize("name", SOURCES)
def test_what_a_source_asks_for_is_in_its_own_list(name: str) -> None:
    for tree in (None, FIXTURES / "workstation"):
        assert [path for path in opened(tree, SOURCES[name]) if not may(name, path)] == []


def test_what_the_kernel_sees_opened_is_in_some_list(tmp_path: Path) -> None:
    """The judge is strace: every open of every thread, whether it came to anything or not."""
    log = tmp_path / "opened"
    code = """
from procpulse import Roots, catalog
from procpulse.reader import Reader
reader = Reader(Roots())
below = [source for source in catalog.sources().values() if source.path.startswith("/sys")]
for _ in range(3):
    results = reader.read_sync(below, lambda source: 30.0)
reader.close()
print(sum(result.failure is None for result in results.values()))
"""
    command = [program("strace"), "-f", "-qq", "-s", "4096", "-o", str(log), "-e", "trace=open,openat,openat2,creat"]
    done = subprocess.run([*command, sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 5, "it has read something"
    opened = {
        match[1]
        for line in log.read_text(errors="surrogateescape").splitlines()
        if "O_DIRECTORY" not in line and (match := re.search(r'"(/sys/[^"]*)"', line))
    }
    assert len(opened) > 100
    assert [path for path in sorted(opened) if not listed(path)] == []
