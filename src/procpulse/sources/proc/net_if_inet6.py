"""/proc/net/if_inet6: the IPv6 addresses of the host.

    fe800000000000000000fc00fffe0001 02 40 20 80     eth0

https://elixir.bootlin.com/linux/v6.18/source/net/ipv6/addrconf.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.source import File, Source
from procpulse.sources.proc._addresses import ipv6
from procpulse.text import hexadecimal, inert, lines, words


class Ipv6Address(msgspec.Struct, frozen=True, gc=False):
    """One IPv6 address."""

    interface: Annotated[str, label("Interface that has the address.")]
    address: Annotated[str, label("The address.")]
    index: Annotated[int, info("Number of the interface.")]
    prefix_length: Annotated[int, info("Bits of the address that name its network.")]
    scope: Annotated[int, info("How far it reaches: 0 the world, 0x10 this host, 0x20 the link, 0x40 the site.")]
    flags: Annotated[
        int,
        info("Flags (IFA_F_*): 1 temporary, 8 in use by another, 0x20 deprecated, 0x40 being checked, 0x80 permanent."),
    ]


def parse(file: File) -> list[Ipv6Address]:
    addresses = {}  # by label: a list that changes while it is read may hold an address twice
    for row in lines(file.data):
        address, *numbers, interface = words(row, 6)[:6]
        index, length, scope, flags = map(hexadecimal, numbers)
        addresses[interface, address] = Ipv6Address(inert(interface), ipv6(address), index, length, scope, flags)
    return list(addresses.values())


NET_IF_INET6 = Source("net_if_inet6", "/proc/net/if_inet6", list[Ipv6Address], parse, rows=0)
