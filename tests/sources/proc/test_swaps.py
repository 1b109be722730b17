import pytest

from procpulse.source import Malformed
from procpulse.sources import SWAPS
from procpulse.sources.proc.swaps import Swap
from tests.cases import parse

HEADER = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param("", [], id="no swap"),
        pytest.param(
            "/dev/dm-2                               partition\t131068\t176\t-2\n",
            [Swap("/dev/dm-2", "partition", 131068 * 1024, 176 * 1024, -2)],
            id="a partition, kernel 4.18",
        ),
        pytest.param(
            "/dev/zram0                              partition\t2097148\t\t0\t\t100\n"
            "/var/lib/swap\\040file                   file\t\t8388604\t\t512\t\t-3\n",
            [
                Swap("/dev/zram0", "partition", 2097148 * 1024, 0, 100),
                Swap("/var/lib/swap file", "file", 8388604 * 1024, 512 * 1024, -3),
            ],
            id="two of them, one with a blank in its name",
        ),
        pytest.param(
            "/swap\\040(deleted)                      file\t\t4\t\t4\t\t0\n",
            [Swap("/swap (deleted)", "file", 4096, 4096, 0)],
            id="a file that was deleted",
        ),
        pytest.param(
            b"/sw\\012ap\xff\x1b[2J                           file\t\t4\t\t4\t\t0\n",
            [Swap("/sw\\x0aap\\xff\\x1b[2J", "file", 4096, 4096, 0)],
            id="a hostile name",
        ),
        pytest.param(
            "/dev/sdz partition 36028797018963967 36028797018963967 32767\n",
            [Swap("/dev/sdz", "partition", 36893488147419102208 % (1 << 64), 36893488147419102208 % (1 << 64), 32767)],
            id="beyond any disk",
        ),
    ],
)
def test_swaps(rows: str | bytes, expected: list[Swap]) -> None:
    assert parse(SWAPS, HEADER.encode() + (rows.encode() if isinstance(rows, str) else rows)) == expected


@pytest.mark.parametrize(
    "rows",
    [
        "/dev/dm-2 partition 131068 176\n", "/dev/dm-2 partition 131068 x -2\n", "/dev/dm-2 partition 1.5 0 -2\n",
        "/dev/dm-2 partition 18446744073709551616 0 -2\n",
    ],
    ids=["a column short", "no number", "a fraction", "over 64 bits"],
)  # fmt: skip
def test_malformed(rows: str) -> None:
    with pytest.raises(Malformed):
        parse(SWAPS, HEADER + rows)


def test_cut() -> None:
    assert parse(SWAPS, HEADER + "/dev/dm-2 partition 131068 176 -2\n/dev/dm-3 partition 131068 17") == [
        Swap("/dev/dm-2", "partition", 134213632, 180224, -2)
    ]
