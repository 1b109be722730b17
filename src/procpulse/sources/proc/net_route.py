"""/proc/net/route: the main table of IPv4 routes.

    Iface   Destination     Gateway         Flags   RefCnt  Use     Metric  Mask            MTU     Window  IRTT
    eth0    00000000        010200C0        0003    0       0       100     00000000        0       0       0

Addresses are numbers in the host's own order of bytes. Of a route with several gateways the kernel lists the first; a
route that differs from another in its type of service alone is listed once. Tables of over about 30,000 routes are
refused; `net_fib_triestat` counts them.

https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.source import File, Source
from procpulse.sources.proc._addresses import ipv4
from procpulse.text import hexadecimal, inert, lines, number, words


class Route(msgspec.Struct, frozen=True, gc=False):
    """One IPv4 route."""

    interface: Annotated[str, label("Interface that packets leave through; * for a route that refuses or drops them.")]
    destination: Annotated[str, label("Address of the network, or of the host, that it leads to.")]
    mask: Annotated[str, label("Mask of the network; 0.0.0.0 for the default route, 255.255.255.255 for one host.")]
    gateway: Annotated[str, label("Address of the next router; 0.0.0.0 for none.")]
    metric: Annotated[int, label("Preference among routes to the same destination: the lowest wins.")]
    flags: Annotated[int, info("Flags (RTF_*): 1 usable, 2 through a gateway, 4 to one host, 0x200 refused.")]
    references: Annotated[int, gauge("References to the route; always 0 since Linux 2.4.")]
    uses: Annotated[int, counter("Lookups of the route; always 0 since Linux 2.4.")]
    mtu_bytes: Annotated[int, gauge("Largest packet, after the route's own segment size for TCP; 0 for no own one.")]
    window_bytes: Annotated[int, gauge("Window of TCP connections over this route; 0 for no own one.")]
    irtt_ms: Annotated[int, gauge("Initial round trip time of TCP connections over this route; 0 for no own one.")]


def parse(file: File) -> list[Route]:
    rows = lines(file.data)
    if not file.data:  # a network namespace that never had a route has no table, and no heading
        return []
    if not rows or not rows[0].startswith(b"Iface"):
        raise ValueError("no heading")
    swapped = file.host.little_endian
    routes = {}  # by label
    for row in rows[1:]:
        interface, destination, gateway, flags, references, uses, metric, mask, *rest = words(row, 11)
        route = Route(
            inert(interface),
            ipv4(destination, swapped),
            ipv4(mask, swapped),
            ipv4(gateway, swapped),
            number(metric) & 0xFFFF_FFFF,  # printed with a sign that it does not have
            hexadecimal(flags),
            number(references),
            number(uses),
            *map(number, rest[:3]),
        )
        routes[route.interface, route.destination, route.mask, route.gateway, route.metric] = route
    return list(routes.values())


NET_ROUTE = Source("net_route", "/proc/net/route", list[Route], parse, cap=1 << 22, rows=1)
