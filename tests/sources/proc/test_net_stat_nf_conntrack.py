import pytest

from procpulse.sources import NET_STAT_NF_CONNTRACK
from procpulse.sources.proc.net_stat_nf_conntrack import Conntrack
from tests.cases import parse, spoiled

OLDEST = (
    "entries  searched found new invalid ignore delete delete_list insert insert_failed drop early_drop icmp_error"
    "  expect_new expect_create expect_delete search_restart\n"
)
CLASHES = OLDEST.replace("searched", "clashres")
NEWEST = CLASHES.replace("delete_list", "chainlength")
CASES = [
    pytest.param(
        OLDEST
        + "00000021  00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008 00000009 0000000a 0000000b"
        + " 0000000c  0000000d 0000000e 0000000f 00000010\n"
        + "00000021  00000000 00000000 00000000 ffffffff 00000000 00000000 00000000 00000000 00000000 00000000 00000000"
        + " 00000000  00000000 00000000 00000000 00000000\n",
        [
            Conntrack(
                0, 33, found=2, new=3, invalid=4, ignored=5, deleted=6, inserted=8, insert_failed=9, dropped=10,
                early_dropped=11, icmp_errors=12, expectations_met=13, expectations_created=14,
                expectations_deleted=15, search_restarts=16, searched=1, delete_listed=7,
            ),
            Conntrack(1, 33, 0, 0, 0xFFFF_FFFF, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, searched=0, delete_listed=0),
        ],
        id="lookups are counted, kernel 4.18",
    ),
    pytest.param(
        CLASHES
        + "00000021  00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008 00000009 0000000a 0000000b"
        + " 0000000c  0000000d 0000000e 0000000f 00000010\n",
        [Conntrack(0, 33, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, delete_listed=7, clashes_resolved=1)],
        id="clashes in place of lookups, kernel 5.10",
    ),
    pytest.param(
        NEWEST
        + "00000021  00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008 00000009 0000000a 0000000b"
        + " 0000000c  0000000d 0000000e 0000000f 00000010\n",
        [Conntrack(0, 33, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, clashes_resolved=1, chains_too_long=7)],
        id="long chains in place of the dying, kernel 6.18",
    ),
    pytest.param(
        NEWEST[:-1] + " later\n" + "00000001 " * 18 + "\n",
        [Conntrack(0, *[1] * 15, *[None, None, 1, 1])],
        id="a column of a kernel to come is ignored",
    ),
    pytest.param(NEWEST, [], id="no rows"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_stat_nf_conntrack(text: str, expected: list[Conntrack]) -> None:
    assert parse(NET_STAT_NF_CONNTRACK, text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "entries found\n00000001 00000002\n", NEWEST + "00000021  00000001\n", NEWEST + "x " * 17 + "\n"],
    ids=["empty", "columns missing", "a row cut short", "no numbers"],
)
def test_malformed(text: str) -> None:
    assert spoiled(NET_STAT_NF_CONNTRACK, text)
