import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_RT6_STATS
from procpulse.sources.proc.net_rt6_stats import NetRt6Stats
from tests.cases import parse

CASES = [
    pytest.param(
        "0014 000c 2a07 0011 0003 0007 0029\n",
        NetRt6Stats(
            20, 12, fib_rt_allocs=10759, fib_rt_entries=17, fib_rt_cache=3, dst_entries=7, fib_discarded_routes=41
        ),
        id="kernel 6.18",
    ),
    pytest.param(
        "1a2b3 0001 ffffffff 30d40 0000 0000 0000 0009\n",
        NetRt6Stats(107187, 1, 0xFFFF_FFFF, 200_000, 0, 0, 0),
        id="a large table, and a column of a kernel to come",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_rt6_stats(text: str, expected: NetRt6Stats) -> None:
    assert parse(NET_RT6_STATS, text) == expected


@pytest.mark.parametrize(
    "text", ["\n", "0014 000c 2a07 0011 0003 0007\n", "0014 000c 2a07 0011 0003 0007 002x\n"],
    ids=["empty", "a column short", "no number"],
)  # fmt: skip
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_RT6_STATS, text)
