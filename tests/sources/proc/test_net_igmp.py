import pytest

from procpulse.source import Host
from procpulse.sources import NET_IGMP
from procpulse.sources.proc.net_igmp import IgmpGroup, IgmpInterface
from tests.cases import HOST, parse, spoiled

HEADING = "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n"
CASES = [
    pytest.param(
        HOST,
        HEADING
        + "1\tlo        :     1      V3\n"
        + "\t\t\t\t010000E0     1 0:00000000\t\t0\n"
        + "10\teth0      :     2      V2\n"
        + "\t\t\t\tFB0000E0     3 1:000001F4\t\t1\n"
        + "\t\t\t\t010000E0     1 0:00000000\t\t0\n",
        [
            IgmpInterface("lo", 1, 1, "V3", [IgmpGroup("224.0.0.1", 1, False)]),
            IgmpInterface(
                "eth0", 10, 2, "V2",
                [IgmpGroup("224.0.0.251", 3, True, timer_ticks=500), IgmpGroup("224.0.0.1", 1, False)],
            ),
        ],
        id="a little-endian host",
    ),
    pytest.param(
        Host(little_endian=False),
        HEADING + "1\tlo        :     1    NONE\n\t\t\t\tE0000001     1 0:00000000\t\t0\n",
        [IgmpInterface("lo", 1, 1, "NONE", [IgmpGroup("224.0.0.1", 1, False)])],
        id="a big-endian host",
    ),
    pytest.param(
        HOST,
        HEADING + "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 1:FFFFFFFFFFFFFFFE\t\t0\n",
        [IgmpInterface("lo", 1, 1, "V3", [IgmpGroup("224.0.0.1", 1, False, timer_ticks=0)])],
        id="a timer that is late, kernel 4.18",
    ),
    pytest.param(
        HOST,
        HEADING.encode() + b"7\ta\x1b\\b     :     0      V3\n",
        [IgmpInterface("a\\x1b\\b", 7, 0, "V3", [])],
        id="a hostile name",
    ),
    pytest.param(HOST, HEADING, [], id="no interfaces"),
]  # fmt: skip


@pytest.mark.parametrize(("host", "text", "expected"), CASES)
def test_net_igmp(host: Host, text: str | bytes, expected: list[IgmpInterface]) -> None:
    assert parse(NET_IGMP, text, host) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEADING + "\t\t\t\t010000E0     1 0:00000000\t\t0\n",
        HEADING + "1\tlo        :     1\n",
        HEADING + "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 0:00000000\n",
        HEADING + "1\tlo        :     1      V3\n\t\t\t\t010000E0     1 00000000\t\t0\n",
        HEADING + "1\tlo        :     1      V3\n\t\t\t\t010000     1 0:00000000\t\t0\n",
    ],
    ids=["empty", "a group of no interface", "no querier", "a column short", "no timer", "an address cut short"],
)
def test_malformed(text: str) -> None:
    assert spoiled(NET_IGMP, text)
