"""/proc/net/arp: which hardware address belongs to which IPv4 address of the neighbourhood.

    IP address       HW type     Flags       HW address            Mask     Device
    192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0

https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.source import File, Source
from procpulse.text import hexadecimal, inert, lines, shorten, words

_COMPLETE = 0x02
_PUBLISHED = 0x08


class ArpEntry(msgspec.Struct, frozen=True, gc=False):
    """One neighbour, or one address that the host answers for."""

    ip_address: Annotated[str, label("IPv4 address of the neighbour.")]
    device: Annotated[str, label("Interface that it is reached through; * for any.")]
    published: Annotated[bool, label("Whether the host answers for this address in the place of another (proxy ARP).")]
    hw_type: Annotated[int, info("Type of the hardware (ARPHRD_*); 1 is Ethernet.")]
    flags: Annotated[int, info("Flags of the entry: 2 complete, 4 permanent, 8 published.")]
    hw_address: Annotated[
        str | None, info("Hardware address, all zeros while it is not known; None for hardware without addresses.")
    ] = None

    @property
    def complete(self) -> bool:
        """Whether the hardware address is known."""
        return bool(self.flags & _COMPLETE)


def parse(file: File) -> list[ArpEntry]:
    rows = lines(file.data)
    if not rows or not rows[0].startswith(b"IP address"):
        raise ValueError("no heading")
    entries = {}  # by label: a table that changes while it is read may list an entry twice
    for row in rows[1:]:
        address, hw_type, flags, *hw_address, _, device = words(row, 5)
        if not _IPV4(address):
            raise ValueError(f"no IPv4 address: {shorten(address)}")
        bits = hexadecimal(flags)
        entry = ArpEntry(
            address.decode(),
            inert(device),
            bool(bits & _PUBLISHED),
            hexadecimal(hw_type),
            bits,
            inert(hw_address[0]) if hw_address else None,
        )
        entries[entry.ip_address, entry.device, entry.published] = entry
    return list(entries.values())


_IPV4 = re.compile(rb"[0-9]{1,3}(\.[0-9]{1,3}){3}").fullmatch
NET_ARP = Source("net_arp", "/proc/net/arp", list[ArpEntry], parse, cap=1 << 22, rows=1)
