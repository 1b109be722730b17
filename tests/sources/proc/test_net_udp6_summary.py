from procpulse.sources import NET_UDP6_SUMMARY
from procpulse.sources.proc.net_udp_summary import UdpSummary
from tests.cases import parse

TEXT = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  611: 00000000000000000000000000000000:14E9 00000000000000000000000000000000:0000 07 00000000:00001100 00:00000000 00000000   114        0 22872 2 0000000000000000 7
"""


def test_net_udp6_summary() -> None:
    assert parse(NET_UDP6_SUMMARY, TEXT) == UdpSummary(1, {"ESTABLISHED": 0, "CLOSE": 1}, 0, 4352, 7, 0)
