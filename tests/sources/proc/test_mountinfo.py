import msgspec
import pytest

from procpulse.source import Malformed
from procpulse.sources import MOUNTINFO, MOUNTS, SWAPS
from procpulse.sources.proc.mountinfo import Mount
from procpulse.sources.proc.pid_mountinfo import PID_MOUNTINFO, PidMountinfo
from tests.cases import HOST, parse

CASES = [
    pytest.param(
        "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n",
        [
            Mount(
                36, 35, "98:0", "/mnt1", "/mnt2", ["rw", "noatime"], {"master": "1"}, "ext3", "/dev/root",
                ["rw", "errors=continue"],
            )
        ],
        id="one optional field",
    ),
    pytest.param(
        "22 1 259:2 / / rw - ext4 /dev/nvme0n1p2 rw\n"
        "64 43 253:1 /a /b rw shared:52 master:31 propagate_from:2 - xfs /dev/dm-1 rw\n"
        "66 27 0:58 / /c ro,nosuid unbindable - tmpfs none rw,size=1024k\n",
        [
            Mount(22, 1, "259:2", "/", "/", ["rw"], {}, "ext4", "/dev/nvme0n1p2", ["rw"]),
            Mount(
                64, 43, "253:1", "/a", "/b", ["rw"], {"shared": "52", "master": "31", "propagate_from": "2"}, "xfs",
                "/dev/dm-1", ["rw"],
            ),
            Mount(66, 27, "0:58", "/", "/c", ["ro", "nosuid"], {"unbindable": ""}, "tmpfs", "none", ["rw", "size=1024k"]),
        ],
        id="no optional field, three, and one without a number",
    ),
    pytest.param(
        "55 22 8:17 / /media/USB\\040disk rw shared:1 - ext4 /dev/sdb1 rw\n"
        "61 22 0:55 / /m rw - overlay overlay rw,lowerdir=/l/1:/l/2,upperdir=/up\\054per\n"
        "62 22 0:56 /../gone\\040//deleted /n rw - tmpfs  rw\n",
        [
            Mount(55, 22, "8:17", "/", "/media/USB disk", ["rw"], {"shared": "1"}, "ext4", "/dev/sdb1", ["rw"]),
            Mount(
                61, 22, "0:55", "/", "/m", ["rw"], {}, "overlay", "overlay",
                ["rw", "lowerdir=/l/1:/l/2", "upperdir=/up,per"],
            ),
            Mount(62, 22, "0:56", "/../gone //deleted", "/n", ["rw"], {}, "tmpfs", "", ["rw"]),
        ],
        id="octal escapes, and an empty source",
    ),
    pytest.param(
        "70 22 0:60 / /- rw - fuse.- - rw\n",
        [Mount(70, 22, "0:60", "/", "/-", ["rw"], {}, "fuse.-", "-", ["rw"])],
        id="names that look like the separator",
    ),
    pytest.param(
        b"70 22 0:60 / /m\x1b]0;x\x07\xe2\x80\xae\xff rw - tmpfs a\xe2\x80\x8bb rw\n",
        [Mount(70, 22, "0:60", "/", "/m\\x1b]0;x\\x07\\u202e\\xff", ["rw"], {}, "tmpfs", "a\\u200bb", ["rw"])],
        id="a hostile name",
    ),
    pytest.param("70 22 0:60 / /m rw - tmpfs none\n", [Mount(70, 22, "0:60", "/", "/m", ["rw"], {}, "tmpfs", "none", [])],
                 id="no options of the file system"),
    pytest.param("", [], id="none"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("fs_type", "column", "options"),
    [
        ("tmpfs", 'rw,context="u:r:t:s0:c3,c4",size=1k', ["rw", 'context="u:r:t:s0:c3,c4"', "size=1k"]),
        ("ext4", 'rw,rootcontext="u:r:t:s0:c3,c4"', ["rw", 'rootcontext="u:r:t:s0:c3,c4"']),
        ("xfs", r'rw,context="u:r:t:s0:c1\0541,c2",ro', ["rw", 'context="u:r:t:s0:c1,1,c2"', "ro"]),
        ("overlay", r'rw,lowerdir=/a"b,upperdir=/c\054d', ["rw", 'lowerdir=/a"b', "upperdir=/c,d"]),
        ("btrfs", "rw,ssd,subvolid=257,subvol=/home,of ada", ["rw", "ssd", "subvolid=257", "subvol=/home,of ada"]),
        ("ext4", "rw,subvol=/a,b", ["rw", "subvol=/a", "b"]),
    ],
)
def test_options_are_whole(fs_type: str, column: str, options: list[str]) -> None:
    column = column.replace(" ", r"\040")
    [mount] = parse(MOUNTINFO, f"36 35 0:3 / /m rw,noatime - {fs_type} none {column}\n")
    assert mount.super_options == options
    [entry] = parse(MOUNTS, f"none /m {fs_type} {column} 0 0\n")
    assert entry.options == options
    assert PID_MOUNTINFO.understand(f"36 35 0:3 / /m rw - {fs_type} none {column}\n".encode(), HOST) == PidMountinfo(
        [msgspec.structs.replace(mount, options=["rw"])]
    )


def test_a_carriage_return_in_a_name_ends_no_column() -> None:
    [mount] = parse(MOUNTINFO, b"36 35 0:3 / /a\rb rw - tmpfs c\rd rw\n")
    assert (mount.mount_point, mount.source, mount.fs_type) == ("/a\\x0db", "c\\x0dd", "tmpfs")
    [entry] = parse(MOUNTS, b"c\rd /a\rb tmpfs rw 0 0\n")
    assert (entry.source, entry.mount_point, entry.fs_type) == ("c\\x0dd", "/a\\x0db", "tmpfs")
    [swap] = parse(SWAPS, b"Filename Type Size Used Priority\n/a\rb file 8 4 -2\n")
    assert swap.filename == "/a\\x0db"


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_mountinfo(text: str | bytes, expected: list[Mount]) -> None:
    assert parse(MOUNTINFO, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "36 35 98:0 /mnt1 /mnt2 rw,noatime ext3 /dev/root rw\n",
        "36 35 98:0 /mnt1 /mnt2 - ext3 /dev/root rw\n",
        "36 35 98:0 / /m rw - ext3\n",
        "36 x 98:0 / /m rw - ext3 /dev/root rw\n",
        "18446744073709551616 35 98:0 / /m rw - ext3 /dev/root rw\n",
    ],
    ids=["no separator", "a column short", "no source", "no number", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(MOUNTINFO, text)


def test_cut() -> None:
    whole = "36 35 98:0 / /m rw - ext3 /dev/root rw\n"
    assert len(parse(MOUNTINFO, whole + whole[:-3])) == 1
