"""/proc/net/protocols: which kinds of sockets the kernel has, how many there are, and what each kind can do.

    protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em
    TCP       2432     41      17   no     320   yes  kernel      y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y

https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.source import File, Source
from procpulse.text import inert, lines, number, sized, words

CAPABILITIES = {
    "cl": "close",
    "co": "connect",
    "di": "disconnect",
    "ac": "accept",
    "io": "ioctl",
    "in": "init",
    "de": "destroy",
    "sh": "shutdown",
    "ss": "setsockopt",
    "gs": "getsockopt",
    "se": "sendmsg",
    "re": "recvmsg",
    "sp": "sendpage",
    "bi": "bind",
    "br": "backlog_rcv",
    "ha": "hash",
    "uh": "unhash",
    "gp": "get_port",
    "em": "enter_memory_pressure",
}


class Protocol(msgspec.Struct, frozen=True, gc=False):
    """One kind of sockets."""

    name: Annotated[str, label("Name, such as TCP, UDPv6 or UNIX.")]
    module: Annotated[str, label("Kernel module that it belongs to; kernel where it is built in.")]
    size_bytes: Annotated[int, info("Memory of one socket, without its buffers.")]
    sockets: Annotated[int, gauge("Sockets in use in this network namespace.")]
    memory_bytes: Annotated[
        int | None, gauge("Memory of the buffers, of the whole host; None where it is not counted.")
    ]
    pressure: Annotated[
        bool | None, info("Whether buffers have to shrink; None where the protocol knows no such state.")
    ]
    max_header_bytes: Annotated[int, info("Room that it leaves for headers before a packet's data.")]
    slab: Annotated[bool, info("Whether its sockets have a slab cache of their own.")]
    capabilities: Annotated[list[str] | None, info("What it does itself, such as accept or get_port.")]


def parse(file: File) -> list[Protocol]:
    rows = lines(file.data)
    heading = words(rows[0], 8)
    if heading[0] != b"protocol":
        raise ValueError("no heading")
    kinds = [inert(word) for word in heading[8:]]
    # Until Linux 6.0 memory was counted in units of 4 kB, whatever the size of a page.
    unit = file.host.page_size if file.host.at_least(6, 0) else 4096
    protocols = []
    for row in rows[1:]:
        name, size, sockets, memory_, press, header, slab, module, *able = words(row, 8)
        memory = number(memory_)
        protocols.append(
            Protocol(
                inert(name), inert(module), number(size), number(sockets), None if memory < 0 else sized(memory, unit),
                None if press == b"NI" else press == b"yes", number(header), slab == b"yes", _capabilities(kinds, able),
            )
        )  # fmt: skip
    return protocols


def _capabilities(kinds: list[str], able: list[bytes]) -> list[str] | None:
    """What a protocol can do. Kernels from 6.5 on had no column `sp` any more, but its heading for a while."""
    if len(able) == len(kinds) - 1:
        kinds = [kind for kind in kinds if kind != "sp"]
    if len(able) != len(kinds):
        return None
    return [CAPABILITIES.get(kind, kind) for kind, can in zip(kinds, able, strict=True) if can == b"y"]


NET_PROTOCOLS = Source("net_protocols", "/proc/net/protocols", list[Protocol], parse, rows=1)
