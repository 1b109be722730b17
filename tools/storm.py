"""Minutes of sampling beside thousands of forks a second: does an exception leave a tick, does anything grow?

    python -m tools.storm                          ten minutes beside 2,000 forks/s
    python -m tools.storm --minutes 1 --rate 500
    python -m tools.storm --json

Two samplers at 1 Hz: the default profile with the process table, and the process table with status, io and cmdline. As
root it moves to a pid namespace of its own, so that nobody else's processes hold descriptors at its end. Exit 1 when
P1 of docs/promises.md is broken, or when the storm was less than half of what was asked for.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from typing import Any

from procpulse import Sampler, catalog
from procpulse.sources import PROCESSES, STAT, processes
from tools.soak import RSS_TOTAL_KIB, Mark, halves, secluded, slope

# Forks as many children a second as it is told, or as many as it can (0). Of those that are counted, one in four lives
# for a moment: it is there when the table is listed, and gone or going when its files are read. It imports as little as
# can be, since a fork costs what its parent has in memory.
FORKER = """
import _signal, posix, sys, time
_signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
rate, began, forks = float(sys.argv[1]), time.monotonic(), 0
while True:
    while not rate or forks < (time.monotonic() - began) * rate:
        forks += 1
        if not posix.fork():
            if rate and not forks % 4:
                time.sleep(forks % 23 / 1000)
            posix._exit(0)
    time.sleep(0.005)
"""
WARM = 0.1  # the share of the time before memory is measured
MARK_SECONDS = 3
QUIET_SECONDS = 6  # before the storm and after it: what is held then is compared, to the descriptor


@contextlib.contextmanager
def storm(rate: float = 0, width: int = 2) -> Iterator[None]:
    """Processes that do nothing but fork children that end at once, or soon.

    Args:
        rate: Forks a second, of all of them; 0 is as many as they can.
        width: How many fork.
    """
    command = [sys.executable, "-S", "-E", "-c", FORKER, str(rate / width)]
    forkers = [subprocess.Popen(command) for _ in range(width)]
    try:
        time.sleep(0.3)
        yield
    finally:
        # First their children end: otherwise they are left to whoever inherits them, and who may not wait for them.
        for forker in forkers:
            forker.send_signal(signal.SIGSTOP)
        time.sleep(0.1)
        for forker in forkers:
            forker.kill()
            forker.wait()


class Watch:
    """Samplers beside a storm, and what became of them."""

    def __init__(self) -> None:
        self.over = False
        self.exceptions: list[str] = []
        self.marks: list[Mark] = []
        self.quiet: list[Mark] = []
        self.ticks = self.missed = self.most = 0
        self.forks_per_second = 0.0
        self.failures: Counter[str] = Counter()

    async def sample(self, sampler: Sampler, kind: str) -> None:
        """Take its ticks until the time is over; an exception is counted, and it goes on."""
        async with sampler:
            while not self.over:
                try:
                    async for taken in getattr(sampler, kind)(interval=1.0):
                        self.most = max(self.most, len(taken[PROCESSES]))
                        if self.over:
                            break
                except Exception:
                    self.exceptions.append(traceback.format_exc())
                    await asyncio.sleep(1)
            statistics = sampler.statistics()
        self.ticks += statistics.ticks
        self.missed += statistics.missed
        self.failures.update(statistics.failures)

    async def look(self, minutes: float, rate: float) -> None:
        """Let the storm come and go, and see every few seconds what this program holds."""
        await asyncio.sleep(QUIET_SECONDS)
        self.quiet.append(Mark(0))
        with storm(rate):
            before, began = forks(), time.monotonic()
            while time.monotonic() < began + minutes * 60:
                self.marks.append(Mark(len(self.marks)))
                await asyncio.sleep(MARK_SECONDS)
            self.forks_per_second = (forks() - before) / (time.monotonic() - began)
        await asyncio.sleep(QUIET_SECONDS)
        self.quiet.append(Mark(len(self.marks)))
        self.over = True

    async def run(self, minutes: float, rate: float) -> None:
        """Both samplers, until the time is over."""
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: self.exceptions.append(str(context)))
        await asyncio.gather(
            self.look(minutes, rate),
            self.sample(Sampler([*catalog.default_sources(), PROCESSES]), "deltas"),
            self.sample(Sampler([STAT, processes("status", "io", "cmdline")]), "stream"),
        )


def forks() -> int:
    """How many processes the kernel has made since it started."""
    with open("/proc/stat") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("processes "))


def report(watch: Watch, rate: float) -> dict[str, Any]:
    """The figures, and in `broken` what is not as promised."""
    before, after = watch.quiet
    warm = watch.marks[int(len(watch.marks) * WARM) :]
    rss = halves([mark.rss_kib for mark in warm])
    broken = ["exceptions"] if watch.exceptions else []
    broken += [reason for reason in ("bug", "malformed") if watch.failures[reason]]
    if after.descriptors > before.descriptors:
        broken.append("descriptors")
    if after.threads > before.threads:
        broken.append("threads")
    if rss[1] - rss[0] > RSS_TOTAL_KIB:
        broken.append("rss")
    if watch.forks_per_second < rate / 2:
        broken.append("no storm")
    return {
        "ticks": watch.ticks,
        "missed": watch.missed,
        "forks_per_second": round(watch.forks_per_second),
        "most_processes": watch.most,
        "exceptions": len(watch.exceptions),
        "bug": watch.failures["bug"],
        "malformed": watch.failures["malformed"],
        "failures": dict(watch.failures),
        "descriptors": (before.descriptors, after.descriptors),
        "most_descriptors": max(mark.descriptors for mark in watch.marks),
        "threads": (before.threads, after.threads),
        "rss_kib": rss,
        "rss_kib_a_minute": round(slope(warm), 1),
        "broken": broken,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rate", type=float, default=2000.0, help="forks a second (default: 2000)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    if not secluded():
        print("not root: processes of others hold descriptors too", file=sys.stderr)
    watch = Watch()
    asyncio.run(watch.run(options.minutes, options.rate))
    found = report(watch, options.rate)
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:18}  {value}")
    for exception in watch.exceptions[:3]:
        print(exception, file=sys.stderr)
    return bool(found["broken"])


if __name__ == "__main__":
    sys.exit(main())
