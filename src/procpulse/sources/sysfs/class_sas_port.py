"""/sys/class/sas_port/*: ports of SAS adapters and expanders: phys that lead to the same device together.

    port-6:0/num_phys: 4, device: phy-6:0, phy-6:1, phy-6:2, phy-6:3, expander-6:0

https://github.com/torvalds/linux/blob/master/drivers/scsi/scsi_transport_sas.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.sources.sysfs.class_sas_device import children
from procpulse.tree import Folder, Tree


class SasPort(msgspec.Struct, frozen=True):
    """One port, and what is at its other end."""

    name: Annotated[str, label("Name of the port, such as port-6:0.")]
    num_phys: Annotated[int | None, gauge("How many phys it has.")] = None
    phys: Annotated[list[str], info("Its phys.")] = []
    expanders: Annotated[list[str], info("The expander that it leads to.")] = []
    end_devices: Annotated[list[str], info("The end device that it leads to.")] = []


def parse(folder: Folder) -> SasPort:
    return SasPort(
        folder.name,
        folder.number("num_phys"),
        children(folder, "phy-"),
        children(folder, "expander-"),
        children(folder, "end_device-"),
    )


CLASS_SAS_PORT = Tree("class_sas_port", "/sys/class/sas_port/*", ("num_phys", "device/"), SasPort, parse, cadence=10.0)
