"""/proc/net/udp: every UDP socket over IPv4.

       sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
     2309: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 18337 2 0000000000000000 0

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.source import Fold
from procpulse.sources.proc._sockets import DatagramTable


class UdpSocket(msgspec.Struct, frozen=True, gc=False):
    """One UDP socket."""

    local_address: Annotated[str, label("Address on this host; 0.0.0.0 or :: for all of them.")]
    local_port: Annotated[int, label("Port on this host.")]
    remote_address: Annotated[str, label("Address that it is connected to; 0.0.0.0 or :: for none.")]
    remote_port: Annotated[int, label("Port that it is connected to; 0 for none.")]
    inode: Annotated[int, label("Inode, as in the links of /proc/[pid]/fd; 0 for a socket of no process.")]
    state: Annotated[str, info("ESTABLISHED for a socket that is connected, CLOSE for any other.")]
    state_code: Annotated[int, info("The kernel's number of the state.")]
    tx_queue_bytes: Annotated[int, gauge("Memory of packets that have not been sent.")]
    rx_queue_bytes: Annotated[int, gauge("Memory of packets that the process has not read.")]
    drops: Annotated[int, counter("Packets received and dropped, mostly for want of room.", bits=32)]
    uid: Annotated[int, info("User who owns it.")]
    entry: Annotated[int, info("Number of the kernel's bucket that it is in.")]


class NetUdp(msgspec.Struct, frozen=True, gc=False):
    """UDP sockets of one version of IP."""

    sockets: Annotated[list[UdpSocket], group("The sockets.")]
    malformed_rows: Annotated[int, gauge("Rows that made no sense and were left out.")]


class UdpTable(DatagramTable[NetUdp]):
    """Understands the rows of UDP sockets."""

    record = NetUdp

    def _take(self, line: bytes) -> None:
        row = self.row(line)
        self.rows[row[:5]] = UdpSocket(*row)


NET_UDP = Fold("net_udp", "/proc/net/udp", NetUdp, UdpTable)
