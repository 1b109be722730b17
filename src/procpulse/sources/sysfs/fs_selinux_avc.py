"""/sys/fs/selinux/avc: the access vector cache of SELinux, which remembers what was allowed.

    cache_stats:
    lookups hits misses allocations reclaims frees
    910408 910322 86 86 64 69
    hash_stats:
    entries: 503
    buckets used: 257/512
    longest chain: 8

https://docs.kernel.org/admin-guide/LSM/SELinux.html
"""

from typing import Annotated, Any

import msgspec
from msgspec.structs import replace

from procpulse.fields import counter, gauge, group, info, label
from procpulse.source import Reading, Steps
from procpulse.sources.proc._cpus import numbered, possible
from procpulse.text import integers, keyed, lines, number
from procpulse.tree import Bundle, Folder


class AvcCpu(msgspec.Struct, frozen=True, gc=False):
    """What happened on one CPU."""

    cpu: Annotated[int, label("Number of the CPU; where the host does not list those it may have, that of the row.")]
    lookups: Annotated[int, counter("Decisions looked up.", bits=32)]
    hits: Annotated[int, counter("Decisions found in the cache.", bits=32)]
    misses: Annotated[int, counter("Decisions not found, and worked out.", bits=32)]
    allocations: Annotated[int, counter("Entries made.", bits=32)]
    reclaims: Annotated[int, counter("Entries thrown out to make room.", bits=32)]
    frees: Annotated[int, counter("Entries freed.", bits=32)]


class SelinuxAvc(msgspec.Struct, frozen=True, gc=False):
    """The cache: its counters summed over the CPUs, and its hash table."""

    lookups: Annotated[int | None, counter("Decisions looked up.", bits=32, summed=True)] = None
    hits: Annotated[int | None, counter("Decisions found in the cache.", bits=32, summed=True)] = None
    misses: Annotated[int | None, counter("Decisions not found, and worked out.", bits=32, summed=True)] = None
    allocations: Annotated[int | None, counter("Entries made.", bits=32, summed=True)] = None
    reclaims: Annotated[int | None, counter("Entries thrown out to make room.", bits=32, summed=True)] = None
    frees: Annotated[int | None, counter("Entries freed.", bits=32, summed=True)] = None
    entries: Annotated[int | None, gauge("Entries in the cache.")] = None
    buckets_used: Annotated[int | None, gauge("Buckets of the hash table that hold an entry.")] = None
    buckets: Annotated[int | None, info("Buckets of the hash table.")] = None
    longest_chain: Annotated[int | None, gauge("Entries in the fullest bucket.")] = None
    cache_threshold: Annotated[int | None, gauge("Entries above which old ones are thrown out.")] = None
    cpus: Annotated[list[AvcCpu], group("The same counters a CPU.")] = []


def _cpus(data: bytes) -> list[AvcCpu]:
    head, *rows = lines(data)
    if head.split()[:6] != [b"lookups", b"hits", b"misses", b"allocations", b"reclaims", b"frees"]:
        raise ValueError("not the head of cache_stats")
    counts = [integers(row, 6)[:6] for row in rows]
    if any(sum(column) >> 64 for column in zip(*counts, strict=True)):
        raise ValueError("over 64 bits")
    return [AvcCpu(i, *count) for i, count in enumerate(counts)]


def _table(data: bytes) -> tuple[int | None, int | None, int | None, int | None]:
    found = dict(keyed(data))
    used, slash, buckets = found.get(b"buckets used", b"").partition(b"/")
    row = (found.get(b"entries"), used if slash else None, buckets if slash else None, found.get(b"longest chain"))
    if row.count(None) == len(row) or (b"buckets used" in found and not slash):
        raise ValueError("not hash_stats")
    entries, used_, buckets_, chain = (None if value is None else number(value) for value in row)
    return entries, used_, buckets_, chain


def parse(folder: Folder) -> SelinuxAvc:
    cpus = folder.parsed("cache_stats", _cpus) or []
    names = AvcCpu.__struct_fields__[1:]
    values: list[Any] = [sum(getattr(cpu, name) for cpu in cpus) if cpus else None for name in names]
    values += folder.parsed("hash_stats", _table) or (None,) * 4
    values += (folder.number("cache_threshold"), cpus)
    return SelinuxAvc(*values)


FILES = ("cache_stats", "hash_stats", "cache_threshold")


class _Avc(Bundle[SelinuxAvc]):
    """The cache, and the CPUs that the host may have: its statistics have a row for each of them."""

    def steps(self, reading: Reading) -> Steps[SelinuxAvc]:
        """Read the list of CPUs, then the files."""
        cpus = yield from possible()
        value = yield from super().steps(reading)
        counted = reading.memory.get("counted")
        if counted is None or counted[0] is not value or counted[1] != cpus:
            numbers = numbered([row.cpu for row in value.cpus], cpus)
            rows = [replace(row, cpu=cpu) for cpu, row in zip(numbers, value.cpus, strict=True)]
            reading.memory["counted"] = (value, cpus)
            reading.memory["numbered"] = replace(value, cpus=rows)
        avc: SelinuxAvc = reading.memory["numbered"]
        return avc


FS_SELINUX_AVC = _Avc("fs_selinux_avc", "/sys/fs/selinux/avc", FILES, SelinuxAvc, parse, cap=1 << 20)
