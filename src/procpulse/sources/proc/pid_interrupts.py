"""/proc/[pid]/interrupts: interrupts served, by line and CPU, where a kernel or a container tells them by process.

               CPU0       CPU1
     24:          0       1800  PCI-MSI 114689-edge      virtio5-req.0

Linux itself has them for the whole host only, in /proc/interrupts; there this part is absent. In a captured tree the
host's stand for those of a process.

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import group
from procpulse.process import Part, ProcessFile
from procpulse.sources.proc import interrupts
from procpulse.sources.proc.interrupts import Interrupt


class PidInterrupts(msgspec.Struct, frozen=True, gc=False):
    """Interrupts, as a process is shown them."""

    interrupts: Annotated[list[Interrupt], group("One row a line or kind.")]


def parse(file: ProcessFile) -> PidInterrupts:
    return PidInterrupts(interrupts.parse(file))


PID_INTERRUPTS = Part(
    "interrupts",
    "interrupts",
    PidInterrupts,
    parse,
    slow=True,
    cap=1 << 24,
    threads=False,
    host="/proc/interrupts",
    rows=1,
)
