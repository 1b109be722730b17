"""/proc/net/unix: every Unix domain socket.

    Num       RefCount Protocol Flags    Type St Inode Path
    0000000000000000: 00000002 00000000 00010000 0001 01 21877 /run/dbus/system_bus_socket
    0000000000000000: 00000003 00000000 00000000 0001 03 29410

The name of a socket is any bytes that its owner likes, even a line's end and what looks like a row after it: the file
cannot be taken as proof of anything. A connection that no process has accepted yet has no inode, and many of them look
the same: they share a row.

https://man7.org/linux/man-pages/man5/proc_pid_net.5.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.source import Fold
from procpulse.sources.proc._sockets import Table
from procpulse.text import inert

TYPES = {1: "stream", 2: "dgram", 5: "seqpacket"}
STATES = {0: "free", 1: "unconnected", 2: "connecting", 3: "connected", 4: "disconnecting"}
FLAGS = {0: "default", 1 << 16: "listen"}

_ROW = re.compile(
    rb"\S+: ([0-9A-Fa-f]{8}) ([0-9A-Fa-f]{8}) ([0-9A-Fa-f]{8}) ([0-9A-Fa-f]{4}) ([0-9A-Fa-f]{2})"
    rb" +([0-9]{1,19})(?: (.*))?",
    re.DOTALL,
)


class UnixSocket(msgspec.Struct, frozen=True, gc=False):
    """One Unix domain socket, or all alike that have no inode."""

    inode: Annotated[int, label("Inode, as in the links of /proc/[pid]/fd; 0 for a socket of no process.")]
    path: Annotated[str, label("Its name: a path, or after @ one outside of file systems; empty for none.")]
    type: Annotated[str, label("How it sends: stream, dgram or seqpacket.")]
    state: Annotated[str, label("State, such as unconnected, connecting or connected.")]
    flags: Annotated[str, info("Flags: listen for a socket that waits for connections, default for any other.")]
    type_code: Annotated[int, info("The kernel's number of the type.")]
    state_code: Annotated[int, info("The kernel's number of the state.")]
    flags_code: Annotated[int, info("The kernel's flags.")]
    protocol: Annotated[int, info("Always 0.")]
    references: Annotated[int, gauge("How many hold on to it, in the kernel and outside.")]
    count: Annotated[int, gauge("How many sockets this row is: 1, or more where they have no inode.")]


class NetUnix(msgspec.Struct, frozen=True, gc=False):
    """Unix domain sockets."""

    sockets: Annotated[list[UnixSocket], group("The sockets.")]
    malformed_rows: Annotated[int, gauge("Rows that made no sense and were left out.")]


class UnixTable(Table[NetUnix]):
    """Understands the rows of Unix domain sockets."""

    record = NetUnix
    heading = b"Inode"

    def _take(self, line: bytes) -> None:
        match = _ROW.fullmatch(line)
        if match is None:
            raise ValueError
        references, protocol, flags, type_, state, inode_, name = match.groups()
        inode, name = int(inode_), name or b""
        type_code, state_code, flags_code = int(type_, 16), int(state, 16), int(flags, 16)
        key = (inode, name, type_code, state_code)
        count, held = 1, int(references, 16)
        if not inode and key in self.rows:
            alike = self.rows[key]
            count, held = alike.count + 1, alike.references + held
        self.rows[key] = UnixSocket(
            inode, inert(name),
            TYPES.get(type_code) or str(type_code), STATES.get(state_code) or str(state_code),
            FLAGS.get(flags_code) or f"{flags_code:08x}",
            type_code, state_code, flags_code, int(protocol, 16), held, count,
        )  # fmt: skip


NET_UNIX = Fold("net_unix", "/proc/net/unix", NetUnix, UnixTable)
