"""/proc/net/dev_snmp6: counters of IPv6 and ICMPv6 by interface.

    ifIndex                         	2
    Ip6InReceives                   	7120
    Icmp6InMsgs                     	530

https://docs.kernel.org/networking/snmp_counter.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, info, label
from procpulse.text import inert
from procpulse.tree import Bundle, Folder


class InterfaceSnmp6(msgspec.Struct, frozen=True, gc=False):
    """One interface."""

    interface: Annotated[str, label("Name of the interface.")]
    index: Annotated[int | None, info("Number of the interface.")]
    counters: Annotated[
        dict[str, int],
        counter("Counters under the kernel's own names, such as Ip6InReceives.", bits="long", absent_is_zero=True),
    ]


def parse(folder: Folder) -> list[InterfaceSnmp6]:
    interfaces = []
    for name in folder.found("*"):
        counters = folder.mapping(name)
        if counters:
            index = counters.pop("ifIndex", None)
            interfaces.append(InterfaceSnmp6(inert(name.encode("utf-8", "surrogateescape")), index, counters))
    return interfaces


NET_DEV_SNMP6 = Bundle("net_dev_snmp6", "/proc/net/dev_snmp6", ("*",), list[InterfaceSnmp6], parse, cap=1 << 16)
