"""What does the whole host cost, against raw reads of the same files, as a stream, and against other programs?"""

import asyncio
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from benchmarks import measure
from benchmarks.measure import compare, found, title
from procpulse import Sampler
from procpulse.catalog import default_sources
from procpulse.reader import Reader
from procpulse.source import Failure, Names, Read, Request, Roots
from procpulse.sources import PROCESSES

OURS = "procpulse: one sample of the default profile"
RAW_C = "C: the same files, pread to the end"
RAW = "Python: the same files, os.pread to the end"
PSUTIL = "psutil: cpu, memory, swap, disks, interfaces, load"


def files() -> tuple[list[str], list[str]]:
    """The files and the directories that a sample of the default profile reads, whatever their cadence."""
    asked: list[Request] = []

    def note(request: Request, answer: Any) -> None:
        if not isinstance(answer, Failure):
            asked.append(request)

    reader = Reader(Roots(), observe=note)
    sources = list(default_sources())
    reader.read_sync(sources, lambda source: 1.0)
    asked.clear()
    reader.read_sync(sources, lambda source: 1.0)
    reader.close()
    return (
        [request.path for request in asked if isinstance(request, Read)],
        [request.path for request in asked if isinstance(request, Names)],
    )


def with_psutil() -> None:
    """What of the same psutil offers."""
    psutil.cpu_times(percpu=True)
    psutil.cpu_stats()
    psutil.virtual_memory()
    psutil.swap_memory()
    psutil.disk_io_counters(perdisk=True)
    psutil.net_io_counters(pernic=True)
    psutil.getloadavg()


def one_sample(seconds: float) -> None:
    title("The whole host, default profile, without processes")
    paths, folders = files()
    # Everything every time: some of it need not be read more than once a second.
    sampler = Sampler(cadence=dict.fromkeys(default_sources(), 1e-9))
    with measure.in_c() as c, measure.open_files(paths) as fds:

        def raw() -> None:
            for fd in fds:
                at = 0
                while data := os.pread(fd, 65536, at):
                    at += len(data)
            for folder in folders:
                os.listdir(folder)

        contenders: dict[str, Callable[[], object]] = {OURS: sampler.sample_sync, RAW: raw}
        if c is not None:
            contenders[RAW_C] = measure.ended_in_c(c, fds, folders)
        times = compare(contenders, seconds)
        times.show()
        with_peer = compare({OURS: sampler.sample_sync, PSUTIL: with_psutil}, seconds)
    sampler.close()
    with_peer.show()
    print(f"  ({len(paths)} files, {len(folders)} directories)")
    ratio = times.ratio(OURS, RAW)
    found("whole host, default profile, against raw reads", f"{ratio:.2f}x", "at most 1.6x", ratio <= 1.6)
    if c is not None:
        found("the same against raw reads in C", f"{times.ratio(OURS, RAW_C):.2f}x")
    found("the same, faster than psutil for less of it", f"{1 / with_peer.ratio(OURS, PSUTIL):.1f}x")


async def _share(sampler: Sampler, interval: float, seconds: float) -> float:
    """The share of a core that a stream takes."""
    stream = sampler.stream(interval)
    for _ in range(3):
        await anext(stream)
    spent, start = time.process_time(), time.perf_counter()
    while time.perf_counter() - start < seconds:
        await anext(stream)
    share = (time.process_time() - spent) / (time.perf_counter() - start)
    sampler.close()
    return share


def streams(seconds: float) -> None:
    title("Streams, as a share of a core (user and system time)")
    shares = [asyncio.run(_share(Sampler(), 0.1, seconds)) for _ in range(2)]
    found("10 Hz stream of the default profile", f"{min(shares):.2%} of a core", "under 1%", min(shares) < 0.01)
    with measure.idle_processes(max(1, 500 - len(measure.pids()))):
        share = asyncio.run(_share(Sampler([*default_sources(), PROCESSES]), 1, max(seconds, 6)))
        count = len(measure.pids())
    found(f"1 Hz stream of the same and {count} processes", f"{share:.2%} of a core", "under 1%", share < 0.01)


@contextmanager
def node_exporter() -> Iterator[tuple[str, psutil.Process] | None]:
    """Debian's node_exporter, if it is here: its address, and its process."""
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        yield None
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [program, f"--web.listen-address={address}", "--log.level=error"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                try:
                    urllib.request.urlopen(f"http://{address}/metrics", timeout=5).read()
                    break
                except OSError:
                    time.sleep(0.1)
            yield f"http://{address}/metrics", psutil.Process(process.pid)
        finally:
            process.kill()


def others(seconds: float) -> None:
    """The CPU time of programs that look at the whole host, each for what it looks at."""
    title("Other programs, CPU time a look at the host")
    sampler = Sampler()
    ours = compare({OURS: sampler.sample_sync}, 1).median(OURS)
    sampler.close()
    print(f"  {OURS}: {ours * 1e3:.2f} ms")
    with node_exporter() as exporter:
        if exporter is None:
            print("  (no prometheus-node-exporter here: apt-get install prometheus-node-exporter)")
        else:
            address, process = exporter

            def cpu() -> float:
                times = process.cpu_times()
                return float(times.user + times.system)

            scrapes, before, end = 0, cpu(), time.perf_counter() + max(seconds, 4)
            while time.perf_counter() < end:
                urllib.request.urlopen(address, timeout=5).read()
                scrapes += 1
            each = (cpu() - before) / scrapes
            found(
                "whole host, CPU time against a scrape of node_exporter (which looks at more)",
                f"{each * 1e3:.1f} ms against {ours * 1e3:.2f} ms",
            )
    glances = shutil.which("glances")
    if glances is None:
        print("  (no glances here)")
        return
    times = {}
    for rounds in (2, 12):
        before = measure.spent()
        command: list[Any] = [glances, "--stdout", "cpu,mem,load", "--time", "1", "--stop-after", str(rounds)]
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        times[rounds] = measure.spent() - before
    each = (times[12] - times[2]) / 10
    found(
        "whole host, CPU time against a round of glances (which looks at processes too)",
        f"{each * 1e3:.0f} ms against {ours * 1e3:.2f} ms",
    )


QUICK = {"seconds": 2}


def main(seconds: float = 5) -> None:
    one_sample(seconds)
    streams(seconds)
    others(seconds)


if __name__ == "__main__":
    main()
