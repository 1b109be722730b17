"""What a process may really use: by control groups of all kinds, affinity and resource limits."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from procpulse import Failure, Limits, Reason, Roots, Unavailable, limits, limits_sync
from procpulse._limits import _Limits
from procpulse.source import Unreadable
from tests import cases
from tests.conftest import FIXTURES, program, roots
from tests.sources.sysfs.test_cgroup import group, mounted

__all__ = ["group"]

C = "/sys/fs/cgroup"
GIB = 1 << 30
HOST = {
    "/proc/self/status": "Name:\ta\nCpus_allowed_list:\t0-7\n",
    "/proc/meminfo": f"MemTotal: {16 * GIB // 1024} kB\nMemFree: 0 kB\nMemAvailable: {10 * GIB // 1024} kB\n"
    f"Buffers: 0 kB\nCached: 0 kB\nSwapTotal: {GIB // 1024} kB\nSwapFree: {GIB // 2048} kB\n",
    "/sys/devices/system/cpu/online": "0-7\n",
}
NONE: dict[str, Any] = {
    "cpus": 8.0,
    "online_cpus": 8,
    "affinity_cpus": 8,
    "cpuset_cpus": None,
    "cpu_quota": None,
    "cpu_path": None,
    "memory_bytes": 16 * GIB,
    "memory_total_bytes": 16 * GIB,
    "memory_max_bytes": None,
    "memory_high_bytes": None,
    "memory_path": None,
    "memory_used_bytes": 6 * GIB,
    "memory_available_bytes": 10 * GIB,
    "swap_bytes": GIB,
    "swap_used_bytes": GIB // 2,
    "swap_path": None,
    "pids_max": None,
    "pids_used": None,
    "pids_available": None,
    "pids_path": None,
    "open_files": None,
    "open_files_max": None,
    "user_processes": None,
    "address_space_bytes": None,
    "cgroup_version": "none",
    "paths": {},
    "failures": [],
    "unknown": {},
}
ALL = ("cpu", "cpuset", "memory", "pids")
V2 = {f"{C}/cgroup.controllers": "cpu memory pids cpuset\n", "/proc/self/cgroup": "0::/a.slice/b.service\n"}
A, B = f"{C}/a.slice", f"{C}/a.slice/b.service"
V1_MOUNTS = "".join(
    f"4{i} 30 0:4{i} {{root}} {C}/{name} rw - cgroup cgroup rw,{name}\n"
    for i, name in enumerate(("cpu,cpuacct", "memory", "pids"))
)
UNLIMITED = "9223372036854771712\n"
OUTSIDE = {
    name: Failure(
        Reason.UNSUPPORTED,
        C,
        f"the group of this process is outside of our namespace or mounted for another: its {name} limits are not known",
    )
    for name in ALL
}


def found(files: Mapping[str, Any], affinity: frozenset[int] | None = None, pid: int | None = None) -> Limits:
    return cases.read(_Limits(pid, affinity), HOST | dict(files))


CASES = [
    pytest.param({}, {}, id="no control groups at all"),
    pytest.param(
        {"/sys/devices/system/cpu/online": "0-3\n"}, {"cpus": 4.0, "online_cpus": 4, "affinity_cpus": 4},
        id="allowed on CPUs that are not there",
    ),
    pytest.param(
        {"/proc/self/status": "Cpus_allowed_list:\t1,3\n"}, {"cpus": 2.0, "affinity_cpus": 2}, id="bound to two CPUs"
    ),
    pytest.param(
        {
            "/proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units     \n"
            "Max processes             100                  200                  processes \n"
            "Max open files            1024                 unlimited            files     \n"
            "Max address space         4294967296           unlimited            bytes     \n"
        },
        {"open_files": 1024, "user_processes": 100, "address_space_bytes": 4 * GIB},
        id="resource limits",
    ),
    pytest.param(
        V2 | {f"{A}/cgroup.type": "domain\n", f"{B}/cgroup.type": "domain\n"},
        {"cgroup_version": "2", "paths": dict.fromkeys(ALL, "/a.slice/b.service")}, id="version 2, nothing limited",
    ),
    pytest.param(
        V2
        | {
            f"{B}/cpu.max": "max 100000\n", f"{A}/cpu.max": "250000 100000\n",
            f"{B}/cpuset.cpus.effective": "2-6\n", f"{A}/cpuset.cpus.effective": "2-7\n",
            f"{C}/cpuset.cpus.effective": "0-7\n",
            f"{B}/memory.max": f"{8 * GIB}\n", f"{B}/memory.high": "max\n", f"{B}/memory.current": f"{GIB}\n",
            f"{B}/memory.stat": f"inactive_file {GIB // 4}\n", f"{B}/memory.swap.max": "0\n",
            f"{B}/memory.swap.current": "0\n",
            f"{A}/memory.max": f"{5 * GIB}\n", f"{A}/memory.high": f"{4 * GIB}\n",
            f"{A}/memory.current": f"{3 * GIB}\n", f"{A}/memory.stat": f"inactive_file {GIB // 2}\n",
            f"{A}/memory.swap.max": "max\n", f"{A}/memory.swap.current": "9\n",
            f"{B}/pids.max": "100\n", f"{B}/pids.current": "40\n", f"{A}/pids.max": "500\n",
            f"{A}/pids.current": "490\n",
        },
        {
            "cpus": 2.5, "cpuset_cpus": 5, "cpu_quota": 2.5, "cpu_path": "/a.slice",
            "memory_bytes": 4 * GIB, "memory_max_bytes": 5 * GIB, "memory_high_bytes": 4 * GIB,
            "memory_path": "/a.slice", "memory_used_bytes": 3 * GIB, "memory_available_bytes": GIB + GIB // 2,
            "swap_bytes": 0, "swap_used_bytes": 0, "swap_path": "/a.slice/b.service",
            "pids_max": 100, "pids_used": 40, "pids_available": 10, "pids_path": "/a.slice/b.service",
            "cgroup_version": "2", "paths": dict.fromkeys(ALL, "/a.slice/b.service"),
        },
        id="version 2: limits of the group, and tighter ones above",
    ),
    pytest.param(
        {
            f"{C}/cgroup.controllers": "cpu memory\n", "/proc/self/cgroup": "0::/\n",
            f"{C}/cpu.max": "50000 100000\n", f"{C}/memory.max": f"{GIB}\n", f"{C}/memory.current": "4096\n",
        },
        {
            "cpus": 0.5, "cpu_quota": 0.5, "cpu_path": "/", "memory_bytes": GIB, "memory_max_bytes": GIB,
            "memory_path": "/", "memory_used_bytes": 4096, "memory_available_bytes": GIB - 4096,
            "cgroup_version": "2", "paths": dict.fromkeys(ALL, "/"),
        },
        id="a container with a namespace of its own",
    ),
    pytest.param(
        V2 | {f"{B}/memory.max": f"{64 * GIB}\n", f"{B}/memory.current": "1\n"},
        {"memory_max_bytes": 64 * GIB, "cgroup_version": "2", "paths": dict.fromkeys(ALL, "/a.slice/b.service")},
        id="a limit above what the host has is none",
    ),
    pytest.param(
        {
            f"{C}/cpu,cpuacct/d/x/cpu.cfs_quota_us": "150000\n", f"{C}/cpu,cpuacct/d/x/cpu.cfs_period_us": "50000\n",
            f"{C}/cpu,cpuacct/d/cpu.cfs_quota_us": "-1\n", f"{C}/cpu,cpuacct/d/cpu.cfs_period_us": "50000\n",
            f"{C}/memory/d/x/memory.limit_in_bytes": f"{2 * GIB}\n",
            f"{C}/memory/d/x/memory.usage_in_bytes": f"{GIB}\n",
            f"{C}/memory/d/x/memory.memsw.limit_in_bytes": f"{2 * GIB + 4096}\n",
            f"{C}/memory/d/x/memory.stat": f"inactive_file 1\ntotal_inactive_file {GIB // 2}\ntotal_swap 512\nswap 0\n",
            f"{C}/memory/d/memory.limit_in_bytes": UNLIMITED,
            f"{C}/pids/d/x/pids.max": "max\n", f"{C}/pids/d/x/pids.current": "3\n",
            "/proc/self/cgroup": "4:memory:/d/x\n3:cpu,cpuacct:/d/x\n2:pids:/d/x\n1:name=systemd:/d/x\n",
            "/proc/self/mountinfo": V1_MOUNTS.format(root="/"),
        },
        {
            "cpus": 3.0, "cpu_quota": 3.0, "cpu_path": "/d/x", "memory_bytes": 2 * GIB, "memory_max_bytes": 2 * GIB,
            "memory_path": "/d/x", "memory_used_bytes": GIB, "memory_available_bytes": GIB + GIB // 2,
            "swap_bytes": 4096, "swap_used_bytes": 512, "swap_path": "/d/x", "cgroup_version": "1",
            "paths": {"cpu": "/d/x", "memory": "/d/x", "pids": "/d/x"},
        },
        id="version 1",
    ),
    pytest.param(
        {
            f"{C}/cpu,cpuacct/cpu.cfs_quota_us": "100000\n", f"{C}/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            f"{C}/memory/memory.limit_in_bytes": UNLIMITED, f"{C}/memory/memory.usage_in_bytes": "8192\n",
            f"{C}/memory/memory.stat": f"inactive_file 0\nhierarchical_memory_limit {GIB}\n",
            "/proc/self/cgroup": "4:memory:/d/x\n3:cpu,cpuacct:/d/x\n",
            "/proc/self/mountinfo": V1_MOUNTS.format(root="/d/x"),
        },
        {
            "cpus": 1.0, "cpu_quota": 1.0, "cpu_path": "/d/x", "memory_bytes": GIB, "memory_max_bytes": GIB,
            "memory_path": "/d/x", "memory_used_bytes": 8192, "memory_available_bytes": GIB - 8192,
            "cgroup_version": "1", "paths": {"cpu": "/d/x", "memory": "/d/x"},
        },
        id="version 1 in a container that sees its own part, limited above",
    ),
    pytest.param(
        {
            f"{C}/memory/p/memory.limit_in_bytes": f"{GIB}\n", f"{C}/memory/p/memory.usage_in_bytes": "0\n",
            f"{C}/unified/cgroup.controllers": "cpu pids\n",
            f"{C}/unified/p/cpu.max": "200000 100000\n", f"{C}/unified/p/pids.max": "10\n",
            f"{C}/unified/p/pids.current": "1\n",
            "/proc/self/cgroup": "4:memory:/p\n1:name=systemd:/p\n0::/p\n",
        },
        {
            "cpus": 2.0, "cpu_quota": 2.0, "cpu_path": "/p", "memory_bytes": GIB, "memory_max_bytes": GIB,
            "memory_path": "/p", "memory_used_bytes": 0, "memory_available_bytes": GIB,
            "pids_max": 10, "pids_used": 1, "pids_available": 9, "pids_path": "/p",
            "cgroup_version": "1+2", "paths": dict.fromkeys(ALL, "/p"),
        },
        id="both versions, each with some controllers",
    ),
    pytest.param(
        V2
        | {
            "/proc/self/cgroup": "0::/../other\n", f"{C}/memory.max": f"{GIB}\n", f"{C}/memory.current": "0\n",
            f"{C}/other/memory.max": "1\n",
        },
        {
            "memory_bytes": GIB, "memory_max_bytes": GIB, "memory_path": "/", "memory_used_bytes": 0,
            "memory_available_bytes": GIB, "cgroup_version": "2", "swap_bytes": None, "swap_used_bytes": None, "paths": dict.fromkeys(ALL, "/../other"), "failures": list(OUTSIDE.values()), "unknown": OUTSIDE | {"swap": OUTSIDE["memory"]},
        },
        id="outside of our namespace",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), CASES)
def test_limits(files: dict[str, Any], expected: dict[str, Any]) -> None:
    assert found(files) == Limits(**NONE | expected)


def test_more_of_the_hierarchy_is_mounted_than_the_namespace_has() -> None:
    """The mount shows a part from above the namespace: a process beside it is found by its way there."""
    files = V2 | {
        "/proc/self/mountinfo": f"30 1 0:26 /.. {C} rw - cgroup2 cgroup2 rw\n",
        "/proc/self/cgroup": "0::/../other\n",
        f"{C}/other/pids.max": "7\n",
        f"{C}/other/pids.current": "1\n",
    }
    assert found(files).pids_max == 7


UNSHARED = V2 | {
    "/proc/self/status": "Pid:\t42\nCpus_allowed_list:\t0-7\n",
    "/proc/self/mountinfo": f"30 1 0:26 /../.. {C} rw - cgroup2 cgroup2 rw\n",
    "/proc/self/cgroup": "0::/sub\n",
    f"{A}/memory.max": f"{2 * GIB}\n",
    f"{A}/memory.current": "0\n",
    f"{B}/sub/cgroup.procs": "7\n42\n",
    f"{B}/sub/pids.max": "7\n",
    f"{B}/sub/pids.current": "1\n",
    f"{C}/x.slice/y.service/sub/cgroup.procs": "8\n4\n",
}


def test_a_namespace_without_mounts_of_its_own() -> None:
    """The mount begins two levels above the namespace: the group is the one that has the process in it."""
    this = found(UNSHARED)
    assert (this.pids_max, this.pids_path) == (7, "/a.slice/b.service/sub")
    assert (this.memory_bytes, this.memory_path, this.failures) == (2 * GIB, "/a.slice", [])


def test_beside_a_namespace_without_mounts_of_its_own() -> None:
    """One step up by its path, two by the mount: one level without a name is left."""
    this = found(
        UNSHARED | {"/proc/self/cgroup": "0::/../z\n", f"{A}/z/cgroup.procs": "42\n", f"{A}/z/pids.max": "3\n"}
    )
    assert (this.pids_max, this.pids_path, this.memory_path) == (3, "/a.slice/z", "/a.slice")


def test_a_namespace_whose_group_cannot_be_found_is_told() -> None:
    this = found(UNSHARED | {f"{B}/sub/cgroup.procs": "7\n"})
    assert this.pids_max is None
    assert {failure.reason for failure in this.failures} == {Reason.UNSUPPORTED}
    assert "namespace" in this.failures[0].detail


def test_the_affinity_of_a_thread_counts_before_that_of_its_process() -> None:
    assert (found({}, frozenset({5})).cpus, found({}, frozenset({5})).affinity_cpus) == (1.0, 1)


def test_of_another_process() -> None:
    files = V2 | {
        "/proc/77/status": "Cpus_allowed_list:\t2\n",
        "/proc/77/cgroup": "0::/a.slice\n",
        f"{A}/pids.max": "5\n",
        f"{A}/pids.current": "5\n",
    }
    other = found(files, pid=77)
    assert (other.cpus, other.pids_max, other.pids_available) == (1.0, 5, 0)


def test_no_such_process() -> None:
    assert cases.failure(_Limits(77), HOST).reason is Reason.MISSING
    with pytest.raises(Unavailable):
        limits_sync(1 << 30)


def test_nothing_is_known() -> None:
    with pytest.raises(Unreadable, match="number of CPUs"):
        cases.read(_Limits(), {"/proc/self/status": "Name:\ta\n"})


def test_what_could_not_be_read_is_told() -> None:
    denied = Failure(Reason.DENIED, f"{B}/memory.max", "EACCES")
    files = V2 | {f"{B}/memory.max": denied, f"{B}/pids.max": "many\n", "/sys/devices/system/cpu/online": "x\n"}
    this = found(files)
    assert this.failures == [
        denied,
        Failure(Reason.MALFORMED, f"{B}/pids.max", "not a number: many"),
        Failure(Reason.MALFORMED, "/sys/devices/system/cpu/online", "not a number: x"),
    ]
    assert (this.memory_max_bytes, this.pids_max, this.cpus) == (None, None, 8.0)


FIXTURE_CASES = [
    ("cgroup-v2", 1.0, 1 << 30, 4194, "2"),
    ("cgroup-v1", 2.5, 1 << 30, 200, "1"),
    ("cgroup-hybrid", 1.5, 402653184, 64, "1+2"),
]


@pytest.mark.parametrize(("tree", "cpus", "memory", "pids", "version"), FIXTURE_CASES)
def test_of_a_captured_host(tree: str, cpus: float, memory: int, pids: int, version: str) -> None:
    this = limits_sync(roots=roots(FIXTURES / tree))
    assert (this.cpus, this.memory_bytes, this.pids_max, this.cgroup_version) == (cpus, memory, pids, version)
    assert this.failures == []


async def test_of_this_process() -> None:
    this = await limits()
    assert 0 < this.cpus <= len(os.sched_getaffinity(0)) <= (os.cpu_count() or 1)
    assert this.memory_bytes is not None
    assert this.memory_total_bytes is not None
    assert 0 < this.memory_bytes <= this.memory_total_bytes
    assert limits_sync(os.getpid()).memory_bytes == this.memory_bytes


async def test_other_roots_are_not_asked_for_our_affinity(tree: Path) -> None:
    with pytest.raises(Unavailable):
        await limits(roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys")))


SHOW = "import sys; input(); from procpulse import limits_sync; f = limits_sync(); print(f.cpus, f.memory_bytes, f.pids_max, f.pids_used)"


@pytest.mark.root
def test_says_what_was_allowed(group: list[Path]) -> None:
    """A process in a group with a quota, a limit of memory and one of processes finds them, and we find them for it."""
    for place in group:
        for name, value in (
            ("cpu.max", "70000 100000"), ("cpu.cfs_quota_us", "70000"), ("memory.max", str(512 << 20)),
            ("memory.limit_in_bytes", str(512 << 20)), ("pids.max", "50"),
        ):  # fmt: skip
            if (place / name).exists():
                (place / name).write_text(value)
    child = subprocess.Popen([sys.executable, "-c", SHOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        for place in group:
            (place / "cgroup.procs").write_text(str(child.pid))
        seen = limits_sync(child.pid)
        assert (seen.cpus, seen.memory_bytes, seen.pids_max, seen.pids_used) == (0.7, 512 << 20, 50, 1)
        assert seen.paths["cpu"] == seen.cpu_path == f"/{group[0].name}"
        assert (seen.memory_available_bytes or 0) <= 512 << 20
    finally:
        output = child.communicate("\n", timeout=20)[0].split()
    assert output[:3] == ["0.7", str(512 << 20), "50"]


@pytest.mark.root
def test_a_tighter_group_above(group: list[Path]) -> None:
    place = mounted("pids") / group[0].name
    inner = place / "inner"
    inner.mkdir()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        (place / "pids.max").write_text("9")
        if not (inner / "pids.max").exists():
            pytest.skip("version 2 gives no controllers to groups below groups with processes")
        (inner / "pids.max").write_text("20")
        (inner / "cgroup.procs").write_text(str(child.pid))
        seen = limits_sync(child.pid)
        assert (seen.pids_max, seen.pids_path) == (9, f"/{group[0].name}")
    finally:
        child.communicate(b"\n", timeout=10)
        inner.rmdir()


INSIDE = """
set -e
for place in {places}; do echo $$ > $place/cgroup.procs; done
exec unshare --cgroup --mount sh -c '{python} -c "{show}"
mount -t tmpfs none /sys/fs/cgroup
mkdir /sys/fs/cgroup/memory
mount -t cgroup -o memory none /sys/fs/cgroup/memory
{python} -c "{show}"'
"""


@pytest.mark.root
def test_in_a_namespace_of_its_own(group: list[Path]) -> None:
    """As a container is made: first with the mounts of the host, then with one of its own."""
    program("unshare")
    place = mounted("memory") / group[0].name
    limit = place / "memory.limit_in_bytes"
    if not limit.exists():
        pytest.skip("the memory controller is not in version 1 here")
    limit.write_text(str(600 << 20))
    show = "from procpulse import limits_sync; f = limits_sync(); print(f.memory_bytes, f.memory_path)"
    script = INSIDE.format(places=" ".join(map(str, group)), python=sys.executable, show=show)
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == [f"{600 << 20} /{group[0].name}", f"{600 << 20} /"], done.stderr
