"""What does one tick over the process table cost, against raw reads of the same files and against psutil?"""

import os
import statistics
import sys
from collections.abc import Callable
from contextlib import suppress

import psutil

from benchmarks.measure import compare, floor, idle_processes, raise_descriptor_limit, report
from procpulse import Sampler
from procpulse.sources import PROCESSES

# Opens NAME of every pid once, then reads them all whenever a line comes in, and answers with the seconds it took.
FLOOR = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int main(int argc, char **argv) {
    int count = 0, *fds = malloc(sizeof(int) * argc * 8), names = atoi(argv[1]);
    char path[64], buffer[4096];
    for (int i = 2 + names; i < argc; i++)
        for (int n = 0; n < names; n++) {
            snprintf(path, sizeof path, "/proc/%s/%s", argv[i], argv[2 + n]);
            if ((fds[count] = open(path, O_RDONLY | O_CLOEXEC)) >= 0) count++;
        }
    while (fgets(buffer, sizeof buffer, stdin)) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (int i = 0; i < count; i++) (void)!pread(fds[i], buffer, sizeof buffer, 0);
        clock_gettime(CLOCK_MONOTONIC, &b);
        printf("%.9f\n", b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9);
        fflush(stdout);
    }
}
"""

ATTRIBUTES = ["pid", "ppid", "name", "status", "cpu_times", "memory_info", "num_threads", "create_time"]


def raw(pids: list[int], *names: str) -> Callable[[], None]:
    """Plain `os.pread` on kept descriptors of the same files."""
    fds = []
    for pid in pids:
        for name in names:
            with suppress(OSError):
                fds.append(os.open(f"/proc/{pid}/{name}", os.O_RDONLY))
    pread = os.pread

    def read() -> None:
        for fd in fds:
            try:
                pread(fd, 4096, 0)
            except OSError:  # it has ended; so has its row
                pass

    return read


def table(count: int) -> None:
    """One sample of so many idle processes, and its peers."""
    with idle_processes(count):
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        sampler = Sampler([PROCESSES])
        contenders: dict[str, Callable[[], object]] = {
            "procpulse: one sample": sampler.sample_sync,
            "os.pread on kept descriptors": raw(pids, "stat"),
            "psutil.process_iter, same 8 attributes": lambda: list(psutil.process_iter(ATTRIBUTES)),
        }
        in_c = "C: pread on kept descriptors"
        seconds: list[float] = []
        with floor(FLOOR, "1", "stat", *map(str, pids)) as once:
            if once is not None:
                contenders[in_c] = lambda: seconds.append(once())
            medians = compare(contenders, seconds=6)
        if seconds:
            medians[in_c] = statistics.median(seconds)
        targets = {in_c: "1.3x", "psutil.process_iter, same 8 attributes": "20x faster"}
        report(
            f"Process table, {len(pids)} idle processes, part stat",
            medians,
            "procpulse: one sample",
            targets,
            len(pids),
        )
        sampler.close()


def main(counts: tuple[int, ...] = (1000,)) -> None:
    raise_descriptor_limit()
    for count in counts:
        table(count)


if __name__ == "__main__":
    main(tuple(map(int, sys.argv[1:])) or (1000,))
