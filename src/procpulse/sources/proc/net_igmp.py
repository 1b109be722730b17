"""/proc/net/igmp: the IPv4 multicast groups that the host has joined.

    Idx     Device    : Count Querier       Group    Users Timer    Reporter
    2       eth0      :     1      V3
                                    010000E0     1 0:00000000               0

Groups are numbers in the host's own order of bytes.

https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
"""

from functools import partial
from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.source import File, Source
from procpulse.sources.proc._addresses import ipv4
from procpulse.text import hexadecimal, inert, lines, number, words


class IgmpGroup(msgspec.Struct, frozen=True, gc=False):
    """One group that was joined on an interface."""

    address: Annotated[str, label("Address of the group.")]
    users: Annotated[int, gauge("How often it was joined.")]
    reporter: Annotated[bool, info("Whether this host was the last of its network to say that it is a member.")]
    timer_ticks: Annotated[int | None, gauge("Time until the host reports again; None where nobody asked.")] = None


class IgmpInterface(msgspec.Struct, frozen=True, gc=False):
    """One interface on which groups were joined."""

    interface: Annotated[str, label("Name of the interface.")]
    index: Annotated[int, info("Number of the interface.")]
    count: Annotated[int, gauge("Groups joined.")]
    querier: Annotated[str, info("Version of the protocol that is spoken there: V1, V2, V3; NONE where none is.")]
    groups: Annotated[list[IgmpGroup], group("The groups.")]


_PAST = 1 << 31  # a time from here on is negative, and has come


def parse(file: File) -> list[IgmpInterface]:
    rows = lines(file.data)
    if not rows or not rows[0].startswith(b"Idx"):
        raise ValueError("no heading")
    interfaces: list[IgmpInterface] = []
    groups: list[IgmpGroup] | None = None
    group_ = partial(_group, file.host.little_endian)
    for row in rows[1:]:
        if not row[:1].isspace():
            interface = file.parsed("rows", _interface, row)
            groups = None if interface is None else interface.groups
            if interface is not None:
                interfaces.append(interface)
        elif groups is None:
            file.lose("rows", ValueError("a group of no interface"))
        elif (joined := file.parsed("rows", group_, row)) is not None:
            groups.append(joined)
    if not interfaces and file.failures:
        raise ValueError(file.failures["rows"])
    return interfaces


def _interface(row: bytes) -> IgmpInterface:
    left, _, right = row.rpartition(b":")
    index, name = words(left, 2)
    count, querier = words(right, 2)
    return IgmpInterface(inert(name), number(index), number(count), inert(querier), [])


def _group(swapped: bool, row: bytes) -> IgmpGroup:
    address, users, timer, reporter, *_ = words(row, 4)
    running, _, ticks = timer.partition(b":")
    left_over = hexadecimal(ticks)
    return IgmpGroup(
        ipv4(address, swapped),
        number(users),
        number(reporter) != 0,
        None if number(running) == 0 else left_over if left_over < _PAST else 0,
    )


NET_IGMP = Source("net_igmp", "/proc/net/igmp", list[IgmpInterface], parse)
