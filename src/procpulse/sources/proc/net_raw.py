"""/proc/net/raw: every raw socket over IPv4, such as those of `ping` run by root and of routing daemons.

      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
       1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 60301 2 0000000000000000 0

What looks like a port is the number of the protocol.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.source import Fold
from procpulse.sources.proc._sockets import DatagramTable


class RawSocket(msgspec.Struct, frozen=True, gc=False):
    """One raw socket."""

    local_address: Annotated[str, label("Address on this host; 0.0.0.0 or :: for all of them.")]
    protocol: Annotated[int, label("Number of the protocol, such as 1 for ICMP, 58 for ICMPv6, 89 for OSPF.")]
    remote_address: Annotated[str, label("Address that it is connected to; 0.0.0.0 or :: for none.")]
    inode: Annotated[int, label("Inode, as in the links of /proc/[pid]/fd; 0 for a socket of no process.")]
    state: Annotated[str, info("ESTABLISHED for a socket that is connected, CLOSE for any other.")]
    state_code: Annotated[int, info("The kernel's number of the state.")]
    tx_queue_bytes: Annotated[int, gauge("Memory of packets that have not been sent.")]
    rx_queue_bytes: Annotated[int, gauge("Memory of packets that the process has not read.")]
    drops: Annotated[int, counter("Packets received and dropped, mostly for want of room.", bits=32)]
    uid: Annotated[int, info("User who owns it.")]
    entry: Annotated[int, info("Number of the kernel's bucket that it is in.")]


class NetRaw(msgspec.Struct, frozen=True, gc=False):
    """Raw sockets of one version of IP."""

    sockets: Annotated[list[RawSocket], group("The sockets.")]
    malformed_rows: Annotated[int, gauge("Rows that made no sense and were left out.")]


class RawTable(DatagramTable[NetRaw]):
    """Understands the rows of raw sockets."""

    record = NetRaw

    def _take(self, line: bytes) -> None:
        row = self.row(line)
        self.rows[row[:5]] = RawSocket(row.local_address, row.local_port, row.remote_address, *row[4:])


NET_RAW = Fold("net_raw", "/proc/net/raw", NetRaw, RawTable)
