"""/proc/net/sockstat: sockets in use, by protocol.

    sockets: used 1602
    TCP: inuse 35 orphan 0 tw 4 alloc 59 mem 22
    FRAG: inuse 0 memory 0

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, label
from procpulse.source import File, Source
from procpulse.text import inert, keyed, number, sized


class SocketUse(msgspec.Struct, frozen=True, gc=False):
    """Sockets of one protocol."""

    protocol: Annotated[str, label("The protocol, such as TCP; FRAG is the queue of IP fragments.")]
    inuse: Annotated[int | None, gauge("Sockets in use in this network namespace.")] = None
    orphan: Annotated[int | None, gauge("TCP sockets of no process any more.")] = None
    time_wait: Annotated[int | None, gauge("TCP sockets that wait after closing.")] = None
    alloc: Annotated[int | None, gauge("TCP sockets in any state, of the whole host.")] = None
    mem_bytes: Annotated[int | None, gauge("Memory of the buffers, of the whole host.")] = None


class NetSockstat(msgspec.Struct, frozen=True, gc=False):
    """Sockets in use."""

    used: Annotated[int | None, gauge("Sockets of all kinds; None in the file for IPv6.")]
    protocols: Annotated[list[SocketUse], group("By protocol.")]


def parse(file: File) -> NetSockstat:
    used = None
    protocols = []
    for protocol, rest in keyed(file.data):
        tokens = rest.split()
        values = {key: number(value) for key, value in zip(tokens[::2], tokens[1::2], strict=True)}
        if protocol == b"sockets":
            used = values[b"used"]
            continue
        memory = values.get(b"memory")
        if b"mem" in values:
            # Counted in pages, before Linux 6.0 in 4 KiB whatever the page.
            memory = sized(values[b"mem"], file.host.page_size if file.host.at_least(6, 0) else 4096)
        protocols.append(
            SocketUse(
                inert(protocol),
                values.get(b"inuse"),
                values.get(b"orphan"),
                values.get(b"tw"),
                values.get(b"alloc"),
                memory,
            )
        )
    return NetSockstat(used, protocols)


NET_SOCKSTAT = Source("net_sockstat", "/proc/net/sockstat", NetSockstat, parse, rows=0)
