"""/sys/class/leds/*: lights, and what makes them shine.

    input3::capslock/brightness: 0, nvme0:green:fault/trigger: none [disk-activity] cpu0 ...

https://docs.kernel.org/leds/leds-class.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.tree import Folder, Tree


class Led(msgspec.Struct, frozen=True, gc=False):
    """One light."""

    name: Annotated[str, label("Its name: device, colour and function, such as tpacpi::power.")]
    brightness: Annotated[int | None, gauge("How bright it is; 0 for off.")] = None
    max_brightness: Annotated[int | None, gauge("How bright it can be.")] = None
    trigger: Annotated[str | None, info("What makes it shine; none for nothing but by hand.")] = None


def parse(folder: Folder) -> Led:
    triggers = (folder.text("trigger") or "").split()
    return Led(
        folder.name,
        folder.number("brightness"),
        folder.number("max_brightness"),
        next((name.strip("[]") for name in triggers if name.startswith("[")), None),
    )


FILES = ("brightness", "max_brightness", "trigger")
# The list of triggers has an entry a CPU.
CLASS_LEDS = Tree("class_leds", "/sys/class/leds/*", FILES, Led, parse, slow=("brightness",), cap=65_536)
