import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_UDP6
from procpulse.sources.proc.net_udp import NetUdp, UdpSocket
from tests.cases import parse

HEADING = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
ROW = "  611: 00000000000000000000000000000000:14E9 B80D0120000000000000000001000000:01BB 07 00000000:00001100 00:00000000 00000000   114        0 22872 2 0000000000000000 7\n"


def test_net_udp6() -> None:
    expected = UdpSocket("::", 5353, "2001:db8::1", 443, 22872, "CLOSE", 7, 0, 4352, 7, 114, 611)
    assert parse(NET_UDP6, HEADING + ROW) == NetUdp([expected], malformed_rows=0)
    assert parse(NET_UDP6, HEADING + ROW + ROW[:90] + "\n") == NetUdp([expected], malformed_rows=1)


def test_malformed() -> None:
    with pytest.raises(Malformed):
        parse(NET_UDP6, "")
