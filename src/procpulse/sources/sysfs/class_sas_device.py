"""/sys/class/sas_device/*: what is attached to a SAS domain: disks and other end devices, and expanders.

    end_device-6:0:3/sas_address: 0x5000c0de00001003, device_type: end device, target_port_protocols: ssp

https://github.com/torvalds/linux/blob/master/drivers/scsi/scsi_transport_sas.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.tree import Folder, Tree, natural


class SasDevice(msgspec.Struct, frozen=True):
    """One device of a SAS domain."""

    name: Annotated[str, label("Name of the device, such as end_device-6:0:3 or expander-6:0.")]
    sas_address: Annotated[str | None, info("Its address, unique in the world.")] = None
    device_type: Annotated[str | None, info("What it is: end device, edge expander, fanout expander.")] = None
    phy_identifier: Annotated[int | None, info("Number of the phy that it is attached to.")] = None
    initiator_port_protocols: Annotated[list[str] | None, info("Protocols that it begins: smp, stp, ssp.")] = None
    target_port_protocols: Annotated[list[str] | None, info("Protocols that it answers: sata, smp, stp, ssp.")] = None
    enclosure_identifier: Annotated[str | None, info("The enclosure that it is in.")] = None
    bay_identifier: Annotated[int | None, info("Number of the bay in the enclosure.")] = None
    scsi_target_id: Annotated[int | None, info("Number of its SCSI target.")] = None
    phys: Annotated[list[str], info("Phys of an expander.")] = []
    ports: Annotated[list[str], info("Ports of an expander.")] = []
    block_devices: Annotated[list[str], info("Disks that it is, such as sdc.")] = []


def children(folder: Folder, kind: str) -> list[str]:
    """The names of the things of a kind, such as `phy-`, right below a device."""
    return sorted((name for name in folder.names("device/") or () if name.startswith(kind)), key=natural)


def block_devices(folder: Folder) -> list[str]:
    """The disks below a device."""
    found = (folder.names(path) or () for path in folder.found("device/target*/*/block/"))
    return sorted((name for names in found for name in names), key=natural)


def protocols(folder: Folder, name: str) -> list[str] | None:
    """A list such as `smp, stp, ssp`."""
    text = folder.text(name)
    return [word.strip() for word in text.split(",")] if text else None


def parse(folder: Folder) -> SasDevice:
    return SasDevice(
        folder.name,
        folder.text("sas_address"),
        folder.text("device_type"),
        folder.number("phy_identifier"),
        protocols(folder, "initiator_port_protocols"),
        protocols(folder, "target_port_protocols"),
        folder.text("enclosure_identifier"),
        folder.number("bay_identifier"),
        folder.number("scsi_target_id"),
        children(folder, "phy-"),
        children(folder, "port-"),
        block_devices(folder),
    )


BLOCK_DEVICES = "device/target[0-9]*/[0-9]*/block/"
FILES = (
    "sas_address", "device_type", "phy_identifier", "initiator_port_protocols", "target_port_protocols",
    "enclosure_identifier", "bay_identifier", "scsi_target_id", "device/", BLOCK_DEVICES,
)  # fmt: skip
CLASS_SAS_DEVICE = Tree("class_sas_device", "/sys/class/sas_device/*", FILES, SasDevice, parse, cadence=10.0)
