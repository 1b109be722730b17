"""Tables of 100,000 sockets: the summaries in constant memory, the tables each socket once, both in bounded time."""

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procpulse import Host, Reason, Roots, Sampler, Source
from procpulse.reader import Reader
from procpulse.source import Fold, Piece, Reading
from procpulse.sources import (
    NET_RAW,
    NET_TCP,
    NET_TCP6,
    NET_TCP6_SUMMARY,
    NET_TCP_SUMMARY,
    NET_UDP,
    NET_UDP6,
    NET_UDP6_SUMMARY,
    NET_UDP_SUMMARY,
    NET_UNIX,
)

ROWS = 100_000
HEADING = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode{}\n"
UNIX = "Num       RefCount Protocol Flags    Type St Inode Path\n"


def tcp(row: int) -> str:
    return f"{row:4d}: 0A00000A:{row % 65536:04X} 0B00000A:01BB 01 00000001:00000002 00:00000000 00000000  1000        0 {row} 1 0000000000000000 20 4 30 10 -1\n"


def tcp6(row: int) -> str:
    return f"{row:4d}: B80D012000000000000000000100000{row % 10}:{row % 65536:04X} 00000000000000000000000000000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 {row} 1 0000000000000000 100 0 0 10 0\n"


def udp(row: int) -> str:
    return f"{row:5d}: 0A00000A:{row % 65536:04X} 00000000:0000 07 00000000:00000004 00:00000000 00000000     0        0 {row} 2 0000000000000000 5\n"


def udp6(row: int) -> str:
    return tcp6(row).replace(" 0A 00000000:00000003", " 07 00000000:00000004").replace(" 100 0 0 10 0", " 5")


def unix(row: int) -> str:
    return f"0000000000000000: 00000002 00000000 00010000 0001 01 {row} /run/socket/{row}\n"


TABLES = [
    pytest.param(NET_TCP, HEADING, tcp, id="net_tcp"),
    pytest.param(NET_TCP6, HEADING, tcp6, id="net_tcp6"),
    pytest.param(NET_UDP, HEADING.format(" ref pointer drops"), udp, id="net_udp"),
    pytest.param(NET_UDP6, HEADING.format(" ref pointer drops"), udp6, id="net_udp6"),
    pytest.param(NET_RAW, HEADING.format(" ref pointer drops"), udp, id="net_raw"),
    pytest.param(NET_UNIX, UNIX, unix, id="net_unix"),
]
SUMMARIES = [
    pytest.param(
        NET_TCP_SUMMARY, HEADING, tcp, {"tx_queue_bytes": ROWS, "rx_queue_bytes": 2 * ROWS}, id="net_tcp_summary"
    ),
    pytest.param(NET_TCP6_SUMMARY, HEADING, tcp6, {"accept_queue": 3 * ROWS}, id="net_tcp6_summary"),
    pytest.param(NET_UDP_SUMMARY, HEADING, udp, {"rx_queue_bytes": 4 * ROWS, "drops": 5 * ROWS}, id="net_udp_summary"),
    pytest.param(
        NET_UDP6_SUMMARY, HEADING, udp6, {"rx_queue_bytes": 4 * ROWS, "drops": 5 * ROWS}, id="net_udp6_summary"
    ),
]


def fold(source: Source[Any], heading: str, row: Callable[[int], str], rows: int) -> Any:
    """Read a table that is made while it is read, piece by piece, so that it is never in memory itself."""
    steps = source.steps(Reading(Host()))
    [request] = next(steps)
    made, data = 0, heading.format("")
    while True:
        assert isinstance(request, Piece)
        while made < rows and len(data) < 65_000:
            data += row(made)
            made += 1
        try:
            [request] = steps.send([data.encode()])
        except StopIteration as stop:
            return stop.value
        data = ""


@pytest.mark.parametrize(("source", "heading", "row", "sums"), SUMMARIES)
def test_a_summary_keeps_no_rows(
    source: Source[Any], heading: str, row: Callable[[int], str], sums: dict[str, int]
) -> None:
    assert isinstance(source, Fold)
    fold(source, heading, row, 3000)
    tracemalloc.start()
    found = fold(source, heading, row, ROWS // 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20, "a piece and its lines, whatever the number of rows"
    began = time.thread_time()
    found = fold(source, heading, row, ROWS)
    assert time.thread_time() - began < 10, "about a second, making the rows included"
    assert found.sockets == ROWS
    assert found.malformed_rows == 0
    assert {name: getattr(found, name) for name in sums} == sums


@pytest.mark.parametrize("rows", [1_000, ROWS])
def test_memory_does_not_grow_with_the_rows(rows: int) -> None:
    folding = NET_TCP_SUMMARY.start(Host())  # type: ignore[attr-defined]
    folding.feed([HEADING.format("").encode()])
    lines = [tcp(row).encode()[:-1] for row in range(100)]
    folding.feed(lines)
    tracemalloc.start()
    for _ in range(rows // 100):
        folding.feed(lines)
    assert tracemalloc.get_traced_memory()[0] < 10_000
    tracemalloc.stop()
    assert folding.result().sockets == rows + 100


@pytest.mark.parametrize(("source", "heading", "row"), TABLES)
def test_a_table_of_100_000_rows_has_each_socket_once(
    source: Source[Any], heading: str, row: Callable[[int], str]
) -> None:
    """The kernel lists some again: here every row of the second half twice."""
    began = time.thread_time()
    found = fold(source, heading, lambda nth: row(nth) if nth < ROWS // 2 else row(nth) + row(nth), ROWS)
    assert time.thread_time() - began < 20, "a few seconds, making the rows included"
    assert len(found.sockets) == ROWS
    assert [socket.inode for socket in found.sockets[:3]] == [0, 1, 2]
    assert len({socket.inode for socket in found.sockets}) == ROWS
    assert found.malformed_rows == 0


def test_a_table_is_read_in_slices(tmp_path: Path) -> None:
    """However long it is, the loop gets its turn after every piece."""
    file = tmp_path / "proc/net/tcp"
    file.parent.mkdir(parents=True)
    file.write_text(HEADING.format("") + "".join(map(tcp, range(20_000))))
    (tmp_path / "sys").mkdir()
    steps = NET_TCP.steps(Reading(Host()))
    requests, pieces, offset = next(steps), 0, 0
    data = file.read_bytes()
    while True:
        [request] = requests
        assert request.offset == offset  # type: ignore[union-attr]
        piece = data[offset : offset + 65536]
        offset += len(piece)
        pieces += 1
        try:
            requests = steps.send([piece])
        except StopIteration:
            break
    assert pieces == len(data) // 65536 + 2
    reader = Reader(Roots(proc=str(tmp_path / "proc"), sys=str(tmp_path / "sys")))
    result = reader.read_sync([NET_TCP], lambda source: 60.0)["net_tcp"]
    reader.close()
    assert len(result.value.sockets) == 20_000


def test_a_table_that_is_not_done_in_time_has_no_value(tmp_path: Path) -> None:
    """Part of a table would be a wrong number."""
    file = tmp_path / "proc/net/tcp"
    file.parent.mkdir(parents=True)
    file.write_text(HEADING.format("") + "".join(map(tcp, range(50_000))))
    (tmp_path / "sys").mkdir()
    sampler = Sampler(
        [NET_TCP, NET_TCP_SUMMARY],
        roots=Roots(proc=str(tmp_path / "proc"), sys=str(tmp_path / "sys")),
        deadlines={NET_TCP: 0.005, NET_TCP_SUMMARY: 60.0},
    )
    snapshot = sampler.sample_sync()
    sampler.close()
    assert snapshot.get(NET_TCP) is None
    assert snapshot.failures["net_tcp"].reason is Reason.TIMEOUT
    assert snapshot[NET_TCP_SUMMARY].sockets == 50_000


@pytest.mark.parametrize(
    ("little", "v4", "v6"),
    [(True, "281E140A", "B80D0120000000000000000001000000"), (False, "0A141E28", "20010DB8000000000000000000000001")],
    ids=["little endian", "big endian"],
)
@pytest.mark.parametrize("name", ["tcp", "udp"])
def test_addresses_in_the_order_of_the_host(little: bool, v4: str, v6: str, name: str) -> None:
    for source, digits, row, expected in (
        (NET_TCP if name == "tcp" else NET_UDP, v4, tcp if name == "tcp" else udp, "10.20.30.40"),
        (NET_TCP6 if name == "tcp" else NET_UDP6, v6, tcp6 if name == "tcp" else udp6, "2001:db8::1"),
    ):
        line = row(1).split()
        line[1] = f"{digits}:0016"
        text = HEADING.format("") + "   " + " ".join(line) + "\n"
        [socket] = source.understand(text.encode(), Host(little_endian=little)).sockets  # type: ignore[attr-defined]
        assert (socket.local_address, socket.local_port) == (expected, 22)
