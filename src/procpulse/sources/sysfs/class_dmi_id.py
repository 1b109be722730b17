"""/sys/class/dmi/id: what the firmware says of the machine: maker, model, versions, serial numbers.

    sys_vendor: Example Systems, product_name: ES-2210, bios_version: 3.1.7, chassis_type: 23

Serial numbers and the UUID can be read by root only.

https://github.com/torvalds/linux/blob/master/drivers/firmware/dmi-id.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.tree import Bundle, Folder


class DmiId(msgspec.Struct, frozen=True, gc=False):
    """The machine, its board, its case and its firmware, as the firmware tells."""

    bios_date: Annotated[str | None, info("Date of the firmware.")] = None
    bios_release: Annotated[str | None, info("Release of the firmware (Linux 5.6).")] = None
    bios_vendor: Annotated[str | None, info("Maker of the firmware.")] = None
    bios_version: Annotated[str | None, info("Version of the firmware.")] = None
    ec_firmware_release: Annotated[
        str | None, info("Release of the firmware of the embedded controller (Linux 5.6).")
    ] = None
    board_asset_tag: Annotated[str | None, info("Inventory number of the board.")] = None
    board_name: Annotated[str | None, info("Name of the board.")] = None
    board_serial: Annotated[str | None, info("Serial number of the board; for root only.")] = None
    board_vendor: Annotated[str | None, info("Maker of the board.")] = None
    board_version: Annotated[str | None, info("Version of the board.")] = None
    chassis_asset_tag: Annotated[str | None, info("Inventory number of the case.")] = None
    chassis_serial: Annotated[str | None, info("Serial number of the case; for root only.")] = None
    chassis_type: Annotated[
        int | None, info("Kind of case after the SMBIOS standard: 3 desktop, 9 laptop, 17 server, 23 rack mount.")
    ] = None
    chassis_vendor: Annotated[str | None, info("Maker of the case.")] = None
    chassis_version: Annotated[str | None, info("Version of the case.")] = None
    product_family: Annotated[str | None, info("Family that the machine belongs to.")] = None
    product_name: Annotated[str | None, info("Name of the machine.")] = None
    product_serial: Annotated[str | None, info("Serial number of the machine; for root only.")] = None
    product_sku: Annotated[str | None, info("Number by which the machine is sold.")] = None
    product_uuid: Annotated[str | None, info("Id of the machine, unique in the world; for root only.")] = None
    product_version: Annotated[str | None, info("Version of the machine.")] = None
    sys_vendor: Annotated[str | None, info("Maker of the machine.")] = None


def parse(folder: Folder) -> DmiId:
    values = {name: folder.text(name) for name in FILES if name != "chassis_type"}
    return DmiId(**values, chassis_type=folder.number("chassis_type"))


FILES = DmiId.__struct_fields__
CLASS_DMI_ID = Bundle("class_dmi_id", "/sys/class/dmi/id", FILES, DmiId, parse, cadence=60.0)
