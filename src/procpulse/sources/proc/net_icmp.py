"""/proc/net/icmp: every ping socket over IPv4, which sends echo requests without special rights.

      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
        7: 00000000:0007 00000000:0000 07 00000000:00000000 00:00000000 00000000  1000        0 73325 2 0000000000000000 0

What looks like a port is the identifier in its echo requests.

https://docs.kernel.org/networking/ip-sysctl.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.source import Fold
from procpulse.sources.proc._sockets import DatagramTable


class PingSocket(msgspec.Struct, frozen=True, gc=False):
    """One ping socket."""

    local_address: Annotated[str, label("Address on this host; 0.0.0.0 for all of them.")]
    identifier: Annotated[int, label("Identifier in the echo requests that it sends.")]
    remote_address: Annotated[str, label("Address that it is connected to; 0.0.0.0 for none.")]
    inode: Annotated[int, label("Inode, as in the links of /proc/[pid]/fd; 0 for a socket of no process.")]
    state: Annotated[str, info("ESTABLISHED for a socket that is connected, CLOSE for any other.")]
    state_code: Annotated[int, info("The kernel's number of the state.")]
    tx_queue_bytes: Annotated[int, gauge("Memory of packets that have not been sent.")]
    rx_queue_bytes: Annotated[int, gauge("Memory of packets that the process has not read.")]
    drops: Annotated[int, counter("Packets received and dropped, mostly for want of room.", bits=32)]
    uid: Annotated[int, info("User who owns it.")]
    entry: Annotated[int, info("Number of the kernel's bucket that it is in.")]


class NetIcmp(msgspec.Struct, frozen=True, gc=False):
    """Ping sockets."""

    sockets: Annotated[list[PingSocket], group("The sockets.")]
    malformed_rows: Annotated[int, gauge("Rows that made no sense and were left out.")]


class PingTable(DatagramTable[NetIcmp]):
    """Understands the rows of ping sockets."""

    record = NetIcmp

    def _take(self, line: bytes) -> None:
        row = self.row(line)
        self.rows[row[:5]] = PingSocket(row.local_address, row.local_port, row.remote_address, *row[4:])


NET_ICMP = Fold("net_icmp", "/proc/net/icmp", NetIcmp, PingTable)
