"""/proc/net/udp: how many UDP sockets over IPv4 there are and how much waits in them, without keeping any of them.

       sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
     2309: 3500007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000   101        0 18337 2 0000000000000000 0

A socket that the kernel lists twice, since the table changed while it was walked, counts twice.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge
from procpulse.source import Fold, Host
from procpulse.sources.proc._sockets import DATAGRAM_ROW, Lines, queue, state

CONNECTED, UNCONNECTED = 1, 7


class UdpSummary(msgspec.Struct, frozen=True, gc=False):
    """UDP sockets of one version of IP, added up."""

    sockets: Annotated[int, gauge("Sockets.")]
    states: Annotated[dict[str, int], gauge("Sockets by state: ESTABLISHED where they are connected, else CLOSE.")]
    tx_queue_bytes: Annotated[int, gauge("Memory of packets that have not been sent.")]
    rx_queue_bytes: Annotated[int, gauge("Memory of packets that processes have not read.")]
    drops: Annotated[int, gauge("Packets that the sockets of this moment have dropped in their life.")]
    malformed_rows: Annotated[int, gauge("Rows that made no sense and were left out.")]


class UdpSum(Lines):
    """Adds up the rows of UDP sockets."""

    def __init__(self, host: Host):
        super().__init__(host)
        self.states = {CONNECTED: 0, UNCONNECTED: 0}
        self.tx = self.rx = self.drops = 0

    def _take(self, line: bytes) -> None:
        match = DATAGRAM_ROW.fullmatch(line)
        if match is None:
            raise ValueError
        state, tx, rx, drops = match.group(4, 5, 6, 13)
        code = int(state, 16)
        self.states[code] = self.states.get(code, 0) + 1
        if tx != b"00000000":
            self.tx += queue(tx)
        if rx != b"00000000":
            self.rx += queue(rx)
        if drops != b"0":
            self.drops += int(drops)

    def result(self) -> UdpSummary:
        """The sums."""
        self.check()
        states = {state(code): count for code, count in self.states.items()}
        return UdpSummary(self.understood, states, self.tx, self.rx, self.drops, self.malformed)


NET_UDP_SUMMARY = Fold("net_udp_summary", "/proc/net/udp", UdpSummary, UdpSum)
