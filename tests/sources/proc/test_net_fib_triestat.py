import pytest

from procpulse.sources import NET_FIB_TRIESTAT
from procpulse.sources.proc.net_fib_triestat import FibTable, NetFibTriestat
from tests.cases import parse, spoiled

HEADER = "Basic info: size of leaf: 48 bytes, size of tnode: 40 bytes.\n"
MAIN = (
    "Main:\n\tAver depth:     2.42\n\tMax depth:      3\n\tLeaves:         7\n\tPrefixes:       8\n"
    "\tInternal nodes: 5\n\t  1: 1  2: 3  13: 1\n\tPointers: 22\nNull ptrs: 11\nTotal size: 2  kB\n"
)
EMPTY = (
    "Id 100:\n\tAver depth:     0.00\n\tMax depth:      0\n\tLeaves:         0\n\tPrefixes:       0\n"
    "\tInternal nodes: 0\n\t\n\tPointers: 0\nNull ptrs: 0\nTotal size: 0  kB\n"
)
COUNTERS = (
    "\nCounters:\n---------\ngets = 9041\nbacktracks = 12\nsemantic match passed = 4294967295\n"
    "semantic match miss = 4\nnull node hit= 77\nskipped node resize = 0\n\n"
)
EXPECTED_MAIN = FibTable(
    "Main", 2.42, 3, leaves=7, prefixes=8, internal_nodes=5, nodes_by_bits={1: 1, 2: 3, 13: 1}, pointers=22,
    null_pointers=11, size_bytes=2048, counters={},
)  # fmt: skip
CASES = [
    pytest.param(
        HEADER + MAIN + EMPTY,
        NetFibTriestat(48, 40, [EXPECTED_MAIN, FibTable("Id 100", 0.0, 0, 0, 0, 0, {}, 0, 0, 0, {})]),
        id="two tables, one of them empty",
    ),
    pytest.param(
        HEADER + EMPTY + COUNTERS + MAIN + COUNTERS.replace("9041", "1"),
        NetFibTriestat(
            48,
            40,
            [
                FibTable(
                    "Id 100", 0.0, 0, 0, 0, 0, {}, 0, 0, 0,
                    {
                        "gets": 9041, "backtracks": 12, "semantic match passed": 4_294_967_295,
                        "semantic match miss": 4, "null node hit": 77, "skipped node resize": 0,
                    },
                ),
                FibTable(
                    "Main", 2.42, 3, 7, 8, 5, {1: 1, 2: 3, 13: 1}, 22, 11, 2048,
                    {
                        "gets": 1, "backtracks": 12, "semantic match passed": 4_294_967_295,
                        "semantic match miss": 4, "null node hit": 77, "skipped node resize": 0,
                    },
                ),
            ],
        ),
        id="a kernel that counts lookups",
    ),
    pytest.param(HEADER, NetFibTriestat(48, 40, []), id="no tables"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_fib_triestat(text: str, expected: NetFibTriestat) -> None:
    assert parse(NET_FIB_TRIESTAT, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEADER + MAIN.replace("2.42", "deep"),
        HEADER + MAIN.replace("13: 1", "13:"),
        HEADER + MAIN.replace("Main:\n", ""),
        HEADER + COUNTERS,
    ],
    ids=["empty", "no number", "half a pair", "no name", "counters of no table"],
)
def test_malformed(text: str) -> None:
    assert spoiled(NET_FIB_TRIESTAT, text)
