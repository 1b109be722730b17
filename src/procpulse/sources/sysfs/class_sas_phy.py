"""/sys/class/sas_phy/*: phys of SAS adapters and expanders, the speed of their links, and errors on them.

    phy-6:0:4/negotiated_linkrate: 12.0 Gbit, invalid_dword_count: 18, phy_identifier: 4

Errors are counted by the adapter, or by an expander that has to be asked over the wire.

https://github.com/torvalds/linux/blob/master/drivers/scsi/scsi_transport_sas.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.sources.sysfs.class_sas_device import protocols
from procpulse.text import fraction, scaled
from procpulse.tree import Folder, Tree


class SasPhy(msgspec.Struct, frozen=True):
    """One phy: a transceiver at one end of a link."""

    name: Annotated[str, label("Name of the phy, such as phy-6:0:4.")]
    port: Annotated[str | None, info("The port that it is part of; None for one that is not connected.")] = None
    sas_address: Annotated[str | None, info("Address of the device that it belongs to.")] = None
    phy_identifier: Annotated[int | None, info("Number of the phy in its device.")] = None
    device_type: Annotated[
        str | None, info("What it belongs to: end device (an adapter is one, too), edge expander or fanout expander.")
    ] = None
    enabled: Annotated[bool | None, info("Whether it is switched on.")] = None
    initiator_port_protocols: Annotated[list[str] | None, info("Protocols that it begins: smp, stp, ssp or none.")] = (
        None
    )
    target_port_protocols: Annotated[list[str] | None, info("Protocols that it answers, or none.")] = None
    negotiated_linkrate: Annotated[
        str | None, info("Speed of the link, or why there is none: Unknown, Phy disabled, Spin-up hold.")
    ] = None
    negotiated_linkrate_bits_per_second: Annotated[
        int | None, gauge("Speed of the link; None where there is none.")
    ] = None
    minimum_linkrate_bits_per_second: Annotated[int | None, gauge("Lowest speed that is allowed.")] = None
    minimum_linkrate_hw_bits_per_second: Annotated[int | None, gauge("Lowest speed that it can do.")] = None
    maximum_linkrate_bits_per_second: Annotated[int | None, gauge("Highest speed that is allowed.")] = None
    maximum_linkrate_hw_bits_per_second: Annotated[int | None, gauge("Highest speed that it can do.")] = None
    invalid_dword_count: Annotated[int | None, counter("Invalid words of four bytes received.", bits=32)] = None
    running_disparity_error_count: Annotated[
        int | None, counter("Words of four bytes received with a wrong running disparity.", bits=32)
    ] = None
    loss_of_dword_sync_count: Annotated[int | None, counter("Times it lost synchronisation.", bits=32)] = None
    phy_reset_problem_count: Annotated[int | None, counter("Resets of the phy that failed.", bits=32)] = None


def _rate(data: bytes) -> int | None:
    rate, unit, rest = data.partition(b" Gbit")
    return scaled(fraction(rate, 1), 100_000_000) if unit and not rest else None


def parse(folder: Folder) -> SasPhy:
    rates = [folder.parsed(name, _rate) for name in _RATES]
    errors = [folder.number(name) for name in _ERRORS]
    return SasPhy(
        folder.name,
        folder.target("device/port@"),
        folder.text("sas_address"),
        folder.number("phy_identifier"),
        folder.text("device_type"),
        folder.flag("enable"),
        protocols(folder, "initiator_port_protocols"),
        protocols(folder, "target_port_protocols"),
        folder.text("negotiated_linkrate"),
        *rates,
        *errors,
    )


_RATES = (
    "negotiated_linkrate", "minimum_linkrate", "minimum_linkrate_hw", "maximum_linkrate", "maximum_linkrate_hw",
)  # fmt: skip
_ERRORS = (
    "invalid_dword_count", "running_disparity_error_count", "loss_of_dword_sync_count", "phy_reset_problem_count",
)  # fmt: skip
FILES = (
    "device/port@", "sas_address", "phy_identifier", "device_type", "enable", "initiator_port_protocols",
    "target_port_protocols", *_RATES, *_ERRORS,
)  # fmt: skip
CLASS_SAS_PHY = Tree("class_sas_phy", "/sys/class/sas_phy/*", FILES, SasPhy, parse, slow=_ERRORS, cadence=10.0)
