import pytest

from procpulse.sources import MEMINFO
from procpulse.sources.proc.meminfo import Meminfo
from tests.cases import parse, spoiled

K = 1024

# Every row of the kernel, each with a number of its own.
ROWS = """\
MemTotal:           1001 kB
MemFree:            1002 kB
MemAvailable:       1003 kB
Buffers:            1004 kB
Cached:             1005 kB
SwapCached:         1006 kB
Active:             1007 kB
Inactive:           1008 kB
Active(anon):       1009 kB
Inactive(anon):     1010 kB
Active(file):       1011 kB
Inactive(file):     1012 kB
Unevictable:        1013 kB
Mlocked:            1014 kB
HighTotal:          1015 kB
HighFree:           1016 kB
LowTotal:           1017 kB
LowFree:            1018 kB
MmapCopy:           1019 kB
SwapTotal:          1020 kB
SwapFree:           1021 kB
Zswap:              1022 kB
Zswapped:           1023 kB
Dirty:              1024 kB
Writeback:          1025 kB
AnonPages:          1026 kB
Mapped:             1027 kB
Shmem:              1028 kB
KReclaimable:       1029 kB
Slab:               1030 kB
SReclaimable:       1031 kB
SUnreclaim:         1032 kB
KernelStack:        1033 kB
ShadowCallStack:    1034 kB
PageTables:         1035 kB
SecPageTables:      1036 kB
NFS_Unstable:       1037 kB
Bounce:             1038 kB
WritebackTmp:       1039 kB
CommitLimit:        1040 kB
Committed_AS:       1041 kB
VmallocTotal:       1042 kB
VmallocUsed:        1043 kB
VmallocChunk:       1044 kB
Percpu:             1045 kB
EarlyMemtestBad:    1046 kB
HardwareCorrupted:  1047 kB
AnonHugePages:      1048 kB
ShmemHugePages:     1049 kB
ShmemPmdMapped:     1050 kB
FileHugePages:      1051 kB
FilePmdMapped:      1052 kB
Unaccepted:         1053 kB
Balloon:            1054 kB
GPUActive:          1055 kB
GPUReclaim:         1056 kB
CmaTotal:           1057 kB
CmaFree:            1058 kB
HugePages_Total:    1059
HugePages_Free:     1060
HugePages_Rsvd:     1061
HugePages_Surp:     1062
Hugepagesize:       1063 kB
Hugetlb:            1064 kB
DirectMap4k:        1065 kB
DirectMap64k:       1066 kB
DirectMap1M:        1067 kB
DirectMap2M:        1068 kB
DirectMap4M:        1069 kB
DirectMap1G:        1070 kB
DirectMap2G:        1071 kB
"""
EVERY = Meminfo(
    mem_total_bytes=1001 * K, mem_free_bytes=1002 * K, mem_available_bytes=1003 * K, buffers_bytes=1004 * K,
    cached_bytes=1005 * K, swap_cached_bytes=1006 * K, active_bytes=1007 * K, inactive_bytes=1008 * K,
    active_anon_bytes=1009 * K, inactive_anon_bytes=1010 * K, active_file_bytes=1011 * K,
    inactive_file_bytes=1012 * K, unevictable_bytes=1013 * K, mlocked_bytes=1014 * K, high_total_bytes=1015 * K,
    high_free_bytes=1016 * K, low_total_bytes=1017 * K, low_free_bytes=1018 * K, mmap_copy_bytes=1019 * K,
    swap_total_bytes=1020 * K, swap_free_bytes=1021 * K, zswap_bytes=1022 * K, zswapped_bytes=1023 * K,
    dirty_bytes=1024 * K, writeback_bytes=1025 * K, anon_pages_bytes=1026 * K, mapped_bytes=1027 * K,
    shmem_bytes=1028 * K, k_reclaimable_bytes=1029 * K, slab_bytes=1030 * K, s_reclaimable_bytes=1031 * K,
    s_unreclaim_bytes=1032 * K, kernel_stack_bytes=1033 * K, shadow_call_stack_bytes=1034 * K,
    page_tables_bytes=1035 * K, sec_page_tables_bytes=1036 * K, nfs_unstable_bytes=1037 * K, bounce_bytes=1038 * K,
    writeback_tmp_bytes=1039 * K, commit_limit_bytes=1040 * K, committed_as_bytes=1041 * K,
    vmalloc_total_bytes=1042 * K, vmalloc_used_bytes=1043 * K, vmalloc_chunk_bytes=1044 * K, percpu_bytes=1045 * K,
    early_memtest_bad_bytes=1046 * K, hardware_corrupted_bytes=1047 * K, anon_huge_pages_bytes=1048 * K,
    shmem_huge_pages_bytes=1049 * K, shmem_pmd_mapped_bytes=1050 * K, file_huge_pages_bytes=1051 * K,
    file_pmd_mapped_bytes=1052 * K, unaccepted_bytes=1053 * K, balloon_bytes=1054 * K, gpu_active_bytes=1055 * K,
    gpu_reclaim_bytes=1056 * K, cma_total_bytes=1057 * K, cma_free_bytes=1058 * K, huge_pages_total=1059,
    huge_pages_free=1060, huge_pages_rsvd=1061, huge_pages_surp=1062, hugepagesize_bytes=1063 * K,
    hugetlb_bytes=1064 * K, direct_map_4k_bytes=1065 * K, direct_map_64k_bytes=1066 * K,
    direct_map_1m_bytes=1067 * K, direct_map_2m_bytes=1068 * K, direct_map_4m_bytes=1069 * K,
    direct_map_1g_bytes=1070 * K, direct_map_2g_bytes=1071 * K,
)  # fmt: skip

CASES = [
    pytest.param(ROWS, EVERY, id="every row"),
    pytest.param(
        "MemTotal:        2067904 kB\n",
        Meminfo(2067904 * K),
        id="one row, the rest is absent and not 0",
    ),
    pytest.param(
        "MemTotal:   8 kB\nMemFree:   0 kB\nNfsMoon:   12 kB\nPhases:  4\n",
        Meminfo(8 * K, mem_free_bytes=0),
        id="rows of a kernel to come are ignored",
    ),
    pytest.param(
        "MemTotal:   8 kB\nVmallocTotal:   36028797018963967 kB\nHugePages_Surp:   18446744073709551615\n",
        Meminfo(8 * K, vmalloc_total_bytes=36893488147419102208 % (1 << 64), huge_pages_surp=18446744073709551615),
        id="64 bits, exactly",
    ),
    pytest.param(
        "MemTotal:\t8\tkB\r\nMemFree: 007 kB\n\nDirty:\nMem\x1b[31m: 5 kB\n",
        Meminfo(8 * K, mem_free_bytes=7 * K),
        id="odd blanks, an empty row, a hostile name",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_meminfo(text: str, expected: Meminfo) -> None:
    assert parse(MEMINFO, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MemTotal: x kB\n",
        "MemTotal: 5.5 kB\n",
        "MemTotal: 99999999999999999999999 kB\n",
        "MemTotal: 5 kB\nMemFree: 18446744073709551616 kB\n",
        "MemTotal: 5 kB\nMemFree: -1 kB\n",
        "MemTotal: 5 6 kB\n",
    ],
    ids=[
        "empty", "no number", "a fraction", "very many digits", "over 64 bits", "below 0", "two numbers",
    ],
)  # fmt: skip
def test_malformed(text: str) -> None:
    assert spoiled(MEMINFO, text)


def test_cut() -> None:
    assert parse(MEMINFO, "MemTotal: 12288000 kB\nMemFree: 12288") == Meminfo(12288000 * K), "a row cut is no row"
