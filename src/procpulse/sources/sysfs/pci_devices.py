"""/sys/bus/pci/devices/*: what is on the PCI bus, how fast its links run, and errors on them.

    vendor: 0x8086, device: 0x1592, class: 0x020000, current_link_speed: 16.0 GT/s PCIe, current_link_width: 16

The links are asked from the device. One that sleeps is not asked, since that would wake it; its configuration space
is never read.

https://docs.kernel.org/PCI/sysfs-pci.html, https://docs.kernel.org/PCI/pcieaer-howto.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.sources.sysfs.class_net_aer import aer
from procpulse.text import amount, decimal, shorten
from procpulse.tree import Folder, Tree


class PciLocation(msgspec.Struct, frozen=True, gc=False):
    """A place on the bus, as 0000:03:00.1 names it."""

    domain: Annotated[int, info("Domain, such as 0.")]
    bus: Annotated[int, info("Bus within the domain, such as 3.")]
    device: Annotated[int, info("Device on the bus, such as 0.")]
    function: Annotated[int, info("Function of the device, such as 1.")]


class PciSriov(msgspec.Struct, frozen=True, gc=False):
    """The virtual functions that a device can have."""

    drivers_autoprobe: Annotated[bool | None, info("Whether drivers are bound to them by themselves.")] = None
    numvfs: Annotated[int | None, gauge("Virtual functions that there are.")] = None
    totalvfs: Annotated[int | None, gauge("Virtual functions that there can be.")] = None
    offset: Annotated[int | None, info("Where the first one is, counted from the device.")] = None
    stride: Annotated[int | None, info("How far each is from the next.")] = None
    vf_device: Annotated[int | None, info("Device id that they have.")] = None
    vf_total_msix: Annotated[int | None, gauge("Interrupt vectors to be shared among them (Linux 5.13).")] = None


class PciDevice(msgspec.Struct, frozen=True, gc=False):
    """One function of a device on the PCI bus."""

    name: Annotated[str, label("Address of the device, such as 0000:03:00.1.")]
    location: Annotated[PciLocation | None, group("The address in numbers.")] = None
    parent: Annotated[PciLocation | None, group("Address of the bridge above it; None at the root.")] = None
    class_id: Annotated[int | None, info("Class, subclass and interface, such as 0x020000 for Ethernet.")] = None
    vendor: Annotated[int | None, info("Id of the maker, such as 0x8086.")] = None
    device: Annotated[int | None, info("Id of the model.")] = None
    subsystem_vendor: Annotated[int | None, info("Id of the maker of the board.")] = None
    subsystem_device: Annotated[int | None, info("Id of the board.")] = None
    revision: Annotated[int | None, info("Revision of the model.")] = None
    driver: Annotated[str | None, info("Driver; None where none is bound.")] = None
    numa_node: Annotated[int | None, info("NUMA node that it is near to; None if none.")] = None
    local_cpulist: Annotated[str | None, info("CPUs that it is near to, such as 0-7.")] = None
    irq: Annotated[int | None, info("Interrupt; 0 for none, and not that of MSI-X.")] = None
    enable: Annotated[int | None, info("How often drivers have switched it on.")] = None
    max_link_speed: Annotated[float | None, gauge("Fastest speed that the device can, in GT/s a lane.")] = None
    max_link_width: Annotated[int | None, gauge("Most lanes that the device can use.")] = None
    current_link_speed: Annotated[float | None, gauge("Speed of the link, in GT/s a lane.")] = None
    current_link_width: Annotated[int | None, gauge("Lanes of the link.")] = None
    power_state: Annotated[str | None, info("Power state: D0 is on, D3cold is off (Linux 5.11).")] = None
    d3cold_allowed: Annotated[bool | None, info("Whether it may be switched off while it is not needed.")] = None
    runtime_status: Annotated[str | None, info("Whether it sleeps: active or suspended; asleep it is not asked.")] = (
        None
    )
    physfn: Annotated[str | None, info("Address of the device that this is a virtual function of.")] = None
    sriov: Annotated[PciSriov | None, group("Its virtual functions.")] = None
    aer_correctable: Annotated[
        int | None, counter("Messages about errors that the hardware corrected (Linux 4.19).")
    ] = None
    aer_fatal: Annotated[int | None, counter("Messages about errors that need a reset of the link (Linux 4.19).")] = (
        None
    )
    aer_nonfatal: Annotated[int | None, counter("Messages about errors that lost a transaction (Linux 4.19).")] = None
    aer_rootport_correctable: Annotated[
        int | None, counter("Messages about corrected errors from all below this port (Linux 4.19).")
    ] = None
    aer_rootport_fatal: Annotated[
        int | None, counter("Messages about fatal errors from all below this port (Linux 4.19).")
    ] = None
    aer_rootport_nonfatal: Annotated[
        int | None, counter("Messages about nonfatal errors from all below this port (Linux 4.19).")
    ] = None


_ADDRESS = re.compile(r"([0-9a-f]{4,8}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])")
_SPEED = re.compile(rb"([0-9.]+) ?GT/s.*")


def _location(address: str) -> PciLocation | None:
    found = _ADDRESS.fullmatch(address)
    return PciLocation(*[int(number, 16) for number in found.groups()]) if found else None


def _speed(data: bytes) -> float | None:
    """In GT/s: up to Linux 5.6 `8 GT/s`, then `8.0 GT/s PCIe`; None where the kernel does not know it."""
    found = _SPEED.fullmatch(data)
    if found is None:
        if data.startswith(b"Unknown"):
            return None
        raise ValueError(f"no speed: {shorten(data)}")
    return decimal(found[1])


_NO_WIDTH = frozenset((0xFF, 0x3F))
"""The kernel's word for a width that it does not know, and what a device says that does not answer: all bits set."""


def _width(data: bytes) -> int | None:
    lanes = amount(data)
    return None if lanes in _NO_WIDTH else lanes


def _messages(data: bytes) -> int | None:
    return aer(data)[1]


def _sriov(folder: Folder) -> PciSriov | None:
    if folder.raw("sriov_totalvfs") is None:
        return None
    number = folder.number
    return PciSriov(
        folder.flag("sriov_drivers_autoprobe"),
        number("sriov_numvfs"),
        number("sriov_totalvfs"),
        number("sriov_offset"),
        number("sriov_stride"),
        folder.hexadecimal("sriov_vf_device"),
        number("sriov_vf_total_msix"),
    )


def parse(folder: Folder) -> PciDevice:
    number, hexadecimal, text, parsed = folder.number, folder.hexadecimal, folder.text, folder.parsed
    above = (folder.link("@") or "").split("/")[-2:-1]
    return PciDevice(
        folder.name, _location(folder.name), _location(above[0]) if above else None, hexadecimal("class"),
        hexadecimal("vendor"), hexadecimal("device"), hexadecimal("subsystem_vendor"), hexadecimal("subsystem_device"),
        hexadecimal("revision"), folder.target("driver@"), number("numa_node"), text("local_cpulist"), number("irq"),
        number("enable"), parsed("max_link_speed", _speed), parsed("max_link_width", _width),
        parsed("current_link_speed", _speed), parsed("current_link_width", _width), text("power_state"),
        folder.flag("d3cold_allowed"), text("power/runtime_status"), folder.target("physfn@"), _sriov(folder),
        parsed("aer_dev_correctable", _messages), parsed("aer_dev_fatal", _messages),
        parsed("aer_dev_nonfatal", _messages), number("aer_rootport_total_err_cor"),
        number("aer_rootport_total_err_fatal"), number("aer_rootport_total_err_nonfatal"),
    )  # fmt: skip


_FIXED = ("@", "class", "vendor", "device", "subsystem_vendor", "subsystem_device", "revision", "physfn@")
_LINK = ("max_link_speed", "max_link_width", "current_link_speed", "current_link_width")
FILES = (
    *_FIXED, *_LINK, "driver@", "numa_node", "local_cpulist", "irq", "enable", "power_state", "d3cold_allowed",
    "power/runtime_status", "sriov_drivers_autoprobe", "sriov_numvfs", "sriov_totalvfs", "sriov_offset",
    "sriov_stride", "sriov_vf_device", "sriov_vf_total_msix", "aer_dev_correctable", "aer_dev_fatal",
    "aer_dev_nonfatal", "aer_rootport_total_err_cor", "aer_rootport_total_err_fatal",
    "aer_rootport_total_err_nonfatal",
)  # fmt: skip
PCI_DEVICES = Tree(
    "pci_devices",
    "/sys/bus/pci/devices/*",
    FILES,
    PciDevice,
    parse,
    slow=_LINK,
    cadence=10,
    once=_FIXED,
    wakes=_LINK,
)
