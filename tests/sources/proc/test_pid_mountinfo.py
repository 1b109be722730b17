import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.mountinfo import Mount
from procpulse.sources.proc.pid_mountinfo import PID_MOUNTINFO, PidMountinfo
from tests.cases import parse

CASES = [
    pytest.param(
        "22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw,errors=remount-ro\n"
        "36 22 98:0 /mnt\\0401 /mnt\\011x rw master:1 propagate_from:2 unbindable - xfs /dev/a\\134b rw\n",
        [
            Mount(22, 1, "259:2", "/", "/", ["rw", "relatime"], {"shared": "1"}, "ext4", "/dev/sda2",
                  ["rw", "errors=remount-ro"]),
            Mount(36, 22, "98:0", "/mnt 1", "/mnt\\x09x", ["rw"], {"master": "1", "propagate_from": "2", "unbindable": ""},
                  "xfs", "/dev/a\\b", ["rw"]),
        ],
        id="octal escapes are undone",
    ),
    pytest.param(
        "40 22 0:51 / /tmp rw - tmpfs  rw,size=1k\n",
        [Mount(40, 22, "0:51", "/", "/tmp", ["rw"], {}, "tmpfs", "", ["rw", "size=1k"])],
        id="an empty source leaves two blanks and shifts nothing",
    ),
    pytest.param("", [], id="no mounts"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_mountinfo(text: str, expected: list[Mount]) -> None:
    assert parse(PID_MOUNTINFO, text) == PidMountinfo(expected)


@pytest.mark.parametrize(
    "text", ["22 1 259:2 / /\n", "x 1 259:2 / / rw - ext4 a rw\n"], ids=["a column short", "no number"]
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_MOUNTINFO, text)
