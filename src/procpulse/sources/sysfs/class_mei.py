"""/sys/class/mei/mei*: Intel's management engine, and how its firmware is.

    dev_state: ENABLED, fw_ver: 0:16.1.25.2124, fw_status: 94000245 and five more registers

The registers are read from the device.

https://docs.kernel.org/driver-api/mei/index.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.text import inert, lines
from procpulse.tree import Folder, Tree


class MeiDevice(msgspec.Struct, frozen=True, gc=False):
    """One interface to a management engine."""

    name: Annotated[str, label("Name of the device, such as mei0.")]
    dev: Annotated[str | None, info("Device number, as major:minor.")] = None
    kind: Annotated[str | None, info("Kind of the device: mei, itouch, gsc or gscfi (Linux 5.8).")] = None
    dev_state: Annotated[str | None, info("State, such as ENABLED, RESETTING or POWER_DOWN (Linux 5.1).")] = None
    fw_status: Annotated[list[str] | None, info("Status registers of the firmware, in hexadecimal.")] = None
    fw_ver: Annotated[list[str] | None, info("Versions of the firmware's parts, as platform:version.")] = None
    hbm_ver: Annotated[str | None, info("Version of the bus protocol that is spoken.")] = None
    hbm_ver_drv: Annotated[str | None, info("Version of the bus protocol that the driver knows.")] = None
    trc: Annotated[str | None, info("Register of the glitch detection, in hexadecimal (Linux 5.5).")] = None
    tx_queue_limit: Annotated[int | None, gauge("Most messages of a client that may wait to be sent.")] = None


def _words(data: bytes) -> list[str]:
    return [inert(line.strip()) for line in lines(data)]


def parse(folder: Folder) -> MeiDevice:
    text = folder.text
    return MeiDevice(
        folder.name,
        text("dev"),
        text("kind"),
        text("dev_state"),
        folder.parsed("fw_status", _words),
        folder.parsed("fw_ver", _words),
        text("hbm_ver"),
        text("hbm_ver_drv"),
        text("trc"),
        folder.number("tx_queue_limit"),
    )


FILES = ("dev", "kind", "dev_state", "fw_status", "fw_ver", "hbm_ver", "hbm_ver_drv", "trc", "tx_queue_limit")
CLASS_MEI = Tree("class_mei", "/sys/class/mei/mei*", FILES, MeiDevice, parse, slow=True, cadence=10.0)
