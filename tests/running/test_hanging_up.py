"""Clients that hang up in every way that there is: the server goes on, and so does a filter's caller."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.running.command import COMMAND, serving

HEAD = b"host: 127.0.0.1\r\n"
GET = b"GET %s HTTP/1.1\r\n" + HEAD + b"%s\r\n"
UPGRADE = (
    b"GET /v1/stream HTTP/1.1\r\n"
    + HEAD
    + b"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
    + b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: procpulse.v1.json\r\n\r\n"
)
CROWD = 120

WAYS = {
    "pipelined": (GET % (b"/healthz", b"")) * 50,
    "refused": (GET % (b"/v1/usage", b"origin: http://evil.example\r\n")) * 50,
    "events": GET % (b"/v1/events", b""),
    "websocket": UPGRADE,
    "metrics": GET % (b"/metrics", b""),
    "half a head": b"GET /healthz HTTP/1.1\r\nhost: 127",
    "nonsense": b"\x16\x03\x01\x02\x00" * 20,
}


@pytest.mark.server
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_clients_that_hang_up_do_not_end_the_server(tmp_path: Path, reset: bool) -> None:
    with serving(tmp_path, "--interval", "200ms") as server:
        for sent in WAYS.values():
            for turn in range(20):
                server.drop(sent, read=turn % 2, reset=reset)
            server.alive()
        for turn in range(CROWD):
            server.drop(list(WAYS.values())[turn % len(WAYS)], read=turn % 3 if turn % 7 != 5 else 0, reset=reset)
        server.alive()
        assert b"Traceback" not in server.log.read_bytes()


@pytest.mark.parametrize(
    "verb", [["stream", "--interval", "20ms", "--format", "json"], ["sources"], ["schema"]], ids=lambda verb: verb[0]
)
def test_a_reader_that_leaves_ends_a_filter_without_a_word(verb: list[str]) -> None:
    process = subprocess.Popen([*COMMAND, *verb], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.read(10)
    process.stdout.close()
    assert process.wait(30) in (0, -signal.SIGPIPE)  # 0: it had written everything before the reader left
    assert process.stderr.read() == b""
    process.stderr.close()
