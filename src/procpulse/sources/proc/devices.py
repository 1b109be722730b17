"""/proc/devices: drivers of devices, by their major numbers.

    Character devices:
      4 ttyS

    Block devices:
    259 blkext

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import label
from procpulse.source import File, Source
from procpulse.text import inert, lines, number


class DeviceDriver(msgspec.Struct, frozen=True, gc=False):
    """One name under one major number; several may share a number."""

    type: Annotated[str, label("Kind of device: character or block.")]
    major: Annotated[int, label("Major number.")]
    name: Annotated[str, label("Name of the driver, or of its device.")]


def parse(file: File) -> list[DeviceDriver]:
    # A driver may take one number several times over.
    drivers: dict[DeviceDriver, None] = {}
    kind = ""
    for line in lines(file.data):
        if line.endswith(b" devices:"):
            kind = inert(line.split()[0].lower())
            continue
        try:
            if not kind:
                raise ValueError("a row before its heading")
            major, name = line.split(None, 1)
            drivers[DeviceDriver(kind, number(major), inert(name))] = None
        except ValueError as error:
            file.lose("rows", error)
    if file.failures and not drivers:
        raise ValueError(file.failures["rows"])
    return list(drivers)


DEVICES = Source("devices", "/proc/devices", list[DeviceDriver], parse)
