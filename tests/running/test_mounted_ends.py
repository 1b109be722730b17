"""A server that an application is mounted in ends when it is told to, whatever streams are open."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import uvicorn

import procpulse.web
from procpulse.web.ending import Ending
from tests.running.command import wait_for

ROOT = Path(__file__).parents[2]
SERVERS = {
    "uvicorn": ("uvicorn", "{app}", "--port", "{port}"),
    "uvicorn, 2 workers": ("uvicorn", "{app}", "--port", "{port}", "--workers", "2"),
    "gunicorn, uvicorn's workers": (
        "gunicorn", "{app}", "-k", "uvicorn.workers.UvicornWorker", "--bind", "127.0.0.1:{port}", "--workers", "2"
    ),
    "gunicorn, its own worker": ("gunicorn", "{app}", "-k", "asgi", "--bind", "127.0.0.1:{port}"),
    "hypercorn": ("hypercorn", "{app}", "--bind", "127.0.0.1:{port}"),
    "granian": ("granian", "--interface", "asgi", "--port", "{port}", "{app}"),
}  # fmt: skip
EVENTS = b"GET /pulse/v1/events?sources=loadavg HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
SOCKET = (
    b"GET /pulse/v1/stream?sources=loadavg HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
BUSY = 1.0
"""Seconds that an end may take; three times as many where the machine has other work."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def may_take() -> float:
    return 3 * BUSY if os.getloadavg()[0] < 2 * (os.cpu_count() or 1) else 10 * BUSY


@contextmanager
def running(words: tuple[str, ...], app: str, cwd: Path, log: Path) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """A server as a process of its own, with its workers in one group, and its port."""
    port = free_port()
    words = tuple(word.replace("{app}", app).replace("{port}", str(port)) for word in words)
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=cwd, stdout=file, stderr=file, start_new_session=True,
            env={**os.environ, "PYTHONPATH": path, "HOME": str(log.parent)},
        )  # fmt: skip
    try:
        wait_for(lambda: process.poll() is not None or answers(port), 60)
        yield process, port
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"GET /pulse/healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        return client.recv(100).startswith(b"HTTP/1.1 200")
    return False


def open_stream(stack: ExitStack, port: int, request: bytes) -> socket.socket:
    """A client that has its first frame."""
    client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
    client.sendall(request)
    got = b""
    while b'"seq"' not in got:
        piece = client.recv(65536)
        assert piece, got
        got += piece
    return client


@pytest.mark.server
@pytest.mark.parametrize("server", SERVERS)
def test_open_streams_do_not_keep_a_server(server: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    app = "examples.fastapi_mount:app" if server == "uvicorn" else "examples.starlette_app:app"
    with running(SERVERS[server], app, ROOT, log) as (process, port), ExitStack() as stack:
        for place in range(25):
            open_stream(stack, port, SOCKET if place % 5 == 4 else EVENTS)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
        took = time.monotonic() - began
        print(f"{server}: {took:.2f} s with 20 event streams and 5 websockets")
        assert took < may_take()
        # uvicorn ends by the signal that it was sent, once it is done; all others with 0.
        assert code in ((0, -signal.SIGTERM) if server == "uvicorn" else (0,))
    said = log.read_text()
    assert "Traceback" not in said
    assert "ERROR" not in said


@pytest.mark.server
def test_the_reloader_comes_back(tmp_path: Path) -> None:
    module = tmp_path / "reloaded.py"
    module.write_text("from examples.starlette_app import app\n")
    words = ("uvicorn", "{app}", "--port", "{port}", "--reload", "--reload-dir", str(tmp_path))
    log = tmp_path / "log"
    with running(words, "reloaded:app", tmp_path, log) as (process, port), ExitStack() as stack:
        clients = [open_stream(stack, port, request) for request in (EVENTS, EVENTS, SOCKET)]
        started = log.read_text().count("Started server process")
        module.write_text("from examples.starlette_app import app\n\n# touched\n")
        wait_for(lambda: log.read_text().count("Application startup complete") > started, 60)
        wait_for(lambda: answers(port), 60)
        for client in clients:
            wait_for(lambda client=client: not client.recv(65536), 20)
        open_stream(stack, port, EVENTS)
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    assert "Traceback" not in log.read_text()


@pytest.mark.server
@pytest.mark.parametrize("how", ["flag", "requests"])
def test_a_server_in_a_thread_ends_without_a_signal(how: str) -> None:
    app = procpulse.web.app(interval=0.1)
    most = 3 if how == "requests" else None
    server = uvicorn.Server(uvicorn.Config(app, port=free_port(), log_level="error", limit_max_requests=most))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        with ExitStack() as stack:
            for request in (EVENTS, EVENTS, SOCKET):
                open_stream(stack, server.config.port, request.replace(b"/pulse", b""))
            if how == "flag":
                server.should_exit = True
            else:
                for _ in range(4):
                    answers_at_root(server.config.port)
            began = time.monotonic()
            thread.join(30)
            assert not thread.is_alive()
            assert time.monotonic() - began < may_take()
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def answers_at_root(port: int) -> None:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        while client.recv(1000):
            pass


async def settled(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts the handlers of signals back."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
async def test_a_signal_reaches_who_handled_it_before() -> None:
    loop, heard, called = asyncio.get_running_loop(), [], []
    signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
    first, second = Ending(lambda: called.append(1)), Ending(lambda: called.append(2))
    handler = signal.getsignal(signal.SIGTERM)
    first.watch()
    second.watch()
    first.watch()
    os.kill(os.getpid(), signal.SIGTERM)
    await settled(lambda: sorted(called) == [1, 2])
    assert heard == [signal.SIGTERM]
    first.ignore()
    assert signal.getsignal(signal.SIGTERM) is not handler
    second.ignore()
    assert signal.getsignal(signal.SIGTERM) is handler
    os.kill(os.getpid(), signal.SIGTERM)
    await settled(lambda: len(heard) == 2)
    await asyncio.sleep(0)
    assert sorted(called) == [1, 2]
    # A handler of the loop itself, as granian has.
    loop.add_signal_handler(signal.SIGTERM, heard.append, 0)
    try:
        first.watch()
        os.kill(os.getpid(), signal.SIGTERM)
        await settled(lambda: heard[-1] == 0 and called[-1] == 1)
        first.ignore()
        os.kill(os.getpid(), signal.SIGTERM)
        await settled(lambda: heard.count(0) == 2)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)


@pytest.mark.usefixtures("handlers")
async def test_what_nobody_handles_and_what_others_put_there_stays() -> None:
    ending = Ending(lambda: None)
    for nothing in (signal.SIG_DFL, signal.SIG_IGN):
        signal.signal(signal.SIGTERM, nothing)
        ending.watch()
        assert signal.getsignal(signal.SIGTERM) is nothing
        ending.ignore()
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    ending.watch()

    def theirs(number: int, frame: object) -> None:
        pass

    signal.signal(signal.SIGTERM, theirs)
    ending.ignore()
    assert signal.getsignal(signal.SIGTERM) is theirs


async def test_a_sample_that_is_waited_for_does_not_keep_a_server() -> None:
    app = procpulse.web.app(interval=3600.0)
    async with app.lifespan():
        await app.hub.newest(20)
        waiting = asyncio.create_task(app.hub.newest(3600, delta=True))
        await asyncio.sleep(0.05)
        app.hub.go_away()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(waiting, 20)
