"""What does one tick over the process table cost, against raw reads of the same files and against psutil, ps and top?"""

import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from benchmarks import measure
from benchmarks.measure import compare, found, title
from procpulse import Sampler
from procpulse.sources import PROCESSES, processes

OURS = "procpulse: one sample"
C_KEPT = "C: pread on kept descriptors"
C_OPENED = "C: open, pread, close"
PYTHON_KEPT = "Python: os.pread on kept descriptors"
PYTHON_OPENED = "Python: os.open, os.pread, os.close"
PSUTIL = "psutil.process_iter, the same 8 attributes"
ATTRIBUTES = ["pid", "ppid", "name", "status", "cpu_times", "memory_info", "num_threads", "create_time"]
SLOW_PROGRAMS = {
    "ps -eo pid,ppid,comm,state,time,rss,nlwp,lstart": ["ps", "-eo", "pid,ppid,comm,state,time,rss,nlwp,lstart"],
    "top -b -n 1": ["top", "-b", "-n", "1"],
}


def idle(count: int, seconds: float, peers: bool) -> float | None:
    """One sample of so many idle processes, and its peers. Returns its ratio to the floor; None without so many."""
    title(f"{count:,} idle processes, part stat")
    with measure.idle_processes(count) as children, measure.in_c() as c:
        if len(children) < count:
            print(f"  (this machine allows {len(children):,} only)")
            return None
        # The floor reads through the same descriptors: not every machine allows twice as many.
        sampler = Sampler([PROCESSES], descriptors=count * 5 // 4 + 1000)
        sampler.sample_sync()
        fds = [entry.fd for entry in sampler._reader._tables["processes"]._entries.values() if entry.kept]
        contenders: dict[str, Callable[[], object]] = {
            OURS: sampler.sample_sync,
            PYTHON_KEPT: measure.kept_in_python(fds),
        }
        if c is not None:
            contenders[C_KEPT] = measure.kept_in_c(c, fds)
        times = compare(contenders, seconds)
        times.show(len(fds))
        floor = C_KEPT if c is not None else PYTHON_KEPT
        ratio = times.ratio(OURS, floor)
        found(f"{count:,} idle processes, one sample against {floor}", f"{ratio:.2f}x", "at most 1.3x", ratio <= 1.3)
        if peers:
            contenders = {OURS: sampler.sample_sync, PSUTIL: lambda: list(psutil.process_iter(ATTRIBUTES))}
            for name, command in SLOW_PROGRAMS.items():
                if shutil.which(command[0]):
                    contenders[name] = partial(subprocess.run, command, stdout=subprocess.DEVNULL, check=True)
            times = compare(contenders, seconds)
            times.show(len(fds))
            for name in list(contenders)[1:]:
                faster = 1 / times.ratio(OURS, name)
                target, met = ("at least 20x", faster >= 20) if name == PSUTIL else ("", None)
                found(f"{count:,} idle processes, faster than {name}", f"{faster:.0f}x", target, met)
        sampler.close()
        return ratio


def busy(count: int, seconds: float) -> None:
    """All bytes of all processes change: as far as the reader knows, everything is new."""
    title(f"{count:,} processes of which every byte changes, part stat")
    with (
        measure.idle_processes(count),
        measure.in_c() as c,
        measure.open_files(f"/proc/{pid}/stat" for pid in measure.pids()) as fds,
    ):
        sampler = Sampler([PROCESSES])
        sampler.sample_sync()
        entries = sampler._reader._tables["processes"]._entries

        # Thousands of processes that really run would take the CPUs that this is measured on.
        def forget() -> None:
            for entry in entries.values():
                entry.data = b"x"

        times_forget: dict[str, Callable[[], object]] = {
            OURS: lambda: (forget(), sampler.sample_sync()),
            "of it, forgetting what was known": forget,
            PYTHON_KEPT: measure.kept_in_python(fds),
        }
        if c is not None:
            times_forget[C_KEPT] = measure.kept_in_c(c, fds)
        times = compare(times_forget, seconds)
        times.show(len(fds))
        floor = C_KEPT if c is not None else PYTHON_KEPT
        ratio = times.ratio(OURS, floor) - times.ratio("of it, forgetting what was known", floor)
        found(f"{count:,} busy processes, one sample against {floor}", f"{ratio:.2f}x", "at most 1.9x", ratio <= 1.9)
        sampler.close()


def parts(count: int, seconds: float) -> None:
    """Several files of each process."""
    title(f"{count:,} idle processes, parts stat status io cmdline")
    with (
        measure.idle_processes(count),
        measure.in_c() as c,
        # cmdline hardly ever changes: it is read once a minute, so it is not in the floor either.
        measure.open_files(f"/proc/{pid}/{name}" for pid in measure.pids() for name in ("status", "io", "stat")) as fds,
    ):
        sampler = Sampler([processes("status", "io", "cmdline")])
        contenders: dict[str, Callable[[], object]] = {
            OURS: sampler.sample_sync,
            PYTHON_KEPT: measure.kept_in_python(fds),
        }
        if c is not None:
            contenders[C_KEPT] = measure.kept_in_c(c, fds)
        times = compare(contenders, seconds)
        times.show(len(fds) // 3)
        floor = C_KEPT if c is not None else PYTHON_KEPT
        ratio = times.ratio(OURS, floor)
        question = f"{count:,} idle processes, stat status io cmdline, against {floor} (stat status io)"
        found(question, f"{ratio:.2f}x", "at most 1.3x", ratio <= 1.3)
        sampler.close()


def short(count: int, seconds: float) -> None:
    """Hardly any descriptors: every file is opened and closed."""
    title(f"{count:,} idle processes, part stat, RLIMIT_NOFILE 256")
    with measure.idle_processes(count), measure.in_c() as c:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        try:
            sampler = Sampler([PROCESSES])
            paths = [f"/proc/{pid}/stat" for pid in measure.pids()]
            contenders: dict[str, Callable[[], object]] = {
                OURS: sampler.sample_sync,
                PYTHON_OPENED: measure.opened_in_python(paths),
            }
            if c is not None:
                contenders[C_OPENED] = measure.opened_in_c(c, paths)
            times = compare(contenders, seconds)
            times.show(len(paths))
            floor = C_OPENED if c is not None else PYTHON_OPENED
            ratio = times.ratio(OURS, floor)
            question = f"{count:,} idle processes, RLIMIT_NOFILE 256, against {floor}"
            found(question, f"{ratio:.2f}x", "at most 1.4x", ratio <= 1.4)
            sampler.close()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


QUICK = {"counts": (100, 1000), "seconds": 2}


def main(counts: tuple[int, ...] = (100, 1000, 5000, 10_000), seconds: float = 5) -> None:
    measure.raise_descriptor_limit()
    most = int(Path("/proc/sys/kernel/pid_max").read_text()) * 3 // 4
    ratios = {count: idle(count, seconds, peers=count == 1000) for count in counts if count < most}
    fewer, more = ratios.get(1000), ratios.get(10_000)
    if fewer is not None and more is not None:
        found("a process at 10,000 against one at 1,000", f"{more / fewer:.2f}x", "at most 1.3x", more / fewer <= 1.3)
    if 1000 in ratios:
        busy(1000, seconds)
        parts(1000, seconds)
        short(1000, seconds)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or (1000,))
