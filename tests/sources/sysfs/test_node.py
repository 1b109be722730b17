from typing import Any

import pytest

from procpulse import Reason
from procpulse.sources import NODE
from procpulse.sources.sysfs.node import Node, NodeHugepages, NodeMemory
from tests.cases import failure, read, reading

N = "/sys/devices/system/node/node0"
OLD_MEMINFO = """\
Node 0 MemTotal:       16314460 kB
Node 0 MemFree:         1204116 kB
Node 0 MemUsed:        15110344 kB
Node 0 Active:          7340032 kB
Node 0 Inactive:        4194304 kB
Node 0 Active(anon):    5242880 kB
Node 0 Inactive(anon):   524288 kB
Node 0 Active(file):    2097152 kB
Node 0 Inactive(file):  3670016 kB
Node 0 Unevictable:          16 kB
Node 0 Mlocked:              16 kB
Node 0 Dirty:               408 kB
Node 0 Writeback:             4 kB
Node 0 FilePages:       6112044 kB
Node 0 Mapped:           901228 kB
Node 0 AnonPages:       5422108 kB
Node 0 Shmem:            342204 kB
Node 0 KernelStack:       15184 kB
Node 0 PageTables:        42092 kB
Node 0 NFS_Unstable:         12 kB
Node 0 Bounce:                0 kB
Node 0 WritebackTmp:          0 kB
Node 0 Slab:             610232 kB
Node 0 SReclaimable:     402112 kB
Node 0 SUnreclaim:       208120 kB
Node 0 AnonHugePages:   2048000 kB
Node 0 ShmemHugePages:        0 kB
Node 0 ShmemPmdMapped:        0 kB
Node 0 HugePages_Total:    64
Node 0 HugePages_Free:     60
Node 0 HugePages_Surp:      0
"""
OLD_MEMORY: dict[str, Any] = {
    "mem_total_bytes": 16314460 * 1024,
    "mem_free_bytes": 1204116 * 1024,
    "mem_used_bytes": 15110344 * 1024,
    "active_bytes": 7340032 * 1024,
    "inactive_bytes": 4194304 * 1024,
    "active_anon_bytes": 5242880 * 1024,
    "inactive_anon_bytes": 524288 * 1024,
    "active_file_bytes": 2097152 * 1024,
    "inactive_file_bytes": 3670016 * 1024,
    "unevictable_bytes": 16384,
    "mlocked_bytes": 16384,
    "dirty_bytes": 408 * 1024,
    "writeback_bytes": 4096,
    "file_pages_bytes": 6112044 * 1024,
    "mapped_bytes": 901228 * 1024,
    "anon_pages_bytes": 5422108 * 1024,
    "shmem_bytes": 342204 * 1024,
    "kernel_stack_bytes": 15184 * 1024,
    "page_tables_bytes": 42092 * 1024,
    "nfs_unstable_bytes": 12288,
    "bounce_bytes": 0,
    "writeback_tmp_bytes": 0,
    "slab_bytes": 610232 * 1024,
    "s_reclaimable_bytes": 402112 * 1024,
    "s_unreclaim_bytes": 208120 * 1024,
    "anon_huge_pages_bytes": 2048000 * 1024,
    "shmem_huge_pages_bytes": 0,
    "shmem_pmd_mapped_bytes": 0,
    "huge_pages_total": 64,
    "huge_pages_free": 60,
    "huge_pages_surp": 0,
}
NEW_ROWS = """\
Node 0 SwapCached:           12 kB
Node 0 ShadowCallStack:       3 kB
Node 0 SecPageTables:       808 kB
Node 0 KReclaimable:     402115 kB
Node 0 FileHugePages:      2048 kB
Node 0 FilePmdMapped:      1024 kB
Node 0 Unaccepted:            0 kB
Node 0 LaterRow:              7 kB
"""
NEW_MEMORY: dict[str, Any] = OLD_MEMORY | {
    "swap_cached_bytes": 12288,
    "shadow_call_stack_bytes": 3072,
    "sec_page_tables_bytes": 808 * 1024,
    "k_reclaimable_bytes": 402115 * 1024,
    "file_huge_pages_bytes": 2048 * 1024,
    "file_pmd_mapped_bytes": 1024 * 1024,
    "unaccepted_bytes": 0,
}
FILES = {
    f"{N}/cpulist": "0-3,8\n",
    f"{N}/distance": "10 21 31\n",
    f"{N}/meminfo": OLD_MEMINFO,
    f"{N}/numastat": "numa_hit 18446744073709551615\nnuma_miss 4413\nnuma_foreign 338\ninterleave_hit 20\n"
    "local_node 98\nother_node 9\n",
    f"{N}/hugepages/hugepages-1048576kB/nr_hugepages": "2\n",
    f"{N}/hugepages/hugepages-1048576kB/free_hugepages": "1\n",
    f"{N}/hugepages/hugepages-1048576kB/surplus_hugepages": "0\n",
    f"{N}/hugepages/hugepages-2048kB/nr_hugepages": "64\n",
    f"{N}/hugepages/hugepages-2048kB/free_hugepages": "60\n",
    f"{N}/hugepages/hugepages-2048kB/surplus_hugepages": "4\n",
    f"{N}/memory32/state": "online\n",
    f"{N}/cpu0/online": "1\n",
}
STAT = {
    "numa_hit": 18446744073709551615,
    "numa_miss": 4413,
    "numa_foreign": 338,
    "interleave_hit": 20,
    "local_node": 98,
    "other_node": 9,
}
POOLS = [NodeHugepages(2048 * 1024, 64, 60, 4), NodeHugepages(1 << 30, 2, 1, 0)]
NODE0 = Node(0, "0-3,8", [10, 21, 31], NodeMemory(**OLD_MEMORY), STAT, POOLS)


def test_a_node_kernel_4_18() -> None:
    assert read(NODE, FILES) == [NODE0]


def test_more_rows_kernel_6_18() -> None:
    assert read(NODE, FILES | {f"{N}/meminfo": OLD_MEMINFO + NEW_ROWS}) == [
        Node(0, "0-3,8", [10, 21, 31], NodeMemory(**NEW_MEMORY), STAT, POOLS)
    ]


def test_memory_without_cpus_and_nodes_in_their_order() -> None:
    files = {
        "/sys/devices/system/node/node10/cpulist": "\n",
        "/sys/devices/system/node/node10/meminfo": "Node 10 MemTotal:       33554432 kB\n",
        "/sys/devices/system/node/node9/cpulist": "0\n",
        "/sys/devices/system/node/has_cpu": "9\n",
    }
    assert read(NODE, files) == [Node(9, "0"), Node(10, memory=NodeMemory(33554432 * 1024))]


@pytest.mark.parametrize(
    "meminfo",
    [
        pytest.param("Node 0 MemTotal:       4 kB\nNode 0 MemFree:  \nNode 0 Odd row\n", id="a row without a number"),
        pytest.param('Node 0 MemTotal:       4 kB\n\nNode 0 "x": 7\n', id="a name with quotation marks"),
        pytest.param("Node 0 MemTotal: 4\tkB\n", id="a tab"),
        pytest.param("MemTotal: 4 kB\n", id="without its beginning"),
    ],
)
def test_odd_rows_cost_themselves(meminfo: str) -> None:
    assert read(NODE, {f"{N}/meminfo": meminfo}) == [Node(0, memory=NodeMemory(4096))]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("meminfo", "no rows\n"),
        ("meminfo", "Node 0 MemTotal: much kB\n"),
        ("meminfo", "Node 0 MemTotal: 99999999999999999999999 kB\n"),
        ("numastat", "numa_hit\n"),
        ("distance", "10 far\n"),
    ],
)
def test_garbage_costs_its_own_field(name: str, data: str | bytes) -> None:
    [node], this = reading(NODE, {f"{N}/cpulist": "0\n", f"{N}/{name}": data})
    assert node == Node(0, "0")
    assert this.failures[name].reason is Reason.MALFORMED


def test_no_numa() -> None:
    assert failure(NODE, {}).reason is Reason.MISSING
