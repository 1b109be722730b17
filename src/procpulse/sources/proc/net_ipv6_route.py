"""/proc/net/ipv6_route: the IPv6 routes of all tables.

    20010db8000000000000000000000000 40 00000000000000000000000000000000 00
        fe800000000000000000000000000001 00000400 00000002 00000000 00000003     eth0

(A row is one line.) Routes that are the same in several tables are listed once. Tables of over about 27,000 routes are
refused; `net_rt6_stats` counts them.

https://elixir.bootlin.com/linux/v6.18/source/net/ipv6/ip6_fib.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.source import File, Source
from procpulse.sources.proc._addresses import ipv6
from procpulse.text import hexadecimal, inert, lines, words


class Ipv6Route(msgspec.Struct, frozen=True, gc=False):
    """One IPv6 route."""

    interface: Annotated[str, label("Interface that packets leave through.")]
    destination: Annotated[str, label("Address of the network, or of the host, that it leads to.")]
    prefix_length: Annotated[int, label("Bits of the destination that count: 0 for the default route.")]
    source: Annotated[str, label("Address of the network that packets must come from.")]
    source_prefix_length: Annotated[int, label("Bits of the source that count: 0 for any source.")]
    next_hop: Annotated[str, label("Address of the next router; :: for none.")]
    metric: Annotated[int, label("Preference among routes to the same destination: the lowest wins.")]
    flags: Annotated[int, info("Flags (RTF_*): 1 usable, 2 through a gateway, 4 to one host, 0x200 refused.")]
    references: Annotated[int, gauge("References to the route.")]
    uses: Annotated[int, counter("Lookups of the route; always 0 since Linux 4.18.", bits=32)]


def parse(file: File) -> list[Ipv6Route]:
    routes = {}  # by label
    for row in lines(file.data):
        destination, length, source, source_length, next_hop, *numbers, interface = words(row, 10)[:10]
        metric, references, uses, flags = map(hexadecimal, numbers)
        route = Ipv6Route(
            inert(interface),
            ipv6(destination),
            hexadecimal(length),
            ipv6(source),
            hexadecimal(source_length),
            ipv6(next_hop),
            metric,
            flags,
            references,
            uses,
        )
        routes[interface, destination, length, source, source_length, next_hop, metric] = route
    return list(routes.values())


NET_IPV6_ROUTE = Source("net_ipv6_route", "/proc/net/ipv6_route", list[Ipv6Route], parse, cap=1 << 22, rows=0)
