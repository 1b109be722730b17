"""/sys/class/net/*: what each network interface is, the state of its link, and its counters in full.

    operstate: up, speed: 1000, mtu: 1500, statistics/rx_bytes: 5083132

Asking a link for its speed may talk to the hardware, and take seconds where the link is down; it and what else the
driver has to be asked for is read every ten seconds. A link that is down does not answer (EINVAL).

https://docs.kernel.org/networking/statistics.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import number, scaled
from procpulse.tree import Folder, Tree


class LinkStatistics(msgspec.Struct, frozen=True, gc=False):
    """Counters of an interface, as struct rtnl_link_stats64 has them."""

    rx_packets: Annotated[int | None, counter("Good packets received.", bits="long")] = None
    tx_packets: Annotated[int | None, counter("Packets sent.", bits="long")] = None
    rx_bytes: Annotated[int | None, counter("Good bytes received.", bits="long")] = None
    tx_bytes: Annotated[int | None, counter("Good bytes sent.", bits="long")] = None
    rx_errors: Annotated[int | None, counter("Bad packets received.", bits="long")] = None
    tx_errors: Annotated[int | None, counter("Packets that could not be sent.", bits="long")] = None
    rx_dropped: Annotated[
        int | None, counter("Packets received and not processed, for want of memory or of a protocol.", bits="long")
    ] = None
    tx_dropped: Annotated[int | None, counter("Packets dropped on their way out.", bits="long")] = None
    multicast: Annotated[int | None, counter("Multicast packets received.", bits="long")] = None
    collisions: Annotated[int | None, counter("Collisions on the wire.", bits="long")] = None
    rx_length_errors: Annotated[int | None, counter("Packets dropped for a wrong length.", bits="long")] = None
    rx_over_errors: Annotated[int | None, counter("Packets lost since the receiver had no room.", bits="long")] = None
    rx_crc_errors: Annotated[int | None, counter("Packets of a wrong checksum.", bits="long")] = None
    rx_frame_errors: Annotated[int | None, counter("Packets out of alignment.", bits="long")] = None
    rx_fifo_errors: Annotated[int | None, counter("Packets lost since a receive queue was full.", bits="long")] = None
    rx_missed_errors: Annotated[
        int | None, counter("Packets missed by the host, for want of buffers.", bits="long")
    ] = None
    tx_aborted_errors: Annotated[int | None, counter("Sending given up.", bits="long")] = None
    tx_carrier_errors: Annotated[int | None, counter("Sending failed since the link went away.", bits="long")] = None
    tx_fifo_errors: Annotated[int | None, counter("Sending failed since a queue ran empty.", bits="long")] = None
    tx_heartbeat_errors: Annotated[int | None, counter("Heartbeat missing on old Ethernet.", bits="long")] = None
    tx_window_errors: Annotated[int | None, counter("Collisions that came too late.", bits="long")] = None
    rx_compressed: Annotated[int | None, counter("Compressed packets received.", bits="long")] = None
    tx_compressed: Annotated[int | None, counter("Compressed packets sent.", bits="long")] = None
    rx_nohandler: Annotated[
        int | None, counter("Packets received on an inactive device of a bond or team.", bits="long")
    ] = None


class NetDevice(msgspec.Struct, frozen=True, gc=False):
    """One network interface."""

    name: Annotated[str, label("Name of the interface, such as eth0.")]
    ifindex: Annotated[int | None, label("Number of the interface, never used again in its namespace.")] = None
    address: Annotated[str | None, info("Hardware address.")] = None
    broadcast: Annotated[str | None, info("Hardware address of everybody.")] = None
    addr_assign_type: Annotated[
        int | None, info("Where the address is from: 0 permanent, 1 random, 2 stolen, 3 set.")
    ] = None
    addr_len: Annotated[int | None, info("Bytes in a hardware address.")] = None
    carrier: Annotated[bool | None, info("Whether there is a physical link; None for an interface that is down.")] = (
        None
    )
    carrier_changes: Annotated[int | None, counter("Times the link came or went.", bits=32)] = None
    carrier_up_count: Annotated[int | None, counter("Times the link came.", bits=32)] = None
    carrier_down_count: Annotated[int | None, counter("Times the link went.", bits=32)] = None
    dev_id: Annotated[int | None, info("Tells devices apart that share one hardware address.")] = None
    dev_port: Annotated[int | None, info("Port of the adapter, from 0.")] = None
    dormant: Annotated[bool | None, info("Whether it waits for something else, such as authentication.")] = None
    testing: Annotated[bool | None, info("Whether it runs a test of itself (Linux 5.8).")] = None
    duplex: Annotated[
        str | None, info("Duplex of the link: full or half; None for an interface that is down or does not know.")
    ] = None
    flags: Annotated[int | None, info("Flags of the interface (IFF_*).")] = None
    ifalias: Annotated[str | None, info("A name given by hand.")] = None
    iflink: Annotated[int | None, info("Number of the interface below this one; its own for a physical one.")] = None
    link_mode: Annotated[int | None, info("0 default, 1 dormant, 2 testing.")] = None
    mtu_bytes: Annotated[int | None, gauge("Most bytes that a packet may have.")] = None
    name_assign_type: Annotated[
        int | None, info("Where the name is from: 1 kernel, 2 predictable, 3 user, 4 renamed.")
    ] = None
    netdev_group: Annotated[int | None, info("Group that it was put in.")] = None
    operstate: Annotated[
        str | None, info("State after RFC 2863: up, down, lowerlayerdown, dormant, testing, unknown.")
    ] = None
    phys_port_id: Annotated[str | None, info("Id of the physical port.")] = None
    phys_port_name: Annotated[str | None, info("Name of the physical port.")] = None
    phys_switch_id: Annotated[str | None, info("Id of the switch that the port belongs to.")] = None
    speed_bits_per_second: Annotated[int | None, gauge("Speed of the link; None for one that is down or has none.")] = (
        None
    )
    tx_queue_len: Annotated[int | None, gauge("Packets that may wait to be sent.")] = None
    type: Annotated[int | None, info("Type of the hardware (ARPHRD_*); 1 is Ethernet, 772 loopback.")] = None
    driver: Annotated[str | None, info("Driver of the device behind it; None for a virtual one.")] = None
    statistics: Annotated[LinkStatistics | None, group("Counters.")] = None


_ASKED = ("speed", "duplex", "phys_port_id", "phys_port_name", "phys_switch_id")
_FILES = (
    "ifindex", "address", "broadcast", "addr_assign_type", "addr_len", "carrier", "carrier_changes",
    "carrier_up_count", "carrier_down_count", "dev_id", "dev_port", "dormant", "testing", "duplex", "flags", "ifalias",
    "iflink", "link_mode", "mtu", "name_assign_type", "netdev_group", "operstate", "phys_port_id", "phys_port_name",
    "phys_switch_id", "speed", "tx_queue_len", "type",
)  # fmt: skip


def _speed(data: bytes) -> int | None:
    megabits = number(data)
    return scaled(megabits, 1_000_000) if 0 <= megabits < 0xFFFF_FFFF else None  # -1, in 32 bits, is unknown


# What the kernel still answers of an interface that is on its way out, and may be while it has gone under this name.
_LEFT = {
    "device/driver@", "carrier_changes", "carrier_up_count", "carrier_down_count", "iflink", "operstate", "ifalias",
    *_ASKED,
}  # fmt: skip


def parse(folder: Folder) -> NetDevice | None:
    number, text, flag = folder.number, folder.text, folder.flag
    duplex = text("duplex")
    if not folder.entries or folder.entries.keys() <= _LEFT:
        return None
    statistics = [number(f"statistics/{name}") for name in LinkStatistics.__struct_fields__]
    return NetDevice(
        folder.name, number("ifindex"), text("address"), text("broadcast"), number("addr_assign_type"),
        number("addr_len"), flag("carrier"), number("carrier_changes"), number("carrier_up_count"),
        number("carrier_down_count"), folder.hexadecimal("dev_id"), number("dev_port"), flag("dormant"),
        flag("testing"), None if duplex == "unknown" else duplex, folder.hexadecimal("flags"), text("ifalias"), number("iflink"),
        number("link_mode"), number("mtu"), number("name_assign_type"), number("netdev_group"), text("operstate"),
        text("phys_port_id"), text("phys_port_name"), text("phys_switch_id"), folder.parsed("speed", _speed),
        number("tx_queue_len"), number("type"), folder.target("device/driver@"),
        LinkStatistics(*statistics) if any(value is not None for value in statistics) else None,
    )  # fmt: skip


FILES = (*_FILES, "device/driver@", *(f"statistics/{name}" for name in LinkStatistics.__struct_fields__))
CLASS_NET = Tree(
    "class_net", "/sys/class/net/*", FILES, NetDevice, parse, slow=("carrier", *_ASKED), seldom=_ASKED, every=10
)
