import pytest

from procpulse.sources import NET_NETSTAT
from procpulse.sources.proc.net_netstat import NetNetstat
from tests.cases import parse, spoiled


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "TcpExt: SyncookiesSent TCPTimeouts\nTcpExt: 0 115\nIpExt: InOctets InNoECTPkts\nIpExt: 6286396970 9\n",
            NetNetstat({"SyncookiesSent": 0, "TCPTimeouts": 115}, {"InOctets": 6286396970, "InNoECTPkts": 9}, {}),
            id="before Multipath TCP, kernel 4.18",
        ),
        pytest.param(
            "TcpExt: TW\nTcpExt: 1\nIpExt: InOctets\nIpExt: 2\n"
            "MPTcpExt: MPCapableSYNRX MPCurrEstab Blackhole\nMPTcpExt: 3 4 18446744073709551615\n",
            NetNetstat({"TW": 1}, {"InOctets": 2}, {"MPCapableSYNRX": 3, "Blackhole": 18446744073709551615}, 4),
            id="with Multipath TCP, whose connections are no counter, kernel 6.18",
        ),
        pytest.param(
            b"TcpExt: T\x07W\nTcpExt: 1\nUdpExt: X\nUdpExt: 5\n",
            NetNetstat({"T\\x07W": 1}, {}, {}),
            id="a hostile name, and a protocol of a kernel to come",
        ),
    ],
)
def test_net_netstat(text: str | bytes, expected: NetNetstat) -> None:
    assert parse(NET_NETSTAT, text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "TcpExt: TW\nIpExt: 1\n", "TcpExt: TW\nTcpExt: 1.5\n", "TcpExt: TW\n"],
    ids=["empty", "numbers of another protocol", "a fraction", "names alone"],
)
def test_malformed(text: str) -> None:
    assert spoiled(NET_NETSTAT, text)
