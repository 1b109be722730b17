import tracemalloc

import pytest

from procpulse.source import Malformed, Reason
from procpulse.sources import NET_TCP_SUMMARY
from procpulse.sources.proc.net_tcp_summary import TcpSummary
from tests.cases import HOST, failure, parse

HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode     \n"
NONE = {
    "ESTABLISHED": 0, "SYN_SENT": 0, "SYN_RECV": 0, "FIN_WAIT1": 0, "FIN_WAIT2": 0, "TIME_WAIT": 0, "CLOSE": 0,
    "CLOSE_WAIT": 0, "LAST_ACK": 0, "LISTEN": 0, "CLOSING": 0,
}  # fmt: skip
CASES = [
    pytest.param(
        HEADING
        + "   0: 0100007F:0277 00000000:0000 0A 00000000:00000003 00:00000000 00000000   112        0 24306 1 00000000c2c1ef59 100 0 0 10 5   \n"
        + "   1: 0100007F:1F90 0100007F:C000 01 00000150:000005B4 01:00000014 00000002     0        0 402113 4 0000000000000000 20 4 27 18 17\n"
        + "   2: 0100007F:1F91 0100007F:C000 01 00000010:00000001 00:00000000 00000000     0        0 402114 4 0000000000000000 20 4 27 18 17\n"
        + "   9: 281E140A:A030 4D6433C6:0050 06 00000000:00000000 03:00000B2A 00000000     0        0 0 3 0000000000000000   \n",
        TcpSummary(
            4, NONE | {"ESTABLISHED": 2, "TIME_WAIT": 1, "LISTEN": 1}, tx_queue_bytes=352, rx_queue_bytes=1461,
            accept_queue=3, retransmitting=1, malformed_rows=0,
        ),
        id="what a socket that listens received is no number of bytes",
    ),
    pytest.param(
        HEADING
        + "   0: 0100007F:1F90 0100007F:C000 0D FFFFFFFF:00000000 00:00000000 00000000     0        0 9 2 0 20 4 30 10 -1\n"
        + "what?\n\n",
        TcpSummary(1, NONE | {"0D": 1}, 0, 0, 0, 0, malformed_rows=2),
        id="a state of a kernel to come, a queue below nothing, and rows that make no sense",
    ),
    pytest.param(HEADING, TcpSummary(0, NONE, 0, 0, 0, 0, 0), id="no sockets"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_tcp_summary(text: str, expected: TcpSummary) -> None:
    assert parse(NET_TCP_SUMMARY, text) == expected


def test_memory_does_not_grow() -> None:
    row = b"%4d: 0100007F:1F90 0100007F:C000 01 00000150:000005B4 01:00000014 00000002 0 0 %d 4 0 20 4 27 18 17"
    folding = NET_TCP_SUMMARY.start(HOST)
    folding.feed([HEADING.encode()])
    tracemalloc.start()
    for i in range(50):
        folding.feed([row % (i * 400 + j, i * 400 + j) for j in range(400)])
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert folding.result().sockets == 20_000
    assert kept < 10_000


@pytest.mark.parametrize("text", ["", "x\n", HEADING + "x\n"], ids=["no heading", "another heading", "no row"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_TCP_SUMMARY, text)


def test_missing() -> None:
    assert failure(NET_TCP_SUMMARY, {}).reason is Reason.MISSING
    assert failure(NET_TCP_SUMMARY, {"/proc/net/tcp": ""}).reason is Reason.MISSING, "masked"
