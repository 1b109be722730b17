import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_PACKET
from procpulse.sources.proc.net_packet import NetPacket, PacketSocket
from tests.cases import parse

HEADING = "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"
TCPDUMP = "000000004c9feb03 3      3    0003   2     1 21568  0      421090\n"
DUMPS = PacketSocket(
    421090, "0x0003", 2, "raw", type_code=3, protocol_code=3, running=True, rmem_bytes=21568, uid=0, references=3
)

CASES = [
    pytest.param(HEADING + TCPDUMP, [DUMPS], id="one for all frames of an interface"),
    pytest.param(
        "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n"
        + "0000000000000000 2      2    888e   0     0 0      1000   26712 \n"
        + "0000000000000000 2      10   0800   -1    0 0      1000   26713 77\n",
        [
            PacketSocket(26712, "0x888e", 0, "dgram", 2, 0x888E, False, 0, 1000, 2),
            PacketSocket(26713, "0x0800", -1, "packet", 10, 0x0800, False, 0, 1000, 2),
        ],
        id="the narrow heading of older kernels, an interface that is gone, a column to come",
    ),
    pytest.param(HEADING + "0 2 7 0800 0 1 0 0 5\n", [PacketSocket(5, "0x0800", 0, "7", 7, 0x800, True, 0, 0, 2)], id="an unknown type"),
    pytest.param(HEADING + TCPDUMP + TCPDUMP, [DUMPS], id="one that is listed twice"),
    pytest.param(HEADING, [], id="no sockets"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_packet(text: str, expected: list[PacketSocket]) -> None:
    assert parse(NET_PACKET, text) == NetPacket(expected, malformed_rows=0)


@pytest.mark.parametrize(
    "row", ["0 3 3 0003 2 1 21568 0\n", "0 3 3 003 2 1 21568 0 5\n", "0 3 3 0003 2 1 x 0 5\n", "\n"]
)
def test_a_row_that_makes_no_sense_is_left_out_and_counted(row: str) -> None:
    assert parse(NET_PACKET, HEADING + row + TCPDUMP) == NetPacket([DUMPS], malformed_rows=1)


def test_kernel_addresses_are_left_out() -> None:
    assert "4c9feb03" not in repr(parse(NET_PACKET, HEADING + TCPDUMP))


@pytest.mark.parametrize("text", ["", TCPDUMP, HEADING + "x\n"], ids=["empty", "no heading", "no row"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_PACKET, text)
