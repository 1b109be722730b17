import ipaddress

import pytest

from procpulse import Host
from procpulse.source import Malformed
from procpulse.sources import NET_TCP6
from procpulse.sources.proc.net_tcp import NetTcp, TcpSocket
from tests.cases import parse

HEADING = "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: {}:0016 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 24119 1 0000000000000000 100 0 0 10 0\n"


def test_net_tcp6() -> None:
    text = (
        HEADING
        + "   0: 00000000000000000000000000000000:0016 00000000000000000000000000000000:0000 0A 00000000:00000002 00:00000000 00000000     0        0 24119 1 00000000c2c1ef59 100 0 0 10 0\n"
        + "   1: B80D0120300020000000000040000000:8E98 B80D012000000000000000001F000000:01BB 06 00000000:00000000 03:000006F4 00000000     0        0 0 3 00000000c2c1ef60\n"
    )
    assert parse(NET_TCP6, text) == NetTcp(
        [
            TcpSocket(
                "::", 22, "::", 0, 24119, "LISTEN", 10, 0, None, 2, None, None, 0, 0, 0, 0,
                100, 0, 0, False, 10, None, 0,
            ),
            TcpSocket(
                "2001:db8:20:30::40", 36504, "2001:db8::1f", 443, 0, "TIME_WAIT", 6, 0, 0, None,
                "time_wait", 1780, 0, 0, 0, 1,
            ),
        ],
        malformed_rows=0,
    )  # fmt: skip


ADDRESSES = [
    ("00000000000000000000000000000000", "::"),
    ("00000000000000000000000001000000", "::1"),
    ("000080FE000000000000000000000000", "fe80::"),
    ("000080FE00000000FFC8CEA2563412FE", "fe80::a2ce:c8ff:fe12:3456"),
    ("B80D0120000001000000010001000000", "2001:db8:1:0:1::1"),
    ("00000120010000000000010001000000", "2001::1:1:0:0:1"),
    ("B80D0120010000000100010001000100", "2001:db8:0:1:1:1:1:1"),
    ("0000100000000000000010000A000000", "10::10:0:0:a"),
    ("FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
]


@pytest.mark.parametrize(("digits", "expected"), ADDRESSES, ids=[expected for _, expected in ADDRESSES])
def test_addresses(digits: str, expected: str) -> None:
    [socket] = parse(NET_TCP6, HEADING + ROW.format(digits)).sockets
    assert socket.local_address == expected == str(ipaddress.IPv6Address(expected))


def test_ipv4_in_a_socket_for_both() -> None:
    [socket] = parse(NET_TCP6, HEADING + ROW.format("0000000000000000FFFF00000201A8C0")).sockets
    assert socket.local_address == "::ffff:192.168.1.2"


def test_big_endian() -> None:
    [socket] = parse(
        NET_TCP6, HEADING + ROW.format("20010DB800200030000000000000000A"), Host(little_endian=False)
    ).sockets
    assert socket.local_address == "2001:db8:20:30::a"


def test_malformed() -> None:
    with pytest.raises(Malformed):
        parse(NET_TCP6, HEADING + ROW.format("0000000000000000000000000000000"))
