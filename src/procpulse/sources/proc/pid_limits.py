"""/proc/[pid]/limits: what a process may use at most; it may raise the soft limits up to the hard ones.

    Limit                     Soft Limit           Hard Limit           Units
    Max open files            1024                 524288               files

https://man7.org/linux/man-pages/man5/proc_pid_limits.5.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import gauge
from procpulse.process import Part, ProcessFile
from procpulse.text import lines, number, words

UNLIMITED = (1 << 64) - 1


class PidLimits(msgspec.Struct, frozen=True, gc=False):
    """Resource limits of a process; 2^64-1 for no limit."""

    cpu_time_soft_seconds: Annotated[int | None, gauge("CPU time after which it gets SIGXCPU.")] = None
    cpu_time_hard_seconds: Annotated[int | None, gauge("CPU time after which it is killed.")] = None
    file_size_soft_bytes: Annotated[int | None, gauge("Largest file that it may write.")] = None
    file_size_hard_bytes: Annotated[int | None, gauge("The same, hard limit.")] = None
    data_size_soft_bytes: Annotated[int | None, gauge("Private writable memory.")] = None
    data_size_hard_bytes: Annotated[int | None, gauge("The same, hard limit.")] = None
    stack_size_soft_bytes: Annotated[int | None, gauge("Stack of the main thread.")] = None
    stack_size_hard_bytes: Annotated[int | None, gauge("The same, hard limit.")] = None
    core_file_size_soft_bytes: Annotated[int | None, gauge("Largest core file.")] = None
    core_file_size_hard_bytes: Annotated[int | None, gauge("The same, hard limit.")] = None
    resident_set_soft_bytes: Annotated[int | None, gauge("Resident memory; the kernel does not enforce it.")] = None
    resident_set_hard_bytes: Annotated[int | None, gauge("The same, hard limit.")] = None
    processes_soft: Annotated[int | None, gauge("Threads of its user, all processes together.")] = None
    processes_hard: Annotated[int | None, gauge("The same, hard limit.")] = None
    open_files_soft: Annotated[int | None, gauge("One more than the highest file descriptor.")] = None
    open_files_hard: Annotated[int | None, gauge("The same, hard limit.")] = None
    locked_memory_soft_bytes: Annotated[int | None, gauge("Memory locked into RAM.")] = None
    locked_memory_hard_bytes: Annotated[int | None, gauge("The same, hard limit.")] = None
    address_space_soft_bytes: Annotated[int | None, gauge("Virtual memory.")] = None
    address_space_hard_bytes: Annotated[int | None, gauge("The same, hard limit.")] = None
    file_locks_soft: Annotated[int | None, gauge("Locks and leases; the kernel does not enforce it.")] = None
    file_locks_hard: Annotated[int | None, gauge("The same, hard limit.")] = None
    pending_signals_soft: Annotated[int | None, gauge("Signals queued for its user.")] = None
    pending_signals_hard: Annotated[int | None, gauge("The same, hard limit.")] = None
    msgqueue_size_soft_bytes: Annotated[int | None, gauge("POSIX message queues of its user.")] = None
    msgqueue_size_hard_bytes: Annotated[int | None, gauge("The same, hard limit.")] = None
    nice_priority_soft: Annotated[int | None, gauge("Best nice value that it may set, as 20 minus the value.")] = None
    nice_priority_hard: Annotated[int | None, gauge("The same, hard limit.")] = None
    realtime_priority_soft: Annotated[int | None, gauge("Highest real-time priority that it may set.")] = None
    realtime_priority_hard: Annotated[int | None, gauge("The same, hard limit.")] = None
    realtime_timeout_soft_us: Annotated[int | None, gauge("CPU time in real time without a break.")] = None
    realtime_timeout_hard_us: Annotated[int | None, gauge("The same, hard limit.")] = None


_NAMES = {
    b"Max cpu time": ("cpu_time_soft_seconds", "cpu_time_hard_seconds"),
    b"Max file size": ("file_size_soft_bytes", "file_size_hard_bytes"),
    b"Max data size": ("data_size_soft_bytes", "data_size_hard_bytes"),
    b"Max stack size": ("stack_size_soft_bytes", "stack_size_hard_bytes"),
    b"Max core file size": ("core_file_size_soft_bytes", "core_file_size_hard_bytes"),
    b"Max resident set": ("resident_set_soft_bytes", "resident_set_hard_bytes"),
    b"Max processes": ("processes_soft", "processes_hard"),
    b"Max open files": ("open_files_soft", "open_files_hard"),
    b"Max locked memory": ("locked_memory_soft_bytes", "locked_memory_hard_bytes"),
    b"Max address space": ("address_space_soft_bytes", "address_space_hard_bytes"),
    b"Max file locks": ("file_locks_soft", "file_locks_hard"),
    b"Max pending signals": ("pending_signals_soft", "pending_signals_hard"),
    b"Max msgqueue size": ("msgqueue_size_soft_bytes", "msgqueue_size_hard_bytes"),
    b"Max nice priority": ("nice_priority_soft", "nice_priority_hard"),
    b"Max realtime priority": ("realtime_priority_soft", "realtime_priority_hard"),
    b"Max realtime timeout": ("realtime_timeout_soft_us", "realtime_timeout_hard_us"),
}
_WIDTH = 26


def parse(file: ProcessFile) -> PidLimits:
    found: dict[str, Any] = {}
    for line in lines(file.data):
        names = _NAMES.get(line[:_WIDTH].rstrip())
        if names is not None:
            soft, hard, *_ = words(line[_WIDTH:], 2)
            found[names[0]], found[names[1]] = _limit(soft), _limit(hard)
    if not found:
        raise ValueError("no limits")
    return PidLimits(**found)


def _limit(word: bytes) -> int:
    return UNLIMITED if word == b"unlimited" else number(word)


PID_LIMITS = Part("limits", "limits", PidLimits, parse, rows=1)
