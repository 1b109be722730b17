"""/proc/net/packet: every packet socket, by which programs such as tcpdump see the frames of interfaces.

    sk               RefCnt Type Proto  Iface R Rmem   User   Inode
    0000000000000000 3      3    0003   2     1 21568  0      48217

https://man7.org/linux/man-pages/man7/packet.7.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.source import Fold
from procpulse.sources.proc._sockets import Table

TYPES = {2: "dgram", 3: "raw", 10: "packet"}

_ROW = re.compile(
    rb"\S+ +([0-9]{1,10}) +([0-9]{1,10}) +([0-9a-f]{4}) +(-?[0-9]{1,10}) +([0-9]{1,10}) +([0-9]{1,10}) +([0-9]{1,10})"
    rb" +([0-9]{1,19})(?!\S).*"
)


class PacketSocket(msgspec.Struct, frozen=True, gc=False):
    """One packet socket."""

    inode: Annotated[int, label("Inode, as in the links of /proc/[pid]/fd; 0 for a socket of no process.")]
    protocol: Annotated[str, label("EtherType of the frames that it gets, such as 0x0800; 0x0003 for all.")]
    ifindex: Annotated[int, label("Number of the interface that it is bound to; 0 for all.")]
    type: Annotated[str, info("What it gets: raw for whole frames, dgram for frames without their header.")]
    type_code: Annotated[int, info("The kernel's number of the type.")]
    protocol_code: Annotated[int, info("The EtherType as a number.")]
    running: Annotated[bool, info("Whether frames are delivered to it.")]
    rmem_bytes: Annotated[int, gauge("Memory of frames that have not been read.")]
    uid: Annotated[int, info("User who owns it.")]
    references: Annotated[int, gauge("How many hold on to it, in the kernel and outside.")]


class NetPacket(msgspec.Struct, frozen=True, gc=False):
    """Packet sockets."""

    sockets: Annotated[list[PacketSocket], group("The sockets.")]
    malformed_rows: Annotated[int, gauge("Rows that made no sense and were left out.")]


class PacketTable(Table[NetPacket]):
    """Understands the rows of packet sockets."""

    record = NetPacket
    heading = b"RefCnt"

    def _take(self, line: bytes) -> None:
        match = _ROW.fullmatch(line)
        if match is None:
            raise ValueError
        references, type_, protocol_, ifindex, running, rmem, uid, inode = match.groups()
        type_code, protocol = int(type_), int(protocol_, 16)
        self.rows[int(inode), protocol, int(ifindex)] = PacketSocket(
            int(inode), f"0x{protocol:04x}", int(ifindex), TYPES.get(type_code) or str(type_code), type_code, protocol,
            running != b"0", int(rmem), int(uid), int(references),
        )  # fmt: skip


NET_PACKET = Fold("net_packet", "/proc/net/packet", NetPacket, PacketTable)
