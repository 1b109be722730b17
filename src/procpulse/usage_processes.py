"""What processes and threads did a second: used by `usage`.

When a process waits for a child that has ended, the kernel adds all that the child ever read and wrote to the counters of
the parent, in one go (`wait_task_zombie` in kernel/exit.c). The page faults of the child go to counters of their own at
the same time, which is how such a tick is known: every child has had some.
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.sources.proc.processes import Process, Thread


class ProcessUsage(msgspec.Struct, frozen=True, gc=False):
    """What a process did a second. What needs a part that was not sampled is None.

    The kernel tells CPU time in clock ticks, of 10 ms mostly. Over a short interval the growth may be more than there
    was time for; so `cpu_ratio` is at most the number of CPUs that are online.
    """

    pid: Annotated[int, label("Process id.")]
    comm: Annotated[str, info("Name.")]
    state: Annotated[str, info("State.")]
    cpu_ratio: Annotated[float, gauge("CPU time / elapsed; 1 is one CPU all the time, and threads add up.")]
    user_ratio: Annotated[float, gauge("CPU time in user mode / elapsed.")]
    system_ratio: Annotated[float, gauge("CPU time in the kernel / elapsed.")]
    rss_bytes: Annotated[int, gauge("Resident memory; exact with the part statm, else what stat says.")]
    num_threads: Annotated[int, gauge("Threads.")]
    minor_faults_per_second: Annotated[float, gauge("Page faults that needed no disk.")]
    major_faults_per_second: Annotated[float, gauge("Page faults that needed a disk.")]
    read_bytes_per_second: Annotated[
        float | None,
        gauge("Bytes from disks (part io); None where those of children that it waited for are among them."),
    ] = None
    written_bytes_per_second: Annotated[
        float | None, gauge("Bytes to disks (part io); None where those of children that it waited for are among them.")
    ] = None
    context_switches_per_second: Annotated[
        float | None, gauge("Context switches of the main thread (part status).")
    ] = None
    run_ratio: Annotated[float | None, gauge("Time of the main thread on a CPU / elapsed (part schedstat).")] = None
    wait_ratio: Annotated[
        float | None, gauge("Time of the main thread waiting for a CPU / elapsed (part schedstat).")
    ] = None
    with_children_read_bytes_per_second: Annotated[
        float | None,
        gauge(
            "Bytes from disks of itself and in the whole lives of the children that it waited for; None without any."
        ),
    ] = None
    with_children_written_bytes_per_second: Annotated[
        float | None,
        gauge("Bytes to disks of itself and in the whole lives of the children that it waited for; None without any."),
    ] = None


class ThreadUsage(msgspec.Struct, frozen=True, gc=False):
    """What a thread did a second. What needs a part that was not sampled of threads is None.

    A thread is on one CPU at a time, so its ratios are at most 1, as those of processes are bounded.
    """

    tid: Annotated[int, label("Thread id.")]
    pid: Annotated[int, info("Process id.")]
    comm: Annotated[str, info("Name of the thread.")]
    state: Annotated[str, info("State.")]
    cpu_ratio: Annotated[float, gauge("CPU time / elapsed.")]
    user_ratio: Annotated[float, gauge("CPU time in user mode / elapsed.")]
    system_ratio: Annotated[float, gauge("CPU time in the kernel / elapsed.")]
    minor_faults_per_second: Annotated[float, gauge("Page faults that needed no disk.")]
    major_faults_per_second: Annotated[float, gauge("Page faults that needed a disk.")]
    read_bytes_per_second: Annotated[float | None, gauge("Bytes from disks (part io).")] = None
    written_bytes_per_second: Annotated[float | None, gauge("Bytes to disks (part io).")] = None
    context_switches_per_second: Annotated[float | None, gauge("Context switches (part status).")] = None
    run_ratio: Annotated[float | None, gauge("Time on a CPU / elapsed (part schedstat).")] = None
    wait_ratio: Annotated[float | None, gauge("Time waiting for a CPU / elapsed (part schedstat).")] = None


def process_usage(grown: Process, seconds: float, ticks: int, cpus: int | None) -> ProcessUsage:
    """What a process did a second.

    Args:
        grown: Its growth.
        seconds: In how long.
        ticks: Clock ticks in a second.
        cpus: How many CPUs it can have used at most, where that is known.
    """
    stat, statm = grown.stat, getattr(grown, "statm", None)
    work = _work(grown, seconds, ticks, cpus)
    if stat.child_minor_faults or stat.child_major_faults:
        for name in ("read_bytes_per_second", "written_bytes_per_second"):
            if work[name]:
                work[f"with_children_{name}"], work[name] = work[name], None
    return ProcessUsage(
        pid=grown.pid,
        rss_bytes=stat.rss_bytes if statm is None else statm.resident_bytes,
        num_threads=stat.num_threads,
        **work,
    )


def thread_usage(pid: int, grown: Thread, seconds: float, ticks: int) -> ThreadUsage:
    """What a thread of a process did a second; arguments as for `process_usage`."""
    return ThreadUsage(tid=grown.tid, pid=pid, **_work(grown, seconds, ticks, 1))


def _work(grown: Process | Thread, seconds: float, ticks: int, cpus: int | None) -> dict[str, Any]:
    """What is told of processes and threads alike, by field; it can have used so many CPUs at most."""
    stat = grown.stat
    io, status, schedstat = (getattr(grown, name, None) for name in ("io", "status", "schedstat"))
    per_second = seconds * ticks
    if cpus is not None:
        per_second = max(per_second, stat.cpu_ticks / cpus)
    return {
        "comm": stat.comm,
        "state": stat.state,
        "cpu_ratio": stat.cpu_ticks / per_second,
        "user_ratio": stat.user_ticks / per_second,
        "system_ratio": stat.system_ticks / per_second,
        "minor_faults_per_second": stat.minor_faults / seconds,
        "major_faults_per_second": stat.major_faults / seconds,
        "read_bytes_per_second": None if io is None else _rate(io.read_bytes, seconds),
        "written_bytes_per_second": None if io is None else _rate(io.written_bytes, seconds),
        "context_switches_per_second": None if status is None else _rate(status.ctxt_switches, seconds),
        "run_ratio": None if schedstat is None else min(1.0, schedstat.run_ns / 1e9 / seconds),
        "wait_ratio": None if schedstat is None else min(1.0, schedstat.wait_ns / 1e9 / seconds),
    }


def _rate(growth: int | None, seconds: float) -> float | None:
    return None if growth is None else growth / seconds
