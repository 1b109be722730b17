"""Many clients, one of which never reads: the others get every frame in time, and memory does not grow (P4)."""

import asyncio
import os
import socket as sockets
import time
from pathlib import Path

import pytest
from benchmarks.web import clients

from tests.test_web_servers import Serving

CLIENTS = 1000


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def deaf(address: str) -> sockets.socket:
    """A client that asks and never reads."""
    host, port = address.split(":")
    client = sockets.socket()
    client.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
    client.connect((host, int(port)))
    client.sendall(
        b"GET /v1/stream?usage=1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    return client


async def evicted(it: Serving) -> float:
    """How many clients were put out so far."""
    reader, writer = await asyncio.open_connection(*it.address.split(":"))
    writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    body = await reader.read()
    writer.close()
    [line] = [line for line in body.decode().splitlines() if line.startswith("procpulse_web_evicted_total ")]
    return float(line.split()[1])


@pytest.mark.server
async def test_one_that_never_reads_harms_nobody() -> None:
    with Serving("--port", "0", "--max-clients", "2000", "--max-clients-per-address", "2000") as it:
        async with clients(it.url, CLIENTS) as delays:
            await asyncio.sleep(3)
            before = resident(it.process.pid)
            delays.clear()
            began = time.monotonic()
            with await deaf(it.address):
                gone = 0.0
                while not gone and time.monotonic() - began < 60:
                    await asyncio.sleep(0.5)
                    gone = await evicted(it)
            grown = resident(it.process.pid) - before
            ticks = list(delays.values())[1:-1]  # the first and the last may be cut
    assert gone == 1
    late = sorted(delay for tick in ticks for delay in tick)
    print(f"{len(ticks)} ticks, p99 {late[int(len(late) * 0.99)] * 1e3:.0f} ms, {grown >> 10:,} KiB more")
    idle = os.getloadavg()[0] < 2 * (os.cpu_count() or 1)
    assert len(late) >= (0.999 if idle else 0.5) * CLIENTS * len(ticks), "nobody else misses a frame"
    assert grown < 4 << 20
