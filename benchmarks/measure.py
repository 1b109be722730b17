"""How benchmarks measure: contenders take turns in one run, so that noise of the machine hits all alike.

What is compared is CPU time, of this process and of programs that it ran: what others did meanwhile does not count.
Ratios are the median over the rounds of (ours / theirs in the same round), with the order turned round by round.
"""

import ctypes
import gc
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class Row:
    """One line of the table of results."""

    def __init__(self, question: str, result: str, target: str, met: bool | None):
        self.question = question
        self.result = result
        self.target = target
        self.met = met


RESULTS: list[Row] = []
"""What was found so far, by every benchmark of this run."""


def title(text: str) -> None:
    print(f"\n## {text}\n", flush=True)


def found(question: str, result: str, target: str = "", met: bool | None = None) -> None:
    """Print one result and keep it for the table."""
    RESULTS.append(Row(question, result, target, met))
    verdict = "" if met is None else "  ok" if met else "  MISSED"
    print(f"  -> {question}: {result}{f' (target: {target})' if target else ''}{verdict}", flush=True)


def spent() -> float:
    """CPU seconds of this process, its threads, and the programs that were waited for."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


class Times:
    """CPU seconds of each contender in each round; None in rounds that it sat out."""

    def __init__(self, names: Iterable[str]):
        self.rounds: dict[str, list[float | None]] = {name: [] for name in names}

    def median(self, name: str) -> float:
        return statistics.median(seconds for seconds in self.rounds[name] if seconds is not None)

    def ratio(self, ours: str, theirs: str) -> float:
        """How many times as long as theirs ours takes."""
        pairs = zip(self.rounds[ours], self.rounds[theirs], strict=True)
        return statistics.median(a / b for a, b in pairs if a is not None and b is not None)

    def show(self, per: int = 1) -> None:
        width = max(map(len, self.rounds))
        for name in self.rounds:
            print(f"  {name:{width}}  {self.median(name) * 1e6 / per:10.2f} us{' each' if per > 1 else ''}")


def compare(
    contenders: dict[str, Callable[[], object]], seconds: float = 4.0, least: int = 7, seldom: Iterable[str] = ()
) -> Times:
    """Time the contenders in turns for so long; those of `seldom`, which take long, in every fifth round."""
    seldom = set(seldom)
    times = Times(contenders)
    names = list(contenders)
    for call in contenders.values():
        call()
    gc.collect()
    end = time.perf_counter() + seconds
    turn = 0
    while time.perf_counter() < end or turn < least:
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            if name in seldom and turn % 5:
                times.rounds[name].append(None)
                continue
            call = contenders[name]
            start = spent()
            call()
            times.rounds[name].append(spent() - start)
        turn += 1
    return times


@contextmanager
def children(count: int, body: str) -> Iterator[list[int]]:
    """So many processes that do `body`, or as many as may be had, as children of one small process; they end with it."""
    code = f"""
import os, signal, ctypes
pids = []
for i in range({count}):
    try:
        pid = os.fork()
    except OSError:
        break
    if not pid:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        try:
            {body}
        finally:
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


def idle_processes(count: int) -> "contextmanager[list[int]]":  # type: ignore[valid-type]
    """So many processes that sleep."""
    return children(count, "signal.pause()")


# In this process and on this CPU: a floor in another one would have other caches and another scheduler.
_FLOOR = r"""
#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>
static char buffer[65536];
void kept(const int *fds, int count, int size) {
    for (int i = 0; i < count; i++) (void)!pread(fds[i], buffer, size, 0);
}
void listed(const char **paths, int count) {
    for (int i = 0; i < count; i++) {
        DIR *folder = opendir(paths[i]);
        if (!folder) continue;
        while (readdir(folder)) {}
        closedir(folder);
    }
}
void ended(const int *fds, int count) {
    for (int i = 0; i < count; i++) {
        off_t at = 0;
        for (ssize_t n; (n = pread(fds[i], buffer, sizeof buffer, at)) > 0;) at += n;
    }
}
void opened(const char **paths, int count, int size) {
    for (int i = 0; i < count; i++) {
        int fd = open(paths[i], O_RDONLY | O_CLOEXEC);
        if (fd < 0) continue;
        (void)!pread(fd, buffer, size, 0);
        close(fd);
    }
}
"""


@contextmanager
def in_c() -> Iterator[ctypes.CDLL | None]:
    """The floor: raw reads in C. None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        print("  (no C compiler: the floor is os.pread in Python instead)")
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "floor.so"
        subprocess.run(
            [compiler, "-O2", "-shared", "-fPIC", "-x", "c", "-", "-o", library], input=_FLOOR, text=True, check=True
        )
        yield ctypes.CDLL(str(library))


@contextmanager
def open_files(paths: Iterable[str]) -> Iterator[list[int]]:
    """The files, open for reading; those that have vanished are left out."""
    fds: list[int] = []
    try:
        for path in paths:
            with suppress(OSError):
                fds.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        yield fds
    finally:
        for fd in fds:
            os.close(fd)


def kept_in_c(library: ctypes.CDLL, fds: list[int], size: int = 4096) -> Callable[[], None]:
    """One pread of each open file."""
    array = (ctypes.c_int * len(fds))(*fds)
    return lambda: library.kept(array, len(fds), size)


def ended_in_c(library: ctypes.CDLL, fds: list[int], folders: list[str]) -> Callable[[], None]:
    """Each open file to its end, and the names in each directory."""
    files = (ctypes.c_int * len(fds))(*fds)
    names = (ctypes.c_char_p * len(folders))(*[os.fsencode(folder) for folder in folders])

    def read() -> None:
        library.ended(files, len(fds))
        library.listed(names, len(folders))

    return read


def opened_in_c(library: ctypes.CDLL, paths: list[str], size: int = 4096) -> Callable[[], None]:
    """Open, pread and close of each file."""
    array = (ctypes.c_char_p * len(paths))(*[os.fsencode(path) for path in paths])
    return lambda: library.opened(array, len(paths), size)


def kept_in_python(fds: list[int], size: int = 4096) -> Callable[[], None]:
    """One `os.pread` of each open file."""
    pread = os.pread

    def read() -> None:
        for fd in fds:
            try:
                pread(fd, size, 0)
            except OSError:  # it has ended
                pass

    return read


def opened_in_python(paths: list[str], size: int = 4096) -> Callable[[], None]:
    """`os.open`, `os.pread` and `os.close` of each file."""

    def read() -> None:
        for path in paths:
            try:
                fd = os.open(path, os.O_RDONLY)
            except OSError:
                continue
            with suppress(OSError):
                os.pread(fd, size, 0)
            os.close(fd)

    return read


def pids() -> list[int]:
    """Every process there is now."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def raise_descriptor_limit(enough: int = 1 << 16) -> None:
    """As many descriptors as this user may have, up to what is enough for both sides of a comparison."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with suppress(ValueError, OSError):  # only root may raise the hard limit
        resource.setrlimit(resource.RLIMIT_NOFILE, (enough, max(hard, enough)))
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def machine() -> str:
    """What this was measured on, in a line."""
    system = os.uname()
    return f"{os.cpu_count()} CPUs, {system.sysname} {system.release.split('-')[0]}, Python {sys.version.split()[0]}"
