import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_ARP
from procpulse.sources.proc.net_arp import ArpEntry
from tests.cases import parse

HEADING = "IP address       HW type     Flags       HW address            Mask     Device\n"
CASES = [
    pytest.param(
        HEADING
        + "192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0\n"
        + "192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0\n",
        [
            ArpEntry("192.0.2.1", "eth0", False, 1, 2, "02:fc:00:00:00:05"),
            ArpEntry("192.0.2.9", "eth0", False, 1, 0, "00:00:00:00:00:00"),
        ],
        id="complete and not",
    ),
    pytest.param(
        HEADING
        + "192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0\n"
        + "192.0.2.1        0x1         0xc         00:00:00:00:00:00     *        eth0\n"
        + "192.0.2.2        0x0         0xc         00:00:00:00:00:00     *        *\n",
        [
            ArpEntry("192.0.2.1", "eth0", False, 1, 2, "02:fc:00:00:00:05"),
            ArpEntry("192.0.2.1", "eth0", True, 1, 12, "00:00:00:00:00:00"),
            ArpEntry("192.0.2.2", "*", True, 0, 12, "00:00:00:00:00:00"),
        ],
        id="published for another, on one interface and on any",
    ),
    pytest.param(
        HEADING + "203.0.113.9      0x300       0x2                               *        tunl0\n",
        [ArpEntry("203.0.113.9", "tunl0", False, 0x300, 2)],
        id="a tunnel, without hardware addresses",
    ),
    pytest.param(
        HEADING + "203.0.113.9      0x3         0x2         *                     *        ax0\n",
        [ArpEntry("203.0.113.9", "ax0", False, 3, 2, "*")],
        id="amateur radio, without a call sign",
    ),
    pytest.param(
        HEADING.encode() + b"192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        e\x1b\xff\n",
        [ArpEntry("192.0.2.1", "e\\x1b\\xff", False, 1, 2, "02:fc:00:00:00:05")],
        id="a hostile name",
    ),
    pytest.param(
        HEADING
        + "192.0.2.1        0x1         0x0         00:00:00:00:00:00     *        eth0\n"
        + "192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0\n",
        [ArpEntry("192.0.2.1", "eth0", False, 1, 2, "02:fc:00:00:00:05")],
        id="listed twice while the table changed",
    ),
    pytest.param(HEADING, [], id="no neighbours"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_arp(text: str | bytes, expected: list[ArpEntry]) -> None:
    assert parse(NET_ARP, text) == expected


def test_complete() -> None:
    assert ArpEntry("192.0.2.1", "eth0", False, 1, 6, "02:fc:00:00:00:05").complete
    assert not ArpEntry("192.0.2.1", "eth0", False, 1, 0, "00:00:00:00:00:00").complete
    assert not ArpEntry("192.0.2.1", "eth0", True, 1, 12, "00:00:00:00:00:00").complete


@pytest.mark.parametrize(
    "text",
    [
        "",
        "192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0\n",
        HEADING + "192.0.2.1        0x1         0x2         *\n",
        HEADING + "192.0.2.1        0x1         two         02:fc:00:00:00:05     *        eth0\n",
        HEADING + "192.0.2          0x1         0x2         02:fc:00:00:00:05     *        eth0\n",
        HEADING + "192.0.2.1        0x11111111111111111 0x2 02:fc:00:00:00:05     *        eth0\n",
    ],
    ids=["empty", "no heading", "a column short", "no number", "no address", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_ARP, text)
