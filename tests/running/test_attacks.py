"""Attacks on the running command that are no flood: odd requests, names, tokens and signals. It answers and goes on."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.running.attack import HOST, UPGRADE, answer, get
from tests.running.command import COMMAND, Serving, serving, wait_for

TOKEN = "an-excellent-token-0123456789"
KNOWN = f"authorization: Bearer {TOKEN}"
LOGIN = b"POST /v1/login HTTP/1.1\r\n" + HOST + b"connection: close\r\n"
HANDSHAKE = b"GET /v1/stream?sources=loadavg HTTP/1.1\r\n" + HOST + UPGRADE + KNOWN.encode() + b"\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for all of them: what one attack leaves behind would show in the next."""
    place = tmp_path_factory.mktemp("attacked")
    token = place / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    with serving(place, "--interval", "200ms", "--token-file", str(token)) as found:
        yield found
        assert "Traceback" not in found.log.read_text()


@pytest.fixture(autouse=True)
def goes_on(server: Serving) -> Iterator[None]:
    yield
    server.alive()


def status(got: bytes) -> int:
    """The status of an answer; 0 where the connection was closed without one."""
    found = re.match(rb"HTTP/1\.1 ([0-9]{3}) ", got)
    return int(found[1]) if found else 0


def beginning(server: Serving, sent: bytes, seconds: float = 2.0) -> bytes:
    """What comes within some time, of an answer that has no end."""
    got, end = b"", time.monotonic() + seconds
    with suppress(OSError), server.connect() as client:
        client.settimeout(0.3)
        client.sendall(sent)
        while time.monotonic() < end:
            with suppress(TimeoutError):
                piece = client.recv(1 << 16)
                if not piece:
                    break
                got += piece
    return got


ODD = {
    "two hosts": (get("/v1/usage", "host: evil.example", KNOWN), {400, 403}),
    "a folded header": (get("/healthz", "x: a\r\n b"), {400}),
    "a blank before the colon": (b"GET /healthz HTTP/1.1\r\nhost : 127.0.0.1\r\n\r\n", {400}),
    "twenty thousand trailers": (
        LOGIN + b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"t: x\r\n" * 20_000,
        {0, 400, 413, 431},
    ),
    "a length that nobody sends": (
        LOGIN + b"content-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 999999999\r\n\r\n",
        {0, 100, 400, 413, 417},
    ),
    "a form of another page": (
        LOGIN
        + b"content-type: text/plain\r\ncontent-length: 40\r\n\r\n"
        + json.dumps({"token": TOKEN}).encode().ljust(40),
        {400, 403, 415},
    ),
    "OPTIONS *": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n", {400, 401, 404, 405}),
    "CONNECT": (b"CONNECT evil.example:80 HTTP/1.1\r\n" + HOST + b"connection: close\r\n\r\n", {0, 400, 403, 404, 405}),
    "TRACE": (
        b"TRACE /v1/usage HTTP/1.1\r\n" + HOST + b"cookie: secret=1\r\nconnection: close\r\n\r\n",
        {400, 401, 405},
    ),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {0, 400}),
    "five hundred cookies of one name": (
        get("/v1/usage", "cookie: " + "; ".join(f"procpulse=x{i}" for i in range(500))),
        {401},
    ),
    "a thousand tags": (get("/v1/usage", KNOWN, "if-none-match: " + ", ".join(f'"{i}"' for i in range(1500))), {200}),
    "the token in the address": (get(f"/v1/usage?token={TOKEN}"), {401}),
    "the token twice": (get("/v1/usage", KNOWN, "authorization: Bearer wrong-wrong-wrong"), {200, 400, 401}),
    "a token of another scheme": (get("/v1/usage", f"authorization: Basic {TOKEN}"), {401}),
}


@pytest.mark.server
@pytest.mark.parametrize("name", ODD)
def test_odd_requests(server: Serving, name: str) -> None:
    sent, allowed = ODD[name]
    got = answer(server, sent, 12)
    assert status(got) in allowed, got[:300]
    assert b"secret=1" not in got
    assert len(got) < 100_000


@pytest.mark.server
def test_many_ranges_give_no_more_than_the_file(server: Serving) -> None:
    whole = answer(server, get("/app.js"))
    if status(whole) == 404:
        pytest.skip("the page is not built here")
    ranges = answer(server, get("/app.js", "range: bytes=" + ",".join("0-" for _ in range(2000))))
    assert len(ranges) < 2 * len(whole)


@pytest.mark.server
@pytest.mark.parametrize("last", ["1" * 5000, "-1", "x:y:z", "\xff\xfe", "0" * 100 + ":1", "9" * 19 + ":" + "9" * 19])
def test_what_was_last_seen_may_be_nonsense(server: Serving, last: str) -> None:
    sent = get("/v1/events?sources=loadavg", KNOWN, f"last-event-id: {last}").replace(b"connection: close\r\n", b"")
    got = beginning(server, sent)
    assert status(got) in (200, 400)
    if status(got) == 200:
        assert b"event: snapshot" in got or b"event: resync" in got, "a whole one, for who has none that counts"


@pytest.mark.server
def test_no_compression_is_agreed_on(server: Serving) -> None:
    got = beginning(server, HANDSHAKE + b"sec-websocket-extensions: permessage-deflate\r\n\r\n", 1)
    assert status(got) == 101
    assert b"deflate" not in got.partition(b"\r\n\r\n")[0].lower()


@pytest.mark.server
@pytest.mark.parametrize(
    "frame",
    [
        b"\x88\x84" + bytes(4) + b"\x03\xe8\xff\xfe",
        b"\x88\x81" + bytes(4) + b"\x03",
        b"\x88\x00",
        b"\xff\xff" + b"\xff" * 12,
    ],
    ids=["text that is none", "half a code", "no mask", "all bits"],
)
def test_odd_last_words(server: Serving, frame: bytes) -> None:
    with server.connect() as client:
        client.settimeout(10)
        client.sendall(HANDSHAKE + b"\r\n")
        assert status(client.recv(1 << 16)) == 101
        client.sendall(frame)
        got = b""
        with suppress(ConnectionResetError):
            while piece := client.recv(1 << 16):  # ends, or the time is over
                got += piece
    assert b"\x88" in got, "it says why it closes"


@pytest.mark.server
def test_a_head_of_a_stream_has_no_body(server: Serving) -> None:
    got = answer(server, get("/v1/events", KNOWN).replace(b"GET", b"HEAD", 1), 5)
    assert b"event:" not in got


@pytest.mark.server
def test_names_of_processes_make_no_lines_of_metrics(server: Serving) -> None:
    name = 'x"} 1\nevil 9\n#'[:15]
    code = (
        "import ctypes, time\n"
        f"ctypes.CDLL(None).prctl(15, {name.encode()!r}, 0, 0, 0)\n"
        "end = time.process_time() + 1.5\nwhile time.process_time() < end: pass\ntime.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-S", "-c", code])
    try:
        text = b""

        def told() -> bool:
            nonlocal text
            text = answer(server, get("/metrics", KNOWN))
            return b"evil 9" in text

        wait_for(told, 60)
        assert not [line for line in text.splitlines() if line.startswith(b"evil")]
    finally:
        process.kill()
        process.wait()


@pytest.mark.server
def test_guesses_on_one_connection_are_slowed_down_and_the_right_token_is_not(server: Serving) -> None:
    began = time.monotonic()
    with server.connect() as client:
        client.settimeout(60)
        for turn in range(8):
            body = json.dumps({"token": f"wrong-wrong-wrong-{turn}"}).encode()
            head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()
            client.sendall(b"POST /v1/login HTTP/1.1\r\n" + HOST + head + body)
            got = client.recv(1 << 16)
            while b"}" not in got:
                got += client.recv(1 << 16)
            assert status(got) in (401, 429), got[:200]
            if status(got) == 429:
                break
    slow = time.monotonic() - began
    assert slow > 0.5, "the sixth and later ones wait"
    assert status(answer(server, get("/v1/usage", KNOWN))) == 200


@pytest.mark.server
def test_signals_to_read_again_in_the_middle_of_everything(server: Serving) -> None:
    for _ in range(30):
        os.kill(server.process.pid, signal.SIGHUP)
        assert status(answer(server, get("/v1/usage", KNOWN))) == 200


@pytest.mark.server
def test_a_token_file_that_was_exchanged_for_a_link_does_not_count(server: Serving) -> None:
    token = server.log.parent / "token"
    other = server.log.parent / "others"
    other.write_text("a-token-that-everybody-reads-0123")
    other.chmod(0o644)
    token.rename(token.with_suffix(".kept"))
    token.symlink_to(other)
    try:
        os.kill(server.process.pid, signal.SIGHUP)
        time.sleep(0.5)
        assert (
            status(answer(server, get("/v1/usage", "authorization: Bearer a-token-that-everybody-reads-0123"))) == 401
        )
        assert status(answer(server, get("/v1/usage", KNOWN))) == 200, "what was there before still holds"
    finally:
        token.unlink()
        token.with_suffix(".kept").rename(token)
        os.kill(server.process.pid, signal.SIGHUP)


@pytest.mark.parametrize("kind", ["a pipe", "a directory", "a device", "nothing"])
def test_token_files_that_are_none(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "token"
    if kind == "a pipe":
        os.mkfifo(path, 0o600)
    elif kind == "a directory":
        path.mkdir(0o700)
    elif kind == "a device":
        path = Path("/dev/zero")
    command = [*COMMAND, "serve", "--port", "0", "--token-file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "--token-file" in done.stderr


def test_a_recording_that_is_a_pipe_or_a_device_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "host.ppr"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero")):
        done = subprocess.run([*COMMAND, "replay", str(path)], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode in (1, 2, 6), (path, done.stderr)
        assert "Traceback" not in done.stderr


@pytest.mark.server
def test_a_socket_that_somebody_listens_on_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "pulse.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        done = subprocess.run(
            [*COMMAND, "serve", "--unix", str(path)], capture_output=True, text=True, timeout=30, check=False
        )
    assert done.returncode == 5, done.stderr
    assert path.is_socket()
