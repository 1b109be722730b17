import pytest

from procpulse.source import Malformed
from procpulse.sources import SLABINFO
from procpulse.sources.proc.slabinfo import Slab
from tests.cases import parse

HEAD = """\
slabinfo - version: 2.1
# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables <limit> : slabdata <active>
"""

CASES = [
    pytest.param(
        HEAD
        + "TCPv6                 26     39   2496   13    8 : tunables    0    0    0 : slabdata      2      3      0\n"
        + "dentry             40118  40110    192   21    1 : tunables    0    0    0 : slabdata   1910   1910      0\n",
        [
            Slab("TCPv6", 0, 26, 39, 2496, 13, 8, 0, 0, 0, 2, 3, 0),
            Slab("dentry", 0, 40118, 40110, 192, 21, 1, 0, 0, 0, 1910, 1910, 0),
        ],
        id="SLUB",
    ),
    pytest.param(
        HEAD + "size-64 120 177 64 59 1 : tunables 120 60 8 : slabdata 3 4 5\n",
        [Slab("size-64", 0, 120, 177, 64, 59, 1, 120, 60, 8, 3, 4, 5)],
        id="SLAB, before Linux 6.8",
    ),
    pytest.param(
        HEAD
        + "size-64 1 2 64 59 1 : tunables 120 60 8 : slabdata 3 4 5"
        + " : globalstat 9 9 9 9 9 9 9 9 9 : cpustat 8 8 8 8\n",
        [Slab("size-64", 0, 1, 2, 64, 59, 1, 120, 60, 8, 3, 4, 5)],
        id="SLAB with debugging",
    ),
    pytest.param(
        HEAD
        + "bio-248 1 2 256 16 1 : tunables 0 0 0 : slabdata 1 1 0\n"
        + "bio-248 3 4 256 16 1 : tunables 0 0 0 : slabdata 1 1 0\n",
        [
            Slab("bio-248", 0, 1, 2, 256, 16, 1, 0, 0, 0, 1, 1, 0),
            Slab("bio-248", 1, 3, 4, 256, 16, 1, 0, 0, 0, 1, 1, 0),
        ],
        id="two caches of one name",
    ),
    pytest.param(
        HEAD.encode() + b"my \x1b cache 9 1 2 3 4 5 : tunables 0 0 0 : slabdata 6 7 8\n",
        [Slab("my \\x1b cache 9", 0, 1, 2, 3, 4, 5, 0, 0, 0, 6, 7, 8)],
        id="a hostile name with blanks and numbers",
    ),
    pytest.param(
        HEAD + "big 9007199254740993 18446744073709551615 1 1 1 : tunables 0 0 0 : slabdata 1 1 0\n",
        [Slab("big", 0, 9007199254740993, 18446744073709551615, 1, 1, 1, 0, 0, 0, 1, 1, 0)],
        id="numbers that a float would round",
    ),
    pytest.param(HEAD, [], id="no caches"),
    pytest.param("", [], id="empty"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_slabinfo(text: str | bytes, expected: list[Slab]) -> None:
    assert parse(SLABINFO, text) == expected


@pytest.mark.parametrize(
    "row",
    [
        "TCP 26 39 2496 13 8\n",
        "TCP 26 39 2496 13 8 : tunables 0 0 0\n",
        "TCP 26 39 2496 13 : tunables 0 0 0 : slabdata 2 3 0\n",
        "TCP 26 39 2496 13 8 : tunables 0 0 : slabdata 2 3 0\n",
        "TCP 26 39 2496 13 8 : tunables 0 0 0 : slabdata 2 3\n",
        "TCP 26 39 2496 13 8 : slabdata 0 0 0 : tunables 2 3 0\n",
        "TCP 26 39 2496 13 x : tunables 0 0 0 : slabdata 2 3 0\n",
        "TCP 26 39 2496 13 8 : tunables : slabdata\n",
        "TCP 18446744073709551616 39 2496 13 8 : tunables 0 0 0 : slabdata 2 3 0\n",
    ],
    ids=[
        "no groups", "a group short", "an object count short", "a tunable short", "a total short", "other groups",
        "no number", "empty groups", "over 64 bits",
    ],
)  # fmt: skip
def test_malformed(row: str) -> None:
    with pytest.raises(Malformed):
        parse(SLABINFO, HEAD + row)


def test_more_than_a_mebibyte() -> None:
    row = "%s 1 2 64 59 1 : tunables 0 0 0 : slabdata 3 4 5\n"
    text = HEAD + "".join(row % f"cache-{i:06}" for i in range(30_000))
    assert len(text) > 1 << 20
    assert len(parse(SLABINFO, text)) == 30_000
    assert SLABINFO.cap > len(text), "the reader takes it whole"
