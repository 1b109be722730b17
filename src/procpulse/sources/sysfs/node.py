"""/sys/devices/system/node/node*: the nodes of a NUMA host: their CPUs, their memory, who took memory from where.

    cpulist: 0-7, distance: 10 21
    meminfo: Node 0 MemFree:        15728640 kB
    numastat: numa_miss 4413

https://docs.kernel.org/admin-guide/numastat.html, https://docs.kernel.org/admin-guide/abi-stable.html
"""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import msgspec

from procpulse.fields import Unit, counter, fields, gauge, group, info, label
from procpulse.text import inert, integers, keyed, number, shorten, sized
from procpulse.tree import Folder, Tree


class NodeMemory(msgspec.Struct, frozen=True, gc=False):
    """Memory of one node. A row that this kernel does not have is None."""

    mem_total_bytes: Annotated[int | None, gauge("Usable memory of the node.")]
    mem_free_bytes: Annotated[int | None, gauge("Memory that nobody uses.")] = None
    mem_used_bytes: Annotated[int | None, gauge("Memory that is not free: caches too.")] = None
    swap_cached_bytes: Annotated[
        int | None, gauge("Memory that is back from swap while its copy there is still good (Linux 5.12).")
    ] = None
    active_bytes: Annotated[int | None, gauge("Memory used recently.")] = None
    inactive_bytes: Annotated[int | None, gauge("Memory not used recently, the first to be reclaimed.")] = None
    active_anon_bytes: Annotated[int | None, gauge("Anonymous memory used recently.")] = None
    inactive_anon_bytes: Annotated[int | None, gauge("Anonymous memory not used recently.")] = None
    active_file_bytes: Annotated[int | None, gauge("File cache used recently.")] = None
    inactive_file_bytes: Annotated[int | None, gauge("File cache not used recently.")] = None
    unevictable_bytes: Annotated[int | None, gauge("Memory that cannot be reclaimed.")] = None
    mlocked_bytes: Annotated[int | None, gauge("Memory locked with mlock().")] = None
    dirty_bytes: Annotated[int | None, gauge("Memory waiting to be written to disk.")] = None
    writeback_bytes: Annotated[int | None, gauge("Memory being written to disk now.")] = None
    file_pages_bytes: Annotated[int | None, gauge("File cache, shared memory included.")] = None
    mapped_bytes: Annotated[int | None, gauge("Files mapped by programs.")] = None
    anon_pages_bytes: Annotated[int | None, gauge("Anonymous memory mapped by programs.")] = None
    shmem_bytes: Annotated[int | None, gauge("Shared memory and tmpfs.")] = None
    kernel_stack_bytes: Annotated[int | None, gauge("Kernel stacks of tasks.")] = None
    shadow_call_stack_bytes: Annotated[int | None, gauge("Shadow call stacks of tasks, on arm64 (Linux 5.9).")] = None
    page_tables_bytes: Annotated[int | None, gauge("Page tables of programs.")] = None
    sec_page_tables_bytes: Annotated[int | None, gauge("Page tables of virtual machines and IOMMUs (Linux 6.1).")] = (
        None
    )
    nfs_unstable_bytes: Annotated[
        int | None, gauge("Memory sent to an NFS server but not yet stable there; 0 since Linux 5.8.")
    ] = None
    bounce_bytes: Annotated[int | None, gauge("Bounce buffers of block devices.")] = None
    writeback_tmp_bytes: Annotated[int | None, gauge("Memory that FUSE uses for writing.")] = None
    k_reclaimable_bytes: Annotated[
        int | None, gauge("Kernel memory that can be reclaimed under pressure (Linux 4.20).")
    ] = None
    slab_bytes: Annotated[int | None, gauge("Kernel data structures.")] = None
    s_reclaimable_bytes: Annotated[int | None, gauge("Slab that can be reclaimed.")] = None
    s_unreclaim_bytes: Annotated[int | None, gauge("Slab that cannot be reclaimed.")] = None
    anon_huge_pages_bytes: Annotated[int | None, gauge("Anonymous memory in huge pages.")] = None
    shmem_huge_pages_bytes: Annotated[int | None, gauge("Shared memory in huge pages.")] = None
    shmem_pmd_mapped_bytes: Annotated[int | None, gauge("Shared memory mapped with huge pages.")] = None
    file_huge_pages_bytes: Annotated[int | None, gauge("File cache in huge pages (Linux 5.4).")] = None
    file_pmd_mapped_bytes: Annotated[int | None, gauge("File cache mapped with huge pages (Linux 5.4).")] = None
    unaccepted_bytes: Annotated[
        int | None, gauge("Memory that a confidential guest has not accepted yet (Linux 6.5).")
    ] = None
    huge_pages_total: Annotated[int | None, gauge("Huge pages of the default size in the pool.")] = None
    huge_pages_free: Annotated[int | None, gauge("Huge pages of the pool that nobody uses.")] = None
    huge_pages_surp: Annotated[int | None, gauge("Huge pages above the configured size of the pool.")] = None


class NodeHugepages(msgspec.Struct, frozen=True, gc=False):
    """The pool of huge pages of one size."""

    size_bytes: Annotated[int, label("Size of a huge page.")]
    nr_hugepages: Annotated[int | None, gauge("Huge pages in the pool.")] = None
    free_hugepages: Annotated[int | None, gauge("Huge pages of the pool that nobody uses.")] = None
    surplus_hugepages: Annotated[int | None, gauge("Huge pages above the configured size of the pool.")] = None


class Node(msgspec.Struct, frozen=True, gc=False):
    """One node: CPUs and the memory that is near to them."""

    node: Annotated[int, label("Number of the node.")]
    cpulist: Annotated[str | None, info("Its CPUs, such as 0-7; None for memory without CPUs.")] = None
    distance: Annotated[list[int] | None, info("How far each online node is; 10 for itself.")] = None
    memory: Annotated[NodeMemory | None, group("What its memory is used for.")] = None
    numastat: Annotated[
        dict[str, int] | None,
        counter(
            "Pages that were handed out, by numastat's rows, such as numa_miss.", Unit.PAGES, bits="long", falls=True
        ),
    ] = None
    hugepages: Annotated[list[NodeHugepages] | None, group("Its pools of huge pages, one a size.")] = None


_SPECIAL = {
    "k_reclaimable": "KReclaimable", "s_reclaimable": "SReclaimable", "s_unreclaim": "SUnreclaim",
    "active_anon": "Active(anon)", "inactive_anon": "Inactive(anon)", "active_file": "Active(file)",
    "inactive_file": "Inactive(file)", "nfs_unstable": "NFS_Unstable", "huge_pages_total": "HugePages_Total",
    "huge_pages_free": "HugePages_Free", "huge_pages_surp": "HugePages_Surp",
}  # fmt: skip


def _row(name: str) -> str:
    """The kernel's name of a field."""
    base = name.removesuffix("_bytes")
    return _SPECIAL.get(base) or "".join(word.capitalize() for word in base.split("_"))


_ROWS = tuple((_row(field.name), 1024 if field.unit else 1) for field in fields(NodeMemory))
_DECODER = msgspec.json.Decoder(dict[str, Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]])


def _memory(folder: Folder) -> NodeMemory | None:
    data = (folder.raw("meminfo") or b"").strip()
    rows = _rows(data, partial(folder.lose, "meminfo")) if data else {}
    found = [None if (count := rows.get(key)) is None else sized(count, unit) for key, unit in _ROWS]
    if found.count(None) < len(found):
        return NodeMemory(*found)
    if data:
        folder.lose("meminfo", ValueError(f"no rows: {shorten(data)}"))
    return None


def _rows(data: bytes, lose: Callable[[Exception], None]) -> dict[str, int]:
    """The numbers of the file, in its own units, by row. Each line begins with `Node 0`."""
    start = data.find(b"Mem")
    body = (b"\n" + data).replace(b"\n" + data[: max(start, 0)], b"\n").strip()
    body = body.replace(b" kB", b"").replace(b":", b'":').replace(b"\n", b',"')
    try:
        return _DECODER.decode(b'{"' + body + b"}")
    except msgspec.MsgspecError:
        pass  # something odd: line by line
    rows = {}
    for key, rest in keyed(data):
        try:
            if key and rest:
                rows[inert(key.split()[-1])] = _count(rest)
        except ValueError as error:
            lose(error)
    return rows


def _count(rest: bytes) -> int:
    count = number(rest.removesuffix(b"kB").rstrip())
    if not 0 <= count < 1 << 53:  # in bytes it fits 64 bits
        raise ValueError(f"no size: {shorten(rest)}")
    return count


def _hugepages(folder: Folder) -> list[NodeHugepages] | None:
    pools = list(folder.folders("hugepages/hugepages-*kB"))
    if not pools:
        return None
    return [
        NodeHugepages(
            sized(number(pool.name[10:-2].encode()), 1024),
            pool.number("nr_hugepages"),
            pool.number("free_hugepages"),
            pool.number("surplus_hugepages"),
        )
        for pool in pools
    ]


def parse(folder: Folder) -> Node:
    return Node(
        int(folder.name.removeprefix("node")),
        folder.text("cpulist"),
        folder.parsed("distance", integers),
        _memory(folder),
        folder.mapping("numastat"),
        _hugepages(folder),
    )


_POOL = ("nr_hugepages", "free_hugepages", "surplus_hugepages")
FILES = ("cpulist", "distance", "meminfo", "numastat", *(f"hugepages/hugepages-*kB/{name}" for name in _POOL))
NODE = Tree("node", "/sys/devices/system/node/node[0-9]*", FILES, Node, parse)
