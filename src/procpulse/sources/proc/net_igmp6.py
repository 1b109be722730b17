"""/proc/net/igmp6: the IPv6 multicast groups that the host has joined.

    2    eth0            ff0200000000000000000001ff000001     1 00000004 0

https://elixir.bootlin.com/linux/v6.18/source/net/ipv6/mcast.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.source import File, Source
from procpulse.sources.proc._addresses import ipv6
from procpulse.text import hexadecimal, inert, lines, number, words

_RUNNING = 0x01


class Igmp6Group(msgspec.Struct, frozen=True, gc=False):
    """One group that was joined on an interface."""

    interface: Annotated[str, label("Name of the interface.")]
    address: Annotated[str, label("Address of the group.")]
    index: Annotated[int, info("Number of the interface.")]
    users: Annotated[int, gauge("How often it was joined.")]
    flags: Annotated[
        int,
        info("Flags (MAF_*): 1 timer runs, 2 last of its network to report, 4 loaded, 8 never reported, 16 new."),
    ]
    timer_ticks: Annotated[int | None, gauge("Time until the host reports again; None where nobody asked.")] = None


def parse(file: File) -> list[Igmp6Group]:
    groups = {}  # by label: a list that changes while it is read may hold a group twice
    for row in lines(file.data):
        index, interface, address, users, flags, timer, *_ = words(row, 6)
        bits, ticks = hexadecimal(flags), number(timer)
        groups[interface, address] = Igmp6Group(
            inert(interface),
            ipv6(address),
            number(index),
            number(users),
            bits,
            max(ticks, 0) if bits & _RUNNING else None,
        )
    return list(groups.values())


NET_IGMP6 = Source("net_igmp6", "/proc/net/igmp6", list[Igmp6Group], parse, rows=0)
