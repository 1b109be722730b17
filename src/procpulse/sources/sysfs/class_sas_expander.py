"""/sys/class/sas_expander/*: expanders, which connect many SAS devices with few phys of a host.

    expander-6:0/vendor_id: EXAMPLE, product_id: SHELF-24, product_rev: 0310, level: 0

https://github.com/torvalds/linux/blob/master/drivers/scsi/scsi_transport_sas.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.sources.sysfs.class_sas_device import children
from procpulse.tree import Folder, Tree


class SasExpander(msgspec.Struct, frozen=True):
    """One expander."""

    name: Annotated[str, label("Name of the expander, such as expander-6:0.")]
    sas_address: Annotated[str | None, info("Its address, unique in the world.")] = None
    vendor_id: Annotated[str | None, info("Maker.")] = None
    product_id: Annotated[str | None, info("Model.")] = None
    product_rev: Annotated[str | None, info("Version of its firmware.")] = None
    component_vendor_id: Annotated[str | None, info("Maker of the chip.")] = None
    component_id: Annotated[int | None, info("Number of the chip.")] = None
    component_revision_id: Annotated[int | None, info("Revision of the chip.")] = None
    level: Annotated[int | None, info("How many expanders are between it and the host.")] = None
    phys: Annotated[list[str], info("Its phys.")] = []
    ports: Annotated[list[str], info("Its ports.")] = []


def parse(folder: Folder) -> SasExpander:
    addresses = (folder.text(path) for path in folder.found("device/sas_device/*/sas_address"))
    return SasExpander(
        folder.name,
        next(addresses, None),
        folder.text("vendor_id"),
        folder.text("product_id"),
        folder.text("product_rev"),
        folder.text("component_vendor_id"),
        folder.number("component_id"),
        folder.number("component_revision_id"),
        folder.number("level"),
        children(folder, "phy-"),
        children(folder, "port-"),
    )


FILES = (
    "vendor_id", "product_id", "product_rev", "component_vendor_id", "component_id", "component_revision_id", "level",
    "device/", "device/sas_device/*/sas_address",
)  # fmt: skip
CLASS_SAS_EXPANDER = Tree("class_sas_expander", "/sys/class/sas_expander/*", FILES, SasExpander, parse, cadence=10.0)
