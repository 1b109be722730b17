"""Devices that come, go, change their name and start anew while they are watched (F25; P7): on the live kernel, as root.

Rows come and go with them, a counter that starts again is named in `resets`, and nothing that belongs to one device
is ever counted for another.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from procpulse import Sampler, difference
from procpulse.sources import BLOCK, ZRAM
from tests.faults.making import child

pytestmark = pytest.mark.root
ZRAM_CONTROL = Path("/sys/class/zram-control")
LOOP_ADD, LOOP_REMOVE = 0x4C80, 0x4C81

LINKS = """
import asyncio, json, socket, subprocess, threading
from collections import Counter
from procpulse import Sampler, difference
from procpulse.sources import CLASS_NET, NET_DEV

def ip(*words):
    subprocess.run(["ip", *words], check=True)

def rows(snap):
    return {row.name: row for row in snap[CLASS_NET]}

def grown(delta):
    return {row.name: row.statistics.tx_packets for row in delta[CLASS_NET] if row.statistics}

async def steps():
    seen = {}
    async with Sampler([CLASS_NET]) as sampler:
        ip("link", "set", "lo", "up")
        first = await sampler.sample()
        seen["before"] = sorted(rows(first))
        ip("link", "add", "va", "type", "veth", "peer", "name", "vb")
        ip("addr", "add", "192.0.2.1/24", "dev", "va")
        ip("link", "set", "va", "up")
        ip("link", "set", "vb", "up")
        added = await sampler.sample()
        seen["added"] = sorted(rows(added))
        seen["down"] = [rows(first)["lo"].speed_bits_per_second, rows(added)["va"].speed_bits_per_second]
        seen["new rows have no delta"] = sorted(grown(difference(first, added)))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"x", ("192.0.2.99", 9))
        busy = await sampler.sample()
        seen["sent"] = grown(difference(added, busy))["va"] > 0
        index = rows(busy)["va"].ifindex
        ip("link", "set", "va", "down")
        ip("link", "set", "va", "name", "vc")
        renamed = await sampler.sample()
        seen["renamed"] = sorted(rows(renamed)), rows(renamed)["vc"].ifindex == index
        seen["a new name is a new row"] = "vc" not in grown(difference(busy, renamed))
        ip("link", "del", "vc")
        gone = await sampler.sample()
        seen["gone"] = sorted(rows(gone))
        # Another device under an old name, between two samples.
        ip("link", "add", "va", "type", "veth", "peer", "name", "vb")
        before = await sampler.sample()
        ip("link", "del", "va")
        ip("link", "add", "va", "type", "veth", "peer", "name", "vb")
        ip("link", "set", "va", "up")
        ip("link", "set", "vb", "up")
        after = await sampler.sample()
        seen["recreated"] = rows(before)["va"].ifindex != rows(after)["va"].ifindex
        seen["recreated has no delta"] = sorted(grown(difference(before, after)))
        seen["failures"] = sorted({failure.reason for failure in after.failures.values()} - {"unsupported"})
        ip("link", "del", "va")
    return seen

async def churn():
    counts, stop = Counter(), threading.Event()

    def work():
        while not stop.is_set():
            ip("link", "add", "va", "type", "veth", "peer", "name", "vb")
            ip("link", "set", "va", "up")
            ip("link", "set", "va", "down")
            ip("link", "set", "va", "name", "vc")
            ip("link", "del", "vc")
            counts["rounds"] += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        async with Sampler([CLASS_NET, NET_DEV]) as sampler:
            last = None
            async for snap in sampler.stream(interval=0.02):
                counts["ticks"] += 1
                names = set(rows(snap))
                counts["with"] += bool(names - {"lo", "bonding_masters"})
                counts["bad"] += len({f.reason for f in snap.failures.values()} & {"bug", "malformed"})
                counts["nameless"] += sum(row.ifindex is None for row in snap[CLASS_NET])
                if last is not None:
                    delta = difference(last, snap)
                    counts["resets"] += len([reset for reset in delta.resets if reset.source == "class_net"])
                    grew = [v for row in delta[CLASS_NET] if row.statistics for v in (row.statistics.rx_bytes, row.statistics.tx_bytes) if v]
                    counts["too much"] += any(value < 0 or value > 100_000 for value in grew)
                last = snap
                if counts["rounds"] >= 12 and counts["with"] > 5 or counts["ticks"] >= 1000:
                    break
    finally:
        stop.set()
        thread.join()
    return counts

print(json.dumps({"steps": asyncio.run(steps()), "churn": asyncio.run(churn())}))
"""


@pytest.fixture(scope="module")
def links() -> Any:
    """What was seen in a network namespace with a /sys of its own."""
    setup = "mount -t sysfs sysfs /sys && mount -t proc proc /proc"
    unshare = ("--net", "--mount", "--pid", "--fork")
    return child(LINKS, unshare=unshare, setup=setup)


def test_links_come_and_go(links: Any) -> None:
    steps = links["steps"]
    first = steps.pop("before")
    assert "lo" in first
    assert steps == {
        "added": sorted([*first, "va", "vb"]),
        "down": [None, 10_000_000_000],
        "new rows have no delta": first,
        "sent": True,
        "renamed": [sorted([*first, "vb", "vc"]), True],
        "a new name is a new row": True,
        "gone": first,
        "recreated": True,
        "recreated has no delta": first,
        "failures": [],
    }


def test_links_come_and_go_while_they_are_streamed(links: Any) -> None:
    churn = links["churn"]
    assert churn["rounds"] >= 12
    assert churn["with"] > 5, "it has seen some of them"
    assert {name: churn.get(name, 0) for name in ("bad", "nameless", "resets", "too much")} == {
        "bad": 0, "nameless": 0, "resets": 0, "too much": 0,
    }  # fmt: skip


@pytest.fixture
def zram() -> Iterator[int]:
    """A compressed device of our own."""
    if not ZRAM_CONTROL.is_dir():
        pytest.skip("this kernel has no zram")
    number = int((ZRAM_CONTROL / "hot_add").read_text())
    yield number
    with suppress(OSError):
        (ZRAM_CONTROL / "hot_remove").write_text(str(number))


def fill(number: int, mebibytes: int) -> None:
    """Give a compressed device a size and write to it."""
    Path(f"/sys/block/zram{number}/disksize").write_text(str(16 << 20))
    fd = os.open(f"/dev/zram{number}", os.O_WRONLY)
    try:
        for _ in range(mebibytes):
            os.write(fd, os.urandom(1 << 20))
        os.fsync(fd)
    finally:
        os.close(fd)


def there(name: str) -> bool:
    return os.path.exists(f"/sys/block/{name}")


def settled(act: Any) -> None:
    """Do it once nobody else, such as udev, holds the device."""
    end = time.monotonic() + 5
    while True:
        try:
            act()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


async def test_a_disk_comes_starts_anew_and_goes(zram: int) -> None:
    name = f"zram{zram}"
    async with Sampler([BLOCK, ZRAM]) as sampler:

        async def look() -> Any:
            snap = await sampler.sample()
            disks = {row.name: row for row in snap[BLOCK]}
            return snap, disks.get(name), {row.name: row for row in snap[ZRAM]}.get(name)

        empty, disk, device = await look()
        assert disk is not None
        assert device is not None
        assert device.initialized is False
        fill(zram, 4)
        full, disk, device = await look()
        assert device.orig_data_bytes == 4 << 20
        [grown] = [row for row in difference(empty, full)[BLOCK] if row.name == name]
        assert grown.stat.written_bytes == 4 << 20
        settled(lambda: Path(f"/sys/block/{name}/reset").write_text("1"))
        fill(zram, 1)
        anew, disk, device = await look()
        delta = difference(full, anew)
        assert [row for row in delta[BLOCK] if row.name == name] == [], (
            "it was written less than before: it started anew"
        )
        [reset] = [reset for reset in delta.resets if reset.source == "block" and name in reset.row]
        assert reset.before > reset.after
        settled(lambda: (ZRAM_CONTROL / "hot_remove").write_text(str(zram)))
        gone, disk, device = await look()
        assert (disk, device) == (None, None)
        assert [row for row in difference(anew, gone)[BLOCK] if row.name == name] == []
        assert {failure.reason for failure in gone.failures.values()} <= {"unsupported"}


async def test_another_disk_of_the_same_name_is_another_row(zram: int) -> None:
    name = f"zram{zram}"
    if not there(f"{name}/diskseq"):
        pytest.skip("this kernel does not number its disks (Linux 5.15)")
    async with Sampler([BLOCK, ZRAM]) as sampler:
        fill(zram, 1)
        before = await sampler.sample()
        settled(lambda: (ZRAM_CONTROL / "hot_remove").write_text(str(zram)))
        again = int((ZRAM_CONTROL / "hot_add").read_text())
        assert again == zram, "the lowest number that is free"
        fill(again, 3)
        after = await sampler.sample()
        delta = difference(before, after)
        assert [row for source in (BLOCK, ZRAM) for row in delta[source] if row.name == name] == []  # type: ignore[attr-defined]
        assert [reset for reset in delta.resets if name in reset.row] == []


async def test_loop_devices_come_and_go_while_they_are_streamed() -> None:
    """Forty of them, one after the other, under a fast stream."""
    number, seen, added = 6000 + os.getpid() % 1000, 0, 0
    name = f"loop{number}"
    control = os.open("/dev/loop-control", os.O_RDWR)
    try:
        async with Sampler([BLOCK]) as sampler:
            last = None
            async for snap in sampler.stream(interval=0.01):
                rows = [row for row in snap[BLOCK] if row.name == name]
                assert len(rows) <= 1
                seen += len(rows)
                assert not {f.reason for f in snap.failures.values()} & {"bug", "malformed", "timeout"}
                if last is not None:
                    delta = difference(last, snap)
                    assert [reset for reset in delta.resets if reset.row.startswith(name)] == []
                last = snap
                if added >= 40:
                    break
                with suppress(OSError):  # in use by udev for a moment
                    fcntl.ioctl(control, LOOP_REMOVE if there(name) else LOOP_ADD, number)
                    added += there(name)
    finally:
        with suppress(OSError):
            fcntl.ioctl(control, LOOP_REMOVE, number)
        os.close(control)
    assert seen > 5
