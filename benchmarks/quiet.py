"""How quiet is it in the host's loop: lag while 1,000 processes are sampled, tick time, longest hold, in both lanes?"""

import asyncio
import gc
import statistics
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from benchmarks import measure
from benchmarks.measure import found, title
from procpulse import Sampler
from procpulse.encode import json
from procpulse.encode.pieces import Once
from procpulse.sources import PROCESSES

LOADS = (0.0, 0.3, 0.7, 0.95)
WORK = 0.0002
"""Seconds of one piece of the host's own work, such as answering a request."""


async def work(load: float) -> None:
    """The host's own work: short pieces, one after the other, for a share of every 10 ms."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    while True:
        until = start + load * 0.01
        while loop.time() < until:
            end = time.perf_counter() + WORK
            while time.perf_counter() < end:
                pass
            await asyncio.sleep(0)
        start = max(start + 0.01, loop.time())
        await asyncio.sleep(start - loop.time())


async def probe(lags: list[float]) -> None:
    """How late what is due in 2 ms comes. (The time of uvloop's own clock has whole milliseconds.)"""
    while True:
        due = time.perf_counter() + 0.002
        await asyncio.sleep(0.002)
        lags.append(time.perf_counter() - due)


@asynccontextmanager
async def nobody(sampler: Sampler, interval: float, ticks: list[float]) -> AsyncIterator[None]:
    """The same loop without us."""
    yield


@asynccontextmanager
async def slices(sampler: Sampler, interval: float, ticks: list[float]) -> AsyncIterator[None]:
    """Ours: short slices on the loop."""

    async def consume() -> None:
        async for _ in sampler.stream(interval):
            ticks.append(sampler.statistics().sources["processes"].last_ns / 1e9)

    task = asyncio.create_task(consume(), name="procpulse")
    try:
        yield
    finally:
        task.cancel()


@asynccontextmanager
async def thread(sampler: Sampler, interval: float, ticks: list[float]) -> AsyncIterator[None]:
    """The other lane: the same sample in a daemon thread, one job a tick."""
    stop = threading.Event()
    loop = asyncio.get_running_loop()

    def run() -> None:
        while not stop.wait(interval):
            start = time.perf_counter()
            sampler.sample_sync()
            loop.call_soon_threadsafe(ticks.append, time.perf_counter() - start)

    worker = threading.Thread(target=run, daemon=True)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        while worker.is_alive():
            await asyncio.sleep(0.001)


Lane = Callable[[Sampler, float, list[float]], Any]


async def cell(
    lane: Lane, sampler: Sampler, load: float, interval: float, seconds: float
) -> tuple[float, float, float]:
    """(p99 of the lag, its maximum, median time of a tick) of one lane, beside a loop that is so busy."""
    lags: list[float] = []
    ticks: list[float] = []
    async with lane(sampler, interval, ticks):
        others = [asyncio.create_task(probe(lags)), asyncio.create_task(work(load))]
        await asyncio.sleep(seconds)
        for task in others:
            task.cancel()
    lags.sort()
    return lags[len(lags) * 99 // 100], lags[-1], statistics.median(ticks) if ticks else 0.0


def run(main: Coroutine[Any, Any, Any], uv: bool = False) -> Any:
    if uv:
        import uvloop

        return uvloop.run(main)
    return asyncio.run(main)


def lag(interval: float, seconds: float, lanes: dict[str, Lane], repeats: int, uv: bool = False) -> None:
    """The lag of each lane against that of the same loop without us. Noise only adds: the least of some repeats."""
    rate = f"{1 / interval:.0f} Hz{', uvloop' if uv else ''}"
    title(f"Lag of a loop beside 1,000 processes, {rate}")
    sampler = Sampler([PROCESSES])
    sampler.sample_sync()
    idle_ticks: dict[str, float] = {}
    for load in LOADS:
        cells: dict[str, list[tuple[float, float, float]]] = {name: [] for name in lanes}
        for _ in range(repeats):
            for name, lane in lanes.items():
                cells[name].append(run(cell(lane, sampler, load, interval, seconds), uv))
        best = {name: tuple(min(each) for each in zip(*rows, strict=True)) for name, rows in cells.items()}
        base = best["without"]
        for name, (p99, most, tick) in best.items():
            print(
                f"  {load:4.0%} busy  {name:8}  p99 {p99 * 1e3:6.2f} ms  max {most * 1e3:6.2f} ms  tick {tick * 1e3:6.2f} ms"
            )
            if name == "without":
                continue
            idle_ticks.setdefault(name, tick)
            more, most_more, slower = (p99 - base[0]) * 1e3, (most - base[1]) * 1e3, tick / idle_ticks[name]
            text = f"p99 +{max(more, 0):.2f} ms, max +{max(most_more, 0):.2f} ms, tick {slower:.1f}x of beside an idle loop"
            ours = name == "slices"
            met = more <= 1 and most_more <= 5 and slower <= 2 if ours else None
            lane_name = "" if ours else ", in a thread instead"
            found(f"{rate} beside a loop {load:.0%} busy{lane_name}", text, "+1 ms, +5 ms, 2x" if ours else "", met)
    sampler.close()


def holds(seconds: float) -> None:
    """The longest time that one step of ours keeps the loop, and with it the interpreter, in CPU time."""
    title("Longest step of ours on the loop: samples, deltas, JSON of 1,000 processes")
    longest: list[float] = []
    plain = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        task = getattr(getattr(handle, "_callback", None), "__self__", None)
        ours = isinstance(task, asyncio.Task) and task.get_name() == "procpulse"
        start = time.thread_time()
        plain(handle)
        if ours:
            longest.append(time.thread_time() - start)

    async def consume(sampler: Sampler, encode: Once) -> None:
        async for delta in sampler.deltas(0.1):
            await encode(delta)

    async def main() -> None:
        sampler = Sampler([PROCESSES])
        sampler.sample_sync()
        task = asyncio.create_task(consume(sampler, Once(json)), name="procpulse")
        await asyncio.sleep(1)
        longest.clear()
        await asyncio.sleep(seconds)
        task.cancel()
        sampler.close()

    gc.collect()
    asyncio.Handle._run = timed  # type: ignore[method-assign]
    try:
        asyncio.run(main())
    finally:
        asyncio.Handle._run = plain  # type: ignore[method-assign]
    longest.sort()
    p99 = longest[len(longest) * 99 // 100]
    text = (
        f"median {statistics.median(longest) * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms, longest {longest[-1] * 1e3:.2f} ms"
    )
    found("a step of ours on the loop, 10 Hz, deltas and JSON", text, "p99 at most 0.5 ms", p99 <= 0.0005)


QUICK = {"seconds": 1}


def main(seconds: float = 2) -> None:
    measure.raise_descriptor_limit()
    with measure.idle_processes(1000):
        both: dict[str, Lane] = {"without": nobody, "slices": slices, "thread": thread}
        ours: dict[str, Lane] = {"without": nobody, "slices": slices}
        lag(0.1, seconds, both, 3)
        lag(1, 3.2, ours, 1)
        lag(0.1, seconds, ours, 2, uv=True)
        holds(seconds * 2)


if __name__ == "__main__":
    main()
