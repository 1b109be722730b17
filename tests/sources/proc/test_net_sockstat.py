import msgspec
import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_SOCKSTAT
from procpulse.sources.proc.net_sockstat import NetSockstat, SocketUse
from tests.cases import HOST, parse

TEXT = (
    "sockets: used 1602\n"
    "TCP: inuse 35 orphan 0 tw 4 alloc 59 mem 22\n"
    "UDP: inuse 12 mem 62\n"
    "UDPLITE: inuse 0\n"
    "RAW: inuse 1\n"
    "FRAG: inuse 2 memory 4608\n"
)


def expected(page_size: int) -> NetSockstat:
    return NetSockstat(
        1602,
        [
            SocketUse("TCP", inuse=35, orphan=0, time_wait=4, alloc=59, mem_bytes=22 * page_size),
            SocketUse("UDP", inuse=12, mem_bytes=62 * page_size),
            SocketUse("UDPLITE", inuse=0),
            SocketUse("RAW", inuse=1),
            SocketUse("FRAG", inuse=2, mem_bytes=4608),
        ],
    )


@pytest.mark.parametrize("page_size", [4096, 65536], ids=["pages of 4 kB", "pages of 64 kB"])
def test_net_sockstat(page_size: int) -> None:
    assert parse(NET_SOCKSTAT, TEXT, msgspec.structs.replace(HOST, page_size=page_size)) == expected(page_size)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("TCP6: inuse 3\n", NetSockstat(None, [SocketUse("TCP6", 3)]), id="no row of all sockets"),
        pytest.param(
            b"sockets: used 1 peak 9\nT\x1bP: inuse 1 moons 2\n",
            NetSockstat(1, [SocketUse("T\\x1bP", 1)]),
            id="a hostile name, and columns of a kernel to come",
        ),
        pytest.param("", NetSockstat(None, []), id="empty"),
    ],
)
def test_shapes(text: str | bytes, found: NetSockstat) -> None:
    assert parse(NET_SOCKSTAT, text) == found


@pytest.mark.parametrize(
    "text",
    ["sockets: 5\n", "sockets: inuse 5\n", "TCP: inuse\n", "TCP: inuse x\n", "TCP: inuse 18446744073709551616\n"],
    ids=["no word", "another word", "no number", "a word", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_SOCKSTAT, text)
