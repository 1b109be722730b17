import pytest

from procpulse import Host
from procpulse.source import Malformed
from procpulse.sources import NET_PROTOCOLS
from procpulse.sources.proc.net_protocols import Protocol
from tests.cases import parse

OLD = "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re sp bi br ha uh gp em\n"
NEW = "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n"

CASES = [
    pytest.param(
        OLD
        + "UDP       1024     73      57   NI       0   yes  kernel      y  y  y  n  y  y  y  n  y  y  y  y  y  n  n  y  y  y  n\n"
        + "NETLINK   1040     16      -1   NI       0   no   kernel      n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n\n",
        [
            Protocol(
                "UDP", "kernel", 1024, 73, memory_bytes=57 * 4096, pressure=None, max_header_bytes=0, slab=True,
                capabilities=[
                    "close", "connect", "disconnect", "ioctl", "init", "destroy", "setsockopt", "getsockopt", "sendmsg",
                    "recvmsg", "sendpage", "hash", "unhash", "get_port",
                ],
            ),
            Protocol("NETLINK", "kernel", 1040, 16, None, None, 0, False, []),
        ],
        id="with sendpage, kernel 4.18",
    ),
    pytest.param(
        NEW
        + "SCTPv6    1600     -1       2   yes    320   no   sctp        y  y  y  y  y  y  y  y  y  y  y  y  y  y  y  y  y  y\n"
        + "UNIX-STREAM 1088    213      -1   no     0   yes  kernel      y  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n\n",
        [
            Protocol(
                "SCTPv6", "sctp", 1600, -1, 8192, True, 320, False,
                [
                    "close", "connect", "disconnect", "accept", "ioctl", "init", "destroy", "shutdown", "setsockopt",
                    "getsockopt", "sendmsg", "recvmsg", "bind", "backlog_rcv", "hash", "unhash", "get_port",
                    "enter_memory_pressure",
                ],
            ),
            Protocol("UNIX-STREAM", "kernel", 1088, 213, None, False, 0, True, ["close"]),
        ],
        id="without sendpage, kernel 6.18; a name longer than its column",
    ),
    pytest.param(
        OLD + "PING 904 0 -1 NI 0 yes kernel n n n n n n n n n n n n n y n n n y\n",
        [Protocol("PING", "kernel", 904, 0, None, None, 0, True, ["backlog_rcv", "enter_memory_pressure"])],
        id="a heading with a column sp that the rows lack",
    ),
    pytest.param(
        NEW.replace("gp em", "gp em zz") + "PING 904 0 -1 NI 0 yes kernel n n n n n n n n n n n n n n n n n n y\n"
        "PONG 904 0 -1 NI 0 yes kernel n n y\n",
        [
            Protocol("PING", "kernel", 904, 0, None, None, 0, True, ["zz"]),
            Protocol("PONG", "kernel", 904, 0, None, None, 0, True, None),
        ],
        id="a capability of a kernel to come, and a row that does not match the heading",
    ),
    pytest.param(
        NEW.encode() + b"P\x1bF 904 0 -1 NI 0 yes k\xff\n",
        [Protocol("P\\x1bF", "k\\xff", 904, 0, None, None, 0, True, None)],
        id="hostile names",
    ),
    pytest.param(NEW, [], id="no protocols"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_protocols(text: str | bytes, expected: list[Protocol]) -> None:
    assert parse(NET_PROTOCOLS, text) == expected


@pytest.mark.parametrize(("kernel", "unit"), [("5.19.17", 4096), ("6.0.0", 65536), ("", 65536)])
def test_memory_is_counted_in_pages_since_6_0(kernel: str, unit: int) -> None:
    row = NEW + "TCP 2432 27 291 no 320 yes kernel\n"
    [protocol] = parse(NET_PROTOCOLS, row, Host(kernel=kernel, page_size=65536))
    assert protocol.memory_bytes == 291 * unit


@pytest.mark.parametrize(
    "text",
    [
        "",
        "TCP 2432 27 291 no 320 yes kernel\n",
        NEW + "TCP 2432 27 291 no 320 yes\n",
        NEW + "TCP 2432 x 291 no 320 yes kernel\n",
        NEW + "TCP 2432 27 18446744073709551616 no 320 yes kernel\n",
    ],
    ids=["empty", "no heading", "a column short", "no number", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_PROTOCOLS, text)
