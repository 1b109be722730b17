"""Both ends of what is promised: the shapes that Linux 4.18 gives its files, and those of 6.18."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from procpulse import Failure, Source, catalog, fields
from procpulse.fields import Shape
from procpulse.source import Reason
from procpulse.sources import (
    CGROUPS,
    CPUINFO,
    MEMINFO,
    NET_SNMP,
    SYS_KERNEL_HUNG_TASK,
    SYS_KERNEL_RANDOM,
    SYS_VM,
)
from tests.cases import failure, reading
from tests.conftest import trees
from tests.test_contract import answered

SINCE = re.compile(r"\(Linux ([0-9]+)\.([0-9]+)\)\.\Z")


def released(tree: Path) -> str:
    """The kernel of a tree, such as 4.18; empty where it does not say."""
    file = tree / "proc/sys/kernel/osrelease"
    return ".".join(file.read_text().split(".")[:2]) if file.exists() else ""


def records(value: Any) -> Iterator[msgspec.Struct]:
    if isinstance(value, msgspec.Struct):
        yield value
        for field in fields(type(value)):
            if field.shape in (Shape.RECORD, Shape.ROWS, Shape.TABLE):
                yield from records(getattr(value, field.name))
    elif isinstance(value, list | dict):
        for row in value.values() if isinstance(value, dict) else value:
            yield from records(row)


@pytest.mark.parametrize(
    "tree",
    [pytest.param(tree, id=f"{tree.name}, kernel {released(tree)}") for tree in trees() if released(tree)],
)
def test_what_came_later_is_absent_and_what_there_was_is_read(tree: Path) -> None:
    """A number that the kernel of a tree does not have yet is None in all of it, never 0; nothing is malformed."""
    kernel = tuple(map(int, released(tree).split(".")))
    modules = catalog.modules()
    values = {name: value for name, value in answered(tree)[0].items() if ".proc." in modules[name]}
    assert values
    early = set()
    for record in {id(record): record for value in values.values() for record in records(value)}.values():
        for field in fields(type(record)):
            since = SINCE.search(field.help)
            if since and (int(since[1]), int(since[2])) > kernel and field.shape is Shape.SCALAR:
                value = getattr(record, field.name)
                if value is not None:
                    early.add(f"{type(record).__name__}.{field.name}{since[0]} {value}")
    assert not early


def kib(*rows: str) -> str:
    return "".join(f"{row}:{nth:>12} kB\n" for nth, row in enumerate(rows, 1))


OLD_MEMINFO = [
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Buffers",
    "Cached",
    "SwapCached",
    "Active",
    "Inactive",
    "Active(anon)",
    "Inactive(anon)",
    "Active(file)",
    "Inactive(file)",
    "Unevictable",
    "Mlocked",
    "SwapTotal",
    "SwapFree",
    "Dirty",
    "Writeback",
    "AnonPages",
    "Mapped",
    "Shmem",
    "Slab",
    "SReclaimable",
    "SUnreclaim",
    "KernelStack",
    "PageTables",
    "NFS_Unstable",
    "Bounce",
    "WritebackTmp",
    "CommitLimit",
    "Committed_AS",
    "VmallocTotal",
    "VmallocUsed",
    "VmallocChunk",
    "HardwareCorrupted",
    "AnonHugePages",
    "ShmemHugePages",
    "ShmemPmdMapped",
    "CmaTotal",
    "CmaFree",
    "Hugepagesize",
    "Hugetlb",
    "DirectMap4k",
    "DirectMap2M",
    "DirectMap1G",
]
NEW_MEMINFO = [
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Buffers",
    "Cached",
    "SwapCached",
    "Active",
    "Inactive",
    "Active(anon)",
    "Inactive(anon)",
    "Active(file)",
    "Inactive(file)",
    "Unevictable",
    "Mlocked",
    "SwapTotal",
    "SwapFree",
    "Zswap",
    "Zswapped",
    "Dirty",
    "Writeback",
    "AnonPages",
    "Mapped",
    "Shmem",
    "KReclaimable",
    "Slab",
    "SReclaimable",
    "SUnreclaim",
    "KernelStack",
    "PageTables",
    "SecPageTables",
    "NFS_Unstable",
    "Bounce",
    "WritebackTmp",
    "CommitLimit",
    "Committed_AS",
    "VmallocTotal",
    "VmallocUsed",
    "VmallocChunk",
    "Percpu",
    "HardwareCorrupted",
    "AnonHugePages",
    "ShmemHugePages",
    "ShmemPmdMapped",
    "FileHugePages",
    "FilePmdMapped",
    "CmaTotal",
    "CmaFree",
    "Unaccepted",
    "Balloon",
    "Hugepagesize",
    "Hugetlb",
    "DirectMap4k",
    "DirectMap2M",
    "DirectMap1G",
]
VM = {f"/proc/sys/vm/{name}": "1\n" for name in ("swappiness", "overcommit_memory", "max_map_count")}
TASK = {"/proc/sys/kernel/hung_task_timeout_secs": "120\n", "/proc/sys/kernel/hung_task_warnings": "10\n"}
RANDOM = {
    f"/proc/sys/kernel/random/{name}": "256\n"
    for name in ("entropy_avail", "poolsize", "urandom_min_reseed_secs", "write_wakeup_threshold")
}

SHAPES = [
    pytest.param(
        MEMINFO, {"/proc/meminfo": kib(*OLD_MEMINFO)},
        {"mem_available_bytes": 3072, "hugetlb_bytes": 43008, "zswap_bytes": None, "k_reclaimable_bytes": None, "percpu_bytes": None, "balloon_bytes": None},
        id="meminfo, kernel 4.18",
    ),
    pytest.param(
        MEMINFO, {"/proc/meminfo": kib(*NEW_MEMINFO)},
        {"mem_available_bytes": 3072, "zswap_bytes": 17408, "k_reclaimable_bytes": 24576, "unaccepted_bytes": 48 << 10, "balloon_bytes": 49 << 10},
        id="meminfo, kernel 6.18",
    ),
    pytest.param(
        SYS_VM, VM | {"/proc/sys/vm/block_dump": "2\n", "/proc/sys/vm/percpu_pagelist_fraction": "8\n"},
        {"swappiness": 1, "block_dump": 2, "percpu_pagelist_fraction": 8, "percpu_pagelist_high_fraction": None, "defrag_mode": None},
        id="sys_vm, kernel 4.18",
    ),
    pytest.param(
        SYS_VM, VM | {"/proc/sys/vm/percpu_pagelist_high_fraction": "8\n", "/proc/sys/vm/defrag_mode": "1\n"},
        {"swappiness": 1, "block_dump": None, "percpu_pagelist_fraction": None, "percpu_pagelist_high_fraction": 8, "defrag_mode": 1},
        id="sys_vm, kernel 6.18",
    ),
    pytest.param(
        SYS_KERNEL_HUNG_TASK, TASK, {"timeout_seconds": 120, "warnings": 10, "detections": None},
        id="sys_kernel_hung_task, kernel 4.18",
    ),
    pytest.param(
        SYS_KERNEL_HUNG_TASK, TASK | {"/proc/sys/kernel/hung_task_detect_count": "3\n"},
        {"timeout_seconds": 120, "warnings": 10, "detections": 3}, id="sys_kernel_hung_task, kernel 6.18",
    ),
    pytest.param(
        SYS_KERNEL_RANDOM, RANDOM | {"/proc/sys/kernel/random/read_wakeup_threshold": "64\n"},
        {"poolsize": 256, "read_wakeup_threshold": 64}, id="sys_kernel_random, kernel 4.18",
    ),
    pytest.param(
        SYS_KERNEL_RANDOM, RANDOM, {"poolsize": 256, "read_wakeup_threshold": None}, id="sys_kernel_random, kernel 6.18",
    ),
    pytest.param(
        NET_SNMP,
        {"/proc/net/snmp": "Ip: Forwarding DefaultTTL InReceives\nIp: 1 64 9\nUdp: InDatagrams IgnoredMulti\nUdp: 7 2\n"},
        {"ip": {"InReceives": 9}, "udp": {"InDatagrams": 7, "IgnoredMulti": 2}}, id="net_snmp, kernel 4.18",
    ),
    pytest.param(
        NET_SNMP,
        {
            "/proc/net/snmp": "Ip: Forwarding DefaultTTL InReceives OutTransmits\nIp: 1 64 9 8\n"
            "Udp: InDatagrams IgnoredMulti MemErrors\nUdp: 7 2 1\n"
        },
        {"ip": {"InReceives": 9, "OutTransmits": 8}, "udp": {"InDatagrams": 7, "IgnoredMulti": 2, "MemErrors": 1}},
        id="net_snmp, kernel 6.18",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("source", "files", "expected"), SHAPES)
def test_rows_and_files_come_and_go(source: Source[Any], files: dict[str, str], expected: dict[str, Any]) -> None:
    value, this = reading(source, files)
    assert {name: getattr(value, name) for name in expected} == expected
    assert not this.failures


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        pytest.param(
            "cpuset\t2\t1\t1\ndebug\t0\t1\t0\nrdma\t3\t1\t1\n", ["cpuset", "debug", "rdma"], id="cgroups, kernel 4.18"
        ),
        pytest.param(
            "cpuset\t0\t1\t1\nmisc\t0\t1\t1\ndmem\t0\t1\t1\n", ["cpuset", "misc", "dmem"], id="cgroups, kernel 6.18"
        ),
    ],
)
def test_controllers_come_and_go(rows: str, names: list[str]) -> None:
    found, _ = reading(CGROUPS, {"/proc/cgroups": "#subsys_name\thierarchy\tnum_cgroups\tenabled\n" + rows})
    assert [row.name for row in found] == names


@pytest.mark.parametrize(
    ("rows", "more"),
    [
        pytest.param("", {}, id="cpuinfo, kernel 4.18"),
        pytest.param(
            "vmx flags\t: vnmi preemption_timer\n", {"vmx flags": "vnmi preemption_timer"}, id="cpuinfo, kernel 6.18"
        ),
    ],
)
def test_rows_without_a_field_are_kept_by_name(rows: str, more: dict[str, str]) -> None:
    text = f"processor\t: 0\nvendor_id\t: GenuineIntel\nfpu\t\t: yes\nflags\t\t: fpu vme\n{rows}bugs\t\t: mds\n\n"
    found, _ = reading(CPUINFO, {"/proc/cpuinfo": text})
    assert found.cpus[0].more == {"fpu": "yes"} | more
    assert (found.cpus[0].flags, found.cpus[0].bugs) == (["fpu", "vme"], ["mds"])


def test_a_file_that_is_not_there_yet_is_missing() -> None:
    found = failure(SYS_KERNEL_HUNG_TASK, {})
    assert isinstance(found, Failure)
    assert found.reason is Reason.MISSING
