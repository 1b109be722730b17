import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_SNMP6
from procpulse.sources.proc.net_snmp6 import NetSnmp6
from tests.cases import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "Ip6InReceives                   \t92166\n"
            "Icmp6InMsgs                     \t53293\n"
            "Icmp6OutType135                 \t7\n"
            "Udp6InDatagrams                 \t0\n",
            NetSnmp6({"Ip6InReceives": 92166, "Icmp6InMsgs": 53293, "Icmp6OutType135": 7, "Udp6InDatagrams": 0}),
            id="names and numbers",
        ),
        pytest.param(
            "Ip6OutTransmits 18446744073709551615\n",
            NetSnmp6({"Ip6OutTransmits": 18446744073709551615}),
            id="64 bits, exactly",
        ),
        pytest.param(b"Ip6\x9b\xff 5 6\n", NetSnmp6({"Ip6\\x9b\\xff": 5}), id="a hostile name, and a column more"),
    ],
)
def test_net_snmp6(text: str | bytes, expected: NetSnmp6) -> None:
    assert parse(NET_SNMP6, text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "\n", "Ip6InReceives\n", "Ip6InReceives x\n", "Ip6InReceives 18446744073709551616\n"],
    ids=["empty", "blank", "no number", "a word", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_SNMP6, text)
