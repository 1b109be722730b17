"""/sys/class/thermal/cooling_device*: what cools: fans, and processors that can be slowed down.

    type: Processor, cur_state: 0, max_state: 10

https://docs.kernel.org/driver-api/thermal/sysfs-api.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.tree import Folder, Tree


class CoolingDevice(msgspec.Struct, frozen=True):
    """One cooling device."""

    device: Annotated[int, label("Number of the device.")]
    type: Annotated[str | None, info("What it is, such as Fan or Processor.")] = None
    cur_state: Annotated[
        int | None, gauge("How hard it cools, from 0; -1 for one that is not in use, None where it does not answer.")
    ] = None
    max_state: Annotated[int | None, gauge("How hard it can cool.")] = None
    transitions: Annotated[
        int | None,
        counter("Times its state changed; only where the kernel keeps statistics of cooling.", bits=32, falls=True),
    ] = None
    time_in_state_ms: Annotated[
        dict[str, int] | None,
        counter("Time spent in each state; only where the kernel keeps statistics of cooling.", falls=True),
    ] = None


def parse(folder: Folder) -> CoolingDevice:
    return CoolingDevice(
        int(folder.name.removeprefix("cooling_device")),
        folder.text("type"),
        folder.signed("cur_state"),
        folder.number("max_state"),
        folder.number("stats/total_trans"),
        folder.mapping("stats/time_in_state_ms"),
    )


FILES = ("type", "cur_state", "max_state", "stats/total_trans", "stats/time_in_state_ms")
CLASS_THERMAL_COOLING_DEVICE = Tree(
    "class_thermal_cooling_device",
    "/sys/class/thermal/cooling_device[0-9]*",
    FILES,
    CoolingDevice,
    parse,
    slow=True,
    cadence=2.0,
)
