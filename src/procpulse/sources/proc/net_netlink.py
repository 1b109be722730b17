"""/proc/net/netlink: every netlink socket, by which processes and the kernel talk about the network and devices.

    sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode
    0000000000000000 0   1173       00000111 0        0        0     2        0        19532

https://man7.org/linux/man-pages/man7/netlink.7.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.source import Fold
from procpulse.sources.proc._sockets import Table

PROTOCOLS = {
    0: "ROUTE",
    1: "UNUSED",
    2: "USERSOCK",
    3: "FIREWALL",
    4: "SOCK_DIAG",
    5: "NFLOG",
    6: "XFRM",
    7: "SELINUX",
    8: "ISCSI",
    9: "AUDIT",
    10: "FIB_LOOKUP",
    11: "CONNECTOR",
    12: "NETFILTER",
    13: "IP6_FW",
    14: "DNRTMSG",
    15: "KOBJECT_UEVENT",
    16: "GENERIC",
    18: "SCSITRANSPORT",
    19: "ECRYPTFS",
    20: "RDMA",
    21: "CRYPTO",
    22: "SMC",
}

_ROW = re.compile(
    rb"\S+ +([0-9]{1,10}) +([0-9]{1,10}) +([0-9a-f]{8}) +(-?[0-9]{1,10}) +(-?[0-9]{1,10}) +([0-9]{1,10})"
    rb" +([0-9]{1,10}) +([0-9]{1,10}) +([0-9]{1,19})(?!\S).*"
)


class NetlinkSocket(msgspec.Struct, frozen=True, gc=False):
    """One netlink socket."""

    protocol: Annotated[str, label("What it talks about, such as ROUTE, AUDIT or KOBJECT_UEVENT.")]
    port_id: Annotated[int, label("Its address: often the pid of its process; 0 for the kernel's side.")]
    inode: Annotated[int, label("Inode, as in the links of /proc/[pid]/fd; 0 for a socket of no process.")]
    protocol_code: Annotated[int, info("The kernel's number of the protocol.")]
    groups: Annotated[int, info("The first 32 multicast groups, a bit for each that it has joined.")]
    rmem_bytes: Annotated[int, gauge("Memory of messages that have not been read.")]
    wmem_bytes: Annotated[int, gauge("Memory of messages that have not been sent.")]
    dumping: Annotated[bool, info("Whether it is in the middle of a dump.")]
    references: Annotated[int, gauge("How many hold on to it, in the kernel and outside.")]
    drops: Annotated[int, counter("Messages lost since it was not read in time.", bits=32)]


class NetNetlink(msgspec.Struct, frozen=True, gc=False):
    """Netlink sockets."""

    sockets: Annotated[list[NetlinkSocket], group("The sockets.")]
    malformed_rows: Annotated[int, gauge("Rows that made no sense and were left out.")]


class NetlinkTable(Table[NetNetlink]):
    """Understands the rows of netlink sockets."""

    record = NetNetlink
    heading = b"Groups"

    def _take(self, line: bytes) -> None:
        match = _ROW.fullmatch(line)
        if match is None:
            raise ValueError
        protocol_, port, groups, rmem, wmem, dump, references, drops, inode = match.groups()
        protocol = int(protocol_)
        self.rows[protocol, int(port), int(inode)] = NetlinkSocket(
            PROTOCOLS.get(protocol) or str(protocol), int(port), int(inode), protocol, int(groups, 16),
            max(0, int(rmem)), max(0, int(wmem)), dump != b"0", int(references), int(drops),
        )  # fmt: skip


NET_NETLINK = Fold("net_netlink", "/proc/net/netlink", NetNetlink, NetlinkTable)
