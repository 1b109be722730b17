import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_NETLINK
from procpulse.sources.proc.net_netlink import NetlinkSocket, NetNetlink
from tests.cases import parse

HEADING = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"
KERNEL = "00000000fb5a1344 0   0          00000000 0        0        0     2        0        4       \n"
ROUTES = NetlinkSocket(
    "ROUTE", 0, 4, protocol_code=0, groups=0, rmem_bytes=0, wmem_bytes=0, dumping=False, references=2, drops=0
)

CASES = [
    pytest.param(HEADING + KERNEL, [ROUTES], id="the kernel's side"),
    pytest.param(
        HEADING
        + "0000000000000000 15  2901133410 80000111 2304     768      1     3        18       52113   \n"
        + "0000000000000000 31  688        00000000 -1       -1       0     2        4294967295 5     77\n",
        [
            NetlinkSocket("KOBJECT_UEVENT", 2901133410, 52113, 15, 0x80000111, 2304, 768, True, 3, 18),
            NetlinkSocket("31", 688, 5, 31, 0, 0, 0, False, 2, 4294967295),
        ],
        id="in a dump; a protocol without a name, memory below nothing for a moment, a column to come",
    ),
    pytest.param(
        HEADING.replace("               ", "       ") + "0 9 0 00000000 0 0 0 2 0 7\n",
        [NetlinkSocket("AUDIT", 0, 7, 9, 0, 0, 0, False, 2, 0)],
        id="a narrow table",
    ),
    pytest.param(HEADING + KERNEL + KERNEL, [ROUTES], id="one that is listed twice"),
    pytest.param(HEADING, [], id="no sockets"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_netlink(text: str, expected: list[NetlinkSocket]) -> None:
    assert parse(NET_NETLINK, text) == NetNetlink(expected, malformed_rows=0)


@pytest.mark.parametrize(
    "row", ["0 0 0 00000000 0 0 0 2 0\n", "0 x 0 00000000 0 0 0 2 0 4\n", "0 0 0 0000000 0 0 0 2 0 4\n", "\n"]
)
def test_a_row_that_makes_no_sense_is_left_out_and_counted(row: str) -> None:
    assert parse(NET_NETLINK, HEADING + row + KERNEL) == NetNetlink([ROUTES], malformed_rows=1)


def test_kernel_addresses_are_left_out() -> None:
    assert "fb5a1344" not in repr(parse(NET_NETLINK, HEADING + KERNEL))


@pytest.mark.parametrize("text", ["", KERNEL, HEADING + "x\n"], ids=["empty", "no heading", "no row"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_NETLINK, text)
