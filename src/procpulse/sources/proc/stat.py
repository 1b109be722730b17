"""/proc/stat: where the CPUs spent their time, and what the kernel counted since boot.

    cpu  10132153 290696 3084719 46828483 16683 0 25195 0 175628 0
    cpu0 1393280 32966 572056 13343292 6130 0 17875 0 23933 0
    intr 8885917 17 0 0 0
    ctxt 22848221

https://docs.kernel.org/filesystems/proc.html#miscellaneous-kernel-statistics-in-proc-stat
"""

from itertools import compress, count
from typing import TYPE_CHECKING, Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.source import File, Source
from procpulse.text import integers, lines, number, shorten


class CpuTime(msgspec.Struct, frozen=True, gc=False):
    """Time of all CPUs together, by what they did. Guest time is part of user time."""

    user_ticks: Annotated[int, counter("Time in user mode, guests included.")]
    nice_ticks: Annotated[int, counter("Time in user mode at low priority, niced guests included.")]
    system_ticks: Annotated[int, counter("Time in the kernel.")]
    idle_ticks: Annotated[int, counter("Time with nothing to do.")]
    iowait_ticks: Annotated[
        int | None, counter("Time idle while a task waited for a disk; may move to idle time.", moves_to="idle_ticks")
    ] = None
    irq_ticks: Annotated[int | None, counter("Time serving interrupts.")] = None
    softirq_ticks: Annotated[int | None, counter("Time serving softirqs.")] = None
    steal_ticks: Annotated[int | None, counter("Time that a hypervisor gave to others.")] = None
    guest_ticks: Annotated[int | None, counter("Time running guests; part of user time.")] = None
    guest_nice_ticks: Annotated[int | None, counter("Time running niced guests; part of nice time.")] = None


class Cpu(msgspec.Struct, frozen=True, gc=False):
    """Time of one CPU, by what it did. Guest time is part of user time."""

    cpu: Annotated[int, label("Number of the CPU; offline ones are missing.")]
    user_ticks: Annotated[int, counter("Time in user mode, guests included.")]
    nice_ticks: Annotated[int, counter("Time in user mode at low priority, niced guests included.")]
    system_ticks: Annotated[int, counter("Time in the kernel.")]
    idle_ticks: Annotated[int, counter("Time with nothing to do.")]
    iowait_ticks: Annotated[
        int | None, counter("Time idle while a task waited for a disk; may move to idle time.", moves_to="idle_ticks")
    ] = None
    irq_ticks: Annotated[int | None, counter("Time serving interrupts.")] = None
    softirq_ticks: Annotated[int | None, counter("Time serving softirqs.")] = None
    steal_ticks: Annotated[int | None, counter("Time that a hypervisor gave to others.")] = None
    guest_ticks: Annotated[int | None, counter("Time running guests; part of user time.")] = None
    guest_nice_ticks: Annotated[int | None, counter("Time running niced guests; part of nice time.")] = None


class Stat(msgspec.Struct, frozen=True, gc=False):
    """CPU time and kernel counters of the whole host.

    The growth of `cpu` is that of the CPUs that went on, where others came or went, and None where a CPU's counters
    started anew, since nobody knows what it did: the kernel's own sum jumps then. In a snapshot it is None only where
    a sandbox does not tell it.
    """

    if TYPE_CHECKING:
        cpu: CpuTime
        """All CPUs together; never None but in a delta, and in sandboxes that do not tell."""
    else:
        cpu: Annotated[CpuTime | None, group("All CPUs together; None in sandboxes that do not tell.", sum_of="cpus")]
    cpus: Annotated[list[Cpu], group("Each CPU that is online.")]
    interrupts: Annotated[int | None, counter("Interrupts served.", bits=32, summed=True)] = None
    irqs: Annotated[
        dict[int, int],
        counter("Interrupts served by number; those that never came are left out.", bits=32, absent_is_zero=True),
    ] = {}
    context_switches: Annotated[int | None, counter("Switches from one task to another.")] = None
    boot_time_seconds: Annotated[int | None, info("When the host booted, in seconds since 1970.")] = None
    forks: Annotated[int | None, counter("Processes and threads created.", bits="long")] = None
    procs_running: Annotated[int | None, gauge("Tasks that run or wait for a CPU.")] = None
    procs_blocked: Annotated[int | None, gauge("Tasks that wait for a disk.")] = None
    softirqs: Annotated[int | None, counter("Softirqs served.", bits=32, summed=True)] = None
    softirqs_by_type: Annotated[dict[str, int], counter("Softirqs served by type.", bits=32)] = {}


_SOFTIRQS = ("hi", "timer", "net_tx", "net_rx", "block", "irq_poll", "tasklet", "sched", "hrtimer", "rcu")


_KEYS = (b"cpu", b"intr", b"ctxt", b"btime", b"processes", b"procs_running", b"procs_blocked", b"softirq")


def parse(file: File) -> Stat:
    rows = {}
    cpus = []
    for line in lines(file.data):
        key, _, rest = line.partition(b" ")
        if key.startswith(b"cpu") and key != b"cpu":
            try:
                cpus.append(Cpu(*integers(line[3:], 5)[:11]))
            except ValueError as error:
                file.lose("cpus", error)
        else:
            rows[key] = rest
    if not cpus and rows.keys().isdisjoint(_KEYS):
        raise ValueError(f"no rows: {shorten(file.data)}")
    irqs = file.parsed("intr", integers, rows.get(b"intr", b"")) or []
    numbers = irqs[1:]  # hundreds, of which most never came
    softirqs = file.parsed("softirq", integers, rows.get(b"softirq", b"")) or []
    return Stat(
        cpu=None if b"cpu" not in rows else file.parsed("cpu", _all, rows[b"cpu"]),  # type: ignore[arg-type]
        cpus=cpus,
        interrupts=irqs[0] if irqs else None,
        irqs=dict(zip(compress(count(), numbers), filter(None, numbers), strict=True)),
        context_switches=_one(file, rows, b"ctxt"),
        boot_time_seconds=_one(file, rows, b"btime"),
        forks=_one(file, rows, b"processes"),
        procs_running=_one(file, rows, b"procs_running"),
        procs_blocked=_one(file, rows, b"procs_blocked"),
        softirqs=softirqs[0] if softirqs else None,
        softirqs_by_type=dict(zip(_SOFTIRQS, softirqs[1:], strict=False)),
    )


def _all(row: bytes) -> CpuTime:
    return CpuTime(*integers(row, 4)[:10])


def _one(file: File, rows: dict[bytes, bytes], key: bytes) -> int | None:
    return file.parsed(key.decode(), number, rows[key].strip()) if key in rows else None


STAT = Source("stat", "/proc/stat", Stat, parse, cap=1 << 22)
