import pytest

from procpulse.source import Malformed
from procpulse.sources import MOUNTS
from procpulse.sources.proc.mounts import MountEntry
from tests.cases import parse

CASES = [
    pytest.param(
        "/dev/vda / ext4 rw,relatime,discard 0 0\nproc /proc proc rw,nosuid 0 0\n",
        [
            MountEntry(1, "/dev/vda", "/", "ext4", ["rw", "relatime", "discard"], 0, 0),
            MountEntry(2, "proc", "/proc", "proc", ["rw", "nosuid"], 0, 0),
        ],
        id="two mounts",
    ),
    pytest.param(
        "/dev/sdb1 /media/USB\\040disk\\011one ext4 rw 0 0\n//nas/a\\134b /mnt cifs rw,prefixpath=x\\054y 1 2\n",
        [
            MountEntry(1, "/dev/sdb1", "/media/USB disk\\x09one", "ext4", ["rw"], 0, 0),
            MountEntry(2, "//nas/a\\b", "/mnt", "cifs", ["rw", "prefixpath=x,y"], 1, 2),
        ],
        id="octal escapes",
    ),
    pytest.param(
        b"/dev/sdc /m\x1b[2J\xe2\x80\xae\xff\xc3\xa9 ext4 rw 0 0\n",
        [MountEntry(1, "/dev/sdc", "/m\\x1b[2J\\u202e\\xff\u00e9", "ext4", ["rw"], 0, 0)],
        id="a hostile name",
    ),
    pytest.param(
        "tmpfs /a tmpfs rw 0 0\ntmpfs /a tmpfs ro 0 0\n",
        [MountEntry(1, "tmpfs", "/a", "tmpfs", ["rw"]), MountEntry(2, "tmpfs", "/a", "tmpfs", ["ro"])],
        id="one on top of the other",
    ),
    pytest.param(" /a tmpfs rw 0 0 9\n", [MountEntry(1, "", "/a", "tmpfs", ["rw"])], id="no source, a column more"),
    pytest.param("none /a tmpfs rw\n", [MountEntry(1, "none", "/a", "tmpfs", ["rw"])], id="four columns"),
    pytest.param("", [], id="none"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_mounts(text: str | bytes, expected: list[MountEntry]) -> None:
    assert parse(MOUNTS, text) == expected


@pytest.mark.parametrize(
    "text",
    ["/dev/vda / ext4\n", "/dev/vda / ext4 rw x 0\n", "/dev/vda / ext4 rw 0 18446744073709551616\n"],
    ids=["a column short", "no number", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(MOUNTS, text)
