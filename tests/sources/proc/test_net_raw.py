import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_RAW
from procpulse.sources.proc.net_raw import NetRaw, RawSocket
from tests.cases import parse

HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
PING = "   1: 00000000:0001 00000000:0000 07 00000000:00000240 00:00000000 00000000     0        0 420177 2 0000000000000000 2\n"
PINGS = RawSocket("0.0.0.0", 1, "0.0.0.0", 420177, "CLOSE", 7, 0, 576, drops=2, uid=0, entry=1)

CASES = [
    pytest.param(HEADING + PING, [PINGS], id="ping, run by root"),
    pytest.param(
        HEADING
        + "  89: 281E140A:0059 011E140A:0000 01 00000140:00000000 00:00000000 00000000   212        0 25531 2 ffff88003d3af3c0 0\n",
        [RawSocket("10.20.30.40", 89, "10.20.30.1", 25531, "ESTABLISHED", 1, 320, 0, drops=0, uid=212, entry=89)],
        id="a routing daemon",
    ),
    pytest.param(HEADING, [], id="no sockets"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_raw(text: str, expected: list[RawSocket]) -> None:
    assert parse(NET_RAW, text) == NetRaw(expected, malformed_rows=0)


def test_a_row_that_makes_no_sense_is_left_out_and_counted() -> None:
    assert parse(NET_RAW, HEADING + PING[:60] + "\n" + PING) == NetRaw([PINGS], malformed_rows=1)


@pytest.mark.parametrize("text", ["", PING, HEADING + "x\n"], ids=["empty", "no heading", "no row"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_RAW, text)
