import pytest

from procpulse.source import Malformed
from procpulse.sources import DISKSTATS
from procpulse.sources.proc.diskstats import Disk
from tests.cases import parse

CASES = [
    pytest.param(
        "   8       0 sda 44 1 4600 120 7 3 96 250 2 300 410\n",
        [
            Disk(
                "sda", 8, 0, 14, reads=44, reads_merged=1, read_bytes=4600 * 512, read_ms=120, writes=7, writes_merged=3,
                written_bytes=96 * 512, write_ms=250, in_flight=2, io_ms=300, weighted_io_ms=410,
            )
        ],
        id="14 columns, before discards, kernel 4.17",
    ),
    pytest.param(
        " 259       0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n",
        [
            Disk(
                "nvme0n1", 259, 0, 18, 1, 2, 3 * 512, 4, 5, 6, 7 * 512, 8, 9, 10, 11,
                discards=12, discards_merged=13, discarded_bytes=14 * 512, discard_ms=15,
            )
        ],
        id="18 columns, before flushes, kernel 5.4",
    ),
    pytest.param(
        " 254 1 vda1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n 254 2 vda2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        [
            Disk("vda1", 254, 1, 20, 1, 2, 1536, 4, 5, 6, 3584, 8, 9, 10, 11, 12, 13, 7168, 15, flushes=16, flush_ms=17),
            Disk("vda2", 254, 2, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ],
        id="20 columns, two rows, kernel 6.18",
    ),
    pytest.param(
        " 254 0 vdb 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19\n",
        [Disk("vdb", 254, 0, 22, 1, 2, 1536, 4, 5, 6, 3584, 8, 9, 10, 11, 12, 13, 7168, 15, 16, 17)],
        id="columns of a kernel to come are ignored",
    ),
    pytest.param(
        b" 7 0 lo\x1bop 1 2 3 4 5 6 7 8 9 10 11\n",
        [Disk("lo\\x1bop", 7, 0, 14, 1, 2, 1536, 4, 5, 6, 3584, 8, 9, 10, 11)],
        id="a hostile name",
    ),
    pytest.param("", [], id="no devices"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_diskstats(text: str | bytes, expected: list[Disk]) -> None:
    assert parse(DISKSTATS, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        " 8 0 sda 44 1 4600 120 7 3 96 250 2 300\n",
        " 8 x sda 44 1 4600 120 7 3 96 250 2 300 410\n",
        " 8 0 sda 44 1 4600 120 7 3 96 250 2 300 18446744073709551616\n",
    ],
    ids=["a column short", "no number", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(DISKSTATS, text)


def test_cut() -> None:
    whole = " 8 0 sda 44 1 4600 120 7 3 96 250 2 300 410\n 8 1 sdb 44 1 4600 120 7 3 96 250 2 300 410\n"
    assert len(parse(DISKSTATS, whole[:-2])) == 1, "a row cut in the middle of a number is no row"
