"""/proc/[pid]/stat: state, family, CPU time and memory of a process.

    26231 (vim) R 5392 7446 5392 34835 7446 4218880 32533 309516 26 82 1677 44 158 99 20 0 1 0 82375 56274944 1981

Its addresses (ASLR) are not exported.

https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
"""

from functools import lru_cache
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info
from procpulse.process import Part, ProcessFile
from procpulse.source import Host
from procpulse.text import inert, integers, number, sized


class PidStat(msgspec.Struct, frozen=True, gc=False):
    """What the kernel says of a process in one line."""

    pid: Annotated[int, info("Process id; of a thread, its own.")]
    comm: Annotated[str, info("Name of the process, of its main thread to be exact; at most 15 bytes for a program.")]
    state: Annotated[
        str,
        info("R runs, S sleeps, D waits uninterruptibly, Z zombie, T stopped, t traced, I idle kernel thread, X dead."),
    ]
    ppid: Annotated[int, info("Pid of the parent.")]
    pgrp: Annotated[int, info("Process group.")]
    session: Annotated[int, info("Session.")]
    tty_nr: Annotated[int, info("Device number of the controlling terminal; 0 for none.")]
    tpgid: Annotated[int, info("Process group in the foreground of the terminal; -1 for none.")]
    flags: Annotated[int, info("Kernel flags (PF_*); 0x200000 is a kernel thread.")]
    minor_faults: Annotated[int, counter("Page faults that needed no disk.", bits="long")]
    child_minor_faults: Annotated[int, counter("The same of children that were waited for.", bits="long")]
    major_faults: Annotated[int, counter("Page faults that needed a disk.", bits="long")]
    child_major_faults: Annotated[int, counter("The same of children that were waited for.", bits="long")]
    user_ticks: Annotated[int, counter("CPU time in user mode, guests included.")]
    system_ticks: Annotated[int, counter("CPU time in the kernel.")]
    child_user_ticks: Annotated[int, counter("CPU time in user mode of children that were waited for.")]
    child_system_ticks: Annotated[int, counter("CPU time in the kernel of children that were waited for.")]
    priority: Annotated[int, info("Priority as the scheduler sees it; below 0 for real time.")]
    nice: Annotated[int, info("Nice value, from 19 (low priority) to -20 (high).")]
    num_threads: Annotated[int, gauge("Threads.")]
    start_ticks: Annotated[int, info("When it started, in clock ticks after boot.")]
    vsize_bytes: Annotated[int, gauge("Virtual memory.")]
    rss_bytes: Annotated[int, gauge("Resident memory; inexact, `statm` and `smaps_rollup` know better.")]
    rss_limit_bytes: Annotated[int, info("Soft limit of the resident memory; 2^64-1 for no limit.")]
    exit_signal: Annotated[int | None, info("Signal that the parent gets when it dies.")] = None
    processor: Annotated[int | None, info("CPU that it ran on last.")] = None
    rt_priority: Annotated[int | None, info("Real-time priority, 1 to 99; 0 for others.")] = None
    policy: Annotated[int | None, info("Scheduling policy (SCHED_*).")] = None
    delayacct_blkio_ticks: Annotated[
        int | None, counter("Time spent waiting for disks; 0 unless the kernel accounts delays.")
    ] = None
    guest_ticks: Annotated[int | None, counter("CPU time running a guest; part of user time.")] = None
    child_guest_ticks: Annotated[int | None, counter("The same of children that were waited for.")] = None

    @property
    def cpu_ticks(self) -> int:
        """CPU time in user mode and in the kernel."""
        return self.user_ticks + self.system_ticks

    @property
    def kernel_thread(self) -> bool:
        """Whether this is a thread of the kernel, with no program of its own."""
        return bool(self.flags & 0x200000)

    def start_time(self, host: Host) -> float | None:
        """When it started, in seconds since 1970, by the host's wall clock as it is now; None if that is not known."""
        return None if host.boot_time is None else host.boot_time + self.start_ticks / host.ticks_per_second


_DECODER = msgspec.json.Decoder(list[int])
_FIT = msgspec.msgpack.Encoder()
_STATES = {bytes((letter,)): chr(letter) for letter in b"RSDZTtXxKWPI"}
# Most processes have the name of another one.
_name = lru_cache(4096)(inert)


def parse(file: ProcessFile) -> PidStat:
    data = file.data
    # A name may hold blanks and parentheses: it ends at the last parenthesis of the whole file.
    start, end = data.index(b"("), data.rindex(b")")
    state = data[end + 2 : end + 3]
    row, first = data[end + 4 : -1], data[:start]
    try:
        v = _DECODER.decode(b"[" + row.replace(b" ", b",") + b"," + first + b"]")
        _FIT.encode(v)
    except msgspec.MsgspecError:
        # Odd blanks, or lines after the one that counts: the kernel has one line, a later one or a capture may have more.
        v = [*integers(row.partition(b"\n")[0]), number(first.strip())]
    except OverflowError:
        raise ValueError("over 64 bits") from None
    pid = v.pop()
    if len(v) < 22:
        raise ValueError("fewer than 24 columns")
    # v[17], itrealvalue, has been 0 since Linux 2.6.17; v[22:34] are addresses, and signals that `status` has.
    del v[41:], v[22:34], v[17]
    v[19] = sized(v[19], file.host.page_size)
    return PidStat(pid, _name(data[start + 1 : end]), _STATES.get(state) or inert(state), *v)


PID_STAT = Part("stat", "stat", PidStat, parse)
