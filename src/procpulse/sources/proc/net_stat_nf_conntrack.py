"""/proc/net/stat/nf_conntrack: what each CPU did in the table of tracked connections.

    entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  ...
    00000123  00000001 00000022 00000000 00000413 00000000 00000000 00000000 00000000 00000002 00000002 00000000 ...

Columns are told apart by their names, which changed over time; those that no longer count are 0.

https://elixir.bootlin.com/linux/v6.18/source/net/netfilter/nf_conntrack_standalone.c
"""

from typing import Annotated

import msgspec
from msgspec.structs import replace

from procpulse.fields import counter, gauge, label
from procpulse.source import File, Reading, Source, Steps
from procpulse.sources.proc._cpus import numbered, possible
from procpulse.sources.proc.net_stat import table


class Conntrack(msgspec.Struct, frozen=True, gc=False):
    """What one CPU did."""

    cpu: Annotated[int, label("Number of the CPU; where the host does not list those it may have, that of the row.")]
    entries: Annotated[int, gauge("Connections tracked now, by all CPUs together.")]
    found: Annotated[int, counter("Lookups that found a connection.", bits=32)]
    new: Annotated[int, counter("Connections added that nothing had announced; always 0 since Linux 4.9.", bits=32)]
    invalid: Annotated[int, counter("Packets that cannot be tracked.", bits=32)]
    ignored: Annotated[
        int, counter("Packets of a connection that was known already; always 0 since Linux 5.10.", bits=32)
    ]
    deleted: Annotated[int, counter("Connections removed; always 0 since Linux 4.9.", bits=32)]
    inserted: Annotated[int, counter("Connections put into the table.", bits=32)]
    insert_failed: Annotated[int, counter("Connections not put into the table, being there already.", bits=32)]
    dropped: Annotated[int, counter("Packets dropped since tracking them failed.", bits=32)]
    early_dropped: Annotated[int, counter("Connections removed to make room for new ones.", bits=32)]
    icmp_errors: Annotated[int, counter("Packets that cannot be tracked after an error.", bits=32)]
    expectations_met: Annotated[int, counter("Connections added that another had announced.", bits=32)]
    expectations_created: Annotated[int, counter("Connections announced by others.", bits=32)]
    expectations_deleted: Annotated[int, counter("Announcements removed.", bits=32)]
    search_restarts: Annotated[int, counter("Lookups begun again since the table was resized.", bits=32)]
    searched: Annotated[int | None, counter("Lookups; until Linux 5.9.", bits=32)] = None
    delete_listed: Annotated[
        int | None, counter("Connections put on the list of the dying; until Linux 5.14.", bits=32)
    ] = None
    clashes_resolved: Annotated[
        int | None, counter("Connections that two CPUs added at once and that were made one (Linux 5.10).", bits=32)
    ] = None
    chains_too_long: Annotated[
        int | None,
        counter("Connections not put into the table, their bucket being full (Linux 5.15).", bits=32),
    ] = None


_ALWAYS = (
    "entries", "found", "new", "invalid", "ignore", "delete", "insert", "insert_failed", "drop", "early_drop",
    "icmp_error", "expect_new", "expect_create", "expect_delete", "search_restart",
)  # fmt: skip
_SOMETIMES = ("searched", "delete_list", "clashres", "chainlength")


def parse(file: File) -> list[Conntrack]:
    rows = table(file.data, file.lose)
    if file.failures and not rows:
        raise ValueError(file.failures["rows"])
    return [
        Conntrack(cpu, *[row[name] for name in _ALWAYS], *[row.get(name) for name in _SOMETIMES])
        for cpu, row in rows.items()
    ]


class _Conntrack(Source[list[Conntrack]]):
    """The rows, and the CPUs that the host may have: there is a row for each of them."""

    def steps(self, reading: Reading) -> Steps[list[Conntrack]]:
        """Read the list of CPUs, then the rows."""
        cpus = yield from possible()
        value = yield from super().steps(reading)
        counted = reading.memory.get("counted")
        if counted is None or counted[0] is not value or counted[1] != cpus:
            numbers = numbered([row.cpu for row in value], cpus)
            reading.memory["counted"] = (value, cpus)
            reading.memory["numbered"] = [replace(row, cpu=cpu) for cpu, row in zip(numbers, value, strict=True)]
        rows: list[Conntrack] = reading.memory["numbered"]
        return rows


NET_STAT_NF_CONNTRACK = _Conntrack("net_stat_nf_conntrack", "/proc/net/stat/nf_conntrack", list[Conntrack], parse)
