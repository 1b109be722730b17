"""/proc/net/tcp: every TCP socket over IPv4.

      sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
       0: 0100007F:0CEA 00000000:0000 0A 00000000:00000002 00:00000000 00000000   112        0 20817 1 0000000000000000 100 0 0 10 0
       1: 0501A8C0:9C40 08080808:01BB 06 00000000:00000000 03:00000B2A 00000000     0        0 0 3 0000000000000000

What ends the row depends on the state: a connection that is closed, or not open yet, has less of it.

Of 100,000 sockets this is 15 MB of text, for which the second that a source has by default may not be enough. To count
them is cheaper, with `net_tcp_summary`, or next to free, with `net_sockstat`.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.source import Fold
from procpulse.sources.proc._sockets import LISTEN, TCP_ROW, IpTable, queue, state

TIMERS = {b"01": "retransmit", b"02": "keepalive", b"03": "time_wait", b"04": "probe"}


class TcpSocket(msgspec.Struct, frozen=True, gc=False):
    """One TCP socket."""

    local_address: Annotated[str, label("Address on this host.")]
    local_port: Annotated[int, label("Port on this host.")]
    remote_address: Annotated[str, label("Address of the other side; 0.0.0.0 or :: where there is none.")]
    remote_port: Annotated[int, label("Port of the other side; 0 where there is none.")]
    inode: Annotated[int, label("Inode, as in the links of /proc/[pid]/fd; 0 for a socket of no process.")]
    state: Annotated[str, info("State, such as ESTABLISHED or LISTEN.")]
    state_code: Annotated[int, info("The kernel's number of the state.")]
    tx_queue_bytes: Annotated[int, gauge("Bytes that the other side has not acknowledged, sent or not.")]
    rx_queue_bytes: Annotated[int | None, gauge("Bytes that the process has not read; None for one that listens.")]
    accept_queue: Annotated[int | None, gauge("Connections to accept; None for a socket that does not listen.")]
    timer: Annotated[str | None, info("What the timer is for: retransmit, keepalive, time_wait or probe.")]
    timer_ticks: Annotated[int | None, gauge("Time until the timer fires.")]
    retransmits: Annotated[int, gauge("Timeouts in a row without an answer to what was sent again.")]
    probes: Annotated[int, gauge("Probes in a row without an answer.")]
    uid: Annotated[int, info("User who owns it.")]
    entry: Annotated[int, info("Number of its row; another one in each read.")]
    rto_ticks: Annotated[int | None, gauge("Time to wait for an acknowledgement before sending again.")] = None
    ato_ticks: Annotated[int | None, gauge("Time by which its own acknowledgements may be delayed.")] = None
    quick_acks: Annotated[int | None, gauge("How many acknowledgements will be sent without delay.")] = None
    interactive: Annotated[bool | None, info("Whether small packets go back and forth, so that it delays them.")] = None
    congestion_window: Annotated[int | None, gauge("Segments that may be on their way.")] = None
    slow_start_threshold: Annotated[int | None, gauge("Window at which slow start ends; None at first.")] = None
    fast_open_queue: Annotated[int | None, info("Connections to open fast at most; of sockets that listen.")] = None


class NetTcp(msgspec.Struct, frozen=True, gc=False):
    """TCP sockets of one version of IP."""

    sockets: Annotated[list[TcpSocket], group("The sockets.")]
    malformed_rows: Annotated[int, gauge("Rows that made no sense and were left out.")]


class TcpTable(IpTable[NetTcp]):
    """Understands the rows of TCP sockets."""

    record = NetTcp

    def _take(self, line: bytes) -> None:
        match = TCP_ROW.fullmatch(line)
        if match is None:
            raise ValueError
        (
            entry, local, remote, code_, tx, rx, timer, when, retransmits, uid, probes, inode_,
            rto, ato, quick, window, threshold,
        ) = match.groups()  # fmt: skip
        local_address, local_port = self.addresses[local[:-5]], int(local[-4:], 16)
        remote_address, remote_port = self.addresses[remote[:-5]], int(remote[-4:], 16)
        code, inode, waiting = int(code_, 16), int(inode_), queue(rx)
        listens = code == LISTEN
        rest: tuple[Any, ...] = ()
        if rto is not None:
            acks, last = int(quick), int(threshold)
            rest = (
                int(rto), int(ato), acks >> 1, acks & 1 == 1, int(window),
                None if listens or last < 0 else last, last if listens else None,
            )  # fmt: skip
        pending = timer != b"00"
        self.rows[local_address, local_port, remote_address, remote_port, inode] = TcpSocket(
            local_address, local_port, remote_address, remote_port, inode, state(code), code, queue(tx),
            None if listens else waiting, waiting if listens else None,
            TIMERS.get(timer, "other") if pending else None, int(when, 16) if pending else None,
            int(retransmits, 16), int(probes), int(uid), int(entry), *rest,
        )  # fmt: skip


NET_TCP = Fold("net_tcp", "/proc/net/tcp", NetTcp, TcpTable)
