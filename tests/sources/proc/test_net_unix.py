import pytest

from procpulse.source import Malformed, Reason
from procpulse.sources import NET_UNIX
from procpulse.sources.proc.net_unix import NetUnix, UnixSocket
from tests.cases import failure, parse

HEADING = "Num       RefCount Protocol Flags    Type St Inode Path\n"
BUS = "0000000076b357f3: 00000002 00000000 00010000 0001 01 16231 /run/dbus/system_bus_socket\n"
LISTENS = UnixSocket(
    16231, "/run/dbus/system_bus_socket", "stream", "unconnected", "listen",
    type_code=1, state_code=1, flags_code=65536, protocol=0, references=2, count=1,
)  # fmt: skip

CASES = [
    pytest.param(HEADING + BUS, [LISTENS], id="one that listens"),
    pytest.param(
        HEADING
        + "0000000000000000: 0000000C 00000000 00000000 0002 01    12 /run/systemd/journal/dev-log\n"
        + "(____ptrval____): 00000003 00000000 00000000 0001 03 29410\n",
        [
            UnixSocket(12, "/run/systemd/journal/dev-log", "dgram", "unconnected", "default", 2, 1, 0, 0, 12, 1),
            UnixSocket(29410, "", "stream", "connected", "default", 1, 3, 0, 0, 3, 1),
        ],
        id="pointers hidden, a short inode, no name",
    ),
    pytest.param(
        HEADING
        + "0: 00000002 00000000 00010000 0005 01 40218 @/tmp/.X11-unix/X0\n"
        + "0: 00000002 00000000 00000001 0003 07 40219 @\n",
        [
            UnixSocket(40218, "@/tmp/.X11-unix/X0", "seqpacket", "unconnected", "listen", 5, 1, 65536, 0, 2, 1),
            UnixSocket(40219, "@", "3", "7", "00000001", 3, 7, 1, 0, 2, 1),
        ],
        id="names outside of file systems; a type, a state and flags that have no name",
    ),
    pytest.param(
        HEADING + "0: 00000003 00000000 00000000 0001 02     0 /run/work queue.sock\n" * 3,
        [UnixSocket(0, "/run/work queue.sock", "stream", "connecting", "default", 1, 2, 0, 0, 9, count=3)],
        id="connections that were not accepted yet share a row",
    ),
    pytest.param(HEADING + BUS + BUS, [LISTENS], id="one that is listed twice"),
    pytest.param(
        HEADING.encode() + b"0: 00000002 00000000 00000000 0001 01 77   two blanks \x1b[31m\xff\xe2\x80\xae \n",
        [UnixSocket(77, "  two blanks \\x1b[31m\\xff\\u202e ", "stream", "unconnected", "default", 1, 1, 0, 0, 2, 1)],
        id="a hostile name",
    ),
    pytest.param(HEADING, [], id="no sockets"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_unix(text: str | bytes, expected: list[UnixSocket]) -> None:
    assert parse(NET_UNIX, text) == NetUnix(expected, malformed_rows=0)


def test_a_name_with_line_ends() -> None:
    """What follows a line's end in a name is no row, or one that hides none of the others."""
    name = "0: 00000002 00000000 00000000 0001 01 77 @one\ntwo\n\n" + BUS.replace("system_bus_socket", "forged")
    unix = parse(NET_UNIX, HEADING + name + BUS)
    assert [socket.path for socket in unix.sockets] == ["@one", "/run/dbus/forged", "/run/dbus/system_bus_socket"]
    assert unix.malformed_rows == 2


@pytest.mark.parametrize(
    "row",
    [
        "0: 00000002 00000000 00010000 0001 01\n",
        "0: 00000002 00000000 00010000 0001 01 /run/dbus/system_bus_socket\n",
        "0: 0000002 00000000 00010000 0001 01 12\n",
        "0: 00000002 00000000 00010000 0001 01 99999999999999999999\n",
        "00000002 00000000 00010000 0001 01 12\n",
    ],
    ids=["without an inode", "a name for an inode", "a digit short", "over 64 bits", "a column short"],
)
def test_a_row_that_makes_no_sense_is_left_out_and_counted(row: str) -> None:
    assert parse(NET_UNIX, HEADING + row + BUS) == NetUnix([LISTENS], malformed_rows=1)


def test_kernel_addresses_are_left_out() -> None:
    assert "76b357f3" not in repr(parse(NET_UNIX, HEADING + BUS))


@pytest.mark.parametrize(
    "text",
    ["", BUS, HEADING.replace("Inode ", "") + BUS, HEADING + "x\n"],
    ids=["empty", "no heading", "a kernel so old that it shows no inodes", "no row"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_UNIX, text)


def test_missing() -> None:
    assert failure(NET_UNIX, {"/proc/net/unix": ""}).reason is Reason.MISSING, "masked"
