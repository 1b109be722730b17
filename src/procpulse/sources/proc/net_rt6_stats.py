"""/proc/net/rt6_stats: how many IPv6 routes there are.

    0009 0006 000a 0007 0000 0000 0000

All columns are hexadecimal and have no names.

https://elixir.bootlin.com/linux/v6.18/source/net/ipv6/route.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge
from procpulse.source import File, Source
from procpulse.sources.proc.net_stat import hexadecimals


class NetRt6Stats(msgspec.Struct, frozen=True, gc=False):
    """IPv6 routes in numbers."""

    fib_nodes: Annotated[int, gauge("Nodes in the trees of routes.")]
    fib_route_nodes: Annotated[int, gauge("Nodes that hold routes.")]
    fib_rt_allocs: Annotated[int, counter("Cached and temporary routes made.", bits=32)]
    fib_rt_entries: Annotated[int, gauge("Routes in the tables.")]
    fib_rt_cache: Annotated[int, gauge("Exceptions to routes, such as those after a redirect.")]
    dst_entries: Annotated[int, gauge("Cached routes in memory.")]
    fib_discarded_routes: Annotated[int, counter("Routes deleted.", bits=32)]


def parse(file: File) -> NetRt6Stats:
    return NetRt6Stats(*hexadecimals(file.data, 7)[:7])


NET_RT6_STATS = Source("net_rt6_stats", "/proc/net/rt6_stats", NetRt6Stats, parse, whole=True)
