"""What control groups did, and our own beside the host: each formula by hand, None where there is nothing to say."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from procpulse import Delta, Host, Sampler, difference
from procpulse.sources import CGROUP, MEMINFO, STAT
from procpulse.sources.proc.meminfo import Meminfo
from procpulse.sources.proc.pressure import Stall, Stalls
from procpulse.sources.proc.stat import Cpu, CpuTime, Stat
from procpulse.sources.sysfs._cgroup_records import (
    Cgroup,
    CgroupCpu,
    CgroupCpuset,
    CgroupDevice,
    CgroupIo,
    CgroupMemory,
    CgroupPids,
    CgroupPressure,
)
from procpulse.sources.sysfs.cgroup import INITIAL
from procpulse.usage import Rates
from procpulse.usage_cgroups import CgroupUsage, ContainerUsage
from tests import cases
from tests.conftest import FIXTURES, roots
from tests.sources.sysfs.test_cgroup import group, mounted

__all__ = ["group"]

MIB = 1 << 20


def delta(*rows: Cgroup, seconds: float = 2.0, **values: Any) -> Delta:
    values["cgroup"] = list(rows)
    elapsed = dict.fromkeys(values, round(seconds * 1e9))
    return Delta(1, 0.0, 0, Host(page_size=4096, ticks_per_second=100), values, elapsed)


def row(path: str, own: bool = False, **values: Any) -> Cgroup:
    return Cgroup(path, 1, ["unified"], ["unified"] if own else [], **values)


def stall(us: int) -> Stall:
    return Stall(0, 0, 0, us)


def test_a_group_in_full() -> None:
    nginx = row(
        "/system.slice/nginx.service",
        unit="nginx.service",
        cpu=CgroupCpu(1_000_000, 600_000, 400_000, periods=20, throttled=5, quota_us=50_000, period_us=100_000),
        memory=CgroupMemory(
            current_bytes=64 * MIB, max_bytes=256 * MIB, high_bytes=128 * MIB, swap_bytes=MIB,
            events={"oom_kill": 1, "max": 3}, stat_bytes={"inactive_file": 24 * MIB},
        ),
        io=CgroupIo([CgroupDevice("8:0", 4096, 8192, 2, 4), CgroupDevice("8:16", 4096, None, 2)]),
        pids=CgroupPids(25, max=100),
        pressure=CgroupPressure(
            Stalls(stall(200_000), stall(0)), Stalls(stall(100_000), stall(50_000)), Stalls(stall(9_000_000), stall(0)),
            Stalls(None, stall(20_000)),
        ),
    )  # fmt: skip
    assert delta(nginx).usage.cgroups == {
        "/system.slice/nginx.service": CgroupUsage(
            path="/system.slice/nginx.service", name="nginx.service", cpu_ratio=0.5, user_ratio=0.3, system_ratio=0.2,
            cpu_quota=0.5, cpu_quota_ratio=1.0, throttled_ratio=0.25, memory_bytes=64 * MIB,
            memory_limit_bytes=128 * MIB, memory_ratio=0.5, working_set_bytes=40 * MIB, swap_bytes=MIB, oom_kills=1,
            read_bytes_per_second=4096.0, written_bytes_per_second=4096.0, reads_per_second=2.0, writes_per_second=2.0,
            pids=25, pids_ratio=0.25, cpu_some_ratio=0.1, cpu_full_ratio=0.0, memory_some_ratio=0.05,
            memory_full_ratio=0.025, io_some_ratio=1.0, io_full_ratio=0.0, irq_full_ratio=0.01,
        )
    }  # fmt: skip


def test_what_is_off_or_unlimited_is_none() -> None:
    bare = row("/a", cpu=CgroupCpu(4_000_000, periods=0, throttled=0), memory=CgroupMemory(current_bytes=5))
    assert delta(bare).usage.cgroups == {"/a": CgroupUsage("/a", "a", cpu_ratio=2.0, memory_bytes=5)}
    assert delta(row("/")).usage.cgroups == {"/": CgroupUsage("/", "/")}


def test_not_sampled() -> None:
    nothing = Delta(1, 0.0, 0, Host(), {}, {})
    assert (nothing.usage.cgroups, nothing.usage.container, nothing.usage.top_cgroups()) == ({}, None, [])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"container_id": "0123456789abcdef" * 4, "unit": "docker-x.scope"}, "0123456789ab"),
        ({"container_id": "web"}, "web"),
        ({"pod_uid": "1a2b", "slice": "kubepods-pod1a2b.slice"}, "pod 1a2b"),
        ({"machine": "deb", "unit": "machine-deb.scope"}, "deb"),
        ({"user_unit": "vte.scope", "unit": "user@1000.service"}, "vte.scope"),
        ({}, "b"),
    ],
    ids=["container", "lxc", "pod", "machine", "a user's unit", "the end of its path"],
)
def test_names(values: dict[str, Any], expected: str) -> None:
    assert delta(row("/a/b", **values)).usage.cgroups["/a/b"].name == expected


def test_the_top() -> None:
    rows = [
        row("/a", cpu=CgroupCpu(5), memory=CgroupMemory(current_bytes=9)),
        row("/b", cpu=CgroupCpu(7)),
        row("/c", cpu=CgroupCpu(5), memory=CgroupMemory(current_bytes=11)),
    ]
    usage = delta(*rows).usage
    assert [found.path for found in usage.top_cgroups(2)] == ["/b", "/a"]
    assert [found.path for found in usage.top_cgroups(by="memory_bytes")] == ["/c", "/a"]
    assert [found.path for found in usage.top_cgroups(by=lambda found: -len(found.name))] == ["/a", "/b", "/c"]
    with pytest.raises(ValueError, match="control groups can be ordered by path, name"):
        usage.top_cgroups(by="cpu")


CPUS = [Cpu(i, 1, 0, 0, 1) for i in range(8)]
BESIDE = {
    "stat": Stat(CpuTime(1, 0, 0, 1), CPUS),
    "meminfo": Meminfo(mem_total_bytes=1000 * MIB, mem_free_bytes=0, mem_available_bytes=300 * MIB),
}


def test_our_own_against_the_tightest_limits_of_its_path() -> None:
    """The quota of a group above counts against the use of that group; memory against our own limit."""
    rows = [
        row("/", cpu=CgroupCpu(9_000_000)),
        row(
            "/a", cpu=CgroupCpu(3_000_000, periods=10, throttled=5, quota_us=200_000, period_us=100_000),
            memory=CgroupMemory(current_bytes=200 * MIB, max_bytes=800 * MIB), pids=CgroupPids(60, max=64),
        ),
        row(
            "/a/b", True, container_id="f" * 64, runtime="docker",
            cpu=CgroupCpu(1_000_000, periods=10, throttled=1, quota_us=400_000, period_us=100_000),
            memory=CgroupMemory(current_bytes=100 * MIB, max_bytes=400 * MIB, stat_bytes={"inactive_file": 50 * MIB}),
            pids=CgroupPids(9, max=100), cpuset=CgroupCpuset(None, [0, 1, 2, 3], None, None, None, None),
        ),
    ]  # fmt: skip
    assert delta(*rows, **BESIDE).usage.container == ContainerUsage(
        path="/a/b", name="f" * 12, container_id="f" * 64, runtime="docker",
        cpu_ratio=1.5, cpu_limit=2.0, cpu_used_ratio=0.75, cpu_path="/a", throttled_ratio=0.5,
        memory_bytes=100 * MIB, memory_limit_bytes=400 * MIB, memory_used_ratio=0.25,
        memory_available_bytes=300 * MIB, memory_path="/a/b", pids=60, pids_limit=64,
    )  # fmt: skip


def test_a_cpu_set_tighter_than_the_quota() -> None:
    own = row(
        "/a", True, cpu=CgroupCpu(1_000_000, quota_us=800_000, period_us=100_000),
        cpuset=CgroupCpuset([3], [3], None, None, None, None),
    )  # fmt: skip
    found = delta(own, **BESIDE).usage.container
    assert found is not None
    assert (found.cpu_limit, found.cpu_used_ratio, found.cpu_path) == (1.0, 0.5, None)


def test_nothing_limits_us_but_the_host() -> None:
    own = row("/", True, cpu=CgroupCpu(4_000_000), memory=CgroupMemory(current_bytes=250 * MIB))
    assert delta(own, **BESIDE).usage.container == ContainerUsage(
        "/", "/", cpu_ratio=2.0, cpu_limit=8.0, cpu_used_ratio=0.25, memory_bytes=250 * MIB,
        memory_limit_bytes=1000 * MIB, memory_used_ratio=0.25, memory_available_bytes=300 * MIB,
    )  # fmt: skip
    alone = delta(own).usage.container
    assert alone is not None
    assert (alone.cpu_limit, alone.cpu_used_ratio, alone.memory_limit_bytes) == (None, None, None)


def v1(path: str, *own: str, **values: Any) -> Cgroup:
    return Cgroup(path, 1, ["cpu,cpuacct", "memory", "pids"], list(own), **values)


def test_version_1_has_groups_of_its_own_for_each_controller() -> None:
    rows = [
        v1("/c", "cpu,cpuacct", cpu=CgroupCpu(2_000_000)),
        v1("/m", "memory", memory=CgroupMemory(current_bytes=5, max_bytes=10)),
    ]
    found = delta(*rows, **BESIDE).usage.container
    assert found is not None
    assert (found.path, found.cpu_ratio, found.cpu_limit) == ("/m", 1.0, 8.0)
    assert (found.memory_bytes, found.memory_used_ratio) == (5, 0.5)


@pytest.mark.parametrize("top", [True, False], ids=["the host's group is named", "no group is known"])
def test_the_numbers_of_the_host_are_not_those_of_a_container(top: bool) -> None:
    """A service that was given a group for one controller only, the others as the host has them."""
    host = v1(
        "/", *(["cpu,cpuacct", "memory", "pids"] if top else []), cpu=CgroupCpu(9_000_000), pids=CgroupPids(400),
        memory=CgroupMemory(current_bytes=900 * MIB), cpuset=CgroupCpuset(None, [0, 1], None, None, None, None),
    )  # fmt: skip
    memory = v1("/m", "memory", memory=CgroupMemory(current_bytes=50 * MIB, max_bytes=100 * MIB))
    only = delta(msgspec.structs.replace(host, own=host.own[:1] + host.own[2:]), memory, **BESIDE).usage.container
    assert only == ContainerUsage(
        "/m", "m", memory_bytes=50 * MIB, memory_limit_bytes=100 * MIB, memory_used_ratio=0.5,
        memory_available_bytes=50 * MIB, memory_path="/m",
    )  # fmt: skip
    cpu = v1("/c", "cpu,cpuacct", cpu=CgroupCpu(2_000_000, quota_us=200_000, period_us=100_000))
    only = delta(msgspec.structs.replace(host, own=host.own[1:]), cpu, **BESIDE).usage.container
    assert only == ContainerUsage("/c", "c", cpu_ratio=1.0, cpu_limit=2.0, cpu_used_ratio=0.5, cpu_path="/c")
    pids = v1("/p", "pids", pids=CgroupPids(3))
    only = delta(msgspec.structs.replace(host, own=host.own[:2]), pids, **BESIDE).usage.container
    assert only == ContainerUsage("/p", "p", pids=3)


C = "/sys/fs/cgroup"
TREE = {
    f"{C}/memory/m/memory.usage_in_bytes": "1\n",
    f"{C}/memory/memory.usage_in_bytes": "2\n",
    f"{C}/cpu/cpu.stat": "nr_periods 0\n",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"/proc/self/cgroup": "2:memory:/m\n1:cpu:/\n"}, {"/": ["cpu"], "/m": ["memory"]}),
        (
            {"/proc/self/cgroup": "2:memory:/m\n1:cpu:/\n", "/proc/self/ns/cgroup@": INITIAL.decode()},
            {"/": [], "/m": ["memory"]},
        ),
        ({"/proc/self/cgroup": "2:memory:/gone\n"}, {"/": ["memory"], "/m": []}),
        (
            {
                "/proc/self/cgroup": "2:memory:/gone\n",
                "/proc/self/mountinfo": f"5 1 0:5 / {C}/memory rw - cgroup cgroup rw,memory\n",
            },
            {"/": [], "/m": []},
        ),
    ],
    ids=["a namespace that is not known", "the host's own", "not what it is called here", "not to be seen here"],
)
def test_which_groups_are_our_own(files: dict[str, str], expected: dict[str, list[str]]) -> None:
    assert {row.path: row.own for row in cases.read(CGROUP, TREE | files)} == expected


MEMORY_ONLY = """
import time
from procpulse import Sampler, difference
from procpulse.sources import CGROUP, MEMINFO, STAT
sampler = Sampler([CGROUP, MEMINFO, STAT])
first = sampler.sample_sync()
time.sleep(0.2)
found = difference(first, sampler.sample_sync()).usage.container
print(found.path, found.memory_limit_bytes, found.cpu_ratio, found.cpu_limit, found.cpu_used_ratio, found.pids)
"""


@pytest.mark.root
def test_a_program_with_a_group_for_its_memory_only(group: list[Path]) -> None:
    """On a host of version 1: its CPUs are the host's, of which it has nothing to say."""
    place = next((place for place in group if (place / "memory.limit_in_bytes").exists()), None)
    if place is None:
        pytest.skip("the memory controller is not in version 1 here")
    (place / "memory.limit_in_bytes").write_text(str(300 * MIB))
    join = f"echo $$ > {place}/cgroup.procs; "
    others = [mounted(name) / "cgroup.procs" for name in ("cpu", "pids", "cpuset")]
    join += "".join(f"echo $$ > {other}; " for other in others)
    done = subprocess.run(
        ["sh", "-ec", join + 'exec "$@"', "sh", sys.executable, "-c", MEMORY_ONLY],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout.split() == [f"/{place.name}", str(300 * MIB), *["None"] * 4], done.stderr


def test_where_we_are_is_not_known() -> None:
    assert delta(row("/a", cpu=CgroupCpu(1))).usage.container is None


def test_is_sent_with_the_rates() -> None:
    rates = delta(row("/a", True, cpu=CgroupCpu(1_000_000)), **BESIDE).usage.rates()
    again = msgspec.json.decode(msgspec.json.encode(rates), type=Rates)
    assert again == rates
    assert again.cgroups["/a"].cpu_ratio == 0.5
    assert again.container is not None


@pytest.mark.parametrize("tree", ["cgroup-v2", "cgroup-v1", "cgroup-hybrid"])
def test_of_a_captured_host(tree: str) -> None:
    sampler = Sampler([CGROUP, MEMINFO], roots=roots(FIXTURES / tree))
    usage = difference(sampler.sample_sync(), sampler.sample_sync()).usage
    sampler.close()
    assert usage.container is not None
    assert usage.container.container_id is not None
    assert usage.container.memory_used_ratio is not None
    assert 0.6 < usage.container.memory_used_ratio < 0.71
    assert all(found.cpu_ratio in (0, None) for found in usage.cgroups.values()), "nothing moves in a captured tree"


@pytest.mark.root
def test_a_busy_group_on_the_running_host(group: list[Path]) -> None:
    """A process that wants a whole CPU and may have 30 % of one."""
    for place in group:
        for name, value in (("cpu.max", "30000 100000"), ("cpu.cfs_quota_us", "30000")):
            if (place / name).exists():
                (place / name).write_text(value)
    child = subprocess.Popen([sys.executable, "-c", "input()\nwhile True: pass"], stdin=subprocess.PIPE)
    assert child.stdin is not None
    sampler = Sampler([CGROUP, STAT, MEMINFO])
    try:
        for place in group:
            (place / "cgroup.procs").write_text(str(child.pid))
        child.stdin.write(b"\n")
        child.stdin.flush()
        time.sleep(0.2)  # the kernel's own periods are 100 ms
        first = sampler.sample_sync()
        time.sleep(0.6)
        usage = difference(first, sampler.sample_sync()).usage
    finally:
        sampler.close()
        child.kill()
        child.communicate()
        end = time.monotonic() + 5
        while any((place / "cgroup.procs").read_text() for place in group) and time.monotonic() < end:
            os.sched_yield()
    found = usage.cgroups[f"/{group[0].name}"]
    assert found.cpu_quota == 0.3
    assert found.cpu_ratio is not None
    assert 0 < found.cpu_ratio < 0.6, "the quota holds, over whole periods"
    assert found.throttled_ratio is not None
    assert found.throttled_ratio > 0
    assert found.path in [top.path for top in usage.top_cgroups(by="throttled_ratio")]
    own = {line.split(":", 2)[1]: line.split(":", 2)[2] for line in Path("/proc/self/cgroup").read_text().splitlines()}
    places = {path for names, path in own.items() if {"", "cpu", "memory", "pids"} & set(names.split(","))}
    in_one = any(path != "/" for path in places) or os.readlink("/proc/self/ns/cgroup") != INITIAL.decode()
    assert (usage.container is not None) == in_one, "beside it, our own, where we have one"
