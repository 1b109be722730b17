from typing import Any

import pytest

from procpulse import Reason
from procpulse.sources import KERNEL_MM
from procpulse.sources.sysfs.kernel_mm import (
    HugepagePool,
    KernelMm,
    Khugepaged,
    Ksm,
    ThpSize,
    TransparentHugepages,
)
from tests.cases import failure, read, reading

M = "/sys/kernel/mm"
H = "transparent_hugepage"
KERNEL_4_18 = {
    "hugepages/hugepages-2048kB/nr_hugepages": "512\n",
    "hugepages/hugepages-2048kB/nr_hugepages_mempolicy": "500\n",
    "hugepages/hugepages-2048kB/nr_overcommit_hugepages": "64\n",
    "hugepages/hugepages-2048kB/free_hugepages": "480\n",
    "hugepages/hugepages-2048kB/resv_hugepages": "8\n",
    "hugepages/hugepages-2048kB/surplus_hugepages": "2\n",
    f"{H}/enabled": "always [madvise] never\n",
    f"{H}/defrag": "always defer [defer+madvise] madvise never\n",
    f"{H}/shmem_enabled": "always within_size advise [never] deny force\n",
    f"{H}/use_zero_page": "1\n",
    f"{H}/hpage_pmd_size": "2097152\n",
    f"{H}/khugepaged/defrag": "1\n",
    f"{H}/khugepaged/pages_collapsed": "8123\n",
    f"{H}/khugepaged/full_scans": "77\n",
    f"{H}/khugepaged/pages_to_scan": "4096\n",
    f"{H}/khugepaged/scan_sleep_millisecs": "10000\n",
    f"{H}/khugepaged/alloc_sleep_millisecs": "60000\n",
    f"{H}/khugepaged/max_ptes_none": "511\n",
    f"{H}/khugepaged/max_ptes_swap": "64\n",
    "ksm/run": "1\n",
    "ksm/pages_shared": "4411\n",
    "ksm/pages_sharing": "61440\n",
    "ksm/pages_unshared": "90112\n",
    "ksm/pages_volatile": "233\n",
    "ksm/full_scans": "812\n",
    "ksm/stable_node_chains": "2\n",
    "ksm/stable_node_dups": "9\n",
    "ksm/pages_to_scan": "100\n",
    "ksm/sleep_millisecs": "20\n",
    "ksm/max_page_sharing": "256\n",
    "ksm/merge_across_nodes": "1\n",
    "ksm/use_zero_pages": "0\n",
    "swap/vma_ra_enabled": "true\n",
}
LATER = {
    "hugepages/hugepages-1048576kB/nr_hugepages": "4\n",
    f"{H}/shrink_underused": "0\n",
    f"{H}/khugepaged/max_ptes_shared": "256\n",
    f"{H}/hugepages-64kB/enabled": "always [inherit] madvise never\n",
    f"{H}/hugepages-64kB/shmem_enabled": "always inherit within_size advise [never]\n",
    f"{H}/hugepages-64kB/stats/anon_fault_alloc": "88211\n",
    f"{H}/hugepages-64kB/stats/later_event": "3\n",
    f"{H}/hugepages-64kB/stats/nr_anon": "4410\n",
    f"{H}/hugepages-64kB/stats/nr_anon_partially_mapped": "31\n",
    f"{H}/hugepages-2048kB/enabled": "[always] inherit madvise never\n",
    "ksm/pages_scanned": "88120331\n",
    "ksm/pages_skipped": "40112\n",
    "ksm/ksm_zero_pages": "17\n",
    "ksm/general_profit": "-240123904\n",
    "ksm/smart_scan": "1\n",
    "ksm/advisor_mode": "none [scan-time]\n",
    "numa/demotion_enabled": "false\n",
    "lru_gen/enabled": "0x0007\n",
    "lru_gen/min_ttl_ms": "1000\n",
    "page_idle/bitmap": "never opened",
}
POOL = HugepagePool(2 << 20, 512, 500, 64, 480, 8, 2)
OLD = KernelMm(
    [POOL],
    TransparentHugepages(
        "madvise", "defer+madvise", "never", True, None, 2 << 20,
        Khugepaged(True, 8123, 77, 4096, 10000, 60000, 511, 64),
    ),
    Ksm(1, 4411, 61440, 90112, 233, None, None, None, None, 812, 2, 9, 100, 20, 256, True, False),
    None,
    True,
)  # fmt: skip
NEW = KernelMm(
    [POOL, HugepagePool(1 << 30, 4)],
    TransparentHugepages(
        "madvise", "defer+madvise", "never", True, False, 2 << 20,
        Khugepaged(True, 8123, 77, 4096, 10000, 60000, 511, 64, 256),
        [
            ThpSize(64 << 10, "inherit", "never", {"anon_fault_alloc": 88211, "later_event": 3}, 4410, 31),
            ThpSize(2 << 20, "always"),
        ],
    ),
    Ksm(
        1, 4411, 61440, 90112, 233, 88120331, 40112, 17, -240123904, 812, 2, 9, 100, 20, 256, True, False, True,
        "scan-time",
    ),
    False,
    True,
    7,
    1000,
)  # fmt: skip


def mm(files: dict[str, str]) -> dict[str, Any]:
    return {f"{M}/{name}": data for name, data in files.items()}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(KERNEL_4_18, OLD, id="kernel 4.18"),
        pytest.param(KERNEL_4_18 | LATER, NEW, id="kernel 6.18"),
        pytest.param({"swap/vma_ra_enabled": "false\n"}, KernelMm(swap_vma_ra_enabled=False), id="without huge pages"),
    ],
)
def test_memory(files: dict[str, str], expected: KernelMm) -> None:
    assert read(KERNEL_MM, mm(files)) == expected


@pytest.mark.parametrize(
    ("name", "data"),
    [
        (f"{H}/enabled", "always madvise never\n"),
        (f"{H}/defrag", "always [madvise\n"),
        (f"{H}/khugepaged/full_scans", "x\n"),
        ("numa/demotion_enabled", "maybe\n"),
        ("lru_gen/enabled", "y\n"),
        ("ksm/advisor_mode", "none\n"),
    ],
)
def test_garbage_costs_its_own_field(name: str, data: str) -> None:
    value, this = reading(KERNEL_MM, mm(KERNEL_4_18 | {name: data}))
    assert value.hugepages == [POOL]
    assert [f.reason for f in this.failures.values()] == [Reason.MALFORMED]


def test_none() -> None:
    assert failure(KERNEL_MM, {}).reason is Reason.MISSING
