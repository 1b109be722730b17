import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.net_netstat import NetNetstat
from procpulse.sources.proc.pid_net_netstat import PID_NET_NETSTAT
from tests.cases import parse

CASES = [
    pytest.param(
        "TcpExt: SyncookiesSent TW\nTcpExt: 3 4\nIpExt: InOctets\nIpExt: 18446744073709551615\n",
        NetNetstat({"SyncookiesSent": 3, "TW": 4}, {"InOctets": 18446744073709551615}, {}),
        id="before MPTCP, kernel 5.5",
    ),
    pytest.param(
        "TcpExt: TW\nTcpExt: 4\nMPTcpExt: MPCapableSYNRX\nMPTcpExt: 5\n",
        NetNetstat({"TW": 4}, {}, {"MPCapableSYNRX": 5}),
        id="with MPTCP, kernel 6.18",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_netstat(text: str, expected: NetNetstat) -> None:
    assert parse(PID_NET_NETSTAT, text) == expected


@pytest.mark.parametrize(
    "text", ["", "TcpExt: A\nIpExt: 1\n", "TcpExt: A\nTcpExt: x\n"], ids=["empty", "no pair", "no number"]
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_NET_NETSTAT, text)
