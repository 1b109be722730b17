"""/proc/consoles: where the kernel writes its messages.

    tty0                 -WU (EC  p  )    4:1
    ttyS0                -W- (E   p a)    4:64

https://docs.kernel.org/filesystems/proc.html#proc-consoles-shows-registered-system-consoles
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.source import File, Source
from procpulse.text import inert, lines


class Console(msgspec.Struct, frozen=True, gc=False):
    """One console."""

    name: Annotated[str, label("Name of the device, such as ttyS0.")]
    readable: Annotated[bool, info("Whether it can be read.")]
    writable: Annotated[bool, info("Whether it can be written.")]
    unblanks: Annotated[bool, info("Whether its screen can be switched on.")]
    enabled: Annotated[bool, info("Whether it is in use.")]
    preferred: Annotated[bool, info("Whether it is the one behind /dev/console.")]
    boot: Annotated[bool, info("Whether it is only for the time of booting.")]
    nbcon: Annotated[bool, info("Whether several CPUs may print to it without a common lock (Linux 6.7).")]
    printk: Annotated[bool, info("Whether it prints messages again that came before it was there.")]
    braille: Annotated[bool, info("Whether it is for a Braille terminal.")]
    anytime: Annotated[bool, info("Whether it may be used when its CPU is offline.")]
    device: Annotated[str | None, info("Its device number, as major:minor.")] = None


def parse(file: File) -> list[Console]:
    consoles = []
    for line in lines(file.data):
        head, bracket, rest = line.partition(b"(")
        flags, end, device = rest.partition(b")")
        columns = head.split()
        if not (bracket and end) or len(columns) != 2:
            raise ValueError("a console without flags")
        name, can = columns
        consoles.append(
            Console(
                inert(name),
                b"R" in can,
                b"W" in can,
                b"U" in can,
                b"E" in flags,
                b"C" in flags,
                b"B" in flags,
                b"N" in flags,
                b"p" in flags,
                b"b" in flags,
                b"a" in flags,
                inert(device.strip()) or None,
            )
        )
    return consoles


CONSOLES = Source("consoles", "/proc/consoles", list[Console], parse, rows=0)
