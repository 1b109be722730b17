import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_ICMP
from procpulse.sources.proc.net_icmp import NetIcmp, PingSocket
from tests.cases import parse

HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             \n"
ROW = "    7: 00000000:001F 00000000:0000 07 00000000:00000300 00:00000000 00000000  1000        0 420312 2 0000000000000000 1         \n"
PING = PingSocket("0.0.0.0", 31, "0.0.0.0", 420312, "CLOSE", 7, 0, 768, drops=1, uid=1000, entry=7)

CASES = [
    pytest.param(HEADING + ROW, NetIcmp([PING], 0), id="a ping"),
    pytest.param(HEADING + ROW + "    8: 00000000:001F\n", NetIcmp([PING], 1), id="a row that makes no sense"),
    pytest.param(HEADING, NetIcmp([], 0), id="no sockets"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_icmp(text: str, expected: NetIcmp) -> None:
    assert parse(NET_ICMP, text) == expected


@pytest.mark.parametrize("text", ["", ROW, HEADING + "x\n"], ids=["empty", "no heading", "no row"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_ICMP, text)
