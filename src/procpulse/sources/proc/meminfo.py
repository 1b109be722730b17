"""/proc/meminfo: what the host's memory is used for.

    MemTotal:       32858820 kB
    MemAvailable:   27214312 kB
    HugePages_Total:       0

https://docs.kernel.org/filesystems/proc.html#meminfo
"""

from typing import Annotated

import msgspec

from procpulse.fields import fields, gauge
from procpulse.source import File, Source
from procpulse.text import inert, keyed, number, sized


class Meminfo(msgspec.Struct, frozen=True, gc=False):
    """Memory of the host. A row that this kernel does not have is None."""

    mem_total_bytes: Annotated[
        int | None, gauge("Usable memory: what is installed, less what the kernel's image takes.")
    ]
    mem_free_bytes: Annotated[int | None, gauge("Memory that nobody uses.")] = None
    mem_available_bytes: Annotated[
        int | None, gauge("Estimate of the memory that programs can get without swapping.")
    ] = None
    buffers_bytes: Annotated[int | None, gauge("Cache of raw block devices.")] = None
    cached_bytes: Annotated[
        int | None, gauge("Cache of files, tmpfs and shared memory included, without the swap cache.")
    ] = None
    swap_cached_bytes: Annotated[
        int | None, gauge("Memory that is back from swap while its copy there is still good.")
    ] = None
    active_bytes: Annotated[int | None, gauge("Memory used recently.")] = None
    inactive_bytes: Annotated[int | None, gauge("Memory not used recently, the first to be reclaimed.")] = None
    active_anon_bytes: Annotated[int | None, gauge("Anonymous memory used recently.")] = None
    inactive_anon_bytes: Annotated[int | None, gauge("Anonymous memory not used recently.")] = None
    active_file_bytes: Annotated[int | None, gauge("File cache used recently.")] = None
    inactive_file_bytes: Annotated[int | None, gauge("File cache not used recently.")] = None
    unevictable_bytes: Annotated[int | None, gauge("Memory that cannot be reclaimed.")] = None
    mlocked_bytes: Annotated[int | None, gauge("Memory locked with mlock().")] = None
    high_total_bytes: Annotated[int | None, gauge("Memory above the kernel's direct map, on 32-bit hosts.")] = None
    high_free_bytes: Annotated[int | None, gauge("Free memory above the kernel's direct map, on 32-bit hosts.")] = None
    low_total_bytes: Annotated[int | None, gauge("Memory in the kernel's direct map, on 32-bit hosts.")] = None
    low_free_bytes: Annotated[int | None, gauge("Free memory in the kernel's direct map, on 32-bit hosts.")] = None
    mmap_copy_bytes: Annotated[int | None, gauge("Memory used for mappings on hosts without an MMU.")] = None
    swap_total_bytes: Annotated[int | None, gauge("Swap space.")] = None
    swap_free_bytes: Annotated[int | None, gauge("Swap space that nobody uses.")] = None
    zswap_bytes: Annotated[int | None, gauge("Memory that zswap takes, compressed (Linux 5.19).")] = None
    zswapped_bytes: Annotated[int | None, gauge("Memory that zswap holds, as it was before (Linux 5.19).")] = None
    dirty_bytes: Annotated[int | None, gauge("Memory waiting to be written to disk.")] = None
    writeback_bytes: Annotated[int | None, gauge("Memory being written to disk now.")] = None
    anon_pages_bytes: Annotated[int | None, gauge("Anonymous memory mapped by programs.")] = None
    mapped_bytes: Annotated[int | None, gauge("Files mapped by programs.")] = None
    shmem_bytes: Annotated[int | None, gauge("Shared memory and tmpfs.")] = None
    k_reclaimable_bytes: Annotated[
        int | None, gauge("Kernel memory that can be reclaimed under pressure (Linux 4.20).")
    ] = None
    slab_bytes: Annotated[int | None, gauge("Kernel data structures.")] = None
    s_reclaimable_bytes: Annotated[
        int | None, gauge("Slab that can be reclaimed, such as caches of names and inodes.")
    ] = None
    s_unreclaim_bytes: Annotated[int | None, gauge("Slab that cannot be reclaimed.")] = None
    kernel_stack_bytes: Annotated[int | None, gauge("Kernel stacks of all tasks.")] = None
    shadow_call_stack_bytes: Annotated[int | None, gauge("Shadow call stacks of all tasks, on arm64 (Linux 5.9).")] = (
        None
    )
    page_tables_bytes: Annotated[int | None, gauge("Page tables of programs.")] = None
    sec_page_tables_bytes: Annotated[int | None, gauge("Page tables of virtual machines and IOMMUs (Linux 6.1).")] = (
        None
    )
    nfs_unstable_bytes: Annotated[
        int | None, gauge("Memory sent to an NFS server but not yet stable there; 0 since Linux 5.8.")
    ] = None
    bounce_bytes: Annotated[int | None, gauge("Bounce buffers of block devices.")] = None
    writeback_tmp_bytes: Annotated[int | None, gauge("Memory that FUSE uses for writing.")] = None
    commit_limit_bytes: Annotated[int | None, gauge("Memory that can be promised where overcommit is off.")] = None
    committed_as_bytes: Annotated[int | None, gauge("Memory that has been promised to programs.")] = None
    vmalloc_total_bytes: Annotated[int | None, gauge("Address space for vmalloc().")] = None
    vmalloc_used_bytes: Annotated[int | None, gauge("Memory got with vmalloc().")] = None
    vmalloc_chunk_bytes: Annotated[int | None, gauge("Largest free block for vmalloc(); 0 on most kernels.")] = None
    percpu_bytes: Annotated[int | None, gauge("Memory for per-CPU data, without its bookkeeping.")] = None
    early_memtest_bad_bytes: Annotated[int | None, gauge("Memory that the test at boot found bad (Linux 6.3).")] = None
    hardware_corrupted_bytes: Annotated[int | None, gauge("Memory that the hardware reported as bad.")] = None
    anon_huge_pages_bytes: Annotated[int | None, gauge("Anonymous memory in huge pages.")] = None
    shmem_huge_pages_bytes: Annotated[int | None, gauge("Shared memory in huge pages.")] = None
    shmem_pmd_mapped_bytes: Annotated[int | None, gauge("Shared memory mapped with huge pages.")] = None
    file_huge_pages_bytes: Annotated[int | None, gauge("File cache in huge pages (Linux 5.4).")] = None
    file_pmd_mapped_bytes: Annotated[int | None, gauge("File cache mapped with huge pages (Linux 5.4).")] = None
    unaccepted_bytes: Annotated[
        int | None, gauge("Memory that a confidential guest has not accepted yet (Linux 6.5).")
    ] = None
    balloon_bytes: Annotated[
        int | None, gauge("Memory that balloon drivers gave back to the hypervisor (Linux 6.16).")
    ] = None
    gpu_active_bytes: Annotated[int | None, gauge("Memory that GPUs use (Linux 6.19).")] = None
    gpu_reclaim_bytes: Annotated[int | None, gauge("Memory that GPU drivers keep and can give back (Linux 6.19).")] = (
        None
    )
    cma_total_bytes: Annotated[int | None, gauge("Memory reserved for contiguous allocations.")] = None
    cma_free_bytes: Annotated[int | None, gauge("Free memory in that reserve.")] = None
    huge_pages_total: Annotated[int | None, gauge("Huge pages of the default size in the pool.")] = None
    huge_pages_free: Annotated[int | None, gauge("Huge pages of the pool that nobody uses.")] = None
    huge_pages_rsvd: Annotated[int | None, gauge("Huge pages promised but not used yet.")] = None
    huge_pages_surp: Annotated[int | None, gauge("Huge pages above the configured size of the pool.")] = None
    hugepagesize_bytes: Annotated[int | None, gauge("Default size of a huge page.")] = None
    hugetlb_bytes: Annotated[int | None, gauge("Memory in huge pages of all sizes.")] = None
    direct_map_4k_bytes: Annotated[int | None, gauge("Memory that the kernel maps with 4 kB pages.")] = None
    direct_map_64k_bytes: Annotated[int | None, gauge("Memory that the kernel maps with 64 kB pages.")] = None
    direct_map_1m_bytes: Annotated[int | None, gauge("Memory that the kernel maps with 1 MB pages, on s390x.")] = None
    direct_map_2m_bytes: Annotated[int | None, gauge("Memory that the kernel maps with 2 MB pages.")] = None
    direct_map_4m_bytes: Annotated[int | None, gauge("Memory that the kernel maps with 4 MB pages.")] = None
    direct_map_1g_bytes: Annotated[int | None, gauge("Memory that the kernel maps with 1 GB pages.")] = None
    direct_map_2g_bytes: Annotated[int | None, gauge("Memory that the kernel maps with 2 GB pages, on s390x.")] = None


_SPECIAL = {
    "k_reclaimable": "KReclaimable", "s_reclaimable": "SReclaimable", "s_unreclaim": "SUnreclaim",
    "active_anon": "Active(anon)", "inactive_anon": "Inactive(anon)", "active_file": "Active(file)",
    "inactive_file": "Inactive(file)", "nfs_unstable": "NFS_Unstable", "committed_as": "Committed_AS",
    "gpu_active": "GPUActive", "gpu_reclaim": "GPUReclaim", "huge_pages_total": "HugePages_Total",
    "huge_pages_free": "HugePages_Free", "huge_pages_rsvd": "HugePages_Rsvd", "huge_pages_surp": "HugePages_Surp",
    "direct_map_4k": "DirectMap4k", "direct_map_64k": "DirectMap64k", "direct_map_1m": "DirectMap1M",
    "direct_map_2m": "DirectMap2M", "direct_map_4m": "DirectMap4M", "direct_map_1g": "DirectMap1G",
    "direct_map_2g": "DirectMap2G", "writeback_tmp": "WritebackTmp",
}  # fmt: skip


def _row(name: str) -> str:
    """The kernel's name of a field."""
    base = name.removesuffix("_bytes")
    return _SPECIAL.get(base) or "".join(word.capitalize() for word in base.split("_"))


_ROWS = tuple((_row(field.name), 1024 if field.unit else 1) for field in fields(Meminfo))
# In bytes it fits 64 bits.
_DECODER = msgspec.json.Decoder(dict[str, Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]])


def parse(file: File) -> Meminfo:
    data = file.data
    body = data.rstrip().replace(b" kB", b"").replace(b":", b'":').replace(b"\n", b',"')
    try:
        rows = _DECODER.decode(b'{"' + body + b"}")
    except msgspec.MsgspecError:
        return _odd(data)
    get = rows.get
    found = [None if (count := get(key)) is None else count * unit for key, unit in _ROWS]
    return Meminfo(*found) if any(found) else _odd(data)


def _odd(data: bytes) -> Meminfo:
    """The same line by line."""
    rows = {inert(key): number(rest.removesuffix(b"kB").rstrip()) for key, rest in keyed(data) if rest}
    if rows and min(rows.values()) < 0:
        raise ValueError("a size below 0")
    found = [None if (count := rows.get(key)) is None else sized(count, unit) for key, unit in _ROWS]
    if found.count(None) == len(found):
        raise ValueError("no rows")
    return Meminfo(*found)


MEMINFO = Source("meminfo", "/proc/meminfo", Meminfo, parse, whole=True, rows=0)
