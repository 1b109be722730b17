"""/sys/class/infiniband/*: RDMA devices (InfiniBand, RoCE, iWARP, Omni-Path), their ports, and what each port counted.

    fw_ver: 20.31.1014, ports/1/state: 4: ACTIVE, ports/1/rate: 100 Gb/sec (4X EDR)
    ports/1/counters/port_rcv_data: 61204118771, ports/1/hw_counters/out_of_sequence: 12

Data is counted in words of four bytes. A device without performance management says `N/A (no PMA)`.

https://docs.kernel.org/infiniband/sysfs.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import amount, fraction, inert, number, scaled, shorten, sized
from procpulse.tree import Folder, Tree

_WORD = 4  # bytes
_RATE = re.compile(rb"([0-9]{1,9}(?:\.[0-9])?) Gb/sec(?: \(([^()]*)\))?")


class PortCounters(msgspec.Struct, frozen=True, gc=False):
    """Counters of a port, as the InfiniBand specification has them. Those of errors stop at their largest value."""

    port_rcv_data_bytes: Annotated[int | None, counter("Bytes received.")] = None
    port_xmit_data_bytes: Annotated[int | None, counter("Bytes sent.")] = None
    port_rcv_packets: Annotated[int | None, counter("Packets received, those with errors included.")] = None
    port_xmit_packets: Annotated[int | None, counter("Packets sent, those with errors included.")] = None
    unicast_rcv_packets: Annotated[int | None, counter("Unicast packets received.")] = None
    unicast_xmit_packets: Annotated[int | None, counter("Unicast packets sent.")] = None
    multicast_rcv_packets: Annotated[int | None, counter("Multicast packets received.")] = None
    multicast_xmit_packets: Annotated[int | None, counter("Multicast packets sent.")] = None
    port_rcv_errors: Annotated[int | None, counter("Packets received that held an error.")] = None
    port_rcv_remote_physical_errors: Annotated[
        int | None, counter("Packets received that another node had marked as bad.")
    ] = None
    port_rcv_switch_relay_errors: Annotated[
        int | None, counter("Packets received that the switch could not pass on.")
    ] = None
    port_rcv_constraint_errors: Annotated[
        int | None, counter("Packets dropped on their way in, by a filter, a partition or an IP version.")
    ] = None
    port_rcv_discards: Annotated[int | None, counter("Packets received and dropped.")] = None
    port_xmit_discards: Annotated[int | None, counter("Packets not sent since the port was down or congested.")] = None
    port_xmit_constraint_errors: Annotated[
        int | None, counter("Packets dropped on their way out, by a filter, a partition or an IP version.")
    ] = None
    port_xmit_wait: Annotated[
        int | None, counter("Ticks of the port in which there was data to send, and no credit to send it.")
    ] = None
    symbol_error: Annotated[int | None, counter("Small errors on the lanes.")] = None
    link_error_recovery: Annotated[int | None, counter("Times the link recovered from an error.")] = None
    link_downed: Annotated[int | None, counter("Times the link went down since it could not recover.")] = None
    local_link_integrity_errors: Annotated[
        int | None, counter("Times there were too many physical errors on this side.")
    ] = None
    excessive_buffer_overrun_errors: Annotated[int | None, counter("Times the buffers overran for too long.")] = None
    vl15_dropped: Annotated[
        int | None, counter("Management packets (virtual lane 15) dropped for want of buffers.")
    ] = None


class PortCountersExt(msgspec.Struct, frozen=True, gc=False):
    """Counters in 64 bits that older drivers keep apart from those in 32 bits."""

    port_rcv_data_64_bytes: Annotated[int | None, counter("Bytes received.")] = None
    port_xmit_data_64_bytes: Annotated[int | None, counter("Bytes sent.")] = None
    port_rcv_packets_64: Annotated[int | None, counter("Packets received.")] = None
    port_xmit_packets_64: Annotated[int | None, counter("Packets sent.")] = None
    port_unicast_rcv_packets: Annotated[int | None, counter("Unicast packets received.")] = None
    port_unicast_xmit_packets: Annotated[int | None, counter("Unicast packets sent.")] = None
    port_multicast_rcv_packets: Annotated[int | None, counter("Multicast packets received.")] = None
    port_multicast_xmit_packets: Annotated[int | None, counter("Multicast packets sent.")] = None


class InfiniBandPort(msgspec.Struct, frozen=True):
    """One port."""

    port: Annotated[int, label("Number of the port, from 1.")]
    link_layer: Annotated[str | None, info("What it runs on: InfiniBand or Ethernet.")] = None
    state: Annotated[str | None, info("State: DOWN, INIT, ARMED, ACTIVE or ACTIVE_DEFER.")] = None
    state_id: Annotated[int | None, info("The same as a number; 4 is active.")] = None
    phys_state: Annotated[str | None, info("State of the physical link, such as LinkUp, Polling or Disabled.")] = None
    phys_state_id: Annotated[int | None, info("The same as a number; 5 is up.")] = None
    rate_bytes_per_second: Annotated[int | None, gauge("Speed of the link, over all its lanes.")] = None
    rate_name: Annotated[str | None, info("Lanes and kind of the link, such as 4X EDR.")] = None
    counters: Annotated[PortCounters | None, group("Counters of the InfiniBand specification.")] = None
    counters_ext: Annotated[PortCountersExt | None, group("Counters in 64 bits, of older drivers.")] = None
    hw_counters: Annotated[dict[str, int] | None, counter("Counters of the device's own, by the driver's names.")] = (
        None
    )
    hw_gauges: Annotated[
        dict[str, int] | None, gauge("Objects in use and the most there were, by the driver's names.")
    ] = None
    hw_lifespan_ms: Annotated[
        int | None, gauge("How long the kernel keeps the device's own counters before it asks for them again.")
    ] = None


class InfiniBandDevice(msgspec.Struct, frozen=True):
    """One RDMA device."""

    name: Annotated[str, label("Name of the device, such as mlx5_0.")]
    board_id: Annotated[str | None, info("The board, as its maker calls it.")] = None
    fw_ver: Annotated[str | None, info("Version of its firmware.")] = None
    hca_type: Annotated[str | None, info("Type of the adapter, such as MT4123.")] = None
    hw_rev: Annotated[str | None, info("Revision of the hardware.")] = None
    node_guid: Annotated[str | None, info("Id of the device, unique in the world.")] = None
    ports: Annotated[list[InfiniBandPort], group("Its ports.")] = []


def _count(data: bytes) -> int | None:
    return None if data.startswith(b"N/A") else amount(data)


def _bytes(data: bytes) -> int | None:
    words = _count(data)
    return None if words is None else sized(words, _WORD)


def _state(data: bytes) -> tuple[int, str]:
    number_, _, name = data.partition(b":")
    return number(number_), inert(name.strip())


def _rate(data: bytes) -> tuple[int, str | None]:
    match = _RATE.fullmatch(data)
    if match is None:
        raise ValueError(f"no rate: {shorten(data)}")
    return scaled(fraction(match[1], 1), 12_500_000), inert(match[2]) if match[2] else None


def _file(field: str) -> str:
    """The kernel's name of a counter."""
    return "VL15_dropped" if field == "vl15_dropped" else field.removesuffix("_bytes")


def _counters(port: Folder, folder: str, record: type[msgspec.Struct]) -> list[int | None] | None:
    values = [
        port.parsed(f"{folder}/{_file(field)}", _bytes if field.endswith("_bytes") else _count)
        for field in record.__struct_fields__
    ]
    return values if any(value is not None for value in values) else None


def _hardware(port: Folder) -> tuple[dict[str, int], dict[str, int]]:
    counters: dict[str, int] = {}
    gauges: dict[str, int] = {}
    for path in port.found("hw_counters/*"):
        name = inert(path.removeprefix("hw_counters/").encode("utf-8", "surrogateescape"))
        value = port.parsed(path, _count)
        if value is not None and name != "lifespan":
            (gauges if name.startswith(_GAUGES) else counters)[name] = value
    return counters, gauges


_GAUGES = ("active_", "watermark_", "db_fifo_register")


def _port(port: Folder) -> InfiniBandPort:
    state = port.parsed("state", _state)
    phys_state = port.parsed("phys_state", _state)
    rate = port.parsed("rate", _rate)
    counters = _counters(port, "counters", PortCounters)
    counters_ext = _counters(port, "counters_ext", PortCountersExt)
    hw_counters, hw_gauges = _hardware(port)
    return InfiniBandPort(
        int(port.name),
        port.text("link_layer"),
        state and state[1],
        state and state[0],
        phys_state and phys_state[1],
        phys_state and phys_state[0],
        rate and rate[0],
        rate and rate[1],
        PortCounters(*counters) if counters else None,
        PortCountersExt(*counters_ext) if counters_ext else None,
        hw_counters or None,
        hw_gauges or None,
        port.number("hw_counters/lifespan"),
    )


def parse(folder: Folder) -> InfiniBandDevice:
    return InfiniBandDevice(
        folder.name,
        folder.text("board_id"),
        folder.text("fw_ver"),
        folder.text("hca_type"),
        folder.text("hw_rev"),
        folder.text("node_guid"),
        [_port(port) for port in folder.folders("ports/[0-9]*") if port.name.isdigit()],
    )


FILES = (
    "board_id", "fw_ver", "hca_type", "hw_rev", "node_guid", "ports/[0-9]*/link_layer", "ports/[0-9]*/state",
    "ports/[0-9]*/phys_state", "ports/[0-9]*/rate", "ports/[0-9]*/hw_counters/*",
    *(f"ports/[0-9]*/counters/{_file(field)}" for field in PortCounters.__struct_fields__),
    *(f"ports/[0-9]*/counters_ext/{_file(field)}" for field in PortCountersExt.__struct_fields__),
)  # fmt: skip
CLASS_INFINIBAND = Tree("class_infiniband", "/sys/class/infiniband/*", FILES, InfiniBandDevice, parse, slow=True)
