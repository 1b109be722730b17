import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_IGMP6
from procpulse.sources.proc.net_igmp6 import Igmp6Group
from tests.cases import parse

CASES = [
    pytest.param(
        "1    lo              ff020000000000000000000000000001     1 0000000C 0\n"
        "12   eth0            ff020000000000000000000000000001     2 0000000C 0\n"
        "12   eth0            ff0200000000000000000001ff00abcd     1 00000005 118\n",
        [
            Igmp6Group("lo", "ff02::1", 1, 1, 12),
            Igmp6Group("eth0", "ff02::1", 12, 2, 12),
            Igmp6Group("eth0", "ff02::1:ff00:abcd", 12, 1, 5, timer_ticks=118),
        ],
        id="two interfaces, a timer",
    ),
    pytest.param(
        "1    lo              ff020000000000000000000000000001     1 00000001 -3\n",
        [Igmp6Group("lo", "ff02::1", 1, 1, 1, timer_ticks=0)],
        id="a timer that is late",
    ),
    pytest.param(
        b"1    l\x7f              ff020000000000000000000000000001     1 00000000 0\n" * 2,
        [Igmp6Group("l\\x7f", "ff02::1", 1, 1, 0)],
        id="a hostile name, listed twice while the list changed",
    ),
    pytest.param("", [], id="no groups"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_igmp6(text: str | bytes, expected: list[Igmp6Group]) -> None:
    assert parse(NET_IGMP6, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1    lo              ff020000000000000000000000000001     1 0000000C\n",
        "1    lo              ff02000000000000000000000000000      1 0000000C 0\n",
        "1    lo              ff020000000000000000000000000001     x 0000000C 0\n",
    ],
    ids=["a column short", "an address cut short", "no number"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_IGMP6, text)
