import pytest

from procpulse.sources.proc.net_snmp import NetSnmp
from procpulse.sources.proc.pid_net_snmp import PID_NET_SNMP
from tests.cases import parse, spoiled

CASES = [
    pytest.param(
        "Ip: Forwarding DefaultTTL InReceives\nIp: 2 64 9\n"
        "Tcp: RtoMin MaxConn CurrEstab InSegs\nTcp: 200 -1 3 4\n"
        "Udp: InDatagrams\nUdp: 18446744073709551615\n",
        NetSnmp(
            {"InReceives": 9}, {}, {}, {"InSegs": 4}, {"InDatagrams": 18446744073709551615}, {},
            ip_forwarding=2, ip_default_ttl=64, tcp_rto_min_ms=200, tcp_max_conn=-1, tcp_curr_estab=3,
        ),
        id="some protocols",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_snmp(text: str, expected: NetSnmp) -> None:
    assert parse(PID_NET_SNMP, text) == expected


@pytest.mark.parametrize("text", ["", "Ip: A\nIp: x\n"], ids=["empty", "no number"])
def test_malformed(text: str) -> None:
    assert spoiled(PID_NET_SNMP, text)
