"""/sys/class/net/*: which network interfaces are cards, and which are made of others.

    ifindex: 7, iflink: 2, uevent: DEVTYPE=vlan, device/driver -> .../drivers/igc, master -> ../br0

A packet passes a bridge, a bond, a VLAN or the interface of a container and the card beneath, and all of them count it;
this tells which of them leads outside. It changes only when somebody sets up a network, so it is read every ten seconds.

https://docs.kernel.org/admin-guide/abi-testing.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.text import inert
from procpulse.tree import Folder, Tree


class NetLinks(msgspec.Struct, frozen=True, gc=False):
    """What one network interface is, and what it belongs to."""

    name: Annotated[str, label("Name of the interface, such as eth0.")]
    ifindex: Annotated[int | None, label("Number of the interface, never used again in its namespace.")] = None
    iflink: Annotated[
        int | None,
        info("Number of the interface below, or of the other end, which may be in another namespace; else its own."),
    ] = None
    type: Annotated[int | None, info("Type of the hardware (ARPHRD_*); 1 is Ethernet, 772 loopback.")] = None
    kind: Annotated[
        str | None, info("What the kernel calls it, such as bridge, bond, vlan or wlan; None for many.")
    ] = None
    driver: Annotated[str | None, info("Driver of the device behind it; None for a virtual one.")] = None
    master: Annotated[str | None, info("Bridge, bond or the like that it is part of.")] = None


def _kind(data: bytes) -> str | None:
    words = (line.partition(b"=") for line in data.split(b"\n"))
    return next((inert(value) for key, _, value in words if key == b"DEVTYPE" and value), None)


def parse(folder: Folder) -> NetLinks | None:
    if "ifindex" not in folder.entries:
        return None  # it is on its way out, or no interface, as `bonding_masters`
    return NetLinks(
        folder.name,
        folder.number("ifindex"),
        folder.number("iflink"),
        folder.number("type"),
        folder.parsed("uevent", _kind),
        folder.target("device/driver@"),
        folder.target("master@"),
    )


FILES = ("ifindex", "iflink", "type", "uevent", "device/driver@", "master@")
CLASS_NET_LINKS = Tree(
    "class_net_links", "/sys/class/net/*", FILES, NetLinks, parse, once=("type", "device/driver@"), cadence=10.0
)
