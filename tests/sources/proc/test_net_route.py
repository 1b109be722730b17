import pytest

from procpulse.source import Host, Malformed
from procpulse.sources import NET_ROUTE
from procpulse.sources.proc.net_route import Route
from tests.cases import HOST, parse

HEADING = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT     \n"
BIG_ENDIAN = Host(little_endian=False)
CASES = [
    pytest.param(
        HOST,
        HEADING
        + "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0          \n"
        + "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t1500\t65535\t300      \n",
        [
            Route("eth0", "0.0.0.0", "0.0.0.0", "192.0.2.1", 100, 3, 0, 0, 0, 0, 0),
            Route(
                "eth0", "192.0.2.0", "255.255.255.0", "0.0.0.0", 0, 1, 0, 0,
                mtu_bytes=1500, window_bytes=65535, irtt_ms=300,
            ),
        ],
        id="a little-endian host",
    ),
    pytest.param(
        BIG_ENDIAN,
        HEADING
        + "eth0\t00000000\tC0000201\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        + "eth0\tC0000200\t00000000\t0001\t2\t7\t0\tFFFFFF00\t0\t0\t0\n",
        [
            Route("eth0", "0.0.0.0", "0.0.0.0", "192.0.2.1", 100, 3, 0, 0, 0, 0, 0),
            Route("eth0", "192.0.2.0", "255.255.255.0", "0.0.0.0", 0, 1, references=2, uses=7, mtu_bytes=0,
                  window_bytes=0, irtt_ms=0),
        ],
        id="a big-endian host",
    ),
    pytest.param(
        HOST,
        HEADING + "*\t0000000A\t00000000\t0201\t0\t0\t-1\t000000FF\t0\t0\t0\n",
        [Route("*", "10.0.0.0", "255.0.0.0", "0.0.0.0", 4_294_967_295, 0x201, 0, 0, 0, 0, 0)],
        id="refused, with the highest metric",
    ),
    pytest.param(
        HOST,
        HEADING + "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n" * 2,
        [Route("eth0", "0.0.0.0", "0.0.0.0", "192.0.2.1", 0, 3, 0, 0, 0, 0, 0)],
        id="two that differ in their type of service",
    ),
    pytest.param(
        HOST,
        HEADING.encode() + b"\x1b[2J\xff\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        [Route("\\x1b[2J\\xff", "0.0.0.0", "0.0.0.0", "192.0.2.1", 0, 3, 0, 0, 0, 0, 0)],
        id="a hostile name",
    ),
    pytest.param(HOST, HEADING, [], id="no routes"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "text", "expected"), CASES)
def test_net_route(host: Host, text: str | bytes, expected: list[Route]) -> None:
    assert parse(NET_ROUTE, text, host) == expected


@pytest.mark.parametrize(
    "text",
    [
        "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        HEADING + "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\n",
        HEADING + "eth0\t0000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        HEADING + "eth0\t0000000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        HEADING + "eth0\t00000000\t010200G0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        HEADING.encode() + b"eth0\t00000000\t010200\xff\xff\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        HEADING + "eth0\t00000000\t010200C0\t0003\t0\t0\tlow\t00000000\t0\t0\t0\n",
    ],
    ids=[
        "no heading", "a column short", "an address cut short", "an address too long", "no address",
        "no address at all", "no number",
    ],
)  # fmt: skip
def test_malformed(text: str | bytes) -> None:
    with pytest.raises(Malformed):
        parse(NET_ROUTE, text)


def test_a_namespace_that_never_had_a_route() -> None:
    """It has no table, and the file is empty."""
    assert parse(NET_ROUTE, "") == []
