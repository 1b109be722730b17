import os

import pytest

from procpulse import Failure, Reason
from procpulse.sources import STATFS
from procpulse.sources.proc.statfs import FileSystem
from tests.cases import failure, read, reading

PATH = "/proc/self/mountinfo"
ROOT = "22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p2 rw\n"
HOME = "43 22 253:1 / /home rw - xfs /dev/mapper/vg0-home rw\n"


def answer(blocks: int, free: int, available: int, frsize: int = 4096) -> os.statvfs_result:
    """What statvfs() says of a file system of so many blocks, with 1,000 inodes of which 400 are free."""
    return os.statvfs_result((65536, frsize, blocks, free, available, 1000, 400, 390, 4096, 255))


def test_file_systems() -> None:
    mounts = {"/": answer(100, 40, 30), "/home": answer(7, 7, 7, 512)}
    assert read(STATFS, {PATH: ROOT + HOME}, mounts=mounts) == [
        FileSystem(
            "/", "/dev/nvme0n1p2", "ext4", read_only=False, size_bytes=409600, free_bytes=163840,
            available_bytes=122880, block_size_bytes=4096, files=1000, files_free=400, name_max=255,
        ),
        FileSystem("/home", "/dev/mapper/vg0-home", "xfs", False, 3584, 3584, 3584, 512, 1000, 400, 255),
    ]  # fmt: skip


def test_read_only_mounts_and_file_systems() -> None:
    data = (
        "1 0 7:0 / /a ro - squashfs /dev/loop0 ro\n2 0 7:1 / /b ro - ext4 /dev/sda rw\n3 0 7:2 / /c rw - ext4 /d ro\n"
    )
    mounts = dict.fromkeys(("/a", "/b", "/c"), answer(1, 0, 0))
    assert [row.read_only for row in read(STATFS, {PATH: data}, mounts=mounts)] == [True, True, True]


def test_of_two_on_one_mount_point_the_last_is_seen() -> None:
    data = "1 0 0:1 / /a rw - tmpfs below rw\n2 0 0:2 / /a rw - tmpfs above rw\n"
    [row] = read(STATFS, {PATH: data}, mounts={"/a": answer(1, 1, 1)})
    assert row.source == "above"


def test_nothing_that_would_mount_something_is_asked() -> None:
    data = "1 0 0:1 / /net rw - autofs /etc/auto.net rw\n" + ROOT
    [row] = read(STATFS, {PATH: data}, mounts={"/": answer(1, 1, 1), "/net": answer(1, 1, 1)})
    assert row.mount_point == "/"


def test_a_mount_under_an_automounter_is_asked() -> None:
    data = "1 0 0:1 / /net rw - autofs /etc/auto.net rw\n2 0 0:2 / /net rw - nfs4 192.0.2.10:/a rw\n"
    [row] = read(STATFS, {PATH: data}, mounts={"/net": answer(1, 1, 1)})
    assert row.fs_type == "nfs4"


@pytest.mark.parametrize(
    ("escaped", "asked", "shown"),
    [
        (b"/media/USB\\040disk", "/media/USB disk", "/media/USB disk"),
        (b"/m\xff\x1b", "/m\udcff\x1b", "/m\\xff\\x1b"),
        (b"/m\xc3\xa9", "/m\u00e9", "/m\u00e9"),
    ],
    ids=["a blank", "no text at all", "an accent"],
)
def test_names_are_asked_as_they_are_and_shown_inert(escaped: bytes, asked: str, shown: str) -> None:
    data = b"1 0 0:1 / " + escaped + b" rw - ext4 /dev/sdb1 rw\n"
    [row] = read(STATFS, {PATH: data}, mounts={asked: answer(2, 1, 1)})
    assert (row.mount_point, row.size_bytes) == (shown, 8192)


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.DENIED, Reason.UNSUPPORTED])
def test_a_dead_mount_costs_its_own_row(reason: Reason) -> None:
    dead = Failure(reason, "/home", "why")
    rows, this = reading(STATFS, {PATH: ROOT + HOME}, mounts={"/": answer(1, 1, 1), "/home": dead})
    assert rows[1] == FileSystem("/home", "/dev/mapper/vg0-home", "xfs", False)
    assert rows[0].size_bytes == 4096
    assert this.failures == {"xfs": dead}


def test_a_mount_point_out_of_reach_is_no_row() -> None:
    [row] = read(STATFS, {PATH: ROOT + HOME}, mounts={"/": answer(1, 1, 1)})
    assert row.mount_point == "/"


def test_blank_lines_and_a_cut_one() -> None:
    [row] = read(STATFS, {PATH: b"\n\0\r\n" + ROOT.encode() + HOME.encode()[:-4]}, mounts={"/": answer(1, 1, 1)})
    assert row.mount_point == "/"


def test_no_mounts() -> None:
    assert read(STATFS, {PATH: "\n"}) == []


def test_no_answer_at_all() -> None:
    no = Failure(Reason.UNSUPPORTED, "/", "needs a root")
    assert failure(STATFS, {PATH: ROOT + HOME}, {"/": no, "/home": no}) == no


@pytest.mark.parametrize("data", ["garbage\n", "x 1 259:2 / / rw - ext4 /dev/sda rw\n"], ids=["garbage", "no number"])
def test_malformed(data: str) -> None:
    assert failure(STATFS, {PATH: data}).reason is Reason.MALFORMED


def test_no_mountinfo() -> None:
    assert failure(STATFS, {}) == Failure(Reason.MISSING, PATH, "ENOENT")
