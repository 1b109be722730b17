import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.net_dev import Interface
from procpulse.sources.proc.pid_net_dev import PID_NET_DEV, PidNetDev
from tests.cases import parse

HEAD = "Inter-|   Receive  |  Transmit\n face |bytes packets|bytes packets\n"
LO = Interface("lo", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
ETH0 = Interface("eth0", 10, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0)
CASES = [
    pytest.param(
        HEAD + "    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n  eth0: 10 0 0 0 0 0 0 0 20 0 0 0 0 0 0 0\n",
        [LO, ETH0],
        id="two interfaces",
    ),
    pytest.param(HEAD, [], id="a network namespace without any"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_dev(text: str, expected: list[Interface]) -> None:
    assert parse(PID_NET_DEV, text) == PidNetDev(expected)


def test_total() -> None:
    assert PidNetDev([LO, ETH0]).total == Interface("lo, eth0", 11, 2, 3, 4, 5, 6, 7, 8, 29, 10, 11, 12, 13, 14, 15, 16)


@pytest.mark.parametrize("text", [HEAD + "  eth0: 1 2\n", HEAD + "  eth0 1 2\n"], ids=["columns short", "no name"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_NET_DEV, text)
