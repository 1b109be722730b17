import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.net_snmp6 import NetSnmp6
from procpulse.sources.proc.pid_net_snmp6 import PID_NET_SNMP6
from tests.cases import parse


def test_net_snmp6() -> None:
    text = "Ip6InReceives                   \t9\nUdp6InErrors                    \t0\n"
    assert parse(PID_NET_SNMP6, text) == NetSnmp6({"Ip6InReceives": 9, "Udp6InErrors": 0})


@pytest.mark.parametrize("text", ["", "Ip6InReceives\n", "Ip6InReceives x\n"], ids=["empty", "no value", "no number"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_NET_SNMP6, text)
