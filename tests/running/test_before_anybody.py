"""Clients that nobody knows yet cannot stop the running command, fill its memory or its log."""

import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.running.attack import HOST, UPGRADE, answer, cpu, crowd, get, latency, resident
from tests.running.command import Serving, serving

pytestmark = pytest.mark.server

MIB = 1 << 20
SECONDS = 5.0
"""How long an answer may take on a busy machine. What these attacks did was to stop answers altogether."""


def calm(server: Serving, most: int = 8 * MIB, before: int = 0) -> None:
    """It answers, has not grown much, and has said little."""
    assert latency(server) < SECONDS
    assert resident(server) - before < most
    log = server.log.read_text()
    assert len(log) < 20_000, log[:2000]
    assert "Traceback" not in log, log[:2000]


HEADS = {
    "a header without an end": b"GET / HTTP/1.1\r\n" + HOST + b"x-a: ",
    "a path without an end": b"GET /",
    "headers without an end": b"GET / HTTP/1.1\r\n" + HOST,
    "a method without an end": b"G",
    "blank lines": b"",
    "a body without an end": b"GET /healthz HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n",
    "trailers": b"POST /v1/login HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n\r\n0\r\nx-a: ",
}
FILLING = {"headers without an end": b"a: b\r\n", "blank lines": b"\r\n", "a body without an end": b"1\r\nx\r\n"}


@pytest.mark.parametrize("how", HEADS)
def test_a_request_has_a_size(tmp_path: Path, how: str) -> None:
    filling = FILLING.get(how, b"x" * 64) * 1024
    with serving(tmp_path) as server:
        server.alive()
        before, used = resident(server), cpu(server)
        for _ in range(4):
            sent = 0
            with suppress(OSError), server.connect() as client:
                client.sendall(HEADS[how])
                while sent < 64 * MIB:
                    sent += client.send(filling)
            assert sent < 8 * MIB, "it listens no longer; the rest is in buffers of the kernel"
        assert cpu(server) - used < 2
        calm(server, before=before)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"y" * 17_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"x: y\r\n" * 120 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"x: y\r\n" * 80 + b"connection: close\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"y" * 15_000 + b"\r\nconnection: close\r\n\r\n", b"200"),
        (b"GET /v1/stream HTTP/1.1\r\n" + HOST + UPGRADE + b"cookie: " + b"a" * 9000 + b"\r\n\r\n", b"431"),
        (b"GET /v1/stream?" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n", b"414"),
        (b"GET /v1/stream HTTP/1.1\r\n" + HOST + UPGRADE + b"x: y\r\n" * 120 + b"\r\n", b"431"),
        (b"GET /v1/nothing HTTP/1.1\r\n" + HOST + UPGRADE + b"\r\n", b"404"),
    ],
    ids=lambda value: value.decode() if len(value) < 4 else "",
)
def test_what_is_too_long_is_answered_and_closed(tmp_path: Path, request_: bytes, status: bytes) -> None:
    with serving(tmp_path) as server:
        at_start = server.log.read_text()
        assert answer(server, request_).startswith(b"HTTP/1.1 " + status)
        calm(server, 1 << 40)
        said = server.log.read_text().removeprefix(at_start)
        assert said in ("", "procpulse: Invalid HTTP request received.\n")


def test_handshakes_that_are_refused_hold_no_place(tmp_path: Path) -> None:
    refused = b"GET /v1/stream HTTP/1.1\r\n" + HOST + UPGRADE + b"x: " + b"a" * 9000 + b"\r\n\r\n"
    with serving(tmp_path, "--max-clients", "200") as server:
        server.alive()
        before = resident(server)
        for _ in range(3):
            with crowd(server, 300, refused):
                calm(server, 32 * MIB, before)
        assert latency(server) < SECONDS


def test_silence_takes_no_place(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        server.alive()
        before, used = resident(server), cpu(server)
        with crowd(server, 250), crowd(server, 250, b"GET / HTTP/1.1\r\nhost: 127"), crowd(server, 250, b"\x16\x03"):
            for _ in range(3):
                calm(server, 32 * MIB, before)
        assert cpu(server) - used < 5


def test_who_comes_and_goes_finds_a_place_beside_streams(tmp_path: Path) -> None:
    with (
        serving(tmp_path, "--max-clients", "40", "--max-clients-per-address", "40") as server,
        crowd(server, 40, get("/v1/events?sources=loadavg")) as streams,
    ):
        for stream in streams:
            assert stream.recv(4096).startswith(b"HTTP/1.1 200")
        with crowd(server, 600):
            assert answer(server, get("/v1/usage?top=0")).startswith(b"HTTP/1.1 200")
            assert answer(server, get("/v1/events")).startswith(b"HTTP/1.1 ")
        for stream in streams:
            stream.settimeout(10)
            assert stream.recv(1 << 16), "nobody was put out who was served"


def test_no_descriptors_left(tmp_path: Path) -> None:
    with serving(tmp_path, descriptors=256) as server:
        server.alive()
        used = cpu(server)
        for _ in range(2):
            with crowd(server, 400):
                calm(server, 1 << 40)
        assert cpu(server) - used < 5
        assert answer(server, get("/v1/snapshot?sources=loadavg")).startswith(b"HTTP/1.1 200")


BAD = {
    "a long piece of a path": (get("/" + "a" * 300), b"404"),
    "a long path": (get("/" + "a" * 15_000), b"404"),
    "an odd version": (get("/metrics", "accept: application/openmetrics-text;version=abc"), b"200"),
    "a new version": (get("/metrics", "accept: application/openmetrics-text;version=1.0.77"), b"200"),
    "another host in the target": (get("http://evil.example/v1/usage"), b"403"),
    "our host in the target": (get("http://127.0.0.1/v1/usage"), b"200"),
    "a slash at the end": (get("/v1/usage/"), b"404"),
    "a slash in disguise": (get("/v1%2fusage"), b"404"),
    "a letter in disguise": (get("/v1/%75sage"), b"404"),
    "a number with an underscore": (get("/v1/events?interval=1_0"), b"400"),
    "a number in Arabic": (get("/v1/events?interval=%D9%A1"), b"400"),
    "no path at all": (b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n" + HOST + b"\r\n", b"400"),
    "another site": (get("/v1/events", "sec-fetch-site: cross-site", "sec-fetch-mode: no-cors"), b"403"),
    "another port": (get("/v1/usage", "sec-fetch-site: same-site"), b"403"),
    "a link on another site": (
        get("/", "sec-fetch-site: cross-site", "sec-fetch-mode: navigate", "sec-fetch-dest: document"), b"200",
    ),
    "a frame on another site": (
        get("/", "sec-fetch-site: cross-site", "sec-fetch-mode: navigate", "sec-fetch-dest: iframe"), b"403",
    ),
    "its own page": (get("/v1/usage", "sec-fetch-site: same-origin"), b"200"),
}  # fmt: skip


def test_requests_that_make_no_sense(tmp_path: Path) -> None:
    with serving(tmp_path, "--interval", "200ms") as server:
        server.alive()
        answers = {how: answer(server, request)[9:12] for how, (request, _) in BAD.items()}
        assert answers == {how: status for how, (_, status) in BAD.items()}
        calm(server, 1 << 40)


def test_metrics_are_made_once_however_they_are_asked_for(tmp_path: Path) -> None:
    with serving(tmp_path, "--interval", "60s") as server:
        answer(server, get("/metrics", "accept: application/openmetrics-text"))
        used = cpu(server)
        for number in range(200):
            accept = f"accept: application/openmetrics-text;version=1.0.{number},text/plain;q=0.{number}"
            assert answer(server, get("/metrics", accept)).startswith(b"HTTP/1.1 200")
        assert (cpu(server) - used) / 200 < 0.01


def test_noise_is_told_once_a_minute(tmp_path: Path) -> None:
    frame = b"\x81\x82\x00\x00\x00\x00\xff\xfe"  # text that is no UTF-8
    socket_ = b"GET /v1/stream?sources=loadavg HTTP/1.1\r\n" + HOST + UPGRADE
    with serving(tmp_path, "--max-clients-per-address", "2") as server:
        at_start = server.log.read_text()
        for _ in range(60):
            server.drop(b"nonsense\r\n\r\n", read=100)
            server.drop(socket_ + b"origin: http://evil.example\r\n\r\n", read=100)
            server.drop(socket_ + b"\r\n", read=1)
        for _ in range(10):
            with server.connect() as client:
                client.sendall(socket_ + b"\r\n")
                got = client.recv(1 << 16)
                if not got.startswith(b"HTTP/1.1 101"):
                    continue
                client.sendall(frame)
                with suppress(OSError):
                    while client.recv(1 << 16):
                        pass
        calm(server, 1 << 40)
        lines = server.log.read_text().removeprefix(at_start).splitlines()
        assert len(lines) <= 3, lines


def test_half_a_handshake_has_a_deadline(tmp_path: Path) -> None:
    halves = (
        b"GET /v1/stream HTTP/1.1\r\n" + HOST + UPGRADE,
        b"GET /v1/stream HTTP/1.1\r\n" + HOST + UPGRADE + b"content-length: 5\r\n\r\n",
        b"GET /v1/stream HTTP/1.1\r\n" + HOST + UPGRADE.replace(b"-version: 13", b"-version: 99") + b"\r\n",
    )
    with serving(tmp_path) as server, ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in halves]
        for client, half in zip(clients, halves, strict=True):
            client.sendall(half)
        began = time.monotonic()
        for client in clients:
            client.settimeout(60)
            with suppress(ConnectionResetError):
                while client.recv(1 << 16) and time.monotonic() - began < 60:
                    pass
        assert 5 < time.monotonic() - began < 50
        calm(server, 1 << 40)
