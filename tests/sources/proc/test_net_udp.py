import pytest

from procpulse import Host
from procpulse.source import Malformed
from procpulse.sources import NET_UDP
from procpulse.sources.proc.net_udp import NetUdp, UdpSocket
from tests.cases import parse

HEADING = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops   \n"
RESOLVER = " 2309: 3500007F:0035 00000000:0000 07 00000000:00000300 00:00000000 00000000   101        0 18422 2 00000000a1b2c3d4 41   \n"
RESOLVES = UdpSocket(
    "127.0.0.53",
    53,
    "0.0.0.0",
    0,
    18422,
    "CLOSE",
    7,
    tx_queue_bytes=0,
    rx_queue_bytes=768,
    drops=41,
    uid=101,
    entry=2309,
)

CASES = [
    pytest.param(HEADING + RESOLVER, [RESOLVES], id="one that is not connected"),
    pytest.param(
        HEADING
        + "11041: 281E140A:BB8B 356433C6:01BB 01 00000900:00000000 00:00000000 00000000  1000        0 411960 2 ffff88003d3af3c0 4294967295\n",
        [
            UdpSocket(
                "10.20.30.40", 48011, "198.51.100.53", 443, 411960, "ESTABLISHED", 1, 2304, 0, 4294967295, 1000, 11041
            )
        ],
        id="one that is connected, and has dropped as many as 32 bits can count",
    ),
    pytest.param(
        HEADING
        + "    1: 00000000:14E9 00000000:0000 07 FFFFFFFF:FFFFFF00 00:00000000 00000000     0        0 0 2 0 0 77\n",
        [UdpSocket("0.0.0.0", 5353, "0.0.0.0", 0, 0, "CLOSE", 7, 0, 0, 0, 0, 1)],
        id="queues that are less than nothing for a moment, and a column to come",
    ),
    pytest.param(HEADING + RESOLVER + RESOLVER, [RESOLVES], id="one that is listed twice"),
    pytest.param(HEADING, [], id="no sockets"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_udp(text: str, expected: list[UdpSocket]) -> None:
    assert parse(NET_UDP, text) == NetUdp(expected, malformed_rows=0)


def test_many_sockets_may_share_an_address() -> None:
    rows = HEADING + RESOLVER + RESOLVER.replace("18422", "18423")
    assert [socket.inode for socket in parse(NET_UDP, rows).sockets] == [18422, 18423]


def test_big_endian() -> None:
    [socket] = parse(NET_UDP, HEADING + RESOLVER.replace("3500007F", "7F000035"), Host(little_endian=False)).sockets
    assert socket.local_address == "127.0.0.53"


@pytest.mark.parametrize(
    "row",
    [
        "   1: 00000000:0016 00000000:0000 0A\n",
        RESOLVER.replace(" 41 ", " -1 "),
        RESOLVER.replace(" 41 ", ""),
        RESOLVER.replace("00000300", "0000030"),
        "\n",
    ],
    ids=["cut after the state", "drops below 0", "without drops", "a digit short", "empty"],
)
def test_a_row_that_makes_no_sense_is_left_out_and_counted(row: str) -> None:
    assert parse(NET_UDP, HEADING + row + RESOLVER) == NetUdp([RESOLVES], malformed_rows=1)
    with pytest.raises(Malformed, match="none of 1 rows"):
        parse(NET_UDP, HEADING + row)


def test_malformed() -> None:
    with pytest.raises(Malformed, match="no heading"):
        parse(NET_UDP, RESOLVER)
