import pytest

from procpulse.sources import NET_SNMP
from procpulse.sources.proc.net_snmp import NetSnmp
from tests.cases import parse, spoiled

CASES = [
    pytest.param(
        "Ip: Forwarding DefaultTTL InReceives InHdrErrors\n"
        "Ip: 1 64 594223 0\n"
        "Icmp: InMsgs InErrors\n"
        "Icmp: 118 2\n"
        "IcmpMsg: InType3 OutType8\n"
        "IcmpMsg: 101 7\n"
        "Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens CurrEstab RetransSegs\n"
        "Tcp: 1 200 120000 -1 3556 21 35\n"
        "Udp: InDatagrams NoPorts\n"
        "Udp: 10179 50\n"
        "UdpLite: InDatagrams NoPorts\n"
        "UdpLite: 1 2\n",
        NetSnmp(
            ip={"InReceives": 594223, "InHdrErrors": 0},
            icmp={"InMsgs": 118, "InErrors": 2},
            icmp_msg={"InType3": 101, "OutType8": 7},
            tcp={"ActiveOpens": 3556, "RetransSegs": 35},
            udp={"InDatagrams": 10179, "NoPorts": 50},
            udp_lite={"InDatagrams": 1, "NoPorts": 2},
            ip_forwarding=1,
            ip_default_ttl=64,
            tcp_rto_algorithm=1,
            tcp_rto_min_ms=200,
            tcp_rto_max_ms=120000,
            tcp_max_conn=-1,
            tcp_curr_estab=21,
        ),
        id="states apart from counters",
    ),
    pytest.param(
        "Ip: Forwarding DefaultTTL InReceives OutTransmits\n"
        "Ip: 2 64 5 18446744073709551615\n"
        "Icmp: InMsgs OutRateLimitGlobal\n"
        "Icmp: 0 4\n"
        "Tcp: RtoAlgorithm CurrEstab\n"
        "Tcp: 1 0\n"
        "Udp: InDatagrams MemErrors\n"
        "Udp: 6 7\n",
        NetSnmp(
            ip={"InReceives": 5, "OutTransmits": 18446744073709551615},
            icmp={"InMsgs": 0, "OutRateLimitGlobal": 4},
            icmp_msg={},
            tcp={},
            udp={"InDatagrams": 6, "MemErrors": 7},
            udp_lite={},
            ip_forwarding=2,
            ip_default_ttl=64,
            tcp_rto_algorithm=1,
            tcp_curr_estab=0,
        ),
        id="no UDP-Lite, kernel 6.19",
    ),
    pytest.param(
        b"Ip: In\x1bReceives\nIp: 5\nSctp: InAnything\nSctp: 6\n",
        NetSnmp({"In\\x1bReceives": 5}, {}, {}, {}, {}, {}),
        id="a hostile name, and a protocol of a kernel to come",
    ),
    pytest.param(
        "Ip: InReceives InHdrErrors\nIp: 5\nUdp: InDatagrams\nUdp: 6 7\n",
        NetSnmp({"InReceives": 5}, {}, {}, {}, {"InDatagrams": 6}, {}),
        id="a name without a number, a number without a name",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_snmp(text: str | bytes, expected: NetSnmp) -> None:
    assert parse(NET_SNMP, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ip: Forwarding\nTcp: 1\n",
        "Ip: Forwarding\nIp: x\n",
        "Ip: InReceives\nIp: 18446744073709551616\n",
        "Ip: Forwarding\n",
    ],
    ids=["empty", "numbers of another protocol", "no number", "over 64 bits", "names alone"],
)
def test_malformed(text: str) -> None:
    assert spoiled(NET_SNMP, text)


def test_cut() -> None:
    whole = "Ip: InReceives\nIp: 594223\nTcp: RtoMin InSegs\nTcp: 200 77"
    assert parse(NET_SNMP, whole) == NetSnmp({"InReceives": 594223}, {}, {}, {}, {}, {})
