"""/sys/class/sas_host/*: SAS adapters, their phys and their ports.

    host6/device: phy-6:0, phy-6:1, port-6:0

https://github.com/torvalds/linux/blob/master/drivers/scsi/scsi_transport_sas.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.sources.sysfs.class_sas_device import children
from procpulse.tree import Folder, Tree


class SasHost(msgspec.Struct, frozen=True):
    """One SAS adapter."""

    name: Annotated[str, label("Name of the SCSI host, such as host6.")]
    phys: Annotated[list[str], info("Its phys.")] = []
    ports: Annotated[list[str], info("Its ports, each of one phy or more.")] = []


def parse(folder: Folder) -> SasHost:
    return SasHost(folder.name, children(folder, "phy-"), children(folder, "port-"))


CLASS_SAS_HOST = Tree("class_sas_host", "/sys/class/sas_host/*", ("device/",), SasHost, parse, cadence=10.0)
