"""Clients that were let in cannot make the running command keep much: it has little to keep, and says when to go."""

import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.running.attack import HOST, UPGRADE, answer, cpu, crowd, get, latency, resident
from tests.running.command import Serving, serving, wait_for

pytestmark = pytest.mark.server

MIB = 1 << 20
SECONDS = 5.0
STREAM = b"GET /v1/stream?%s HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n"
PROCESSES = 500
MANY = ("--max-clients-per-address", "200", "--interval", "100ms")


@pytest.fixture
def big_tree(tmp_path: Path) -> Path:
    """A host with many processes, one of which has a name that is four bytes per character in a text of Python."""
    tree = tmp_path / "host"
    (tree / "sys").mkdir(parents=True)
    for pid in range(1, PROCESSES + 1):
        (tree / "proc" / str(pid)).mkdir(parents=True)
    work(tree, 1)
    return tree


def work(tree: Path, turn: int) -> None:
    """Every process of a tree does something."""
    for pid in range(1, PROCESSES + 1):
        name = "\U0001f600" if pid == 7 else f"process-{pid}"
        numbers = " ".join(str(pid * place + turn * 7919) for place in range(1, 41))
        line = f"{pid} ({name}) S 1 {pid} {pid} 0 -1 4194560 {numbers}\n"
        (tree / "proc" / str(pid) / "stat").write_text(line, encoding="utf-8")


def of_tree(tree: Path) -> tuple[str, ...]:
    return ("--proc-root", str(tree / "proc"), "--sys-root", str(tree / "sys"))


def warm(server: Serving) -> int:
    """The memory of a server that has done everything once."""
    for path in ("/v1/snapshot", "/v1/usage", "/metrics", "/v1/history", "/"):
        assert answer(server, get(path)).startswith(b"HTTP/1.1 200")
    assert latency(server) < SECONDS
    return resident(server)


def test_streams_of_many_selections_leave_nothing_behind(tmp_path: Path, big_tree: Path) -> None:
    with serving(tmp_path, *MANY[:2], "--interval", "400ms", *of_tree(big_tree)) as server:
        before = warm(server)
        with ExitStack() as stack:
            clients = []
            for top in range(64):
                client = stack.enter_context(server.connect())
                client.sendall(get(f"/v1/events?top={400 + top}"))
                clients.append(client)
            for turn in range(6):
                work(big_tree, turn)
                for client in clients:
                    client.settimeout(0.005)
                    with suppress(TimeoutError):
                        client.recv(1 << 20)
            # There are as many selections as there can be.
            assert answer(server, get("/v1/events?top=1")).startswith(b"HTTP/1.1 503")
            assert resident(server) - before < 96 * MIB
        wait_for(lambda: visits(server, "top=1"), 20)
        assert latency(server) < SECONDS


def visits(server: Serving, query: str) -> bool:
    """Whether a websocket finds a place."""
    with suppress(OSError), server.connect() as client:
        client.sendall(STREAM % query.encode())
        return client.recv(100).startswith(b"HTTP/1.1 101")
    return False


def test_a_page_that_drops_its_streams_keeps_nobody_out(tmp_path: Path) -> None:
    with serving(tmp_path, *MANY) as server:
        warm(server)
        for top in range(64):
            server.drop(get(f"/v1/events?top={top}"), read=100)
        wait_for(lambda: visits(server, "top=100"), 20)
        # Nor those that somebody comes back to.
        for top in range(64):
            server.drop(get(f"/v1/events?top={top}", "last-event-id: 1"), read=100, reset=True)
        wait_for(lambda: visits(server, "top=101"), 20)


def test_pings_of_one_who_does_not_read(tmp_path: Path) -> None:
    ping = b"\x89\xfd\x00\x00\x00\x00" + b"p" * 125
    with serving(tmp_path, "--interval", "100ms") as server:
        before = warm(server)
        with crowd(server, 5, STREAM % b"sources=loadavg", buffer=4096) as clients:
            end = time.monotonic() + 4
            sent = 0
            for client in clients:
                client.setblocking(False)
            while time.monotonic() < end:
                for client in clients:
                    with suppress(OSError):
                        sent += client.send(ping * 400)
            assert sent < 64 * MIB
            assert resident(server) - before < 16 * MIB
            assert latency(server) < SECONDS
        assert "Traceback" not in server.log.read_text()


def test_one_ping_at_a_time_is_answered(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.connect() as client:
        client.sendall(STREAM % b"sources=loadavg&interval=3600")
        got = client.recv(1 << 16)
        while b'"seq"' not in got:
            got += client.recv(1 << 16)
        for _ in range(4):
            client.sendall(b"\x89\x82\x00\x00\x00\x00hi")
            assert client.recv(100) == b"\x8a\x02hi"
            time.sleep(0.2)


def test_answers_that_nobody_reads(tmp_path: Path, big_tree: Path) -> None:
    with serving(tmp_path, *MANY, *of_tree(big_tree)) as server:
        before = warm(server)
        with ExitStack() as stack:
            for top in range(12):
                request = get(f"/v1/snapshot?top={400 + top}").replace(b"connection: close", b"x: y") * 3
                stack.enter_context(crowd(server, 10, request, buffer=4096))
            for _ in range(4):
                assert latency(server) < SECONDS
                time.sleep(0.3)
            assert resident(server) - before < 64 * MIB
        assert answer(server, get("/v1/snapshot")).startswith(b"HTTP/1.1 200")


def test_websockets_that_nobody_reads(tmp_path: Path, big_tree: Path) -> None:
    with serving(tmp_path, *MANY, *of_tree(big_tree)) as server:
        before = warm(server)
        with crowd(server, 150, STREAM % b"usage=1", buffer=4096) as clients:
            time.sleep(1)
            assert resident(server) - before < 64 * MIB
            assert latency(server) < SECONDS
            # They are put out, and their places are free again.
            wait_for(lambda: streaming(server) == 0, 60)
            assert len(clients) == 150


def streaming(server: Serving) -> int:
    """How many clients are connected to streams, as the server counts them."""
    [line] = [
        line for line in answer(server, get("/metrics")).splitlines() if line.startswith(b"procpulse_web_clients ")
    ]
    return int(float(line.split()[1]))


def test_a_slow_reader_is_not_taken_for_one_that_reads_nothing(tmp_path: Path, big_tree: Path) -> None:
    with serving(tmp_path, *MANY, *of_tree(big_tree)) as server, socket.socket() as client:
        warm(server)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(30)
        client.connect(("127.0.0.1", server.port))
        client.sendall(get("/v1/snapshot"))
        got, began = 0, time.monotonic()
        while time.monotonic() - began < 12:
            piece = client.recv(2048)
            assert piece, f"it was cut after {got} bytes and {time.monotonic() - began:.0f} s"
            got += len(piece)
            time.sleep(0.1)
        while piece := client.recv(1 << 16):
            got += len(piece)
        assert got > 300_000


def test_history_is_not_made_anew_for_everybody(tmp_path: Path) -> None:
    with serving(tmp_path, "--interval", "50ms") as server:
        warm(server)
        time.sleep(3)
        used = cpu(server)
        for _ in range(100):
            assert answer(server, get("/v1/history")).startswith(b"HTTP/1.1 200")
        assert (cpu(server) - used) / 100 < 0.02
        before = resident(server)
        with crowd(server, 200, get("/v1/history"), buffer=4096):
            assert latency(server) < SECONDS
            assert resident(server) - before < 32 * MIB


def test_the_end_comes_at_once_under_all_of_it(tmp_path: Path, big_tree: Path) -> None:
    script = tmp_path / "pings.py"
    script.write_text(
        "import socket, sys, time\n"
        "client = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\n"
        f"client.sendall({STREAM % b'sources=loadavg'!r})\n"
        "end = time.monotonic() + 20\n"
        "while time.monotonic() < end:\n"
        "    client.send(b'\\x89\\x80\\0\\0\\0\\0' * 5); time.sleep(0.5)\n"
    )
    with serving(tmp_path, *MANY, *of_tree(big_tree)) as server, ExitStack() as stack:
        warm(server)
        stack.enter_context(crowd(server, 100, STREAM % b"usage=1", buffer=4096))
        stack.enter_context(crowd(server, 50, get("/v1/events?usage=1"), buffer=4096))
        stack.enter_context(crowd(server, 50, get("/v1/snapshot"), buffer=4096))
        stack.enter_context(crowd(server, 100, b"GET / HTTP/1.1\r\n", buffer=4096))
        pinging = subprocess.Popen([sys.executable, str(script), str(server.port)], stderr=subprocess.DEVNULL)
        stack.callback(pinging.wait)
        stack.callback(pinging.kill)
        assert latency(server) < SECONDS
        began = time.monotonic()
        server.process.terminate()
        assert server.process.wait(20) == 0
        print(f"it ended within {time.monotonic() - began:.2f} s")
        assert time.monotonic() - began < 10
        assert "Traceback" not in server.log.read_text()
        server.ended = True
