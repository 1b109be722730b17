"""/proc/[pid]/net/dev_snmp6: counters of IPv6 and ICMPv6 by interface, in the network namespace of a process.

    ifIndex                         	2
    Ip6InReceives                   	7120
    Icmp6InMsgs                     	530

https://docs.kernel.org/networking/snmp_counter.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import group
from procpulse.process import Part
from procpulse.sources.proc import net_dev_snmp6
from procpulse.sources.proc.net_dev_snmp6 import InterfaceSnmp6
from procpulse.tree import Folder


class PidNetDevSnmp6(msgspec.Struct, frozen=True, gc=False):
    """Counters of IPv6 in the network namespace of a process."""

    interfaces: Annotated[list[InterfaceSnmp6], group("One row an interface.")]


def parse(folder: Folder) -> PidNetDevSnmp6:
    [inside] = folder.folders("net/dev_snmp6")
    return PidNetDevSnmp6(net_dev_snmp6.parse(inside))


PID_NET_DEV_SNMP6 = Part("net_dev_snmp6", ("net/dev_snmp6/*",), PidNetDevSnmp6, parse)
