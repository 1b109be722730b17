import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_IF_INET6
from procpulse.sources.proc.net_if_inet6 import Ipv6Address
from tests.cases import parse

CASES = [
    pytest.param(
        "00000000000000000000000000000001 01 80 10 80       lo\n"
        "20010db80000000100000000000000ab 0a 40 00 01     eth0\n",
        [
            Ipv6Address("lo", "::1", 1, 128, 0x10, 0x80),
            Ipv6Address("eth0", "2001:db8:0:1::ab", 10, 64, 0, 1),
        ],
        id="loopback, and a temporary one",
    ),
    pytest.param(
        "fe800000000000000000000000000001 02 40 20 80     eth0\n"
        "fe800000000000000000000000000001 102 40 20 80  eth0.12\n"
        "fe800000000000000000000000000001 02 40 20 c0     eth0\n",
        [
            Ipv6Address("eth0", "fe80::1", 2, 64, 0x20, 0xC0),
            Ipv6Address("eth0.12", "fe80::1", 0x102, 64, 0x20, 0x80),
        ],
        id="one address on two interfaces, and one listed twice while the list changed",
    ),
    pytest.param(
        b"00010000000100000000000100000001 02 40 00 80 \x9b\x07\n",
        [Ipv6Address("\\x9b\\x07", "1:0:1::1:0:1", 2, 64, 0, 0x80)],
        id="a hostile name",
    ),
    pytest.param("", [], id="no addresses"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_if_inet6(text: str | bytes, expected: list[Ipv6Address]) -> None:
    assert parse(NET_IF_INET6, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "00000000000000000000000000000001 01 80 10 80\n",
        "0000000000000000000000000000001 01 80 10 80 lo\n",
        "00000000000000000000000000000001 01 80 10 8x lo\n",
    ],
    ids=["a column short", "an address cut short", "no number"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_IF_INET6, text)
