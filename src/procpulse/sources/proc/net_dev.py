"""/proc/net/dev: what each network interface received and sent.

    Inter-|   Receive                                                |  Transmit
     face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
      eth0: 5083132   11313    0    0    0     0          0         0   552821    4090    0    0    0     0       0          0

https://docs.kernel.org/networking/statistics.html
"""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from procpulse.fields import counter, label
from procpulse.source import File, Source
from procpulse.text import inert, integers, lines


class Interface(msgspec.Struct, frozen=True, gc=False):
    """One network interface."""

    name: Annotated[str, label("Name of the interface, such as eth0.")]
    rx_bytes: Annotated[int, counter("Bytes received.", bits="long")]
    rx_packets: Annotated[int, counter("Packets received.", bits="long")]
    rx_errors: Annotated[int, counter("Bad packets received.", bits="long")]
    rx_dropped: Annotated[
        int, counter("Packets received and dropped, for want of a buffer or of a taker.", bits="long")
    ]
    rx_fifo_errors: Annotated[int, counter("Packets lost since a receive queue was full.", bits="long")]
    rx_frame_errors: Annotated[int, counter("Packets of a wrong length, checksum or alignment.", bits="long")]
    rx_compressed: Annotated[int, counter("Compressed packets received.", bits="long")]
    rx_multicast: Annotated[int, counter("Multicast packets received.", bits="long")]
    tx_bytes: Annotated[int, counter("Bytes sent.", bits="long")]
    tx_packets: Annotated[int, counter("Packets sent.", bits="long")]
    tx_errors: Annotated[int, counter("Packets that could not be sent.", bits="long")]
    tx_dropped: Annotated[int, counter("Packets dropped on their way out.", bits="long")]
    tx_fifo_errors: Annotated[int, counter("Packets lost since a send queue was full or ran empty.", bits="long")]
    tx_collisions: Annotated[int, counter("Collisions on the wire.", bits="long")]
    tx_carrier_errors: Annotated[
        int, counter("Packets lost since the link went away, or sent too late or too long.", bits="long")
    ]
    tx_compressed: Annotated[int, counter("Compressed packets sent.", bits="long")]


def parse(file: File) -> list[Interface]:
    interfaces = []
    for line in lines(file.data)[2:]:
        name, colon, counters = line.rpartition(b":")
        if not colon:
            raise ValueError("a row without a name")
        values = integers(counters, 16)
        interfaces.append(Interface(inert(name.strip()), *values[:16]))
    return interfaces


def total(interfaces: Iterable[Interface]) -> Interface:
    """All interfaces together, under their names joined with commas."""
    rows = list(interfaces)
    sums = (sum(getattr(row, name) for row in rows) for name in Interface.__struct_fields__[1:])
    return Interface(", ".join(row.name for row in rows), *sums)


NET_DEV = Source("net_dev", "/proc/net/dev", list[Interface], parse, rows=2)
