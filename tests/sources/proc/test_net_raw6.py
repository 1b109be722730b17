from procpulse.sources import NET_RAW6
from procpulse.sources.proc.net_raw import NetRaw, RawSocket
from tests.cases import parse

TEXT = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
   58: 00000000000000000000000000000000:003A 00000000000000000000000000000000:0000 07 00000000:000000C0 00:00000000 00000000     0        0 22140 2 0000000000000000 5
    1: 00000000000000000000000000000000:003A
"""


def test_net_raw6() -> None:
    expected = RawSocket("::", 58, "::", 22140, "CLOSE", 7, 0, 192, drops=5, uid=0, entry=58)
    assert parse(NET_RAW6, TEXT) == NetRaw([expected], malformed_rows=1)
