import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_SOCKSTAT6
from procpulse.sources.proc.net_sockstat import NetSockstat, SocketUse
from tests.cases import parse

CASES = [
    pytest.param(
        "TCP6: inuse 17\nUDP6: inuse 9\nUDPLITE6: inuse 0\nRAW6: inuse 1\nFRAG6: inuse 3 memory 6912\n",
        NetSockstat(
            None,
            [
                SocketUse("TCP6", 17),
                SocketUse("UDP6", 9),
                SocketUse("UDPLITE6", 0),
                SocketUse("RAW6", 1),
                SocketUse("FRAG6", 3, mem_bytes=6912),
            ],
        ),
        id="with fragments that wait",
    ),
    pytest.param("TCP6: inuse 4294967295\nNEW6: other 3\n", NetSockstat(None, [SocketUse("TCP6", 4294967295), SocketUse("NEW6")]), id="a protocol to come"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_sockstat6(text: str, expected: NetSockstat) -> None:
    assert parse(NET_SOCKSTAT6, text) == expected


@pytest.mark.parametrize("text", ["TCP6: inuse x\n", "TCP6: inuse\n", "TCP6: inuse 18446744073709551616\n"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_SOCKSTAT6, text)
