"""/proc/[pid]/numa_maps: on which NUMA nodes the memory of a process lies. Needs its user, or CAP_SYS_PTRACE.

    7f3b2c000000 prefer:1 anon=512 dirty=512 active=200 N0=12 N1=500 kernelpagesize_kB=4

Reading it walks the page tables of the process and holds its memory lock meanwhile. All mappings are added up.

https://man7.org/linux/man-pages/man7/numa.7.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import Unit, gauge
from procpulse.process import Part, ProcessFile
from procpulse.sources.proc.pid_maps import RSS_LIMIT_BYTES
from procpulse.text import inert, number, words


class PidNumaMaps(msgspec.Struct, frozen=True, gc=False):
    """Memory of a process by node and by policy."""

    nodes: Annotated[dict[int, int], gauge("Resident memory by node.", Unit.BYTES)]
    policies: Annotated[dict[str, int], gauge("Mappings by policy, such as default or bind:0-1.")]
    mapped_bytes: Annotated[int | None, gauge("Pages of mappings that are neither all anonymous nor all dirty.")]
    anon_bytes: Annotated[int | None, gauge("Anonymous memory.")]
    dirty_bytes: Annotated[int | None, gauge("Pages that were written to.")]
    swap_cache_bytes: Annotated[int | None, gauge("Pages that have a place in swap.")]
    writeback_bytes: Annotated[int | None, gauge("Pages that are being written to a disk.")]
    huge_bytes: Annotated[int | None, gauge("Pages of the pool of huge pages.")]


def parse(file: ProcessFile) -> PidNumaMaps:
    if not file.data.endswith(b"\n"):
        raise ValueError("cut short: a sum of less would be wrong")
    nodes: dict[int, int] = {}
    policies: dict[str, int] = {}
    sums: dict[bytes, int] = dict.fromkeys((b"mapped", b"anon", b"dirty", b"swapcache", b"writeback", b"huge"), 0)
    for line in file.data.split(b"\n"):
        if not line:
            continue
        try:
            _add(line, nodes, policies, sums)
        except ValueError as error:  # sums of less would be wrong
            file.lose("sums", error)
    if file.failures:
        if not policies:
            raise ValueError(file.failures["sums"])
        return PidNumaMaps({}, policies, *(None for _ in sums))
    if max(*nodes.values(), *sums.values()) >> 64:
        raise ValueError("over 64 bits")
    return PidNumaMaps(nodes, policies, *sums.values())


def _add(line: bytes, nodes: dict[int, int], policies: dict[str, int], sums: dict[bytes, int]) -> None:
    """Add one mapping."""
    _, policy, *rest = words(line, 2)
    name = inert(policy)
    policies[name] = policies.get(name, 0) + 1
    # Blanks and equals signs in the names of files are escaped, so this splits at the right ones.
    found = dict(word.split(b"=", 1) for word in rest if b"=" in word)
    if b"kernelpagesize_kB" not in found:
        return
    size = number(found[b"kernelpagesize_kB"]) * 1024
    for key, value in found.items():
        if key in sums:
            sums[key] += number(value) * size
        elif key[:1] == b"N" and key[1:].isdigit():
            node = number(key[1:])
            count = number(value) * size
            nodes[node] = nodes.get(node, 0) + count
            sums[b"huge"] += count if b"huge" in rest else 0


PID_NUMA_MAPS = Part(
    "numa_maps", "numa_maps", PidNumaMaps, parse,
    slow=True, cap=1 << 25, newline=False, program=True, rss_limit_bytes=RSS_LIMIT_BYTES,
)  # fmt: skip
