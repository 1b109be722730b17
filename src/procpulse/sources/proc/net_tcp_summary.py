"""/proc/net/tcp: how many TCP sockets over IPv4 are in which state, without keeping any of them.

      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 0100007F:0CEA 00000000:0000 0A 00000000:00000002 00:00000000 00000000   112        0 20817 1 0000000000000000 100 0 0 10 0

A socket that the kernel lists twice, since the table changed while it was walked, counts twice.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge
from procpulse.source import Fold, Host
from procpulse.sources.proc._sockets import LISTEN, STATES, TCP_ROW, Lines, queue, state


class TcpSummary(msgspec.Struct, frozen=True, gc=False):
    """TCP sockets of one version of IP, added up."""

    sockets: Annotated[int, gauge("Sockets.")]
    states: Annotated[dict[str, int], gauge("Sockets by state, such as ESTABLISHED.")]
    tx_queue_bytes: Annotated[int, gauge("Bytes that the other side has not acknowledged, sent or not.")]
    rx_queue_bytes: Annotated[int, gauge("Bytes that processes have not read.")]
    accept_queue: Annotated[int, gauge("Connections that processes have not accepted.")]
    retransmitting: Annotated[int, gauge("Sockets that sent something again and still wait for an answer.")]
    malformed_rows: Annotated[int, gauge("Rows that made no sense and were left out.")]


class TcpSum(Lines):
    """Adds up the rows of TCP sockets."""

    def __init__(self, host: Host):
        super().__init__(host)
        self.states = dict.fromkeys(STATES, 0)
        self.tx = self.rx = self.accept = self.retransmitting = 0

    def _take(self, line: bytes) -> None:
        match = TCP_ROW.fullmatch(line)
        if match is None:
            raise ValueError
        state, tx, rx, retransmits = match.group(4, 5, 6, 9)
        code = int(state, 16)
        self.states[code] = self.states.get(code, 0) + 1
        if tx != b"00000000":
            self.tx += queue(tx)
        if rx != b"00000000":
            if code == LISTEN:
                self.accept += queue(rx)
            else:
                self.rx += queue(rx)
        if retransmits != b"00000000":
            self.retransmitting += 1

    def result(self) -> TcpSummary:
        """The sums."""
        self.check()
        states = {state(code): count for code, count in self.states.items()}
        return TcpSummary(self.understood, states, self.tx, self.rx, self.accept, self.retransmitting, self.malformed)


NET_TCP_SUMMARY = Fold("net_tcp_summary", "/proc/net/tcp", TcpSummary, TcpSum)
