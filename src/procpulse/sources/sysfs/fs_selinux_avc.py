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

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import integers, keyed, lines, number, words
from procpulse.tree import Bundle, Folder


class AvcCpu(msgspec.Struct, frozen=True, gc=False):
    """What happened on one CPU."""

    cpu: Annotated[int, label("Number of its row: one for each CPU that the host can have.")]
    lookups: Annotated[int, counter("Decisions looked up.", bits=32)]
    hits: Annotated[int, counter("Decisions found in the cache.", bits=32)]
    misses: Annotated[int, counter("Decisions not found, and worked out.", bits=32)]
    allocations: Annotated[int, counter("Entries made.", bits=32)]
    reclaims: Annotated[int, counter("Entries thrown out to make room.", bits=32)]
    frees: Annotated[int, counter("Entries freed.", bits=32)]


class SelinuxAvc(msgspec.Struct, frozen=True, gc=False):
    """The cache: its counters summed over the CPUs, and its hash table."""

    lookups: Annotated[int | None, counter("Decisions looked up.")] = None
    hits: Annotated[int | None, counter("Decisions found in the cache.")] = None
    misses: Annotated[int | None, counter("Decisions not found, and worked out.")] = None
    allocations: Annotated[int | None, counter("Entries made.")] = None
    reclaims: Annotated[int | None, counter("Entries thrown out to make room.")] = None
    frees: Annotated[int | None, counter("Entries freed.")] = None
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


def _table(data: bytes) -> tuple[int, int, int, int]:
    found = dict(keyed(data))
    used, _, buckets = words(found[b"buckets used"], 1)[0].partition(b"/")
    return number(found[b"entries"]), number(used), number(buckets), number(found[b"longest chain"])


def parse(folder: Folder) -> SelinuxAvc:
    cpus = folder.parsed("cache_stats", _cpus) or []
    names = AvcCpu.__struct_fields__[1:]
    values: list[Any] = [sum(getattr(cpu, name) for cpu in cpus) if cpus else None for name in names]
    values += folder.parsed("hash_stats", _table) or (None,) * 4
    values += (folder.number("cache_threshold"), cpus)
    return SelinuxAvc(*values)


FILES = ("cache_stats", "hash_stats", "cache_threshold")
FS_SELINUX_AVC = Bundle("fs_selinux_avc", "/sys/fs/selinux/avc", FILES, SelinuxAvc, parse, cap=1 << 20)
