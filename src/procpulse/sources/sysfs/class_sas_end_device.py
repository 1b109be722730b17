"""/sys/class/sas_end_device/*: disks and other end devices of a SAS domain, and how they behave.

    end_device-6:0:3/I_T_nexus_loss_timeout: 2000, initiator_response_timeout: 0, tlr_supported: 0

https://github.com/torvalds/linux/blob/master/drivers/scsi/scsi_transport_sas.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.sources.sysfs.class_sas_device import BLOCK_DEVICES, block_devices
from procpulse.tree import Folder, Tree


class SasEndDevice(msgspec.Struct, frozen=True):
    """One end device of a SAS domain."""

    name: Annotated[str, label("Name of the device, such as end_device-6:0:3.")]
    sas_address: Annotated[str | None, info("Its address, unique in the world.")] = None
    i_t_nexus_loss_timeout_ms: Annotated[
        int | None, gauge("How long the device takes a host to be there that is away.")
    ] = None
    initiator_response_timeout_ms: Annotated[int | None, gauge("How long the device waits for the host.")] = None
    ready_led_meaning: Annotated[bool | None, info("Whether its light shows activity rather than readiness.")] = None
    tlr_supported: Annotated[bool | None, info("Whether it can send again what was lost on the way.")] = None
    tlr_enabled: Annotated[bool | None, info("Whether that is in use.")] = None
    block_devices: Annotated[list[str], info("Disks that it is, such as sdc.")] = []


def parse(folder: Folder) -> SasEndDevice:
    addresses = (folder.text(path) for path in folder.found("device/sas_device/*/sas_address"))
    return SasEndDevice(
        folder.name,
        next(addresses, None),
        folder.number("I_T_nexus_loss_timeout"),
        folder.number("initiator_response_timeout"),
        folder.flag("ready_led_meaning"),
        folder.flag("tlr_supported"),
        folder.flag("tlr_enabled"),
        block_devices(folder),
    )


FILES = (
    "I_T_nexus_loss_timeout", "initiator_response_timeout", "ready_led_meaning", "tlr_supported", "tlr_enabled",
    "device/sas_device/*/sas_address", BLOCK_DEVICES,
)  # fmt: skip
CLASS_SAS_END_DEVICE = Tree(
    "class_sas_end_device", "/sys/class/sas_end_device/*", FILES, SasEndDevice, parse, cadence=10.0
)
