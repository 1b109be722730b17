"""/proc/net/softnet_stat: packets that each CPU took from the network devices.

    004e925f 00000012 00000082 00000000 00000000 00000000 00000000 00000000 00000000 00072dbb 00000003 00000000 00000003

All columns are hexadecimal and have no names; Linux 5.10 and 6.4 added two each. Before Linux 5.10 a row does not say
which CPU it is of, and those that are offline have none: the rows are those of the CPUs that are online at this moment.

https://elixir.bootlin.com/linux/v6.18/source/net/core/net-procfs.c
"""

from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from procpulse.fields import counter, gauge, info, label
from procpulse.source import File, Reading, Request, Source, Steps
from procpulse.sources.proc._cpus import ONLINE, online
from procpulse.sources.proc.net_stat import hexadecimals
from procpulse.text import lines


class Softnet(msgspec.Struct, frozen=True, gc=False):
    """One CPU that is online."""

    cpu: Annotated[int | None, label("Number of the CPU; None where the row does not say it and nothing else does.")]
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
    row: Annotated[int | None, label("Number of its row, from 0, where the CPU is not known; None where it is.")] = None
    rows: Annotated[
        int | None, label("How many rows there are then: as CPUs come and go, the rows are those of others.")
    ] = None


def parse(file: File) -> list[Softnet]:
    rows = lines(file.data)
    found = []
    for index, row in enumerate(rows):
        known = file.parsed("rows", softnet, row)
        if known is not None:
            found.append(known if known.cpu is not None else replace(known, row=index, rows=len(rows)))
    if rows and not found:
        raise ValueError((file.failures or {})["rows"])
    return found


def softnet(row: bytes) -> Softnet:
    """One row, by its columns.

    Raises:
        ValueError: they are not all hexadecimal numbers, or fewer than nine.
    """
    v = hexadecimals(row, 9)
    width = len(v)
    more: list[Any] = v[9:12] + v[13:15]
    return Softnet(v[12] if width > _NUMBER else None, width, v[0], v[1], v[2], v[8], *more)


_NUMBER = 12
"""The column with the number of the CPU, since Linux 5.10."""


class _NetSoftnetStat(Source[list[Softnet]]):
    """The rows, and where they do not say which CPU they are of, the CPUs that are online."""

    def steps(self, reading: Reading) -> Steps[list[Softnet]]:
        """Read all that is needed together, so that hardly a CPU can come or go in between."""
        memory = reading.memory
        needed: tuple[Request, ...] = (self.request, *ONLINE)
        answers = yield needed if memory.get("unnumbered") else needed[:1]
        value = self.answered(answers[0], reading)
        memory["unnumbered"] = any(row.cpu is None for row in value)
        if not memory["unnumbered"]:
            return value
        if len(answers) == 1:
            answers = yield needed
            value = self.answered(answers[0], reading)
        facts = (value, online(answers[1:]))
        if memory.get("facts") != facts:
            memory["facts"], memory["numbered"] = facts, numbered_rows(*facts)
        rows: list[Softnet] = memory["numbered"]
        return rows


def numbered_rows(rows: list[Softnet], online: list[list[int]]) -> list[Softnet]:
    """The rows with their CPUs, by the list of those that are online which is as long as the table."""
    found = []
    for row in rows:
        cpus = next((cpus for cpus in online if len(cpus) == row.rows), None)
        if cpus is not None and row.row is not None:
            row = replace(row, cpu=cpus[row.row], row=None, rows=None)
        found.append(row)
    return found


NET_SOFTNET_STAT = _NetSoftnetStat("net_softnet_stat", "/proc/net/softnet_stat", list[Softnet], parse)
