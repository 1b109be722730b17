"""What does serving cost, by the number of clients; and what does one question cost?

Each number of clients is served by a process of its own, whose CPU time is read from /proc; the clients are in this one.
"""

import asyncio
import contextlib
import http.client
import os
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx

from benchmarks.measure import found, raise_descriptor_limit, title

# What a page asks for.
PAGE = "usage=1&top=50&by=cpu_ratio&sources=loadavg,class_thermal"

SAMPLER_ALONE = """
import asyncio, sys
from procpulse import Sampler
from procpulse.web import publish
async def main():
    sources = publish.default_sources(False)
    async with Sampler(sources, cadence=publish.cadence(sources, 1.0)) as sampler:
        print("http://none/", flush=True)
        async for snap in sampler.stream(1.0):
            pass
asyncio.run(main())
"""


@contextlib.contextmanager
def process(*command: str) -> Iterator[tuple[int, str]]:
    """A process, as (pid, the address that it printed)."""
    child = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        yield child.pid, child.stdout.readline().split()[-1]
    finally:
        child.terminate()
        child.wait()


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process so far."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as file:
            total += int(file.read().split()[0])
    return total / 1e9


@asynccontextmanager
async def clients(url: str, count: int) -> AsyncIterator[dict[float, list[float]]]:
    """So many clients that read and count: by the time of its tick, how long after it a frame came, for each client."""
    delays: dict[float, list[float]] = {}
    host, _, port = url.removeprefix("http://").rstrip("/").rpartition(":")

    async def read(ready: asyncio.Semaphore) -> None:
        async with ready:
            reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 22)
            writer.write(
                f"GET /v1/stream?{PAGE} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
            )
            await reader.readuntil(b"\r\n\r\n")
        try:
            while True:
                kind, length = await reader.readexactly(2)
                if length == 126:
                    length = int.from_bytes(await reader.readexactly(2))
                elif length == 127:
                    length = int.from_bytes(await reader.readexactly(8))
                data = await reader.readexactly(length)
                if kind == 0x81 and data.startswith(b'{"type":"change"'):
                    at = data.index(b'"time":') + 7
                    tick = float(data[at : data.index(b",", at)])
                    delays.setdefault(tick, []).append(time.time() - tick)
        finally:
            writer.close()

    ready = asyncio.Semaphore(50)
    tasks = [asyncio.create_task(read(ready)) for _ in range(count)]
    try:
        yield delays
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def cost(pid: int, url: str, count: int, seconds: float) -> tuple[float, list[float]]:
    """Share of a core that a server needs for so many clients, and the delays of their frames."""
    async with clients(url, count) as delays:
        await asyncio.sleep(2 + count / 200)
        delays.clear()
        before, began = cpu_seconds(pid), time.monotonic()
        await asyncio.sleep(seconds)
        used = (cpu_seconds(pid) - before) / (time.monotonic() - began)
        return used, sorted(delay for each in delays.values() for delay in each)


def question(url: str, path: str) -> float:
    """Median seconds of one question, on a connection that is kept."""
    connection = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"))
    times = []
    for _ in range(100):
        began = time.perf_counter()
        connection.request("GET", f"/{path}")
        answer = connection.getresponse()
        answer.read()
        times.append(time.perf_counter() - began)
        assert answer.status == 200
    connection.close()
    return statistics.median(times)


def server() -> contextlib.AbstractContextManager[tuple[int, str]]:
    return process(
        "-m", "procpulse", "serve", "--port", "0", "--max-clients-per-address", "2000", "--max-clients", "2000"
    )


def serving(counts: tuple[int, ...], seconds: float) -> None:
    title("A server at 1 Hz, by the number of pages that are open")
    with process("-c", SAMPLER_ALONE) as (pid, _):
        time.sleep(2)
        before, began = cpu_seconds(pid), time.monotonic()
        time.sleep(seconds)
        alone = (cpu_seconds(pid) - before) / (time.monotonic() - began)
    print(f"  (the sampler alone: {alone:.2%} of a core)")
    for count in counts:
        with server() as (pid, url):
            used, delays = asyncio.run(cost(pid, url, count, seconds))
        target, met, late = "", None, ""
        if delays:
            p99 = delays[int(len(delays) * 0.99)]
            late = f", each gets {len(delays) / count / seconds:.2f} frames a second, p99 {p99 * 1e3:.0f} ms after the tick"
            target, met = ("p99 100 ms", p99 < 0.1) if count > 1 else ("under 1 % of a core", used - alone < 0.01)
        found(f"{count} pages, above the sampler alone", f"{used - alone:.2%} of a core{late}", target, met)


def questions() -> None:
    title("One question, answered from the newest sample")
    with server() as (_, url):
        for path in ("healthz", "v1/snapshot?sources=stat,meminfo", "v1/snapshot", "v1/usage?top=50", "metrics"):
            size = len(httpx.get(url + path).content)
            took = question(url, path)
            target = "under 2 ms" if path.startswith("v1/snapshot") else ""
            result = f"{took * 1e3:.2f} ms for {size / 1024:.0f} KiB"
            found(f"`GET /{path}`", result, target, took < 0.002 if target else None)


QUICK = {"counts": (1, 100), "seconds": 4.0}


def main(counts: tuple[int, ...] = (0, 1, 10, 100, 1000), seconds: float = 8.0) -> None:
    raise_descriptor_limit()
    serving(counts, seconds)
    questions()


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or (0, 1, 10, 100, 1000))
