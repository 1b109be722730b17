"""Many ticks at full speed beside devices and processes that come and go: does anything grow?

    python tools/soak.py                     a day of ticks at 1 Hz, in a few minutes
    python tools/soak.py --ticks 604800      a week
    python tools/soak.py --ticks 3000 --json

The clock of the sampler jumps to each next tick, so nothing sleeps; files, devices, threads and memory are real. As
root it moves to namespaces of its own, where nobody else's processes come and go, and makes processes, interfaces,
loop and zram devices that do; without root there is no such churn, and it says so. Exit 1 when something grew beyond
what docs/promises.md allows.
"""

import argparse
import asyncio
import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from procpulse import Sampler, Source, catalog
from procpulse.encode import json as wire
from procpulse.reader import checkpoint
from procpulse.sources import BLOCK, CLASS_NET, ZRAM, processes

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 1 << 18
WARM, WARM_TICKS = 0.2, 300  # the share of ticks before anything is measured, and how many at least
MARKS = 100
STEP = 4  # ticks between two steps of the churn
SLEEPERS = 100

# What docs/promises.md allows.
RSS_TOTAL_KIB = 2048
RSS_KIB_A_MINUTE = 64
OBJECTS_SHARE = 0.001

# In a short run, what the devices that happen to be there at its end are more than those at its start.
SHORT = 10_000
SHORT_DESCRIPTORS, SHORT_OBJECTS = 64, 300


class Jumping:
    """A clock that is already there when somebody wants to sleep until then."""

    def __init__(self) -> None:
        self.now_ns = time.monotonic_ns()
        self.ahead_ns = time.time_ns() - self.now_ns

    def monotonic_ns(self) -> int:
        return self.now_ns

    def time_ns(self) -> int:
        return self.now_ns + self.ahead_ns

    async def sleep_until(self, monotonic_ns: int) -> None:
        self.now_ns = max(self.now_ns, monotonic_ns)
        await checkpoint()


class Mark:
    """What this program holds at one moment."""

    def __init__(self, tick: int):
        gc.collect()
        self.tick = tick
        self.time = time.monotonic()
        self.rss_kib = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
        self.descriptors = len(os.listdir("/proc/self/fd"))
        self.threads = threading.active_count()
        self.objects = len(gc.get_objects())


class Churn:
    """Devices and processes that come and go: one step at a time, beside the ticks."""

    def __init__(self) -> None:
        self.steps = 0
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("churn.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def step(self) -> None:
        """Begin the next step once the last one is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if self.steps and not self._process.stdout.read(1):
            raise RuntimeError("the churn has ended")
        self._process.stdin.write(b".")
        self.steps += 1

    def end(self) -> None:
        """Take away everything that it made."""
        self._process.communicate(timeout=60)


def secluded() -> bool:
    """Go on as the first process of namespaces of our own, with a /proc and a /sys that show them; False without root.

    The process that was started waits here until the other one ends, and ends like it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if os.geteuid() or libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET):
        return False
    child = os.fork()
    if child:
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    return not (libc.mount(b"proc", b"/proc", b"proc", 0, None) or libc.mount(b"sysfs", b"/sys", b"sysfs", 0, None))


def sleepers(count: int) -> None:
    """Processes that do nothing until we end."""
    ours = os.getpid()
    for _ in range(count):
        if not os.fork():
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)
            if os.getppid() == ours:
                signal.pause()
            os._exit(0)


async def soak(ticks: int, every: int, churn: Churn | None) -> tuple[list[Mark], dict[str, Any]]:
    """Take so many ticks; look every so many at what is held."""
    wide: list[Source[Any]] = [CLASS_NET, BLOCK, ZRAM, processes("io", "cmdline")]
    sampler = Sampler([*catalog.default_sources(), *wide], cadence=dict.fromkeys(wide, 5.0), clock=Jumping())
    marks, deltas = [], 0
    async with sampler:
        async for delta in sampler.deltas(interval=1.0):
            deltas += 1
            if churn is not None and not deltas % STEP:
                churn.step()
            if not deltas % 10:
                wire.encode(delta)
                delta.usage.rates()
            if not deltas % every:
                marks.append(Mark(deltas))
            if deltas >= ticks:
                break
        statistics = sampler.statistics()
    return marks, {
        "ticks": statistics.ticks,
        "files": statistics.files,
        "failures": statistics.failures,
        "missed": statistics.missed,
        "stuck": statistics.stuck,
        "pool_threads": statistics.threads,
    }


def slope(marks: list[Mark]) -> float:
    """KiB a minute, by least squares."""
    times = [mark.time - marks[0].time for mark in marks]
    mean_time = sum(times) / len(times)
    mean_rss = sum(mark.rss_kib for mark in marks) / len(marks)
    spread = sum((t - mean_time) ** 2 for t in times) or 1.0
    shared = sum((t - mean_time) * (mark.rss_kib - mean_rss) for t, mark in zip(times, marks, strict=True))
    return 60 * shared / spread


def halves(values: list[int]) -> tuple[int, int]:
    """The least of the first quarter and of the last: what is held when nothing is under way."""
    quarter = max(1, len(values) // 4)
    return min(values[:quarter]), min(values[-quarter:])


def report(marks: list[Mark], seconds: float, steps: int, counts: dict[str, Any]) -> dict[str, Any]:
    """The figures, and in `grew` what is over its limit."""
    warm = [mark for mark in marks if mark.tick >= max(WARM * marks[-1].tick, WARM_TICKS)]
    rss, fds = halves([m.rss_kib for m in warm]), halves([m.descriptors for m in warm])
    threads, objects = halves([m.threads for m in warm]), halves([m.objects for m in warm])
    minutes = (warm[-1].time - warm[0].time) / 60
    a_minute = slope(warm)
    grew = []
    if rss[1] - rss[0] > RSS_TOTAL_KIB:
        grew.append("rss")
    # Over less than a few minutes the slope is noise: one page more is already too many a minute.
    if minutes >= 3 and a_minute > RSS_KIB_A_MINUTE:
        grew.append("rss a minute")
    short = counts["ticks"] < SHORT
    if fds[1] > fds[0] + SHORT_DESCRIPTORS * short:
        grew.append("descriptors")
    if threads[1] > threads[0] + short:  # the second of the pool's threads may come late
        grew.append("threads")
    if objects[1] - objects[0] > objects[0] * OBJECTS_SHARE + SHORT_OBJECTS * short:
        grew.append("objects")
    if counts["failures"].get("bug") or counts["failures"].get("malformed"):
        grew.append("failures")
    return {
        "churn_steps": steps,
        "seconds": round(seconds, 1),
        "ms_a_tick": round(seconds / counts["ticks"] * 1e3, 3),
        "rss_kib": rss,
        "rss_kib_a_minute": round(a_minute, 1),
        "descriptors": fds,
        "threads": threads,
        "objects": objects,
        **counts,
        "grew": grew,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--ticks", type=int, default=86_400, help="how many (default: a day at 1 Hz)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    ours = secluded()
    sleepers(SLEEPERS)
    churn = Churn() if ours else None
    started = time.monotonic()
    marks, counts = asyncio.run(soak(options.ticks, max(1, options.ticks // MARKS), churn))
    seconds = time.monotonic() - started
    if churn is not None:
        churn.end()
    found = report(marks, seconds, churn.steps if churn is not None else 0, counts)
    if options.json:
        print(json.dumps(found))
    else:
        for name, value in found.items():
            print(f"{name:18}  {value}")
    if churn is None:
        print("not root: no interfaces, loop or zram devices came and went", file=sys.stderr)
    return bool(found["grew"])


if __name__ == "__main__":
    sys.exit(main())
