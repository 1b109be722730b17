import pytest

from procpulse.source import Malformed
from procpulse.sources import PARTITIONS
from procpulse.sources.proc.partitions import Partition
from tests.cases import parse

HEADER = "major minor  #blocks  name\n\n"

CASES = [
    pytest.param(
        HEADER + " 259        0 1953514584 nvme0n1\n   8        1       1024 sda1\n",
        [Partition("nvme0n1", 259, 0, 1953514584 * 1024), Partition("sda1", 8, 1, 1048576)],
        id="a disk and a partition",
    ),
    pytest.param(HEADER + " 8 0 0 a\x1bb c\n", [Partition("a\\x1bb c", 8, 0, 0)], id="a hostile name"),
    pytest.param(HEADER, [], id="no disks"),
    pytest.param("", [], id="not even a heading"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_partitions(text: str, expected: list[Partition]) -> None:
    assert parse(PARTITIONS, text) == expected


@pytest.mark.parametrize("text", [" 8 0 1024\n", " 8 x 1024 sda\n", " 8 0 18446744073709551616 sda\n"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PARTITIONS, HEADER + text)


def test_cut() -> None:
    assert len(parse(PARTITIONS, HEADER + " 8 0 1024 sda\n 8 1 10")) == 1, "a row cut in the middle is no row"
