"""Many of everything (F15, F19, F20, S21): 5,000 processes, 20,000 threads, 100,000 sockets, 1,500 mounts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.making import child, compiled

pytestmark = [pytest.mark.root, pytest.mark.slow]

Figure = Callable[[str, Any], None]

CROWD = r"""
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

static void *wait_for_ever(void *nothing) { for (;;) pause(); }

/* program PROCESSES THREADS: so many processes, the threads spread over the first twenty of them. */
int main(int count, char **words) {
    int processes = atoi(words[1]), threads = atoi(words[2]);
    for (int i = 0; i < processes; i++)
        if (!fork()) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            pthread_attr_t small;
            pthread_attr_init(&small);
            pthread_attr_setstacksize(&small, 16384);
            for (int j = 0; i < 20 && j < threads / 20; j++) {
                pthread_t thread;
                if (pthread_create(&thread, &small, wait_for_ever, NULL)) _exit(1);
            }
            if (i < 20) { char ready = 'x'; write(1, &ready, 1); }
            wait_for_ever(NULL);
        }
    puts("");
    fflush(stdout);
    wait_for_ever(NULL);
}
"""


COUNT = """
    import json, subprocess, sys, time
    from procpulse import Sampler
    from procpulse.sources import PROCESSES, processes

    crowd = subprocess.Popen([sys.argv[1], *sys.argv[2:4]], stdout=subprocess.PIPE, bufsize=0)
    got = b""
    while got.count(b"x") < 20 or b"\\n" not in got:
        got += crowd.stdout.read(4096)
    sampler = Sampler([PROCESSES])
    took = []
    for _ in range(5):
        start = time.perf_counter()
        snap = sampler.sample_sync()
        took.append((time.perf_counter() - start) * 1e3)
    rows = snap[PROCESSES]
    sampler.close()
    wide = processes("io", "status", "cmdline")
    deep = Sampler([wide], deadlines={wide: 60}).sample_sync()
    print(json.dumps([len(rows), sum(row.stat.num_threads for row in rows.values()), took, len(deep[wide]),
                      sorted({f.reason for f in deep.failures.values()})]))
"""


# Two crowds, since together they may be more than the host has pids.
@pytest.mark.parametrize(("processes", "threads"), [(5000, 0), (20, 20_000)], ids=["processes", "threads"])
def test_a_crowd(tmp_path: Path, processes: int, threads: int, figure: Figure) -> None:
    program = compiled(CROWD, tmp_path, "-pthread")
    arguments = [program, str(processes), str(threads)]
    rows, tasks, took, deep, reasons = child(
        COUNT, unshare=["--pid", "--fork", "--mount-proc"], arguments=arguments, timeout=200
    )
    assert rows >= processes
    assert tasks >= processes + threads
    assert deep >= processes
    assert set(reasons) <= {"denied"}
    if not threads:
        figure("F15 5,000 x stat in ms, first and again (limit 150)", f"{took[0]:.0f}, {min(took):.0f}")


def test_a_hundred_thousand_sockets(figure: Figure) -> None:
    found = child(
        """
        import json, os, resource, signal, socket, time
        import msgspec
        from procpulse import Sampler
        from procpulse.sources import NET_SOCKSTAT, NET_TCP_SUMMARY, STAT

        # Shared among processes, since RLIMIT_NOFILE may be low.
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        share = min(100_000, limit - 100)
        ready, go = os.pipe()
        children = []
        for first in range(0, 100_000, share):
            child = os.fork()
            if not child:
                kept = []
                for i in range(first, min(first + share, 100_000)):
                    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                    one.bind((f"127.0.0.{1 + i // 1000}", 2000 + i % 1000))
                    one.listen(1)
                    kept.append(one)
                os.write(go, b"x")
                signal.pause()
                os._exit(0)
            children.append(child)
        for _ in children:
            assert os.read(ready, 1)
        sampler = Sampler([NET_SOCKSTAT, NET_TCP_SUMMARY, STAT], deadlines={NET_TCP_SUMMARY: 20}, descriptors=50)
        start = time.perf_counter()
        snap = sampler.sample_sync()
        took = (time.perf_counter() - start) * 1e3
        summary = snap.values["net_tcp_summary"]
        quick = Sampler([NET_TCP_SUMMARY, STAT], deadlines={NET_TCP_SUMMARY: 0.02}, descriptors=50).sample_sync()
        for child in children:
            os.kill(child, signal.SIGKILL)
        print(json.dumps([summary.sockets, took, STAT in quick, {n: f.reason for n, f in quick.failures.items()}]))
        """,
        unshare=["--net"],
        setup="ip link set lo up",
    )
    total, took, healthy, failures = found
    assert total >= 100_000
    assert healthy, "what does not come in time costs nobody else"
    assert failures in ({"net_tcp_summary": "timeout"}, {})
    figure("F20 a table of 100,000 sockets, in ms", took)


def test_fifteen_hundred_mounts(tmp_path: Path) -> None:
    """Longer than a page many times over, and read whole."""
    found = child(
        """
        import ctypes, json, sys
        from pathlib import Path
        from procpulse import Sampler
        from procpulse.sources import MOUNTINFO, STATFS

        libc = ctypes.CDLL(None)
        for i in range(1500):
            folder = Path(sys.argv[1]) / f"m {i}"
            folder.mkdir()
            assert not libc.mount(b"none", str(folder).encode(), b"tmpfs", 0, b"size=4k")
        sampler = Sampler([MOUNTINFO, STATFS], deadlines={STATFS: 20})
        snap = sampler.sample_sync()
        points = {row.mount_point for row in snap[MOUNTINFO]}
        print(json.dumps([sum(f"{sys.argv[1]}/m {i}" in points for i in range(1500)),
                          {n: f.reason for n, f in snap.failures.items() if "/" not in n}]))
        """,
        unshare=["--mount"],
        arguments=[str(tmp_path)],
    )
    assert found == [1500, {}]
