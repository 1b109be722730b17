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
async def serving(counts: tuple[int, ...], seconds: float) -> None:
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
