from procpulse.sources import NET_TCP6_SUMMARY
from tests.cases import parse

TEXT = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 24119 1 00000000c2c1ef59 100 0 0 10 0
   1: B80D0120300020000000000040000000:8E98 B80D012000000000000000001F000000:01BB 01 00002000:00000100 01:0000001B 00000001  1000        0 9 3 00000000c2c1ef60 20 4 30 10 -1
"""


def test_net_tcp6_summary() -> None:
    summary = parse(NET_TCP6_SUMMARY, TEXT)
    assert {state: count for state, count in summary.states.items() if count} == {"ESTABLISHED": 1, "LISTEN": 1}
    assert (summary.sockets, summary.tx_queue_bytes, summary.rx_queue_bytes) == (2, 8192, 256)
    assert (summary.accept_queue, summary.retransmitting, summary.malformed_rows) == (2, 1, 0)
