"""What the tables of sockets below /proc/net have in common.

One rule holds for all of them, since anyone may open 100,000 sockets and choose their names: a row that makes no sense
is left out and counted, in `malformed_rows`. A file without its heading, or in which no row makes sense, is malformed.
While a table is walked sockets come and go, and the kernel may list one twice: it is kept once, as it was seen last.

Rows of TCP, UDP, raw IP and ping sockets begin alike, for IPv4 and IPv6; each 32 bits of an address are a number in
the host's own order of bytes. Addresses of the kernel's memory are left out, even where they are hidden.

https://docs.kernel.org/networking/proc_net_tcp.html
"""

import re
from collections.abc import Callable, Hashable
from struct import Struct
from typing import Any, Generic, NamedTuple, TypeVar

from procpulse import text
from procpulse.source import PARSE_ERRORS, Host

T = TypeVar("T")

STATES = {
    1: "ESTABLISHED",
    2: "SYN_SENT",
    3: "SYN_RECV",
    4: "FIN_WAIT1",
    5: "FIN_WAIT2",
    6: "TIME_WAIT",
    7: "CLOSE",
    8: "CLOSE_WAIT",
    9: "LAST_ACK",
    10: "LISTEN",
    11: "CLOSING",
}
LISTEN = 10

# entry, addresses, state, queues, timer, retransmits, uid, probes, inode
_BEGINNING = (
    rb" *([0-9]{1,10}): ((?:[0-9A-F]{8}|[0-9A-F]{32}):[0-9A-F]{4}) ((?:[0-9A-F]{8}|[0-9A-F]{32}):[0-9A-F]{4})"
    rb" ([0-9A-F]{2}) ([0-9A-F]{8}):([0-9A-F]{8}) ([0-9A-F]{2}):([0-9A-F]{8,16}) ([0-9A-F]{8})"
    rb" +([0-9]{1,10}) +([0-9]{1,10}) ([0-9]{1,19})(?!\S)"
)
# The rest of a whole TCP connection: rto, ato, quick acks, congestion window, slow start threshold.
TCP_ROW = re.compile(
    _BEGINNING + rb"(?: \S+ \S+(?: ([0-9]{1,19}) ([0-9]{1,19}) ([0-9]{1,10}) ([0-9]{1,10}) (-?[0-9]{1,10})(?!\S))?)?.*"
)
# The rest of all others: drops.
DATAGRAM_ROW = re.compile(_BEGINNING + rb" \S+ \S+ ([0-9]{1,10})(?!\S).*")


class Lines:
    """Takes in the rows of a table under its heading, and counts those that make no sense."""

    heading = b"local_address"
    """What the first line holds."""

    def __init__(self, host: Host):
        self.headed = False
        self.understood = 0
        self.malformed = 0

    def feed(self, lines: list[bytes]) -> None:
        """Take in some more lines.

        Raises:
            ValueError: the first of all is not the heading.
        """
        if not self.headed and lines:
            if self.heading not in lines[0]:
                raise ValueError(f"no heading: {text.shorten(lines[0])}")
            self.headed = True
            lines = lines[1:]
        take = self._take
        for line in lines:
            try:
                take(line)
            except PARSE_ERRORS:
                self.malformed += 1
            else:
                self.understood += 1

    def _take(self, line: bytes) -> None:
        """Take in one row.

        Raises:
            ValueError, IndexError, KeyError: it makes no sense.
        """
        raise NotImplementedError

    def check(self) -> None:
        """Say so if this was no such table.

        Raises:
            ValueError: there was no heading, or no row made sense.
        """
        if not self.headed:
            raise ValueError("no heading")
        if self.malformed and not self.understood:
            raise ValueError(f"none of {self.malformed} rows makes sense")


class Table(Lines, Generic[T]):
    """Keeps the rows, each once, in the order in which the kernel first listed them."""

    record: Callable[[list[Any], int], T]
    """Makes what is kept of the rows, and the number of those that made no sense, into one record."""

    def __init__(self, host: Host):
        super().__init__(host)
        self.rows: dict[Hashable, Any] = {}

    def result(self) -> T:
        """The record.

        Raises:
            ValueError: this was no such table.
        """
        self.check()
        return self.record(list(self.rows.values()), self.malformed)


class IpTable(Table[T]):
    """Keeps the rows of sockets that have addresses of IP."""

    def __init__(self, host: Host):
        super().__init__(host)
        self.addresses = Addresses(host.little_endian)


class Datagrams(NamedTuple):
    """What a row says of a socket that sends datagrams."""

    local_address: str
    local_port: int
    remote_address: str
    remote_port: int
    inode: int
    state: str
    state_code: int
    tx_queue_bytes: int
    rx_queue_bytes: int
    drops: int
    uid: int
    entry: int


class DatagramTable(IpTable[T]):
    """Understands the rows of all but TCP."""

    def row(self, line: bytes) -> Datagrams:
        """What one row says.

        Raises:
            ValueError: it makes no sense.
        """
        match = DATAGRAM_ROW.fullmatch(line)
        if match is None:
            raise ValueError
        entry, local, remote, code, tx, rx, _, _, _, uid, _, inode, drops = match.groups()
        number = int(code, 16)
        return Datagrams(
            self.addresses[local[:-5]], int(local[-4:], 16), self.addresses[remote[:-5]], int(remote[-4:], 16), int(inode),
            state(number), number, queue(tx), queue(rx), int(drops), int(uid), int(entry),
        )  # fmt: skip


class Addresses(dict[bytes, str]):
    """IP addresses as text, by their hexadecimal digits in the file, each understood once."""

    def __init__(self, little_endian: bool):
        self._little_endian = little_endian

    def __missing__(self, digits: bytes) -> str:
        value = bytes.fromhex(digits.decode())
        if self._little_endian:
            value = value[::-1]
            if len(value) == 16:
                value = value[12:] + value[8:12] + value[4:8] + value[:4]
        name = self[digits] = ip(value)
        return name


def ip(value: bytes) -> str:
    """The 4 or 16 bytes of an IP address as text: `192.0.2.1`, `2001:db8::1`, `::ffff:192.0.2.1`."""
    if len(value) == 4:
        return "{}.{}.{}.{}".format(*value)
    if value.startswith(_MAPPED):
        return "::ffff:{}.{}.{}.{}".format(*value[12:])
    groups = ":{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:{:x}:".format(*_GROUPS.unpack(value))
    for zeros in _ZEROS:
        before, found, after = groups.partition(zeros)
        if found:
            return f"{before[1:]}::{after[:-1]}"
    return groups[1:-1]


_MAPPED = bytes(10) + b"\xff\xff"
_GROUPS = Struct(">8H")
_ZEROS = tuple(":0" * length + ":" for length in range(8, 1, -1))


def queue(digits: bytes) -> int:
    """The length of a queue. The kernel takes it without a lock, and may find less than nothing in it for a moment."""
    length = int(digits, 16)
    return length if length < 1 << 31 else 0


def state(code: int) -> str:
    """The kernel's name of a state of TCP, in whose terms it puts those of all sockets."""
    return STATES.get(code) or f"{code:02X}"
