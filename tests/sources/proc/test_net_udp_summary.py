import pytest

from procpulse.source import Malformed, Reason
from procpulse.sources import NET_UDP_SUMMARY
from procpulse.sources.proc.net_udp_summary import UdpSummary
from tests.cases import failure, parse

HEADING = "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops   \n"
CASES = [
    pytest.param(
        HEADING
        + " 2309: 3500007F:0035 00000000:0000 07 00000000:00000300 00:00000000 00000000   101        0 18422 2 00000000a1b2c3d4 41   \n"
        + " 2310: 3500007F:0036 00000000:0000 07 00000000:00000100 00:00000000 00000000   101        0 18423 2 00000000a1b2c3d4 1    \n"
        + " 9041: 281E140A:BB8B 356433C6:01BB 01 00000900:FFFFFFFF 00:00000000 00000000  1000        0 411960 2 0000000000000000 0\n",
        UdpSummary(
            3, {"ESTABLISHED": 1, "CLOSE": 2}, tx_queue_bytes=2304, rx_queue_bytes=1024, drops=42, malformed_rows=0
        ),
        id="connected or not",
    ),
    pytest.param(
        HEADING
        + "    1: 00000000:0016 00000000:0000 0A\n"
        + "    2: 00000000:14E9 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 0 2 0 0\n",
        UdpSummary(1, {"ESTABLISHED": 0, "CLOSE": 0, "LISTEN": 1}, 0, 0, 0, malformed_rows=1),
        id="a state that UDP should not have, and a row that makes no sense",
    ),
    pytest.param(HEADING, UdpSummary(0, {"ESTABLISHED": 0, "CLOSE": 0}, 0, 0, 0, 0), id="no sockets"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_udp_summary(text: str, expected: UdpSummary) -> None:
    assert parse(NET_UDP_SUMMARY, text) == expected


@pytest.mark.parametrize("text", ["", "x\n", HEADING + "x\n"], ids=["no heading", "another heading", "no row"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_UDP_SUMMARY, text)


def test_missing() -> None:
    assert failure(NET_UDP_SUMMARY, {"/proc/net/udp": ""}).reason is Reason.MISSING, "masked"
