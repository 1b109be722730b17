"""/sys/devices/system/cpu/cpu*/thermal_throttle: how often and how long CPUs were slowed down by heat, on x86.

    core_throttle_count: 17, core_throttle_total_time_ms: 2210

All CPUs of a core, and of a package, show the numbers that their core, and their package, had while they were online.

https://docs.kernel.org/admin-guide/abi-testing.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, label
from procpulse.tree import Folder, Tree


class CpuThrottle(msgspec.Struct, frozen=True, gc=False):
    """What heat did to one logical CPU since boot."""

    cpu: Annotated[int, label("Number of the CPU.")]
    core_throttles: Annotated[int | None, counter("Times that the core was too hot.", bits="long")] = None
    core_throttle_total_time_ms: Annotated[
        int | None, counter("Time that the core was too hot (Linux 5.5).", bits="long")
    ] = None
    core_throttle_max_time_ms: Annotated[
        int | None, gauge("Longest time that the core was too hot at a stretch (Linux 5.5).")
    ] = None
    core_power_limits: Annotated[int | None, counter("Times that the core hit its limit of power.", bits="long")] = None
    package_throttles: Annotated[int | None, counter("Times that the package was too hot.", bits="long")] = None
    package_throttle_total_time_ms: Annotated[
        int | None, counter("Time that the package was too hot (Linux 5.5).", bits="long")
    ] = None
    package_throttle_max_time_ms: Annotated[
        int | None, gauge("Longest time that the package was too hot at a stretch (Linux 5.5).")
    ] = None
    package_power_limits: Annotated[
        int | None, counter("Times that the package hit its limit of power.", bits="long")
    ] = None


def parse(folder: Folder) -> CpuThrottle | None:
    if not folder.entries:
        return None
    return CpuThrottle(int(folder.name.removeprefix("cpu")), *[folder.number(name) for name in FILES])


FILES = tuple(
    f"thermal_throttle/{name}"
    for name in (
        "core_throttle_count", "core_throttle_total_time_ms", "core_throttle_max_time_ms", "core_power_limit_count",
        "package_throttle_count", "package_throttle_total_time_ms", "package_throttle_max_time_ms",
        "package_power_limit_count",
    )
)  # fmt: skip
CPU_THERMAL_THROTTLE = Tree(
    "cpu_thermal_throttle",
    "/sys/devices/system/cpu/cpu[0-9]*",
    FILES,
    CpuThrottle,
    parse,
    inside="thermal_throttle",
)
