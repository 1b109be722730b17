"""/proc/interrupts: interrupts served, by line and CPU.

               CPU0       CPU1
     24:          0       1800  PCI-MSI 114689-edge      virtio5-req.0
    NMI:          0          0   Non-maskable interrupts
    ERR:          0

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, info, label
from procpulse.source import File, Source
from procpulse.sources.proc.softirqs import columns
from procpulse.text import inert, lines, number, shorten


class Interrupt(msgspec.Struct, frozen=True, gc=False):
    """One interrupt line, or one kind of the architecture's own."""

    irq: Annotated[str, label("Number of the line, or the name of the kind.")]
    counts: Annotated[dict[int, int], counter("Interrupts served by CPU.", bits=32)]
    total: Annotated[int | None, counter("Interrupts served, of kinds that are not counted by CPU.", bits=32)] = None
    chip: Annotated[str, info("The interrupt controller; for kinds without a number, what they are.")] = ""
    devices: Annotated[str, info("The controller's own number, how it is triggered, and which drivers use it.")] = ""


# Kinds that are one number for the whole host, on a host of one CPU too.
_WHOLE_HOST = frozenset((b"ERR", b"MIS", b"Err"))


def parse(file: File) -> list[Interrupt]:
    header, *rows = lines(file.data)
    cpus = columns(header)
    interrupts = []
    for row in rows:
        irq, colon, rest = row.partition(b":")
        if not colon:
            raise ValueError("a row without a name")
        irq = irq.strip()
        tokens = rest.split(None, len(cpus))
        counts: list[int] = []
        while tokens and len(counts) < len(cpus) and tokens[0].isdigit():
            counts.append(number(tokens.pop(0)))
        name, text = inert(irq), b" ".join(b" ".join(tokens).split())
        if not irq.isdigit() and (not counts or len(counts) == 1 < len(cpus) or irq in _WHOLE_HOST):
            interrupts.append(Interrupt(name, {}, counts[0] if counts else None, inert(text)))
            continue
        if len(counts) < len(cpus):
            raise ValueError(f"fewer than {len(cpus)} counts: {shorten(row)}")
        chip, _, devices = text.partition(b" ") if irq.isdigit() else (text, b"", b"")
        interrupts.append(Interrupt(name, dict(zip(cpus, counts, strict=True)), None, inert(chip), inert(devices)))
    return interrupts


INTERRUPTS = Source("interrupts", "/proc/interrupts", list[Interrupt], parse, cap=1 << 24, rows=1)
