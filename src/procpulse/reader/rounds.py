"""Sources that are read together, and the one that comes before all others: the host."""

import os
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any

from procpulse import text
from procpulse.reader.engine import Flight, Result
from procpulse.source import Failure, Host, Read, Reading, Reason, Refresh, Source, Steps


class Round:
    """Sources that are read together, for everybody who waits for the same sample."""

    __slots__ = ("abandoned", "begun", "complete", "deadlines", "flights", "limit_ns", "results", "sources", "waiting")

    def __init__(self, sources: Sequence[Source[Any]], deadlines: Callable[[Source[Any]], float], limit_ns: int | None):
        self.sources = sources
        self.deadlines = deadlines
        self.limit_ns = limit_ns
        """For how long sources may be begun; None for ever."""
        self.flights: list[Flight] = []
        self.results: dict[str, Result] = {}
        self.begun = False
        """Whether the host is known, so that the sources themselves are being read."""
        self.complete = False
        self.waiting = 1
        """How many wait for it."""
        self.abandoned = False
        """Whether all who waited for it went away before it was complete."""


HOST_SECONDS = 60.0
"""After so long the reader looks anew which machine it reads: its name and its clock can be set."""
_HOST_FILES = (
    "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/kernel/osrelease",
    "/proc/stat",
    "/proc/sys/kernel/arch",
    "/proc/meminfo",
)
_PASSING = frozenset((Reason.EXHAUSTED, Reason.TIMEOUT, Reason.UNSUPPORTED))


class HostSource(Source[Host]):
    """What identifies the machine, read before everything else."""

    def __init__(self) -> None:
        super().__init__("*host", "/proc", Host, lambda file: file.host)

    def refreshes(self, value: Host) -> Sequence[Refresh]:
        """All of it is looked at anew once in a while."""
        return [Refresh(path, HOST_SECONDS) for path in _HOST_FILES]

    def steps(self, reading: Reading) -> Steps[Host]:
        """Read what the kernel calls itself, and what is needed to understand its numbers."""
        answers = yield [Read(path) for path in _HOST_FILES[:5]]
        if reading.host.kernel and any(isinstance(a, Failure) and a.reason in _PASSING for a in answers):
            return reading.host  # it is the one that it was: what stands in the way says nothing of it
        name, boot_id, kernel, stat, arch = (answer if isinstance(answer, bytes) else b"" for answer in answers)
        meminfo = b""
        if not arch:  # it came with Linux 6.1
            [answer] = yield [Read(_HOST_FILES[5])]
            meminfo = answer if isinstance(answer, bytes) else b""
        booted = next((row[6:] for row in stat.split(b"\n") if row.startswith(b"btime ")), b"")
        return Host(
            name=text.inert(name.strip()),
            boot_id=text.inert(boot_id.strip()),
            kernel=text.inert(kernel.strip()),
            boot_time=int(booted) if booted.isdigit() and len(booted) < 15 else None,
            page_size=os.sysconf("SC_PAGE_SIZE"),
            ticks_per_second=os.sysconf("SC_CLK_TCK"),
            little_endian=sys.byteorder == "little",
            cpus=len(re.findall(rb"^cpu[0-9]", stat, re.MULTILINE)) or None,
            word_bits=_word_bits(arch, meminfo),
        )


_LONG = frozenset(
    b"aarch64 aarch64_be alpha ia64 loongarch64 mips64 parisc64 ppc64 ppc64le riscv64 s390x sparc64 x86_64".split()
)
_SHORT = frozenset(
    b"arc armv4tl armv5tejl armv6l armv7l armv7ml armv8l csky i386 i486 i586 i686 m68k microblaze mips nios2 openrisc "
    b"parisc ppc riscv32 sh4 sh4a sparc um xtensa".split()
)


def _word_bits(arch: bytes, meminfo: bytes) -> int | None:
    """Width of `unsigned long` in the kernel, by its architecture, or else by how much address space it has.

    Not by our own `uname`: with the personality of a 32-bit program a 64-bit kernel says that it is one of 32 bits.
    """
    name = arch.strip()
    if name in _LONG:
        return 64
    if name in _SHORT:
        return 32
    if b"HighTotal:" in meminfo:  # memory beyond the addresses of the kernel
        return 32
    found = re.search(rb"^VmallocTotal: *([0-9]{1,18}) kB$", meminfo, re.MULTILINE)
    if found is None or not int(found[1]):
        return None
    return 64 if int(found[1]) >= 1 << 22 else 32


HOST = HostSource()
