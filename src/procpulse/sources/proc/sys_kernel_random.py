"""/proc/sys/kernel/random: the kernel's random number generator.

    entropy_avail: 256, poolsize: 256, urandom_min_reseed_secs: 60

https://docs.kernel.org/admin-guide/sysctl/kernel.html#random
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge
from procpulse.tree import Bundle, Folder


class KernelRandom(msgspec.Struct, frozen=True, gc=False):
    """How much randomness there is, and how it is handed out."""

    entropy_avail: Annotated[int | None, gauge("Entropy that the kernel has collected, in bits.")] = None
    poolsize: Annotated[int | None, gauge("Size of the pool, in bits; 4096 before Linux 5.18, 256 since.")] = None
    urandom_min_reseed_seconds: Annotated[
        int | None, gauge("Shortest time between two reseedings of the generator; no longer used since Linux 5.18.")
    ] = None
    write_wakeup_threshold: Annotated[
        int | None, gauge("Bits below which those who wait to add entropy are woken; no longer used since Linux 5.18.")
    ] = None
    read_wakeup_threshold: Annotated[
        int | None, gauge("Bits from which on those who wait for entropy are woken; gone since Linux 5.6.")
    ] = None


def parse(folder: Folder) -> KernelRandom:
    return KernelRandom(*[folder.number(name) for name in FILES])


FILES = (
    "entropy_avail", "poolsize", "urandom_min_reseed_secs", "write_wakeup_threshold", "read_wakeup_threshold",
)  # fmt: skip
SYS_KERNEL_RANDOM = Bundle("sys_kernel_random", "/proc/sys/kernel/random", FILES, KernelRandom, parse)
