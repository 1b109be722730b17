"""/proc/net/ip_vs_stats: what the load balancer IPVS has done, and does at present.

       Total Incoming Outgoing         Incoming         Outgoing
       Conns  Packets  Packets            Bytes            Bytes
       4C2F1  8A10B77  1F00A2C        1A2F3E4C5         39B1C0D7

     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s
           B      4D2      1C8            5A3F1            1B07E

https://elixir.bootlin.com/linux/v6.18/source/net/netfilter/ipvs/ip_vs_ctl.c
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge
from procpulse.source import File, Source
from procpulse.sources.proc.net_stat import hexadecimals
from procpulse.text import lines, shorten


class NetIpVsStats(msgspec.Struct, frozen=True, gc=False):
    """Connections and packets of all services together."""

    connections: Annotated[int | None, counter("Connections.")]
    incoming_packets: Annotated[int | None, counter("Packets from clients.")]
    outgoing_packets: Annotated[int | None, counter("Packets to clients; only where servers answer through this host.")]
    incoming_bytes: Annotated[int | None, counter("Bytes from clients.")]
    outgoing_bytes: Annotated[int | None, counter("Bytes to clients; only where servers answer through this host.")]
    connections_per_second: Annotated[int | None, gauge("New connections, as the kernel estimates every two seconds.")]
    incoming_packets_per_second: Annotated[int | None, gauge("Packets from clients, as the kernel estimates.")]
    outgoing_packets_per_second: Annotated[int | None, gauge("Packets to clients, as the kernel estimates.")]
    incoming_bytes_per_second: Annotated[int | None, gauge("Bytes from clients, as the kernel estimates.")]
    outgoing_bytes_per_second: Annotated[int | None, gauge("Bytes to clients, as the kernel estimates.")]


def parse(file: File) -> NetIpVsStats:
    sums: list[int] | None = None
    rates: list[int] | None = None
    estimated = False
    for row in lines(file.data):
        if b"Conns" in row or b"Total" in row:
            estimated = b"/s" in row
        elif estimated:
            rates = rates or file.parsed("rates", _five, row)
        else:
            sums = sums or file.parsed("totals", _five, row)
    if sums is None and rates is None:
        raise ValueError(f"no rows: {shorten(file.data)}")
    return NetIpVsStats(*(sums or _NOTHING), *(rates or _NOTHING))


_NOTHING: Sequence[int | None] = (None,) * 5


def _five(row: bytes) -> list[int]:
    return hexadecimals(row, 5)[:5]


NET_IP_VS_STATS = Source("net_ip_vs_stats", "/proc/net/ip_vs_stats", NetIpVsStats, parse, whole=True)
