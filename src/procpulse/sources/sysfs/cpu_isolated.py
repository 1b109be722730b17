"""/sys/devices/system/cpu/isolated and nohz_full: CPUs that are kept free of other work.

    isolated: 2-5, nohz_full: 2-5

https://docs.kernel.org/admin-guide/kernel-parameters.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.sources.sysfs.cpu_online import cpus
from procpulse.tree import Bundle, Folder


class CpuIsolated(msgspec.Struct, frozen=True, gc=False):
    """CPUs taken out of the ordinary, by number."""

    isolated: Annotated[list[int] | None, info("CPUs that the scheduler gives no work by itself (isolcpus=).")] = None
    nohz_full: Annotated[list[int] | None, info("CPUs without a clock tick while they run one task (nohz_full=).")] = (
        None
    )


def parse(folder: Folder) -> CpuIsolated:
    return CpuIsolated(cpus(folder, "isolated"), cpus(folder, "nohz_full"))


FILES = ("isolated", "nohz_full")
CPU_ISOLATED = Bundle("cpu_isolated", "/sys/devices/system/cpu", FILES, CpuIsolated, parse)
