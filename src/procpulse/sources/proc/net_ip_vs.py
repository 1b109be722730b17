"""/proc/net/ip_vs: virtual services of the load balancer IPVS, and the real servers behind them.

    IP Virtual Server version 1.2.1 (size=4096)
    Prot LocalAddress:Port Scheduler Flags
      -> RemoteAddress:Port Forward Weight ActiveConn InActConn
    TCP  C0000250:01BB wlc persistent 90000 FFFFFF00
      -> 0A0A0815:20FB      Masq    100    38         4

Addresses and ports are hexadecimal, in the order of the network.

https://elixir.bootlin.com/linux/v6.18/source/net/netfilter/ipvs/ip_vs_ctl.c
"""

import re
from typing import Annotated, Any

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.source import File, Source
from procpulse.sources.proc._addresses import ipv4, ipv6
from procpulse.text import hexadecimal, inert, lines, number, shorten, words


class RealServer(msgspec.Struct, frozen=True, gc=False):
    """One server that does the work of a service."""

    address: Annotated[str, label("Its address.")]
    port: Annotated[int, label("Its port.")]
    forward: Annotated[str, info("How packets get there: Masq, Tunnel, Route, Local, Bypass.")]
    weight: Annotated[int, gauge("Its share of the new connections, in relation to the other weights; 0 for none.")]
    active_connections: Annotated[int, gauge("Connections that are established.")]
    inactive_connections: Annotated[int, gauge("Connections in any other state.")]


class VirtualService(msgspec.Struct, frozen=True, gc=False):
    """One service that is shared out."""

    protocol: Annotated[str, label("TCP, UDP or SCTP; FWM for packets that the firewall has marked.")]
    address: Annotated[str | None, label("Its address; None for packets that the firewall has marked.")]
    port: Annotated[int | None, label("Its port; None for packets that the firewall has marked.")]
    mark: Annotated[int | None, label("The mark of the firewall; None for a service with an address.")]
    scheduler: Annotated[str, info("How servers are chosen, such as wlc.")]
    one_packet: Annotated[bool, info("Whether each packet is shared out by itself.")]
    servers: Annotated[list[RealServer], group("The servers.")]
    persistence_jiffies: Annotated[
        int | None,
        info(
            "How long a client stays with its server, in ticks of the kernel's own clock; None for a single connection."
        ),
    ] = None
    persistence_mask: Annotated[
        str | None, info("Mask of the IPv4 clients that stay together; None for a single connection, and for IPv6.")
    ] = None


class NetIpVs(msgspec.Struct, frozen=True, gc=False):
    """The load balancer."""

    version: Annotated[str | None, info("Version of IPVS.")]
    table_size: Annotated[int | None, gauge("Buckets in the table of connections.")]
    services: Annotated[list[VirtualService], group("Its services.")]


_HEADER = re.compile(rb"IP Virtual Server version (\S+) \(size=([0-9]+)\)").match
_TITLES = (b"Prot LocalAddress:Port", b"-> RemoteAddress:Port")


def parse(file: File) -> NetIpVs:
    version: str | None = None
    size: int | None = None
    services: list[VirtualService] = []
    servers: list[RealServer] | None = None
    rows = lines(file.data)
    for row in rows:
        found = _HEADER(row)
        if found:
            version, size = inert(found[1]), file.parsed("table_size", number, found[2])
        elif row.lstrip().startswith(_TITLES):
            continue
        elif not row.lstrip().startswith(b"->"):
            one = file.parsed("services", service, row)
            servers = None if one is None else one.servers
            if one is not None:
                services.append(one)
        elif servers is None:
            file.lose("servers", ValueError("a server of no service"))
        elif (other := file.parsed("servers", server, row)) is not None:
            servers.append(other)
    if version is None and not any(row.lstrip().startswith(_TITLES) for row in rows):
        raise ValueError(f"no heading: {shorten(file.data)}")
    return NetIpVs(version, size, services)


def service(row: bytes) -> VirtualService:
    """The line of a service.

    Raises:
        ValueError: it is none.
    """
    protocol, place, scheduler, *flags = words(row, 3)
    marked = protocol == b"FWM"
    address, port = (None, None) if marked else endpoint(place)
    more: dict[str, Any] = {}
    if b"persistent" in flags:
        timeout, mask = flags[flags.index(b"persistent") + 1 :][:2]
        more["persistence_jiffies"] = number(timeout)
        more["persistence_mask"] = None if place.startswith(b"[") else ipv4(mask)
    return VirtualService(
        protocol=inert(protocol),
        address=address,
        port=port,
        mark=hexadecimal(place) if marked else None,
        scheduler=inert(scheduler),
        one_packet=b"ops" in flags,
        servers=[],
        **more,
    )


def server(row: bytes) -> RealServer:
    """The line of a server.

    Raises:
        ValueError: it is none.
    """
    _, place, forward, weight, active, inactive, *_ = words(row, 6)
    address, port = endpoint(place)
    return RealServer(address, port, inert(forward), number(weight), number(active), number(inactive))


def endpoint(place: bytes) -> tuple[str, int]:
    """An address and a port, `C0000250:01BB` or `[2001:0db8:...:0050]:01BB`.

    Raises:
        ValueError: it is none.
    """
    address, _, port = place.rpartition(b":")
    if address.startswith(b"[") and address.endswith(b"]"):
        return ipv6(address[1:-1].replace(b":", b"")), hexadecimal(port)
    return ipv4(address), hexadecimal(port)


NET_IP_VS = Source("net_ip_vs", "/proc/net/ip_vs", NetIpVs, parse, cap=1 << 24)
