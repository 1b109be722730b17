"""/proc/pressure: how long tasks had to wait for CPU, memory or disks (PSI).

    some avg10=0.00 avg60=1.33 avg300=0.69 total=2918561
    full avg10=0.00 avg60=0.00 avg300=0.00 total=0

https://docs.kernel.org/accounting/psi.html
"""

from functools import lru_cache
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group
from procpulse.source import PARSE_ERRORS
from procpulse.text import decimal, lines, number, words
from procpulse.tree import Bundle, Folder


class Stall(msgspec.Struct, frozen=True, gc=False):
    """How much time was lost."""

    avg10_percent: Annotated[float, gauge("Share of time lost, averaged over ten seconds.")]
    avg60_percent: Annotated[float, gauge("Share of time lost, averaged over a minute.")]
    avg300_percent: Annotated[float, gauge("Share of time lost, averaged over five minutes.")]
    total_us: Annotated[int, counter("Time lost.")]


class Stalls(msgspec.Struct, frozen=True, gc=False):
    """Time lost for want of one resource."""

    some: Annotated[Stall | None, group("At least one task waited.")] = None
    full: Annotated[Stall | None, group("All tasks that were not idle waited at once.")] = None


class Pressure(msgspec.Struct, frozen=True, gc=False):
    """Time lost by resource. None where the kernel does not account for it."""

    cpu: Annotated[Stalls | None, group("Waiting for a CPU.")] = None
    io: Annotated[Stalls | None, group("Waiting for disks.")] = None
    memory: Annotated[Stalls | None, group("Waiting for memory to be reclaimed or to come back.")] = None
    irq: Annotated[Stalls | None, group("Interrupted by interrupts (Linux 6.1).")] = None


def stalls(folder: Folder, name: str) -> Stalls | None:
    """One file of pressure, of the host or of a control group; None where it is missing, or makes no sense (noted)."""
    data = folder.raw(name)
    if not data or not data.strip():
        return None
    found: dict[str, Stall] = {}
    for line in lines(data):
        averages, _, total = line.partition(b" total=")
        try:
            known = _averages(averages)
            if known:
                found[known[0]] = Stall(*known[1:], number(words(total, 1)[0]))
        except PARSE_ERRORS as error:
            folder.lose(name, error)
    if not found:
        folder.lose(name, ValueError("neither some nor full"))
        return None
    return Stalls(**found)


# The kernel computes them every two seconds, and mostly they are 0.
@lru_cache(256)
def _averages(data: bytes) -> tuple[str, float, float, float] | None:
    """The kind of a line and its averages; None for a line of another kind."""
    kind, *pairs = data.split()
    if kind not in (b"some", b"full"):
        return None
    values = dict(pair.split(b"=", 1) for pair in pairs)
    return kind.decode(), decimal(values[b"avg10"]), decimal(values[b"avg60"]), decimal(values[b"avg300"])


def parse(folder: Folder) -> Pressure:
    return Pressure(*[stalls(folder, name) for name in FILES])


FILES = ("cpu", "io", "memory", "irq")
PRESSURE = Bundle("pressure", "/proc/pressure", FILES, Pressure, parse)
