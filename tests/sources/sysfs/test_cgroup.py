import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from procpulse import Failure, Host, Reason, Sampler, difference
from procpulse.source import Names, Read, Reading, Unreadable
from procpulse.sources import CGROUP
from procpulse.sources.proc.pressure import Stall, Stalls
from procpulse.sources.sysfs._cgroup_files import limit, pages_limit
from procpulse.sources.sysfs._cgroup_records import (
    Cgroup,
    CgroupCpu,
    CgroupCpuset,
    CgroupDevice,
    CgroupHugetlb,
    CgroupIo,
    CgroupMemory,
    CgroupPids,
    CgroupPressure,
)
from procpulse.sources.sysfs.cgroup import FEW, TURNS, cgroup
from tests.cases import HOST, answer, failure, read, reading

C = "/sys/fs/cgroup"
S = f"{C}/system.slice"
N = f"{S}/nginx.service"
UNLIMITED = "9223372036854771712\n"
PSI = "some avg10=1.50 avg60=0.00 avg300=0.00 total=40\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=4\n"
PRESSED = Stalls(Stall(1.5, 0, 0, 40), Stall(0, 0, 0, 4))

V2 = {
    f"{C}/cgroup.controllers": "cpuset cpu io memory hugetlb pids\n",
    f"{C}/cgroup.stat": "nr_descendants 2\nnr_dying_descendants 1\n",
    f"{C}/cpu.stat": "usage_usec 900\nuser_usec 600\nsystem_usec 300\n",
    f"{S}/cgroup.stat": "nr_descendants 1\nnr_dying_descendants 0\n",
    f"{S}/cpu.stat": "usage_usec 80\nuser_usec 50\nsystem_usec 30\n",
    f"{N}/cgroup.stat": "nr_descendants 0\nnr_dying_descendants 0\n",
    f"{N}/cgroup.events": "populated 1\nfrozen 0\n",
    f"{N}/cgroup.type": "domain\n",
    f"{N}/cgroup.procs": "11\n12\n",
    f"{N}/cgroup.max.depth": "max\n",
    f"{N}/cgroup.max.descendants": "10\n",
    f"{N}/cgroup.kill": Failure(Reason.BUG, "", "must not be opened"),
    f"{N}/memory.reclaim": Failure(Reason.BUG, "", "must not be opened"),
    f"{N}/cpu.stat": "usage_usec 70\nuser_usec 40\nsystem_usec 30\nnice_usec 5\ncore_sched.force_idle_usec 0\n"
    "nr_periods 9\nnr_throttled 3\nthrottled_usec 4000\nnr_bursts 1\nburst_usec 2\n",
    f"{N}/cpu.stat.local": "throttled_usec 3000\n",
    f"{N}/cpu.max": "50000 100000\n",
    f"{N}/cpu.max.burst": "1000\n",
    f"{N}/cpu.weight": "200\n",
    f"{N}/cpu.idle": "0\n",
    f"{N}/cpu.uclamp.min": "12.50\n",
    f"{N}/cpu.uclamp.max": "max\n",
    f"{N}/cpu.pressure": PSI,
    f"{N}/memory.pressure": PSI,
    f"{N}/io.pressure": PSI,
    f"{N}/irq.pressure": "full avg10=0.00 avg60=0.00 avg300=0.00 total=4\n",
    f"{N}/memory.current": "4096\n",
    f"{N}/memory.peak": "8192\n",
    f"{N}/memory.min": "max\n",
    f"{N}/memory.low": "0\n",
    f"{N}/memory.high": "max\n",
    f"{N}/memory.max": "65536\n",
    f"{N}/memory.oom.group": "1\n",
    f"{N}/memory.swap.current": "0\n",
    f"{N}/memory.swap.max": "0\n",
    f"{N}/memory.events": "low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\n",
    f"{N}/memory.events.local": "low 0\nmax 7\n",
    f"{N}/memory.swap.events": "max 0\nfail 2\n",
    f"{N}/memory.stat": "anon 4096\npagetables 512\nzswap 1\nworkingset_refault_anon 3\npgfault 44\nzswpin 5\n",
    f"{N}/io.stat": "8:16 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=512 dios=1 cost.usage=9\n8:0\n"
    "8:2 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6 cost.vrate=100.00\n",
    f"{N}/io.max": "8:16 rbps=max wbps=1048576 riops=max wiops=120\n",
    f"{N}/io.latency": "8:2 target=75000\n",
    f"{N}/io.weight": "default 100\n8:2 300\n",
    f"{N}/pids.current": "5\n",
    f"{N}/pids.peak": "9\n",
    f"{N}/pids.max": "max\n",
    f"{N}/pids.events": "max 0\n",
    f"{N}/cpuset.cpus": "\n",
    f"{N}/cpuset.cpus.effective": "0-2,7\n",
    f"{N}/cpuset.mems": "0\n",
    f"{N}/cpuset.mems.effective": "0\n",
    f"{N}/cpuset.cpus.partition": "member\n",
    f"{N}/hugetlb.2MB.current": "2097152\n",
    f"{N}/hugetlb.2MB.max": "max\n",
    f"{N}/hugetlb.2MB.rsvd.current": "0\n",
    f"{N}/hugetlb.2MB.rsvd.max": UNLIMITED,
    f"{N}/hugetlb.2MB.events": "max 4\n",
    f"{N}/hugetlb.1GB.current": "0\n",
    f"{N}/hugetlb.1GB.max": "1073741824\n",
    "/proc/self/cgroup": "0::/system.slice/nginx.service\n",
}
NGINX: dict[str, Any] = {
    "path": "/system.slice/nginx.service",
    "hierarchies": ["unified"],
    "own": ["unified"],
    "unit": "nginx.service",
    "slice": "system.slice",
    "type": "domain",
    "populated": True,
    "frozen": False,
    "processes": 2,
    "descendants": 0,
    "dying_descendants": 0,
    "max_descendants": 10,
    "cpu": CgroupCpu(
        usage_us=70, user_us=40, system_us=30, nice_us=5, core_sched_force_idle_us=0, periods=9, throttled=3,
        throttled_us=4000, local_throttled_us=3000, bursts=1, burst_us=2, quota_us=50000, period_us=100000,
        burst_max_us=1000, weight=200, idle=False, uclamp_min_percent=12.5,
    ),
    "memory": CgroupMemory(
        current_bytes=4096, peak_bytes=8192, low_bytes=0, max_bytes=65536, swap_bytes=0, swap_max_bytes=0,
        oom_group=True, events={"low": 0, "high": 0, "max": 7, "oom": 1, "oom_kill": 1},
        events_local={"low": 0, "max": 7}, swap_events={"max": 0, "fail": 2},
        stat_bytes={"anon": 4096, "pagetables": 512, "zswap": 1},
        stat_events={"workingset_refault_anon": 3, "pgfault": 44, "zswpin": 5},
    ),
    "io": CgroupIo(
        [
            CgroupDevice("8:2", 1, 2, 3, 4, 5, 6, latency_target_us=75000, weight=300),
            CgroupDevice(
                "8:16", 4096, 0, 1, 0, 512, 1, max_written_bytes_per_second=1048576, max_writes_per_second=120,
                cost_usage_us=9,
            ),
        ],
        100,
    ),
    "pids": CgroupPids(5, 9, None, {"max": 0}),
    "cpuset": CgroupCpuset(None, [0, 1, 2, 7], [0], [0], "member", None),
    "hugetlb": [
        CgroupHugetlb("1GB", 0, None, 1 << 30),
        CgroupHugetlb("2MB", 2097152, None, None, 0, None, 4),
    ],
    "pressure": CgroupPressure(PRESSED, PRESSED, PRESSED, Stalls(None, Stall(0, 0, 0, 4))),
}  # fmt: skip


def test_version_2() -> None:
    (root, slice, nginx), this = reading(CGROUP, V2)
    assert this.failures == {}
    assert nginx == Cgroup(identity=nginx.identity, **NGINX)
    assert (root.path, root.identity, root.descendants, root.memory) == ("/", 0, 2, None)
    assert slice.cpu == CgroupCpu(usage_us=80, user_us=50, system_us=30)
    assert (slice.io, slice.pids, slice.cpuset, slice.hugetlb, slice.pressure) == (None,) * 5, "off is None"


DOCKER = "/docker/" + "0123456789abcdef" * 4
V1 = {
    f"{C}/cpu,cpuacct/cpuacct.usage": "9000000\n",
    f"{C}/cpu,cpuacct{DOCKER}/cpuacct.usage": "5001999\n",
    f"{C}/cpu,cpuacct{DOCKER}/cpuacct.usage_user": "4000000\n",
    f"{C}/cpu,cpuacct{DOCKER}/cpuacct.usage_sys": "1000000\n",
    f"{C}/cpu,cpuacct{DOCKER}/cpu.stat": "nr_periods 8\nnr_throttled 2\nthrottled_time 3000999\n",
    f"{C}/cpu,cpuacct{DOCKER}/cpu.cfs_quota_us": "150000\n",
    f"{C}/cpu,cpuacct{DOCKER}/cpu.cfs_period_us": "100000\n",
    f"{C}/cpu,cpuacct{DOCKER}/cpu.shares": "512\n",
    f"{C}/cpu@": "cpu,cpuacct",
    f"{C}/memory{DOCKER}/cgroup.procs": "5\n6\n7\n",
    f"{C}/memory{DOCKER}/memory.usage_in_bytes": "8192\n",
    f"{C}/memory{DOCKER}/memory.max_usage_in_bytes": "12288\n",
    f"{C}/memory{DOCKER}/memory.limit_in_bytes": "1073741824\n",
    f"{C}/memory{DOCKER}/memory.soft_limit_in_bytes": UNLIMITED,
    f"{C}/memory{DOCKER}/memory.memsw.usage_in_bytes": "9000\n",
    f"{C}/memory{DOCKER}/memory.memsw.limit_in_bytes": UNLIMITED,
    f"{C}/memory{DOCKER}/memory.failcnt": "3\n",
    f"{C}/memory{DOCKER}/memory.oom_control": "oom_kill_disable 0\nunder_oom 1\noom_kill 2\n",
    f"{C}/memory{DOCKER}/memory.stat": "cache 1\nrss 2\npgfault 3\nswap 0\nhierarchical_memory_limit 536870912\n"
    "total_cache 10\ntotal_rss 20\ntotal_pgfault 30\ntotal_swap 40\n",
    f"{C}/blkio{DOCKER}/blkio.throttle.io_service_bytes": "8:0 Read 100\n8:0 Write 200\n8:0 Total 300\nTotal 300\n",
    f"{C}/blkio{DOCKER}/blkio.throttle.io_serviced": "8:0 Read 1\n8:0 Write 2\n8:0 Total 3\nTotal 3\n",
    f"{C}/blkio{DOCKER}/blkio.throttle.read_bps_device": "8:16 4096\n",
    f"{C}/pids{DOCKER}/pids.current": "4\n",
    f"{C}/pids{DOCKER}/pids.max": "max\n",
    f"{C}/cpuset{DOCKER}/cpuset.cpus": "0-1\n",
    f"{C}/cpuset{DOCKER}/cpuset.effective_cpus": "0-1\n",
    f"{C}/cpuset{DOCKER}/cpuset.mems": "0\n",
    f"{C}/cpuset{DOCKER}/cpuset.effective_mems": "0\n",
    f"{C}/hugetlb{DOCKER}/hugetlb.2MB.usage_in_bytes": "0\n",
    f"{C}/hugetlb{DOCKER}/hugetlb.2MB.limit_in_bytes": UNLIMITED,
    f"{C}/hugetlb{DOCKER}/hugetlb.2MB.failcnt": "1\n",
    f"{C}/devices/devices.list": Failure(Reason.BUG, "", "must not be opened"),
    f"{C}/systemd{DOCKER}/cgroup.procs": Failure(Reason.BUG, "", "must not be opened"),
    "/proc/self/cgroup": f"4:memory:{DOCKER}\n3:cpu,cpuacct:{DOCKER}\n1:name=systemd:{DOCKER}\n",
}


def test_version_1() -> None:
    docker = next(row for row in read(CGROUP, V1) if row.path == DOCKER)
    assert docker == Cgroup(
        path=DOCKER, identity=docker.identity,
        hierarchies=["blkio", "cpu,cpuacct", "cpuset", "hugetlb", "memory", "pids"], own=["cpu,cpuacct", "memory"],
        container_id="0123456789abcdef" * 4, runtime="docker", processes=3,
        cpu=CgroupCpu(
            usage_us=5001, user_us=4000, system_us=1000, periods=8, throttled=2, throttled_us=3000, quota_us=150000,
            period_us=100000, shares=512,
        ),
        memory=CgroupMemory(
            current_bytes=8192, peak_bytes=12288, max_bytes=1 << 30, effective_max_bytes=1 << 29, swap_bytes=40,
            memory_swap_bytes=9000, limit_hits=3, oom_kill_disabled=False, under_oom=True, events={"oom_kill": 2},
            stat_bytes={"cache": 10, "rss": 20, "swap": 40}, stat_events={"pgfault": 30},
        ),
        io=CgroupIo([
            CgroupDevice("8:0", 100, 200, 1, 2), CgroupDevice("8:16", max_read_bytes_per_second=4096),
        ]),
        pids=CgroupPids(4), cpuset=CgroupCpuset([0, 1], [0, 1], [0], [0], None, None),
        hugetlb=[CgroupHugetlb("2MB", 0, limit_hits=1)],
    )  # fmt: skip


def test_where_the_kernel_adds_up_the_groups_below_that_is_taken() -> None:
    files = V1 | {f"{C}/blkio{DOCKER}/blkio.throttle.io_service_bytes_recursive": "8:0 Read 1000\n"}
    docker = next(row for row in read(CGROUP, files) if row.path == DOCKER)
    assert docker.io is not None
    assert docker.io.devices[0] == CgroupDevice("8:0", 1000, None, 1, 2)


def test_clock_ticks_where_there_is_nothing_better() -> None:
    files = {f"{C}/cpuacct/a/cpuacct.usage": "5000000\n", f"{C}/cpuacct/a/cpuacct.stat": "user 7\nsystem 2\n"}
    assert read(CGROUP, files)[1].cpu == CgroupCpu(usage_us=5000, user_us=70_000, system_us=20_000)


def test_clock_ticks_of_more_than_64_bits_of_microseconds() -> None:
    """Found by `make fuzz`."""
    files = {f"{C}/cpuacct/a/cpuacct.usage": "5000000\n", f"{C}/cpuacct/a/cpuacct.stat": f"user 7\nsystem {10**18}\n"}
    assert read(CGROUP, files)[1].cpu == CgroupCpu(usage_us=5000)


def test_both_versions_side_by_side() -> None:
    """Version 1 has the controllers, version 2 the processes and the pressure; cpu.stat is a file of both."""
    files = V1 | {
        f"{C}/unified/cgroup.controllers": "\n",
        f"{C}/unified/cgroup.stat": "nr_descendants 2\n",
        f"{C}/unified/docker/cgroup.stat": "nr_descendants 1\n",
        f"{C}/unified{DOCKER}/cgroup.stat": "nr_descendants 0\nnr_dying_descendants 0\n",
        f"{C}/unified{DOCKER}/cgroup.procs": "5\n",
        f"{C}/unified{DOCKER}/cpu.stat": "usage_usec 1\nuser_usec 1\nsystem_usec 0\nnice_usec 9\n",
        f"{C}/unified{DOCKER}/cpu.pressure": PSI,
        "/proc/self/cgroup": f"4:memory:{DOCKER}\n0::/\n",
    }
    rows = {row.path: row for row in read(CGROUP, files)}
    docker = rows[DOCKER]
    assert docker.hierarchies[-1] == "unified"
    assert docker.pressure == CgroupPressure(PRESSED)
    assert docker.processes == 1
    assert docker.cpu is not None
    assert (docker.cpu.usage_us, docker.cpu.nice_us, docker.cpu.throttled) == (5001, 9, 2)
    assert (docker.own, rows["/"].own) == (["memory"], ["unified"])


def test_nothing_is_mounted() -> None:
    assert failure(CGROUP, {}).reason is Reason.MISSING
    assert failure(CGROUP, {f"{C}/devices/devices.list": ""}).detail == "no hierarchy is mounted"
    assert failure(CGROUP, {f"{C}/": Failure(Reason.DENIED, C, "EACCES")}).reason is Reason.DENIED


def test_one_bad_file_is_one_field_less() -> None:
    denied = Failure(Reason.DENIED, f"{N}/memory.max", "EACCES")
    rows, this = reading(CGROUP, V2 | {f"{N}/memory.max": denied, f"{N}/pids.current": "many\n"})
    memory, pids = rows[2].memory, rows[2].pids
    assert memory is not None
    assert pids is not None
    assert (memory.max_bytes, memory.current_bytes, pids.current, pids.peak) == (None, 4096, None, 9)
    assert this.failures == {
        "memory.max": denied,
        "pids.current": Failure(Reason.MALFORMED, "/system.slice/nginx.service/pids.current", "not a number: many"),
    }


def test_a_threaded_group_lists_no_processes() -> None:
    files = V2 | {f"{N}/cgroup.procs": Failure(Reason.UNSUPPORTED, f"{N}/cgroup.procs", "EOPNOTSUPP")}
    rows, this = reading(CGROUP, files)
    assert (rows[2].processes, this.failures) == (None, {})


MOUNTS = "31 30 0:26 {} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


@pytest.mark.parametrize(
    ("mounts", "own", "paths", "ours"),
    [
        (MOUNTS.format("/docker/x"), "/docker/x", ["/docker/x", "/docker/x/a"], "/docker/x"),
        (MOUNTS.format("/docker/x"), "/docker/x/a", ["/docker/x", "/docker/x/a"], "/docker/x/a"),
        (MOUNTS.format("/"), "/a", ["/", "/a"], "/a"),
        (MOUNTS.format("/.."), "/", ["/", "/a"], None),
        ("", "/docker/x", ["/", "/a"], "/"),
        ("nonsense\n", "/docker/x/a", ["/", "/a"], "/"),
    ],
    ids=[
        "a container sees its own part",
        "and is below it",
        "everything",
        "more than its namespace",
        "mountinfo cannot be read",
        "mountinfo makes no sense",
    ],
)
def test_what_is_mounted_may_be_a_part(mounts: str, own: str, paths: list[str], ours: str | None) -> None:
    files = {
        f"{C}/memory/memory.usage_in_bytes": "1\n",
        f"{C}/memory/a/memory.usage_in_bytes": "1\n",
        "/proc/self/cgroup": f"4:memory:{own}\n",
        "/proc/self/mountinfo": mounts,
    }
    rows = read(CGROUP, files)
    assert [row.path for row in rows] == paths
    assert [row.path for row in rows if row.own] == ([] if ours is None else [ours])


def test_hostile_names() -> None:
    files = {f"{C}/memory/\x1b[2J\u202e.service/memory.usage_in_bytes": "1\n"}
    row = read(CGROUP, files)[-1]
    assert (row.path, row.unit) == ("/\\x1b[2J\\u202e.service", "\\x1b[2J\\u202e.service")


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        (cgroup("/a"), ["/a", "/a/b", "/a/b/c"]),
        (cgroup("/a/b/", "/x"), ["/a/b", "/a/b/c", "/x"]),
        (cgroup("/"), ["/", "/a", "/a/b", "/a/b/c", "/x"]),
        (cgroup(depth=1), ["/", "/a", "/x"]),
        (cgroup("/a", depth=2), ["/a", "/a/b"]),
        (cgroup(most=3), ["/", "/a", "/x"]),
    ],
    ids=["below one", "below two", "all", "two levels", "both", "no more than three, the topmost first"],
)
@pytest.mark.parametrize("version", [1, 2])
def test_less_than_all(source: Any, paths: list[str], version: int) -> None:
    top = f"{C}/memory" if version == 1 else C
    files = {f"{top}/{path}memory.stat": "anon 1\n" for path in ("", "a/", "a/b/", "a/b/c/", "x/")}
    if version == 2:
        below = {"": 4, "a/": 2, "a/b/": 1, "a/b/c/": 0, "x/": 0}
        files |= {f"{C}/{path}cgroup.stat": f"nr_descendants {count}\n" for path, count in below.items()}
        files[f"{C}/cgroup.controllers"] = "memory\n"
    rows, this = reading(source, files)
    assert [row.path for row in rows] == paths
    cut = this.failures.get("rows")
    assert (cut and (cut.reason, cut.count)) == ((Reason.EXHAUSTED, 1) if source.most == 3 else None)


@pytest.mark.parametrize("wrong", [{"most": 0}, {"depth": -1}], ids=["no room", "negative"])
def test_makes_no_sense(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="below"):
        cgroup(**wrong)
    with pytest.raises(ValueError, match="starts with a slash"):
        cgroup("system.slice")


class Disk:
    """A tree in memory that is read again and again, and what was asked for."""

    def __init__(self, files: dict[str, Any]):
        self.files = files
        self.inodes: dict[str, int] = {}
        self.memory: dict[Any, Any] = {}
        self.asked: list[str] = []

    def read(self) -> list[Cgroup]:
        self.asked = []
        self.reading = Reading(HOST, self.memory)
        steps = CGROUP.steps(self.reading)
        files = {path: data.encode() if isinstance(data, str) else data for path, data in self.files.items()}
        try:
            requests = next(steps)
            while True:
                self.asked += [request.path for request in requests if isinstance(request, Read)]
                requests = steps.send([self._answer(files, request) for request in requests])
        except StopIteration as stop:
            return list(stop.value)

    def _answer(self, files: dict[str, Any], request: Any) -> Any:
        found = answer(files, {}, request)
        if isinstance(request, Names) and not isinstance(found, Failure):
            return [(name, self.inodes.get(f"{request.path}/{name}", 7)) for name, _ in found]
        return found


def flat(count: int) -> dict[str, Any]:
    files = {f"{C}/cgroup.controllers": "memory\n", f"{C}/cgroup.stat": f"nr_descendants {count}\n"}
    for i in range(count):
        files[f"{C}/g{i}/cgroup.stat"] = "nr_descendants 0\n"
        files[f"{C}/g{i}/memory.current"] = "4096\n"
        files[f"{C}/g{i}/memory.max"] = "max\n"
    return files


def test_made_again_is_another() -> None:
    disk = Disk(V2)
    disk.inodes[N] = 70
    first = disk.read()[2]
    disk.inodes[N] = 71
    second = disk.read()[2]
    assert (first.identity, second.identity) == (70, 71)


def test_what_did_not_change_is_the_same_object() -> None:
    disk = Disk(V2)
    first = disk.read()
    disk.files = V2 | {f"{N}/pids.current": "6\n"}
    second = disk.read()
    assert [a is b for a, b in zip(first, second, strict=True)] == [True, True, False]


def test_a_few_groups_are_read_whole_at_every_time() -> None:
    disk = Disk(flat(3))
    disk.read()
    disk.files |= {f"{C}/g0/memory.max": "8192\n", f"{C}/g1/pids.max": "5\n", f"{C}/g1/pids.current": "1\n"}
    rows = {row.path: row for row in disk.read()}
    assert rows["/g0"].memory == CgroupMemory(current_bytes=4096, max_bytes=8192)
    assert rows["/g1"].pids == CgroupPids(1, None, 5)


def test_limits_of_many_groups_are_read_in_turns() -> None:
    disk = Disk(flat(FEW + 10))
    for i in range(FEW + 10):
        disk.inodes[f"{C}/g{i}"] = i
    disk.read()
    disk.files = {path: "8192\n" if path.endswith("memory.max") else data for path, data in disk.files.items()}
    shown = []
    for _ in range(TURNS):
        rows = disk.read()
        assert len([path for path in disk.asked if path.endswith("memory.current")]) == FEW + 10
        assert len([path for path in disk.asked if path.endswith("memory.max")]) in range(1, FEW // 2)
        shown.append(sum(row.memory is not None and row.memory.max_bytes == 8192 for row in rows))
    assert shown == sorted(set(shown)), "more of them at every time"
    assert shown[-1] == FEW + 10


def test_a_limit_that_cannot_be_read_is_told_every_time() -> None:
    disk = Disk(flat(FEW + 10))
    for i in range(FEW + 10):
        disk.inodes[f"{C}/g{i}"] = i
    denied = disk.files[f"{C}/g1/memory.max"] = Failure(Reason.DENIED, f"{C}/g1/memory.max", "EACCES")
    for _ in range(3):
        disk.read()
        assert disk.reading.failures == {"memory.max": denied}


def test_one_that_goes_while_it_is_read_is_no_row() -> None:
    disk = Disk(flat(2))
    assert len(disk.read()) == 3
    gone = {path: Failure(Reason.MISSING, path, "ENODEV") for path in disk.files if "/g1/" in path}
    disk.files |= gone
    assert [row.path for row in disk.read()] == ["/", "/g0"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"max", None), (b"0", 0), (b"-1", None), (b"4096", 4096), (b"9223372036854771712", None), (b"18446744073709551615", None)],
    ids=["word", "nothing allowed", "minus one", "number", "version 1, 4 kB pages", "all ones"],
)  # fmt: skip
def test_limit(text: bytes, expected: int | None) -> None:
    assert limit(text) == expected


def test_limit_of_a_32_bit_kernel() -> None:
    assert pages_limit(b"8796093018112", 4096) is None
    assert pages_limit(b"8796093018112", 65536) == 8796093018112


def test_is_no_file() -> None:
    with pytest.raises(TypeError, match="tree of files"):
        CGROUP.understand(b"", Host())


# On the running host.


def mounted(controller: str) -> Path:
    """Where a controller can be used: in version 2, or in its hierarchy of version 1."""
    for top in (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified")):
        with suppress(OSError):
            if controller in (top / "cgroup.subtree_control").read_text().split():
                return top
    old = Path(f"/sys/fs/cgroup/{controller}")
    if not (old / "cgroup.procs").exists():
        pytest.skip(f"the {controller} controller is not mounted here")
    return old


@pytest.fixture
def group() -> Iterator[list[Path]]:
    """Groups of one name wherever cpu, cpuacct, memory and pids are; removed again."""
    name = f"procpulse-{os.getpid()}"
    places = sorted({(mounted(c) / name).resolve() for c in ("cpu", "memory", "pids")})
    places += [p for p in [Path(f"/sys/fs/cgroup/cpuacct/{name}").resolve()] if p.parent.exists() and p not in places]
    for place in places:
        place.mkdir()
    yield places
    for place in places:
        with suppress(FileNotFoundError):
            place.rmdir()


@pytest.mark.root
def test_says_what_the_files_say(group: list[Path]) -> None:
    """A process in a group of its own: the row holds what its files hold."""
    burn = "import time\ninput()\nt = time.process_time\nend = t() + 0.05\nwhile t() < end: pass\nprint(1, flush=True)\ninput()"
    child = subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None
    assert child.stdout is not None
    sampler = Sampler([CGROUP])
    try:
        for place in group:
            (place / "cgroup.procs").write_text(f"{child.pid}\n")
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()
        snapshot = sampler.sample_sync()
        row = next(row for row in snapshot[CGROUP] if row.path == f"/{group[0].name}")
        assert row.cpu is not None
        assert (row.cpu.usage_us or 0) >= 45_000
        assert row.memory is not None
        assert row.pids is not None
        assert (row.pids.current, row.pids.max, row.processes) == (1, None, 1)
        assert (row.memory.current_bytes or 0) > 0
        assert row.memory.max_bytes is None
        assert not any("cgroup" in name for name in snapshot.failures)
    finally:
        sampler.close()
        child.communicate(b"\n", timeout=10)


@pytest.mark.root
def test_version_2_says_what_its_files_say() -> None:
    top = next((p for p in (Path(C), Path(C, "unified")) if (p / "cgroup.controllers").exists()), None)
    if top is None:
        pytest.skip("version 2 is not mounted here")
    outer = top / f"procpulse-{os.getpid()}-2"
    inner = outer / "in\\x2dner.scope"
    outer.mkdir()
    inner.mkdir()
    work = "input(); sum(range(1_000_000)); print(flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    sampler = Sampler([CGROUP])
    try:
        (inner / "cgroup.procs").write_text(str(child.pid))
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(b"\n")
        child.stdin.flush()
        child.stdout.readline()  # it has used some CPU time in there
        rows = {row.path: row for row in sampler.sample_sync()[CGROUP]}
        above, row = rows[f"/{outer.name}"], rows[f"/{outer.name}/{inner.name}"]
        assert (above.processes, above.descendants, above.populated) == (0, 1, True)
        assert (row.processes, row.descendants, row.populated, row.frozen) == (1, 0, True, False)
        assert (row.type, row.unit, row.identity) == ("domain", "in-ner.scope", inner.stat().st_ino)
        assert (row.max_depth, row.max_descendants) == (None, None)
        assert row.cpu is not None
        said = dict(line.split() for line in (inner / "cpu.stat").read_text().splitlines())
        assert 0 < (row.cpu.usage_us or 0) <= int(said["usage_usec"])
        if (inner / "cpu.pressure").exists():
            assert row.pressure is not None
            assert row.pressure.cpu is not None
    finally:
        sampler.close()
        child.communicate(b"\n", timeout=10)
        inner.rmdir()
        outer.rmdir()


@pytest.mark.root
def test_comes_goes_and_comes_back(group: list[Path]) -> None:
    path = f"/{group[0].name}"
    sampler = Sampler([CGROUP])
    first = sampler.sample_sync()
    second = sampler.sample_sync()
    for place in group:
        place.rmdir()
    gone = sampler.sample_sync()
    for place in group:
        place.mkdir()
    again = sampler.sample_sync()
    sampler.close()
    here = [any(row.path == path for row in snapshot[CGROUP]) for snapshot in (first, second, gone, again)]
    assert here == [True, True, False, True]
    assert any(row.path == path for row in difference(first, second)[CGROUP])
    skipped = difference(second, again)
    assert not any(row.path == path for row in skipped[CGROUP]), "a new group of the old name has no delta yet"
    assert not [reset for reset in skipped.resets if reset.row.startswith(path)]


@pytest.mark.root
def test_the_whole_is_no_less_than_its_parts(group: list[Path]) -> None:
    """CPU time counts in every group above: those at the top are no more than the root, but for what is read later."""
    rows = {row.path: row for row in Sampler([CGROUP]).sample_sync()[CGROUP]}
    top = [row for path, row in rows.items() if path.count("/") == 1 and path != "/"]
    assert group[0].name in {row.path.strip("/") for row in top}
    used = sum(row.cpu.usage_us or 0 for row in top if row.cpu is not None)
    whole = rows["/"].cpu
    assert whole is not None
    assert used <= (whole.usage_us or 0) + 1_000_000


def test_a_row_survives_replacing() -> None:
    """Rows are plain records: tests of other rooms make them."""
    row = msgspec.structs.replace(read(CGROUP, V2)[2], path="/x")
    assert row.path == "/x"


def test_unreadable_is_raised_for_damage() -> None:
    steps = CGROUP.steps(Reading(HOST))
    next(steps)
    with pytest.raises(Unreadable):
        steps.send([Failure(Reason.MISSING, C), Failure(Reason.MISSING, C), Failure(Reason.MISSING, C)])


def disks(name: str, text: str, old: bool = False) -> tuple[dict[str, CgroupDevice], dict[str, Failure]]:
    """The disks of a group with this one file, by their names."""
    base = f"{C}/blkio/a" if old else f"{C}/a"
    files: dict[str, str | bytes | Failure] = {f"{base}/{name}": text, f"{base}/cgroup.procs": ""}
    if not old:
        files |= {f"{C}/cgroup.controllers": "io\n", f"{C}/cgroup.stat": "nr_descendants 1\n"}
    rows, this = reading(CGROUP, files)
    io = next(row.io for row in rows if row.path == "/a")
    assert io is not None
    return {device.device: device for device in io.devices}, this.failures


GONE = "(unknown)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "8:0 8:16 rbytes=5 rios=1\n", {"8:16": CgroupDevice("8:16", 5, reads=1)}, id="a name without numbers before"
        ),
        pytest.param("8:0 8:16 8:32 ", {}, id="names alone, without a line's end"),
        pytest.param(
            "8:0 rbytes=5\n8:16 8:32 8:48 wbytes=7 wios=2\n8:64 ",
            {"8:0": CgroupDevice("8:0", 5), "8:48": CgroupDevice("8:48", written_bytes=7, writes=2)},
            id="lines with and without",
        ),
        pytest.param(
            "8:0 use_delay=1 delay_nsec=5 8:16 rbytes=9\n",
            {"8:16": CgroupDevice("8:16", 9)},
            id="numbers in the middle",
        ),
        pytest.param(
            f"{GONE} rbytes=3 wbytes=4\n8:0 rbytes=1\n{GONE} rbytes=30 rios=2\n{GONE} {GONE} wbytes=100\n",
            {"8:0": CgroupDevice("8:0", 1), GONE: CgroupDevice(GONE, 33, 104, reads=2)},
            id="several of one name",
        ),
        pytest.param("rbytes=5\n", {}, id="no name"),
    ],
)
def test_numbers_belong_to_the_last_name_before_them(text: str, expected: dict[str, CgroupDevice]) -> None:
    assert disks("io.stat", text) == (expected, {})


def test_a_number_that_makes_no_sense_costs_itself_only() -> None:
    found, failures = disks("io.stat", "8:0 rbytes=x wbytes=1\n8:16 rbytes=1180591620717411303424 rios=2\n")
    assert found == {"8:0": CgroupDevice("8:0", None, 1), "8:16": CgroupDevice("8:16", None, reads=2)}
    assert list(failures) == ["io.stat"]
    top = (1 << 64) - 1
    found, failures = disks("io.stat", f"{GONE} rbytes={top} wbytes=1\n{GONE} rbytes=1 wbytes=2\n")
    assert found == {GONE: CgroupDevice(GONE, None, 3)}
    assert list(failures) == ["io.stat"]


def test_limits_of_one_name_are_not_added_up() -> None:
    text = f"{GONE} rbps=100 wbps=7 riops=max wiops=max\n{GONE} rbps=200 wbps=7 riops=max wiops=5\n"
    device = CgroupDevice(GONE, max_written_bytes_per_second=7)
    assert disks("io.max", text) == ({GONE: device}, {})


@pytest.mark.parametrize("suffix", ["", "_recursive"])
def test_version_1_adds_up_what_has_one_name(suffix: str) -> None:
    text = "".join(
        f"{name} Read {count}\n{name} Write {count + 1}\n{name} Sync 9\n{name} Total {2 * count + 1}\n"
        for name, count in (("8:0", 10), (GONE, 100), (GONE, 1000))
    )
    found, failures = disks(f"blkio.throttle.io_service_bytes{suffix}", text + "Total 2223\n", old=True)
    assert found == {"8:0": CgroupDevice("8:0", 10, 11), GONE: CgroupDevice(GONE, 1100, 1102)}
    found, failures = disks(f"blkio.throttle.io_serviced{suffix}", text + "8:16 Read x\n", old=True)
    assert found[GONE] == CgroupDevice(GONE, reads=1100, writes=1102)
    assert (found["8:16"].reads, list(failures)) == (None, [f"blkio.throttle.io_serviced{suffix}"])
    limits = f"8:0 50\n{GONE} 60\n{GONE} 70\n"
    found, _ = disks("blkio.throttle.read_bps_device", limits, old=True)
    assert found == {"8:0": CgroupDevice("8:0", max_read_bytes_per_second=50), GONE: CgroupDevice(GONE)}
