"""/sys/devices/system/clocksource/clocksource*: what the kernel reads the time from.

    current_clocksource: tsc, available_clocksource: tsc hpet acpi_pm

https://docs.kernel.org/timers/timekeeping.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.tree import Folder, Tree


class Clocksource(msgspec.Struct, frozen=True, gc=False):
    """The choice of a clock. Kernels have one such choice."""

    clocksource: Annotated[int, label("Number of the choice.")]
    current: Annotated[str | None, info("The clock in use. Losing tsc makes reading the time slow.")] = None
    available: Annotated[list[str] | None, info("Clocks to choose from.")] = None


def parse(folder: Folder) -> Clocksource:
    available = folder.text("available_clocksource")
    return Clocksource(
        int(folder.name.removeprefix("clocksource")),
        folder.text("current_clocksource"),
        None if available is None else available.split(),
    )


FILES = ("current_clocksource", "available_clocksource")
CLOCKSOURCE = Tree("clocksource", "/sys/devices/system/clocksource/clocksource[0-9]*", FILES, Clocksource, parse)
