"""How benchmarks measure: contenders take turns in one run, so that noise of the machine hits all alike."""

import gc
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def compare(contenders: dict[str, Callable[[], object]], seconds: float = 4.0, least: int = 7) -> dict[str, float]:
    """Median seconds of a call of each contender, taken in turns for so long."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    gc.collect()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(next(iter(times.values()))) < least:
        for name, call in contenders.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) for name, found in times.items()}


def report(
    title: str, medians: dict[str, float], ours: str, targets: dict[str, str] | None = None, per: int = 1
) -> None:
    """Print each median, and its ratio to ours."""
    print(f"\n## {title}\n")
    width = max(map(len, medians))
    for name, seconds in medians.items():
        ratio = medians[ours] / seconds
        factor = (
            "" if name == ours else f"ours is {ratio:.2f}x of it" if ratio >= 1 else f"ours is {1 / ratio:.1f}x faster"
        )
        goal = f"   (target: {targets[name]})" if targets and name in targets else ""
        print(f"  {name:{width}}  {seconds * 1e6 / per:10.2f} us{' each' if per > 1 else ''}   {factor}{goal}")


@contextmanager
def idle_processes(count: int) -> Iterator[list[int]]:
    """So many processes that sleep, as children of one small process."""
    code = f"""
import os, signal
pids = []
for _ in range({count}):
    pid = os.fork()
    if not pid:
        signal.pause()
        os._exit(0)
    pids.append(pid)
print(*pids, flush=True)
try:
    input()
except EOFError:
    pass
for pid in pids:
    os.kill(pid, signal.SIGKILL)
for pid in pids:
    os.waitpid(pid, 0)
"""
    parent = subprocess.Popen(
        [sys.executable, "-S", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    try:
        yield [int(word) for word in parent.stdout.readline().split()]
    finally:
        parent.stdin.close()
        parent.wait()


@contextmanager
def floor(source: str, *arguments: str) -> Iterator[Callable[[], float] | None]:
    """A C program that does the same raw reads: each call runs it once over and gives its own seconds. None without cc."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "floor"
        subprocess.run([compiler, "-O2", "-x", "c", "-", "-o", program], input=source, text=True, check=True)
        process = subprocess.Popen(
            [program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin, process.stdout

        def once() -> float:
            stdin.write("\n")
            stdin.flush()
            return float(stdout.readline())

        try:
            yield once
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
            stdin.close()
            stdout.close()


def raise_descriptor_limit() -> int:
    """As many descriptors as this user may have; returns how many."""
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def machine() -> str:
    """What this was measured on, in a line."""
    system = os.uname()
    return f"{os.cpu_count()} CPUs, {system.sysname} {system.release.split('-')[0]}, Python {sys.version.split()[0]}"
