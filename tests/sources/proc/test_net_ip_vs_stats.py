import pytest

from procpulse.sources import NET_IP_VS_STATS
from procpulse.sources.proc.net_ip_vs_stats import NetIpVsStats
from tests.cases import parse, spoiled

HEADING = (
    "   Total Incoming Outgoing         Incoming         Outgoing\n"
    "   Conns  Packets  Packets            Bytes            Bytes\n"
)
RATES = "\n Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n"
CASES = [
    pytest.param(
        HEADING
        + "      1A        2        3                4 FFFFFFFFFFFFFFFF\n"
        + RATES
        + "       B       1F        0              A0B                0\n",
        NetIpVsStats(
            26, 2, 3, 4, 18_446_744_073_709_551_615,
            connections_per_second=11, incoming_packets_per_second=31, outgoing_packets_per_second=0,
            incoming_bytes_per_second=2571, outgoing_bytes_per_second=0,
        ),
        id="kernel 6.18",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_ip_vs_stats(text: str, expected: NetIpVsStats) -> None:
    assert parse(NET_IP_VS_STATS, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEADING + "1 2 3 4\n" + RATES + "1 2 3 4 5\n",
        HEADING + "1 2 3 4 X\n" + RATES + "1 2 3 4 5\n",
        HEADING + "1 2 3 4 10000000000000000\n" + RATES + "1 2 3 4 5\n",
    ],
    ids=["empty", "a column short", "no number", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    assert spoiled(NET_IP_VS_STATS, text)
