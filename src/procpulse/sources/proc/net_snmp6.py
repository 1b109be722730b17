"""/proc/net/snmp6: counters of IPv6, ICMPv6 and UDP over IPv6.

    Ip6InReceives                   	92166
    Icmp6InMsgs                     	53293

https://docs.kernel.org/networking/snmp_counter.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter
from procpulse.source import File, Source
from procpulse.text import inert, lines, number, words


class NetSnmp6(msgspec.Struct, frozen=True, gc=False):
    """Counters under the kernel's own names: a new kernel's new row shows up by itself."""

    counters: Annotated[dict[str, int], counter("Counters such as Ip6InReceives.", bits="long", absent_is_zero=True)]


def parse(file: File) -> NetSnmp6:
    rows = (words(line, 2) for line in lines(file.data))
    counters = {inert(key): number(value) for key, value, *_ in rows}
    if not counters:
        raise ValueError("no rows")
    return NetSnmp6(counters)


NET_SNMP6 = Source("net_snmp6", "/proc/net/snmp6", NetSnmp6, parse, rows=0)
