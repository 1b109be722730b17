"""/proc/net/softnet_stat: packets that each CPU took from the network devices.

    004e925f 00000012 00000082 00000000 00000000 00000000 00000000 00000000 00000000 00072dbb 00000003 00000000 00000003

All columns are hexadecimal and have no names; Linux 5.10 and 6.4 added two each.

https://elixir.bootlin.com/linux/v6.18/source/net/core/net-procfs.c
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.source import File, Source
from procpulse.sources.proc.net_stat import hexadecimals
from procpulse.text import lines


class Softnet(msgspec.Struct, frozen=True, gc=False):
    """One CPU that is online."""

    cpu: Annotated[int, label("Number of the CPU; before Linux 5.10 that of the row, since offline CPUs have none.")]
    columns: Annotated[int, info("Columns that this kernel has: 11, from Linux 5.10 on 13, from Linux 6.4 on 15.")]
    processed: Annotated[int, counter("Packets processed.", bits=32)]
    dropped: Annotated[int, counter("Packets dropped since the queue of the CPU was full.", bits=32)]
    time_squeezed: Annotated[
        int, counter("Times that work was left over since its time or budget was used up.", bits=32)
    ]
    cpu_collisions: Annotated[
        int, counter("Times that a device was locked by another CPU; always 0 since Linux 4.8.", bits=32)
    ]
    received_rps: Annotated[
        int | None, counter("Times that another CPU woke this one to process packets (RPS).", bits=32)
    ] = None
    flow_limited: Annotated[
        int | None, counter("Packets dropped since one flow had most of the queue (flow limit).", bits=32)
    ] = None
    backlog: Annotated[int | None, gauge("Packets in both of its queues (Linux 5.10).")] = None
    input_queue: Annotated[int | None, gauge("Packets that wait in its input queue (Linux 6.4).")] = None
    process_queue: Annotated[int | None, gauge("Packets in the queue that it processes now (Linux 6.4).")] = None


def parse(file: File) -> list[Softnet]:
    return [softnet(index, hexadecimals(line, 9)) for index, line in enumerate(lines(file.data))]


def softnet(index: int, v: list[int]) -> Softnet:
    """One row, by its number and its columns."""
    width = len(v)
    cpu = v[12] if width > 12 else index
    more = v[9:12] + v[13:15]
    return Softnet(cpu, width, v[0], v[1], v[2], v[8], *more)


NET_SOFTNET_STAT = Source("net_softnet_stat", "/proc/net/softnet_stat", list[Softnet], parse)
