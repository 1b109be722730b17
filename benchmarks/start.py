"""How much memory does a stream of 1,000 processes need, does it stay flat, and how long does it take to start?

python -m benchmarks.start 100000     # the long run: so many ticks
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import measure
from benchmarks.measure import found, title

RSS = "int(next(line for line in open('/proc/self/status') if line.startswith('VmRSS')).split()[1])"
BARE = f"print({RSS})"
# Real reads at the pace of a clock that does not wait.
STREAM = f"""
import asyncio, sys
from procpulse import Sampler
from procpulse.sources import PROCESSES

class Clock:
    now = 0
    def monotonic_ns(self): return self.now
    def time_ns(self): return self.now
    async def sleep_until(self, when):
        self.now = max(self.now, when)
        await asyncio.sleep(0)

async def main(ticks):
    async with Sampler([PROCESSES], clock=Clock()) as sampler:
        seen = 0
        async for delta in sampler.deltas(1):
            seen += 1
            if seen in (ticks // 10, ticks):
                print({RSS}, flush=True)
            if seen == ticks:
                break

asyncio.run(main(int(sys.argv[1])))
"""


def output(*command: str) -> str:
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True).stdout


@contextmanager
def compiled() -> Iterator[dict[str, str]]:
    """An environment in which modules are compiled once, as they are where packages are installed."""
    with tempfile.TemporaryDirectory() as folder:
        yield {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPYCACHEPREFIX": folder}


def memory(ticks: int) -> None:
    title(f"Memory of a process that streams deltas of 1,000 processes, {ticks:,} ticks")
    bare = int(output("-c", BARE))
    early, late = map(int, output("-c", STREAM, str(ticks)).split())
    over = (late - bare) / 1024
    print(
        f"  bare interpreter {bare / 1024:.1f} MB; after {ticks // 10:,} ticks {early / 1024:.1f} MB; at the end {late / 1024:.1f} MB"
    )
    found("RSS over a bare interpreter, 1,000 processes streamed", f"{over:.0f} MB", "at most 45 MB", over <= 45)
    grown = (late - early) / 1024
    found(f"growth of RSS over the last nine tenths of {ticks:,} ticks", f"{grown:+.1f} MB", "flat", grown < 2)


def quickest(command: list[str], times: int, environment: dict[str, str]) -> float:
    """Wall seconds of the quickest of some runs: what else the machine does only adds."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def start(times: int) -> None:
    title("Start, wall time, the quickest of some runs")
    with compiled() as environment:
        bare, imported, peer = (
            quickest([sys.executable, "-c", code], times, environment)
            for code in ("pass", "import procpulse", "import psutil")
        )
        command = str(Path(sys.executable).with_name("procpulse"))
        snapshot = quickest([command, "snapshot"], times, environment)
    print(f"  (a bare interpreter {bare * 1e3:.0f} ms; import of psutil over it {(peer - bare) * 1e3:.0f} ms)")
    over = imported - bare
    found("import of procpulse, over a bare interpreter", f"{over * 1e3:.0f} ms", "under 90 ms", over < 0.09)
    found("`procpulse snapshot`, from start to end", f"{snapshot * 1e3:.0f} ms", "under 250 ms", snapshot < 0.25)


QUICK = {"ticks": 300}


def main(ticks: int = 2000) -> None:
    measure.raise_descriptor_limit()
    start(15)
    with measure.idle_processes(1000):
        memory(ticks)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
