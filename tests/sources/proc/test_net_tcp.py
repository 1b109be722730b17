import pytest

from procpulse import Host
from procpulse.source import Malformed, Reason
from procpulse.sources import NET_TCP
from procpulse.sources.proc.net_tcp import NetTcp, TcpSocket
from tests.cases import HOST, failure, parse

HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode     \n"
LISTENS = "   0: 0100007F:0277 00000000:0000 0A 00000000:00000003 00:00000000 00000000   112        0 24306 1 00000000c2c1ef59 100 0 0 10 5   \n"
LISTENING = TcpSocket(
    "127.0.0.1", 631, "0.0.0.0", 0, 24306, "LISTEN", 10, tx_queue_bytes=0, rx_queue_bytes=None, accept_queue=3,
    timer=None, timer_ticks=None, retransmits=0, probes=0, uid=112, entry=0,
    rto_ticks=100, ato_ticks=0, quick_acks=0, interactive=False, congestion_window=10,
    slow_start_threshold=None, fast_open_queue=5,
)  # fmt: skip

CASES = [
    pytest.param(HEADING + LISTENS, [LISTENING], id="one that listens: what it received are connections to accept"),
    pytest.param(
        HEADING
        + "   3: 281E140A:0016 071E140A:C818 01 00000150:000005B4 01:00000014 00000002     0        1 402113 4 ffff88003d3af3c0 20 4 27 18 17\n",
        [
            TcpSocket(
                "10.20.30.40", 22, "10.20.30.7", 51224, 402113, "ESTABLISHED", 1, tx_queue_bytes=336,
                rx_queue_bytes=1460, accept_queue=None, timer="retransmit", timer_ticks=20, retransmits=2, probes=1, uid=0,
                entry=3, rto_ticks=20, ato_ticks=4, quick_acks=13, interactive=True, congestion_window=18,
                slow_start_threshold=17, fast_open_queue=None,
            )
        ],
        id="a connection that waits for an acknowledgement",
    ),
    pytest.param(
        HEADING
        + "   4: 281E140A:A97C 156433C6:01BB 01 00000000:00000000 02:00001067 00000000  1000        0 7 1 (____ptrval____) 23 4 30 10 -1\n",
        [
            TcpSocket(
                "10.20.30.40", 43388, "198.51.100.21", 443, 7, "ESTABLISHED", 1, 0, 0, None, "keepalive", 4199, 0, 0, 1000, 4,
                23, 4, 15, False, 10, slow_start_threshold=None,
            )
        ],
        id="no threshold yet, and no pointer either",
    ),
    pytest.param(
        HEADING
        + "   9: 281E140A:A030 4D6433C6:0050 06 00000000:00000000 03:00000B2A 00000000     0        0 0 3 0000000000000000   \n"
        + "  10: 281E140A:0016 420200C0:EA75 03 00000000:00000000 01:0000005A 00000001     0        0 0 0 0000000000000000\n",
        [
            TcpSocket(
                "10.20.30.40", 41008, "198.51.100.77", 80, 0, "TIME_WAIT", 6, 0, 0, None, "time_wait", 2858, 0, 0, 0, 9
            ),
            TcpSocket(
                "10.20.30.40", 22, "192.0.2.66", 60021, 0, "SYN_RECV", 3, 0, 0, None, "retransmit", 90, 1, 0, 0, 10
            ),
        ],
        id="rows that end early: closed, and not open yet; both without an inode",
    ),
    pytest.param(
        HEADING
        + "   7: 281E140A:97A0 097100CB:20FB 04 000004A1:00000000 04:00001F40 00000000     0        6 0 2 0 12000 0 0 2 2 77 new\n"
        + "   8: 281E140A:97A2 097100CB:20FB 0D 00000000:00000000 05:00000001 00000000     0        0 8 2 0 20 0 0 2 2\n",
        [
            TcpSocket(
                "10.20.30.40", 38816, "203.0.113.9", 8443, 0, "FIN_WAIT1", 4, 1185, 0, None, "probe", 8000, 0, 6, 0, 7,
                12000, 0, 0, False, 2, 2,
            ),
            TcpSocket(
                "10.20.30.40", 38818, "203.0.113.9", 8443, 8, "0D", 13, 0, 0, None, "other", 1, 0, 0, 0, 8,
                20, 0, 0, False, 2, 2,
            ),
        ],
        id="columns, a state and a timer of a kernel to come",
    ),
    pytest.param(
        HEADING
        + "   1: 0100007F:1F90 0100007F:C000 01 FFFFFFF0:FFFFFFFF 00:00000000 00000000     0        0 9 2 0 20 4 30 10 -1\n",
        [
            TcpSocket(
                "127.0.0.1", 8080, "127.0.0.1", 49152, 9, "ESTABLISHED", 1, 0, 0, None, None, None, 0, 0, 0, 1,
                20, 4, 15, False, 10,
            )
        ],
        id="queues that are less than nothing for a moment",
    ),
    pytest.param(HEADING, [], id="no sockets"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_tcp(text: str, expected: list[TcpSocket]) -> None:
    assert parse(NET_TCP, text) == NetTcp(expected, malformed_rows=0)


def test_a_socket_that_is_listed_twice_is_kept_once_as_it_was_last() -> None:
    row = "   {}: 0100007F:1F90 0100007F:C000 {} 00000000:00000000 00:00000000 00000000     0        0 {} 2 0 20 4 30 10 -1\n"
    sockets = parse(NET_TCP, HEADING + row.format(0, "01", 9) + LISTENS + row.format(2, "08", 9)).sockets
    assert [(socket.inode, socket.state) for socket in sockets] == [(9, "CLOSE_WAIT"), (24306, "LISTEN")]
    sockets = parse(NET_TCP, HEADING + row.format(0, "06", 0) + row.format(1, "01", 9)).sockets
    assert [(socket.inode, socket.state) for socket in sockets] == [(0, "TIME_WAIT"), (9, "ESTABLISHED")]


def test_subflows_of_one_socket_are_told_apart_by_their_addresses() -> None:
    row = (
        "   0: 0100007F:{} 0100007F:01BB 01 00000000:00000000 00:00000000 00000000     0        0 9 2 0 20 4 30 10 -1\n"
    )
    assert len(parse(NET_TCP, HEADING + row.format("9C40") + row.format("9C41")).sockets) == 2


def test_big_endian() -> None:
    row = "   0: 7F000001:0277 C0000242:EA75 0A 00000000:00000003 00:00000000 00000000   112        0 24306 1 0 100 0 0 10 5\n"
    [socket] = parse(NET_TCP, HEADING + row, Host(little_endian=False)).sockets
    assert (socket.local_address, socket.remote_address) == ("127.0.0.1", "192.0.2.66")


@pytest.mark.parametrize(
    "row",
    [
        "   1: 0100007F:0277 00000000:0000 0A\n",
        "   1: 0100007F:0277 00000000:0000 0A 00000000:00000000 00:00000000 00000000   112        0\n",
        "   1: 0100007G:0277 00000000:0000 0A 00000000:00000003 00:00000000 00000000   112        0 1 1 0 100 0 0 10 5\n",
        "   1: 0100007:0277 00000000:0000 0A 00000000:00000003 00:00000000 00000000   112        0 1 1 0 100 0 0 10 5\n",
        "   1: 0100007F:0277 00000000:0000 0A 0000_000:00000003 00:00000000 00000000   112        0 1 1 0 100 0 0 10 5\n",
        "   1: 0100007F:0277 00000000:0000 0A 00000000:00000003 00:00000000 00000000   112        0 99999999999999999999 1 0\n",
        "   1: 0100007F:0277 00000000:0000 0A 00000000:00000003 00:00000000 00000000   112        0 12x 1 0 100 0 0 10 5\n",
        "\n",
        "\0\0\0\n",
        "what?\n",
    ],
    ids=[
        "cut after the state", "cut before the inode", "no digit", "a digit short", "no number", "over 64 bits",
        "an inode that is none", "empty", "NUL", "garbage",
    ],
)  # fmt: skip
def test_a_row_that_makes_no_sense_is_left_out_and_counted(row: str) -> None:
    assert parse(NET_TCP, HEADING + row + LISTENS) == NetTcp([LISTENING], malformed_rows=1)
    with pytest.raises(Malformed, match="none of 1 rows"):
        parse(NET_TCP, HEADING + row)


def test_an_end_that_makes_no_sense_is_absent() -> None:
    row = "   0: 0100007F:0277 00000000:0000 0A 00000000:00000003 00:00000000 00000000   112        0 24306 1 0 100 0 0 10 5x\n"
    [socket] = parse(NET_TCP, HEADING + row).sockets
    assert (socket.inode, socket.rto_ticks, socket.congestion_window, socket.fast_open_queue) == (
        24306,
        None,
        None,
        None,
    )


def test_kernel_addresses_are_left_out() -> None:
    assert "c2c1ef59" not in repr(parse(NET_TCP, HEADING + LISTENS))


def test_malformed() -> None:
    for text in ("", LISTENS, "x\n"):
        with pytest.raises(Malformed, match="no heading"):
            parse(NET_TCP, text)


def test_cut() -> None:
    assert len(parse(NET_TCP, (HEADING + LISTENS + LISTENS)[:-20]).sockets) == 1, "a row without its end is no row"


def test_missing() -> None:
    assert failure(NET_TCP, {}).reason is Reason.MISSING
    assert failure(NET_TCP, {"/proc/net/tcp": ""}).reason is Reason.MISSING, "masked"


def test_piece_by_piece() -> None:
    """Wherever the kernel cuts the file, the table is the same."""
    data = (HEADING + LISTENS + CASES[1].values[0].removeprefix(HEADING)).encode()  # type: ignore[union-attr,attr-defined]
    whole = parse(NET_TCP, data)
    for cut in range(1, len(data)):
        folding = NET_TCP.start(HOST)
        *lines, rest = data[:cut].split(b"\n")
        folding.feed(lines)
        folding.feed((rest + data[cut:]).split(b"\n")[:-1])
        assert folding.result() == whole
