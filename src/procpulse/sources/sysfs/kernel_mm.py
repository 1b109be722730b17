"""/sys/kernel/mm: huge pages, transparent huge pages, merging of equal pages, and where memory may go.

    hugepages/hugepages-2048kB/nr_hugepages: 512, hugepages/hugepages-2048kB/free_hugepages: 480
    transparent_hugepage/enabled: always [madvise] never
    transparent_hugepage/hugepages-64kB/stats/anon_fault_alloc: 88213
    ksm/pages_sharing: 61440

https://docs.kernel.org/admin-guide/mm/index.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import inert, number, shorten, sized
from procpulse.tree import Bundle, Folder


class HugepagePool(msgspec.Struct, frozen=True, gc=False):
    """The pool of huge pages of one size, of the whole host."""

    size_bytes: Annotated[int, label("Size of a huge page.")]
    nr_hugepages: Annotated[int | None, gauge("Huge pages in the pool.")] = None
    nr_hugepages_mempolicy: Annotated[
        int | None, gauge("Huge pages in the pool on the nodes that the policy of the reader allows.")
    ] = None
    nr_overcommit_hugepages: Annotated[int | None, gauge("Huge pages that the pool may grow by when needed.")] = None
    free_hugepages: Annotated[int | None, gauge("Huge pages of the pool that nobody uses.")] = None
    resv_hugepages: Annotated[int | None, gauge("Huge pages that are promised and not used yet.")] = None
    surplus_hugepages: Annotated[int | None, gauge("Huge pages above the configured size of the pool.")] = None


class ThpSize(msgspec.Struct, frozen=True, gc=False):
    """Transparent huge pages of one size (Linux 6.8)."""

    size_bytes: Annotated[int, label("Size of a page.")]
    enabled: Annotated[
        str | None, info("When anonymous memory gets them: always, inherit, madvise or never (Linux 6.8).")
    ] = None
    shmem_enabled: Annotated[str | None, info("When shared memory gets them (Linux 6.11).")] = None
    stats: Annotated[
        dict[str, int] | None,
        counter("What happened, under the kernel's names, such as anon_fault_alloc (Linux 6.10).", bits="long"),
    ] = None
    anon_pages: Annotated[int | None, gauge("Pages of the size that hold anonymous memory (Linux 6.13).")] = None
    anon_partially_mapped: Annotated[
        int | None, gauge("Of these, pages of which parts are not used and that wait to be split (Linux 6.13).")
    ] = None


class Khugepaged(msgspec.Struct, frozen=True, gc=False):
    """The kernel's thread that makes small pages into huge ones."""

    defrag: Annotated[bool | None, info("Whether it moves pages to make room.")] = None
    pages_collapsed: Annotated[int | None, counter("Huge pages made.", bits=32)] = None
    full_scans: Annotated[int | None, counter("Times that it has gone through all memory.", bits=32)] = None
    pages_to_scan: Annotated[int | None, gauge("Small pages that it looks at before it sleeps.")] = None
    scan_sleep_ms: Annotated[int | None, gauge("Time that it sleeps.")] = None
    alloc_sleep_ms: Annotated[int | None, gauge("Time that it sleeps when there was no huge page to be had.")] = None
    max_ptes_none: Annotated[int | None, gauge("Most small pages without memory in what becomes a huge one.")] = None
    max_ptes_swap: Annotated[int | None, gauge("Most small pages in swap in what becomes a huge one.")] = None
    max_ptes_shared: Annotated[
        int | None, gauge("Most small pages shared by processes in what becomes a huge one (Linux 5.8).")
    ] = None


class TransparentHugepages(msgspec.Struct, frozen=True, gc=False):
    """Huge pages that programs get without asking."""

    enabled: Annotated[str | None, info("When anonymous memory gets them: always, madvise or never.")] = None
    defrag: Annotated[
        str | None, info("When a program waits for one: always, defer, defer+madvise, madvise or never.")
    ] = None
    shmem_enabled: Annotated[
        str | None, info("When shared memory gets them: always, within_size, advise, never, deny or force.")
    ] = None
    use_zero_page: Annotated[bool | None, info("Whether a read of new memory gets a huge page of zeros.")] = None
    shrink_underused: Annotated[bool | None, info("Whether huge pages full of zeros are split (Linux 6.13).")] = None
    hpage_pmd_size_bytes: Annotated[int | None, gauge("Size of a huge page that needs one entry in the tables.")] = None
    khugepaged: Annotated[Khugepaged | None, group("The thread that makes small pages into huge ones.")] = None
    sizes: Annotated[list[ThpSize], group("Pages of each size (Linux 6.8).")] = []


class Ksm(msgspec.Struct, frozen=True, gc=False):
    """Merging of pages with the same content, for programs that asked for it."""

    run: Annotated[int | None, info("0 stopped, 1 running, 2 stopped and all pages unmerged.")] = None
    pages_shared: Annotated[int | None, gauge("Pages that stand for several.")] = None
    pages_sharing: Annotated[int | None, gauge("Further pages that they stand for: what is saved.")] = None
    pages_unshared: Annotated[int | None, gauge("Pages that are looked at again and again, and are unlike others.")] = (
        None
    )
    pages_volatile: Annotated[int | None, gauge("Pages that change too fast to be merged.")] = None
    pages_scanned: Annotated[int | None, counter("Pages looked at (Linux 6.6).", bits="long")] = None
    pages_skipped: Annotated[
        int | None, counter("Pages passed by, as they were never like others (Linux 6.7).", bits="long")
    ] = None
    ksm_zero_pages: Annotated[int | None, gauge("Pages of zeros that share the kernel's own (Linux 6.6).")] = None
    general_profit_bytes: Annotated[
        int | None, gauge("Memory saved, less what the merging itself needs (Linux 6.4).")
    ] = None
    full_scans: Annotated[int | None, counter("Times that all memory was looked at.", bits="long")] = None
    stable_node_chains: Annotated[int | None, gauge("Pages that have more than one copy.")] = None
    stable_node_dups: Annotated[int | None, gauge("Copies of these.")] = None
    pages_to_scan: Annotated[int | None, gauge("Pages looked at before sleeping.")] = None
    sleep_ms: Annotated[int | None, gauge("Time of sleep.")] = None
    max_page_sharing: Annotated[int | None, gauge("Most pages that one may stand for.")] = None
    merge_across_nodes: Annotated[bool | None, info("Whether pages of different NUMA nodes are merged.")] = None
    use_zero_pages: Annotated[bool | None, info("Whether pages of zeros share the kernel's own.")] = None
    smart_scan: Annotated[bool | None, info("Whether pages that were never like others are passed by (Linux 6.7).")] = (
        None
    )
    advisor_mode: Annotated[str | None, info("Who sets pages_to_scan: none or scan-time (Linux 6.8).")] = None


class KernelMm(msgspec.Struct, frozen=True, gc=False):
    """How the kernel manages memory."""

    hugepages: Annotated[list[HugepagePool], group("Pools of huge pages, by size.")] = []
    transparent_hugepage: Annotated[TransparentHugepages | None, group("Huge pages without asking.")] = None
    ksm: Annotated[Ksm | None, group("Merging of equal pages.")] = None
    numa_demotion_enabled: Annotated[
        bool | None, info("Whether memory moves to slower nodes rather than to swap (Linux 5.15).")
    ] = None
    swap_vma_ra_enabled: Annotated[
        bool | None, info("Whether reading ahead from swap follows the program's memory.")
    ] = None
    lru_gen_enabled: Annotated[
        int | None, info("Parts of the multi-generational choice of what to reclaim, as bits; 0 for off (Linux 6.1).")
    ] = None
    lru_gen_min_ttl_ms: Annotated[
        int | None, gauge("Time that memory stays at least after it was used; 0 for no promise (Linux 6.1).")
    ] = None


def _chosen(data: bytes) -> str:
    """The one in brackets of a list of choices."""
    _, bracket, rest = data.partition(b"[")
    chosen, end, _ = rest.partition(b"]")
    if not bracket or not end:
        raise ValueError(f"nothing in brackets: {shorten(data)}")
    return inert(chosen)


def _truth(data: bytes) -> bool:
    """One of `true`, `false`, `1`, `0`: older kernels print words."""
    return {b"true": True, b"1": True, b"false": False, b"0": False}[data]


def _size(folder: Folder) -> int:
    return sized(number(folder.name.removeprefix("hugepages-").removesuffix("kB").encode()), 1024)


def _pool(folder: Folder) -> HugepagePool:
    return HugepagePool(_size(folder), *(folder.number(name) for name in _POOL))


def _thp_size(folder: Folder) -> ThpSize:
    names = [name.removeprefix("stats/") for name in folder.found("stats/*")]
    stats = {name: value for name in names if (value := folder.number(f"stats/{name}")) is not None}
    anon, partially = stats.pop("nr_anon", None), stats.pop("nr_anon_partially_mapped", None)
    return ThpSize(
        _size(folder),
        folder.parsed("enabled", _chosen),
        folder.parsed("shmem_enabled", _chosen),
        {inert(name.encode("utf-8", "surrogateescape")): value for name, value in stats.items()} or None,
        anon,
        partially,
    )


def _thp(folder: Folder) -> TransparentHugepages:
    number, flag, parsed = folder.number, folder.flag, folder.parsed
    khugepaged = [number(f"khugepaged/{name}") for name in _KHUGEPAGED]
    has = any(value is not None for value in khugepaged)
    return TransparentHugepages(
        parsed("enabled", _chosen), parsed("defrag", _chosen), parsed("shmem_enabled", _chosen),
        flag("use_zero_page"), flag("shrink_underused"), number("hpage_pmd_size"),
        Khugepaged(flag("khugepaged/defrag"), *khugepaged) if has else None,
        [_thp_size(size) for size in folder.folders("hugepages-[0-9]+kB")],
    )  # fmt: skip


def _ksm(folder: Folder) -> Ksm:
    values: list[Any] = [(folder.signed if name == "general_profit" else folder.number)(name) for name in _KSM]
    values += (folder.flag(name) for name in ("merge_across_nodes", "use_zero_pages", "smart_scan"))
    values.append(folder.parsed("advisor_mode", _chosen))
    return Ksm(*values)


def parse(folder: Folder) -> KernelMm:
    thp, ksm = list(folder.folders("transparent_hugepage")), list(folder.folders("ksm"))
    return KernelMm(
        [_pool(pool) for pool in folder.folders("hugepages/hugepages-[0-9]+kB")],
        _thp(thp[0]) if thp else None,
        _ksm(ksm[0]) if ksm else None,
        folder.parsed("numa/demotion_enabled", _truth),
        folder.parsed("swap/vma_ra_enabled", _truth),
        folder.hexadecimal("lru_gen/enabled"),
        folder.number("lru_gen/min_ttl_ms"),
    )


_POOL = (
    "nr_hugepages", "nr_hugepages_mempolicy", "nr_overcommit_hugepages", "free_hugepages", "resv_hugepages",
    "surplus_hugepages",
)  # fmt: skip
_KHUGEPAGED = (
    "pages_collapsed", "full_scans", "pages_to_scan", "scan_sleep_millisecs", "alloc_sleep_millisecs",
    "max_ptes_none", "max_ptes_swap", "max_ptes_shared",
)  # fmt: skip
_KSM = (
    "run", "pages_shared", "pages_sharing", "pages_unshared", "pages_volatile", "pages_scanned", "pages_skipped",
    "ksm_zero_pages", "general_profit", "full_scans", "stable_node_chains", "stable_node_dups", "pages_to_scan",
    "sleep_millisecs", "max_page_sharing",
)  # fmt: skip
_KSM_CHOICES = ("merge_across_nodes", "use_zero_pages", "smart_scan", "advisor_mode")
_THP = ("enabled", "defrag", "shmem_enabled", "use_zero_page", "shrink_underused", "hpage_pmd_size")
_THP_SIZE = ("enabled", "shmem_enabled", "stats/*")
FILES = (
    *(f"hugepages/hugepages-[0-9]+kB/{name}" for name in _POOL),
    *(f"transparent_hugepage/{name}" for name in _THP),
    *(f"transparent_hugepage/khugepaged/{name}" for name in ("defrag", *_KHUGEPAGED)),
    *(f"transparent_hugepage/hugepages-[0-9]+kB/{name}" for name in _THP_SIZE),
    *(f"ksm/{name}" for name in (*_KSM, *_KSM_CHOICES)),
    "numa/demotion_enabled", "swap/vma_ra_enabled", "lru_gen/enabled", "lru_gen/min_ttl_ms",
)  # fmt: skip
KERNEL_MM = Bundle("kernel_mm", "/sys/kernel/mm", FILES, KernelMm, parse)
