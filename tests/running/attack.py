"""What attacks on the running command share: clients without manners, and what the server weighs meanwhile."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.running.command import Serving

HOST = b"host: 127.0.0.1\r\n"
UPGRADE = (
    b"upgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n"
    b"sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


def resident(server: Serving) -> int:
    """Bytes of memory that the server has."""
    pages = int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu(server: Serving) -> float:
    """Seconds of CPU that the server used."""
    words = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def crowd(server: Serving, count: int, sent: bytes = b"", buffer: int = 0) -> Iterator[list[socket.socket]]:
    """So many connections that send something and stay."""
    clients: list[socket.socket] = []
    try:
        for _ in range(count):
            client = socket.socket()
            if buffer:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            client.settimeout(10)
            clients.append(client)
            with suppress(OSError):
                client.connect(("127.0.0.1", server.port))
                if sent:
                    client.sendall(sent)
        yield clients
    finally:
        for client in clients:
            client.close()


def answer(server: Serving, sent: bytes, seconds: float = 10.0) -> bytes:
    """What comes back until the server closes, or is silent for so long."""
    got = b""
    with suppress(OSError), server.connect() as client:
        client.settimeout(seconds)
        with suppress(BrokenPipeError, ConnectionResetError):
            client.sendall(sent)
        while piece := client.recv(1 << 16):
            got += piece
    return got


def get(path: str, *headers: str) -> bytes:
    """A request of one answer."""
    lines = [f"GET {path} HTTP/1.1", "host: 127.0.0.1", "connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def latency(server: Serving) -> float:
    """How long it takes to say that it is well."""
    began = time.monotonic()
    assert server.healthy(), server.log.read_text()[-2000:]
    return time.monotonic() - began
