import pytest

from procpulse.source import Host
from procpulse.sources import NET_IP_VS
from procpulse.sources.proc.net_ip_vs import NetIpVs, RealServer, VirtualService
from tests.cases import HOST, parse, spoiled

HEADING = (
    "IP Virtual Server version 1.2.1 (size=4096)\n"
    "Prot LocalAddress:Port Scheduler Flags\n"
    "  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\n"
)
V4 = (
    "TCP  C0000250:01BB wlc  \n"
    "  -> 0A0A0815:20FB      Masq    100    38         4         \n"
    "  -> 0A0A0816:20FB      Tunnel  0      0          0         \n"
)
EXPECTED_V4 = VirtualService(
    "TCP", "192.0.2.80", 443, None, "wlc", False,
    [RealServer("10.10.8.21", 8443, "Masq", 100, 38, 4), RealServer("10.10.8.22", 8443, "Tunnel", 0, 0, 0)],
)  # fmt: skip
CASES = [
    pytest.param(HEADING + V4, NetIpVs("1.2.1", 4096, [EXPECTED_V4]), id="IPv4"),
    pytest.param(
        HEADING
        + "TCP  [2001:0db8:0000:0000:0000:0000:0000:0050]:01BB sh \n"
        + "  -> [2001:0db8:0000:0000:0000:0000:0000:0015]:20FB      Route   1      1          2         \n"
        + "  -> 0A0A0815:20FB      Tunnel  1      0          0         \n",
        NetIpVs(
            "1.2.1", 4096,
            [
                VirtualService(
                    "TCP", "2001:db8::50", 443, None, "sh", False,
                    [
                        RealServer("2001:db8::15", 8443, "Route", 1, 1, 2),
                        RealServer("10.10.8.21", 8443, "Tunnel", 1, 0, 0),
                    ],
                )
            ],
        ),
        id="IPv6, with a server behind an IPv4 tunnel",
    ),
    pytest.param(
        HEADING
        + "FWM  10001000 wlc \n"
        + "  -> 0A0A0815:0000      Route   1      0          1         \n"
        + V4,
        NetIpVs(
            "1.2.1", 4096,
            [
                VirtualService(
                    "FWM", None, None, 0x10001000, "wlc", False, [RealServer("10.10.8.21", 0, "Route", 1, 0, 1)]
                ),
                EXPECTED_V4,
            ],
        ),
        id="a mark of the firewall",
    ),
    pytest.param(
        HEADING
        + "UDP  C0000250:0035 rr ops \n"
        + "TCP  C0000250:0050 rr  persistent 90000 FFFFFF00\n"
        + "TCP  [2001:0db8:0000:0000:0000:0000:0000:0050]:0050 rr persistent 75000 80000000\n"
        + "FWM  00000001 rr ops persistent 300 FFFFFFFF\n",
        NetIpVs(
            "1.2.1", 4096,
            [
                VirtualService("UDP", "192.0.2.80", 53, None, "rr", True, []),
                VirtualService(
                    "TCP", "192.0.2.80", 80, None, "rr", False, [],
                    persistence_jiffies=90000, persistence_mask="255.255.255.0",
                ),
                VirtualService("TCP", "2001:db8::50", 80, None, "rr", False, [], persistence_jiffies=75000),
                VirtualService("FWM", None, None, 1, "rr", True, [], 300, "255.255.255.255"),
            ],
        ),
        id="packet by packet, persistent, and without servers",
    ),
    pytest.param(
        HEADING + "TCP  C0000250:01BB s\x1b \n",
        NetIpVs("1.2.1", 4096, [VirtualService("TCP", "192.0.2.80", 443, None, "s\\x1b", False, [])]),
        id="a hostile name",
    ),
    pytest.param(HEADING, NetIpVs("1.2.1", 4096, []), id="no services"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
@pytest.mark.parametrize("host", [HOST, Host(little_endian=False)], ids=["little-endian", "big-endian"])
def test_net_ip_vs(host: Host, text: str, expected: NetIpVs) -> None:
    assert parse(NET_IP_VS, text, host) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        V4,
        HEADING + "  -> 0A0A0815:20FB      Masq    100    38         4\n",
        HEADING + "TCP  C0000250:01BB\n",
        HEADING + "TCP  C00002:01BB wlc\n",
        HEADING + "TCP  [2001:0db8::0050]:01BB wlc\n",
        HEADING + "TCP  C0000250:port wlc\n",
        HEADING + "TCP  C0000250:01BB wlc\n  -> 0A0A0815:20FB      Masq    100    38\n",
        HEADING + "TCP  C0000250:01BB wlc\n  -> 0A0A0815:20FB      Masq    much    38    4\n",
        HEADING + "TCP  C0000250:01BB wlc persistent 300\n",
    ],
    ids=[
        "empty", "no heading", "a server of no service", "no scheduler", "an IPv4 address cut short",
        "an IPv6 address cut short", "no port", "a column short", "no number", "no mask",
    ],
)  # fmt: skip
def test_malformed(text: str) -> None:
    assert spoiled(NET_IP_VS, text)
