import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_IPV6_ROUTE
from procpulse.sources.proc.net_ipv6_route import Ipv6Route
from tests.cases import parse

ANY = "0" * 32
NETWORK = "20010db8000000010000000000000000"
ROUTER = "fe80000000000000020000fffe005e01"
CASES = [
    pytest.param(
        f"{NETWORK} 40 {ANY} 00 {ANY} 00000100 00000003 00000000 00000001     eth0\n"
        f"{ANY} 00 {ANY} 00 {ROUTER} 00000400 00000005 00000011 00450003     eth0\n",
        [
            Ipv6Route("eth0", "2001:db8:0:1::", 64, "::", 0, "::", 256, 1, 3, 0),
            Ipv6Route("eth0", "::", 0, "::", 0, "fe80::200:ff:fe00:5e01", 1024, 0x450003, references=5, uses=17),
        ],
        id="a network, and all others",
    ),
    pytest.param(
        f"{NETWORK} 40 20010db8000000020000000000000000 30 {ROUTER} 00000400 00000001 00000000 00000003     eth0\n",
        [Ipv6Route("eth0", "2001:db8:0:1::", 64, "2001:db8:0:2::", 48, "fe80::200:ff:fe00:5e01", 1024, 3, 1, 0)],
        id="of packets from one network only",
    ),
    pytest.param(
        f"{ANY} 00 {ANY} 00 {ANY} ffffffff 00000001 00000000 00200200       lo\n" * 2,
        [Ipv6Route("lo", "::", 0, "::", 0, "::", 0xFFFF_FFFF, 0x200200, 1, 0)],
        id="the same in two tables",
    ),
    pytest.param(
        f"{ANY} 00 {ANY} 00 {ROUTER} 00000400 00000001 00000000 00000003     eth0\n"
        f"{ANY} 00 {ANY} 00 {ROUTER} 00000400 00000001 00000000 00000003     eth1\n",
        [
            Ipv6Route("eth0", "::", 0, "::", 0, "fe80::200:ff:fe00:5e01", 1024, 3, 1, 0),
            Ipv6Route("eth1", "::", 0, "::", 0, "fe80::200:ff:fe00:5e01", 1024, 3, 1, 0),
        ],
        id="one route, two interfaces",
    ),
    pytest.param(
        b"00000000000000000000ffffc0000201 80 %b 00 %b 00000000 00000001 00000000 00000001 \xe2\x80\xae\n"
        % (ANY.encode(), ANY.encode()),
        [Ipv6Route("\\u202e", "::ffff:192.0.2.1", 128, "::", 0, "::", 0, 1, 1, 0)],
        id="a hostile name, and an address of IPv4",
    ),
    pytest.param("", [], id="no routes"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_ipv6_route(text: str | bytes, expected: list[Ipv6Route]) -> None:
    assert parse(NET_IPV6_ROUTE, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"{ANY} 00 {ANY} 00 {ANY} 00000100 00000001 00000000 00000001\n",
        f"{ANY[1:]} 00 {ANY} 00 {ANY} 00000100 00000001 00000000 00000001 eth0\n",
        f"{ANY[1:]}g 00 {ANY} 00 {ANY} 00000100 00000001 00000000 00000001 eth0\n",
        f"{ANY} 00 {ANY} 00 {ANY} 00000100 00000001 00000000 -0000001 eth0\n",
    ],
    ids=["a column short", "an address cut short", "no address", "below 0"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_IPV6_ROUTE, text)
