"""/proc/sys/vm: how memory management is set up.

    swappiness: 60, dirty_ratio: 20, overcommit_memory: 0

Files that act when they are read or written (compact_memory, stat_refresh) are left alone.

https://docs.kernel.org/admin-guide/sysctl/vm.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import fields, gauge, info
from procpulse.source import Reading, Reason, Steps
from procpulse.text import amount, integers
from procpulse.tree import Bundle, Folder


class SysVm(msgspec.Struct, frozen=True):
    """Settings of memory management. None where this kernel does not have one."""

    admin_reserve_bytes: Annotated[int | None, gauge("Memory kept for administrators.")] = None
    block_dump: Annotated[int | None, info("Whether block I/O is logged: 0 no; gone since Linux 5.14.")] = None
    compact_unevictable_allowed: Annotated[int | None, info("Whether locked pages may be moved: 1 yes, 0 no.")] = None
    compaction_proactiveness: Annotated[
        int | None, gauge("How hard free memory is kept in one piece, 0 to 100 (Linux 5.9).")
    ] = None
    defrag_mode: Annotated[
        int | None, info("Whether the kernel reclaims rather than fragments memory: 1 yes, 0 no (Linux 6.15).")
    ] = None
    dirty_background_bytes: Annotated[
        int | None, gauge("Dirty memory from which on it is written in the background; 0 where a share counts.")
    ] = None
    dirty_background_ratio_percent: Annotated[
        int | None, gauge("The same as a share of available memory; 0 where the bytes count.")
    ] = None
    dirty_bytes: Annotated[
        int | None, gauge("Dirty memory from which on those who write have to wait; 0 where a share counts.")
    ] = None
    dirty_ratio_percent: Annotated[
        int | None, gauge("The same as a share of available memory; 0 where the bytes count.")
    ] = None
    dirty_expire_ms: Annotated[int | None, gauge("Age from which on dirty memory is written.")] = None
    dirty_writeback_ms: Annotated[int | None, gauge("How often the kernel looks for it; 0 for never.")] = None
    dirtytime_expire_seconds: Annotated[
        int | None, gauge("Age from which on inodes are written that have only new times.")
    ] = None
    drop_caches: Annotated[int | None, info("What caches were last told to drop; only writable since Linux 5.5.")] = (
        None
    )
    enable_soft_offline: Annotated[
        int | None, info("Whether memory with many corrected errors is taken out of use: 1 yes, 0 no (Linux 6.11).")
    ] = None
    extfrag_threshold: Annotated[
        int | None, gauge("Fragmentation, 0 to 1,000, above which memory is compacted rather than reclaimed.")
    ] = None
    hugetlb_optimize_vmemmap: Annotated[
        int | None, info("Whether huge pages give back most of their bookkeeping: 1 yes, 0 no (Linux 5.19).")
    ] = None
    hugetlb_shm_group: Annotated[int | None, info("Group whose members may use huge pages for shared memory.")] = None
    laptop_mode: Annotated[int | None, info("Seconds after a read that dirty memory is written along; 0 for off.")] = (
        None
    )
    legacy_va_layout: Annotated[int | None, info("Whether all processes have the old layout of memory: 0 no.")] = None
    lowmem_reserve_ratio: Annotated[
        list[int] | None, info("By zone: one page in so many is kept from requests that could use a higher zone.")
    ] = None
    max_map_count: Annotated[int | None, gauge("Most memory maps that a process may have.")] = None
    memfd_noexec: Annotated[
        int | None, info("Whether memory files can be executed: 0 yes, 1 only if asked for, 2 no (Linux 6.3).")
    ] = None
    memory_failure_early_kill: Annotated[
        int | None, info("Whether processes with a broken page are killed at once: 1 yes, 0 when they touch it.")
    ] = None
    memory_failure_recovery: Annotated[
        int | None, info("Whether the kernel survives broken memory: 1 it tries, 0 it panics.")
    ] = None
    min_free_bytes: Annotated[int | None, gauge("Memory that is kept free for the kernel.")] = None
    min_slab_ratio_percent: Annotated[
        int | None, gauge("Share of a zone in reclaimable slabs above which a node reclaims its own.")
    ] = None
    min_unmapped_ratio_percent: Annotated[
        int | None, gauge("Share of a zone in unmapped file pages above which a node reclaims its own.")
    ] = None
    mmap_min_addr: Annotated[int | None, info("Lowest address that a process may map.")] = None
    nr_hugepages: Annotated[int | None, gauge("Huge pages of the default size in the pool.")] = None
    nr_hugepages_mempolicy: Annotated[
        int | None, gauge("The same, on the nodes that the reader's memory policy allows.")
    ] = None
    nr_overcommit_hugepages: Annotated[int | None, gauge("Huge pages that may be added while they are needed.")] = None
    numa_stat: Annotated[int | None, info("Whether NUMA hits and misses are counted: 1 yes, 0 no.")] = None
    numa_zonelist_order: Annotated[str | None, info("In which order zones are tried; always Node.")] = None
    oom_dump_tasks: Annotated[int | None, info("Whether all tasks are logged when memory runs out: 0 no.")] = None
    oom_kill_allocating_task: Annotated[
        int | None, info("Whether the task that ran out of memory is killed rather than the worst one: 0 no.")
    ] = None
    overcommit_bytes: Annotated[
        int | None, gauge("Memory besides swap that can be promised where overcommit is off; 0 where a share counts.")
    ] = None
    overcommit_memory: Annotated[
        int | None, info("Whether more memory is promised than there is: 0 within reason, 1 always, 2 never.")
    ] = None
    overcommit_ratio_percent: Annotated[
        int | None, gauge("Share of memory that can be promised where overcommit is off.")
    ] = None
    page_cluster: Annotated[int | None, info("Pages read from swap at once, as a power of 2.")] = None
    page_lock_unfairness: Annotated[
        int | None, gauge("How often the lock of a page may be taken from a waiter (Linux 5.9).")
    ] = None
    panic_on_oom: Annotated[
        int | None, info("Whether the kernel panics when memory runs out: 0 no, 1 but for limits, 2 always.")
    ] = None
    percpu_pagelist_fraction: Annotated[
        int | None, gauge("Share of a zone, one in so many pages, that a CPU may keep; gone since Linux 5.14.")
    ] = None
    percpu_pagelist_high_fraction: Annotated[
        int | None, gauge("Share of a zone, one in so many pages, that CPUs may keep; 0 by the marks (Linux 5.14).")
    ] = None
    stat_interval_seconds: Annotated[int | None, gauge("How often the counters of vmstat are brought up to date.")] = (
        None
    )
    swappiness: Annotated[int | None, gauge("How readily anonymous memory is swapped out, 0 to 200.")] = None
    unprivileged_userfaultfd: Annotated[
        int | None, info("Whether everyone may handle the kernel's page faults: 1 yes, 0 no (Linux 5.2).")
    ] = None
    user_reserve_bytes: Annotated[
        int | None, gauge("Memory kept for a user to recover with where overcommit is off.")
    ] = None
    vfs_cache_pressure: Annotated[
        int | None, gauge("How readily directory entries and inodes are dropped; 100 is as readily as pages.")
    ] = None
    vfs_cache_pressure_denom: Annotated[int | None, gauge("What counts as 100 there (Linux 6.16).")] = None
    watermark_boost_factor: Annotated[
        int | None, gauge("How far reclaim goes on after fragmentation, in 1/10,000 of the high mark (Linux 5.0).")
    ] = None
    watermark_scale_factor: Annotated[
        int | None, gauge("Distance between the marks of a zone, in 1/10,000 of its memory.")
    ] = None
    zone_reclaim_mode: Annotated[
        int | None, info("What a node does before it takes memory of another: 1 reclaim, 2 write, 4 swap, added up.")
    ] = None


def parse(folder: Folder) -> SysVm:
    values: list[Any] = []
    for field, file in zip(fields(SysVm), FILES, strict=True):
        if field.type is str:
            values.append(folder.text(file))
        elif field.type is int:
            values.append(folder.parsed(file, _SIZES.get(file.rpartition("_")[2], amount)))
        else:
            values.append(folder.parsed(file, integers))
    return SysVm(*values)


def _kib(data: bytes) -> int | None:
    return amount(data, 1024)


def _centiseconds(data: bytes) -> int | None:
    return amount(data, 10)


_SIZES = {"kbytes": _kib, "centisecs": _centiseconds}

# The files, in the order of the fields.
FILES = (
    "admin_reserve_kbytes", "block_dump", "compact_unevictable_allowed", "compaction_proactiveness", "defrag_mode",
    "dirty_background_bytes", "dirty_background_ratio", "dirty_bytes", "dirty_ratio", "dirty_expire_centisecs",
    "dirty_writeback_centisecs", "dirtytime_expire_seconds", "drop_caches", "enable_soft_offline",
    "extfrag_threshold", "hugetlb_optimize_vmemmap", "hugetlb_shm_group", "laptop_mode", "legacy_va_layout",
    "lowmem_reserve_ratio", "max_map_count", "memfd_noexec", "memory_failure_early_kill", "memory_failure_recovery",
    "min_free_kbytes", "min_slab_ratio", "min_unmapped_ratio", "mmap_min_addr", "nr_hugepages",
    "nr_hugepages_mempolicy", "nr_overcommit_hugepages", "numa_stat", "numa_zonelist_order", "oom_dump_tasks",
    "oom_kill_allocating_task", "overcommit_kbytes", "overcommit_memory", "overcommit_ratio", "page-cluster",
    "page_lock_unfairness", "panic_on_oom", "percpu_pagelist_fraction", "percpu_pagelist_high_fraction",
    "stat_interval", "swappiness", "unprivileged_userfaultfd", "user_reserve_kbytes", "vfs_cache_pressure",
    "vfs_cache_pressure_denom", "watermark_boost_factor", "watermark_scale_factor", "zone_reclaim_mode",
)  # fmt: skip


class _SysVm(Bundle[SysVm]):
    """The settings; that drop_caches may not be read is nobody's failure."""

    def steps(self, reading: Reading) -> Steps[SysVm]:
        """Read and parse them."""
        value = yield from super().steps(reading)
        failure = reading.failures.get("drop_caches")
        if failure is not None and failure.reason is Reason.DENIED:
            del reading.failures["drop_caches"]
        return value


SYS_VM = _SysVm("sys_vm", "/proc/sys/vm", FILES, SysVm, parse)
