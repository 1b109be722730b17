import pytest

from procpulse.source import Malformed
from procpulse.sources import FILESYSTEMS
from procpulse.sources.proc.filesystems import FilesystemType
from tests.cases import parse

CASES = [
    pytest.param(
        "nodev\ttmpfs\n\text4\nnodev\tcgroup2\n",
        [FilesystemType("tmpfs", True), FilesystemType("ext4", False), FilesystemType("cgroup2", True)],
        id="with and without a device",
    ),
    pytest.param(b"\ta\x1b\xff\n", [FilesystemType("a\\x1b\\xff", False)], id="a hostile name"),
    pytest.param("", [], id="none"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_filesystems(text: str | bytes, expected: list[FilesystemType]) -> None:
    assert parse(FILESYSTEMS, text) == expected


@pytest.mark.parametrize("text", ["ext4\n", "dev\text4\n"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(FILESYSTEMS, text)
