"""/proc/net/netfilter/nfnetlink_queue: queues of packets that programs decide about.

        0  31621     4 2 65531     0     0      213  1

https://elixir.bootlin.com/linux/v6.18/source/net/netfilter/nfnetlink_queue.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.source import File, Source
from procpulse.text import integers, lines


class NfnetlinkQueue(msgspec.Struct, frozen=True, gc=False):
    """One queue."""

    queue: Annotated[int, label("Number of the queue, as in the rules of the firewall.")]
    peer_portid: Annotated[int, info("Netlink port of the program that decides; mostly its process id.")]
    queued: Annotated[int, gauge("Packets that wait for a decision.")]
    copy_mode: Annotated[int, info("What the program gets: 0 nothing, 1 the packet's metadata, 2 the packet.")]
    copy_range_bytes: Annotated[int, gauge("Most bytes of a packet that the program gets.")]
    dropped: Annotated[int, counter("Packets dropped since the queue was full.", bits=32)]
    user_dropped: Annotated[int, counter("Packets dropped since the program did not take them.", bits=32)]
    sequence_ids: Annotated[int, counter("Ids given out, one a packet.", bits=32)]
    users: Annotated[int, gauge("Users of the queue; always 1.")]


def parse(file: File) -> list[NfnetlinkQueue]:
    return [NfnetlinkQueue(*integers(line, 9)[:9]) for line in lines(file.data)]


NET_NETFILTER_NFNETLINK_QUEUE = Source(
    "net_netfilter_nfnetlink_queue", "/proc/net/netfilter/nfnetlink_queue", list[NfnetlinkQueue], parse, rows=0
)
