"""/proc/net/stat: tables and caches of the network: how full they are, and what each CPU did with them.

    entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes_mcast
    00000002 00000003 00000001 00000000   00000f04 00000e11 00000000   00000000

https://elixir.bootlin.com/linux/v6.18/source/net/core/neighbour.c
"""

from typing import Annotated

import msgspec
from msgspec.structs import replace

from procpulse.fields import counter, gauge, group, label
from procpulse.source import Reading, Steps
from procpulse.sources.proc._cpus import numbered, possible
from procpulse.text import Lose, inert, lines, shorten
from procpulse.tree import Bundle, Folder


class CacheUse(msgspec.Struct, frozen=True, gc=False):
    """What one CPU did with a table."""

    cpu: Annotated[int, label("Number of the CPU; where the host does not list those it may have, that of the row.")]
    counters: Annotated[dict[str, int], counter("Counters under the kernel's own names, such as lookups.", bits=32)]


class Cache(msgspec.Struct, frozen=True, gc=False):
    """One table, such as that of IPv4 neighbours."""

    name: Annotated[str, label("Name of its file: arp_cache, ndisc_cache, rt_cache, nf_conntrack, synproxy.")]
    entries: Annotated[int | None, gauge("Entries now, of all CPUs together; None where the table does not say.")]
    cpus: Annotated[list[CacheUse], group("By CPU.")]


def parse(folder: Folder) -> list[Cache]:
    caches = []
    for file in folder.found("*"):
        data = (folder.raw(file) or b"").strip()
        if data:
            found = table(data, lambda _, error, file=file: folder.lose(file, error))  # type: ignore[misc]
            name = inert(file.encode("utf-8", "surrogateescape"))
            entries = next((row["entries"] for row in found.values() if "entries" in row), None)
            for row in found.values():
                row.pop("entries", None)
            caches.append(Cache(name, entries, [CacheUse(cpu, row) for cpu, row in found.items()]))
    return caches


def table(data: bytes, lose: Lose) -> dict[int, dict[str, int]]:
    """The rows of one file, one for each CPU, by their place from 0; each by the names in its first line.

    A value that is no hexadecimal number costs its row.
    """
    header, *rows = lines(data)
    names = inert(header.strip().replace(b"\t", b" ")).split()
    found = {}
    for place, row in enumerate(rows):
        try:
            found[place] = dict(zip(names, hexadecimals(row), strict=False))
        except ValueError as error:
            lose("rows", error)
    return found


_DIGITS = b"0123456789abcdefABCDEF \t\r\n"


def hexadecimals(row: bytes, least: int = 0) -> list[int]:
    """The hexadecimal numbers of a row of blank-separated columns, at least so many.

    Raises:
        ValueError: a column is no hexadecimal number of up to 64 bits, or there are fewer.
    """
    if row.translate(None, _DIGITS):
        raise ValueError(f"not all hexadecimal: {shorten(row)}")
    values = [int(token, 16) for token in row.split()]
    if len(values) < least:
        raise ValueError(f"fewer than {least} columns: {shorten(row)}")
    if values and max(values) >= 1 << 64:
        raise ValueError(f"over 64 bits: {shorten(row)}")
    return values


class _NetStat(Bundle[list[Cache]]):
    """The tables, and the CPUs that the host may have: each table has a row for each of them."""

    def steps(self, reading: Reading) -> Steps[list[Cache]]:
        """Read the list of CPUs, then the tables."""
        cpus = yield from possible()
        value = yield from super().steps(reading)
        counted = reading.memory.get("counted")
        if counted is None or counted[0] is not value or counted[1] != cpus:
            reading.memory["counted"] = (value, cpus)
            reading.memory["numbered"] = [_of_cpus(cache, cpus) for cache in value]
        caches: list[Cache] = reading.memory["numbered"]
        return caches


def _of_cpus(cache: Cache, cpus: list[int]) -> Cache:
    numbers = numbered([row.cpu for row in cache.cpus], cpus)
    return replace(cache, cpus=[CacheUse(cpu, row.counters) for cpu, row in zip(numbers, cache.cpus, strict=True)])


NET_STAT = _NetStat("net_stat", "/proc/net/stat", ("*",), list[Cache], parse, cap=1 << 20)
