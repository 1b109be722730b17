"""`limits()` where control groups cannot be read: it says so, and takes nothing for granted. Trees, then namespaces."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from procpulse import Failure, Limits, Reason
from procpulse._limits import _Limits
from tests import cases
from tests.conftest import program
from tests.sources.sysfs.test_cgroup import group
from tests.test_limits import HOST, C

__all__ = ["group"]

MIB = 1 << 20
EVERY = {"cpu", "cpuset", "memory", "swap", "pids"}
INITIAL = {"/proc/self/ns/cgroup@": "cgroup:[4026531835]"}
OTHER = {"/proc/self/ns/cgroup@": "cgroup:[4026532401]"}
V2 = {"/proc/self/cgroup": "0::/shop.slice/till.service\n"}
V1 = {"/proc/self/cgroup": "6:pids:/till\n5:memory:/till\n4:cpuset:/till\n3:cpu,cpuacct:/till\n1:name=systemd:/till\n"}
HYBRID = {"/proc/self/cgroup": "5:memory:/till\n1:name=systemd:/till\n0::/till\n"}
SEEN_V1 = {
    f"{C}/cpu,cpuacct/till/cpu.cfs_quota_us": "50000\n",
    f"{C}/cpu,cpuacct/till/cpu.cfs_period_us": "100000\n",
    f"{C}/cpuset/till/cpuset.effective_cpus": "0-3\n",
    f"{C}/memory/till/memory.limit_in_bytes": f"{300 * MIB}\n",
    f"{C}/memory/till/memory.usage_in_bytes": f"{MIB}\n",
    f"{C}/pids/till/pids.max": "30\n",
    f"{C}/pids/till/pids.current": "1\n",
}


def found(*files: dict[str, Any]) -> Limits:
    merged: dict[str, Any] = dict(HOST)
    for some in files:
        merged |= some
    return cases.read(_Limits(None, None), merged)


def without(files: dict[str, Any], *parts: str) -> dict[str, Any]:
    return {path: data for path, data in files.items() if not any(part in path for part in parts)}


def no_host_memory(this: Limits) -> None:
    """What the host has is told as the host's, and stands in for nothing."""
    assert this.memory_total_bytes is not None
    told = (
        this.memory_bytes,
        this.memory_used_bytes,
        this.memory_available_bytes,
        this.swap_bytes,
        this.swap_used_bytes,
    )
    assert told == (None,) * 5


UNKNOWN = [
    pytest.param([V2], EVERY, id="version 2, no /sys"),
    pytest.param([V1], EVERY, id="version 1, no /sys"),
    pytest.param([HYBRID], EVERY, id="both versions, no /sys"),
    pytest.param([V2, INITIAL], EVERY, id="no /sys, in the host's own namespace"),
    pytest.param([{"/proc/self/cgroup": "0::/\n"}, OTHER], EVERY, id="the top of another namespace, no /sys"),
    pytest.param([{"/proc/self/cgroup": "0::/\n"}], EVERY, id="the top of a namespace that is not known, no /sys"),
    pytest.param([{"/proc/self/cgroup": "0::/../x\n"}, INITIAL], EVERY, id="beside our namespace, no /sys"),
    pytest.param([{"/proc/self/cgroup": Failure(Reason.DENIED, "/proc/self/cgroup", "EACCES")}], EVERY, id="denied"),
    pytest.param([{"/proc/self/cgroup": "what?\n"}], EVERY, id="a list that makes no sense"),
    pytest.param([{"/proc/cgroups": "#subsys_name\n"}], EVERY, id="a kernel with control groups, whose list is hidden"),
    pytest.param([V2, {f"{C}/cgroup.controllers": "cpu memory\n"}], EVERY, id="version 2, its directory is not there"),
    pytest.param(
        [V2, {f"{C}/cgroup.controllers": "cpu\n", f"{C}/shop.slice/till.service/": Failure(Reason.DENIED, C, "EACCES")}],
        EVERY, id="version 2, its directory may not be listed",
    ),
    pytest.param([V1, without(SEEN_V1, "/memory/")], {"memory", "swap"}, id="version 1, memory is not mounted"),
    pytest.param([V1, without(SEEN_V1, "/pids/")], {"pids"}, id="version 1, pids are not mounted"),
    pytest.param([V1, without(SEEN_V1, "/cpuset/", "/cpu,")], {"cpu", "cpuset"}, id="version 1, no CPUs are mounted"),
    pytest.param(
        [HYBRID, SEEN_V1], {"cpu", "cpuset", "pids"}, id="both versions, the second is not mounted"
    ),
    pytest.param(
        [V1, SEEN_V1, {f"{C}/cgroup.controllers": "io\n"}], EVERY, id="version 1 is not where version 2 is mounted"
    ),
    pytest.param(
        [V1, SEEN_V1, {"/proc/self/mountinfo": f"9 1 0:9 /other {C}/memory rw - cgroup cgroup rw,memory\n"}],
        {"memory", "swap"}, id="version 1, the part of another group is mounted",
    ),
    pytest.param(
        [V1, without(SEEN_V1, "memory.limit_in_bytes"),
         {"/proc/self/mountinfo": f"9 1 0:9 /null {C}/memory/till/memory.limit_in_bytes rw - devtmpfs none rw\n"}],
        {"memory", "swap"}, id="one file is covered by another mount",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), UNKNOWN)
def test_what_is_not_known_is_said_for_each_controller(files: list[dict[str, Any]], expected: set[str]) -> None:
    this = found(*files)
    assert set(this.unknown) == expected
    for name, failure in this.unknown.items():
        assert failure in this.failures, f"{name} is among all failures, too"
    if "memory" in expected:
        no_host_memory(this)
    if "pids" in expected:
        assert (this.pids_max, this.pids_available) == (None, None)
    if "cpu" in expected:
        assert this.cpu_quota is None


KNOWN = [
    pytest.param([{}], id="a kernel without control groups"),
    pytest.param([{"/proc/self/cgroup": ""}], id="no hierarchy was ever mounted"),
    pytest.param([{"/proc/self/cgroup": "0::/\n"}, INITIAL], id="the topmost group of the host, no /sys"),
    pytest.param(
        [{"/proc/self/cgroup": "5:memory:/\n3:cpu,cpuacct:/\n2:pids:/\n1:cpuset:/\n"}, INITIAL],
        id="the topmost group of the host, version 1, no /sys",
    ),
    pytest.param(
        [{"/proc/self/cgroup": "0::/\n", f"{C}/cgroup.controllers": "cpu memory\n"}, OTHER],
        id="a container's own top that has no limits",
    ),
    pytest.param([V1, without(SEEN_V1, "max", "limit", "quota", "cpuset.eff"), {f"{C}/cpuset/till/tasks": "1\n"}],
                 id="version 1, groups without limits"),
]  # fmt: skip


@pytest.mark.parametrize("files", KNOWN)
def test_where_nothing_limits_the_host_does(files: list[dict[str, Any]]) -> None:
    this = found(*files)
    assert (this.unknown, this.failures, this.memory_bytes) == ({}, [], this.memory_total_bytes)


def test_a_kernel_that_has_no_namespaces_of_control_groups() -> None:
    old = cases.HOST.__class__(kernel="4.4.302")
    this = cases.read(_Limits(), HOST | {"/proc/self/cgroup": "5:memory:/\n"}, old)
    assert this.unknown == {}


def test_some_of_the_groups_are_seen() -> None:
    """The limit of the group above counts, and that there may be a tighter one is said."""
    above = {
        f"{C}/cgroup.controllers": "memory\n",
        f"{C}/shop.slice/memory.max": f"{700 * MIB}\n",
        f"{C}/shop.slice/memory.current": f"{100 * MIB}\n",
    }
    this = found(V2, above)
    assert (this.memory_bytes, this.memory_path, this.memory_available_bytes) == (700 * MIB, "/shop.slice", 600 * MIB)
    assert {"memory", "swap"} <= set(this.unknown)
    assert (this.swap_bytes, this.swap_used_bytes) == (None, None)


def test_only_what_is_used_is_not_known() -> None:
    """A limit is known without that; swap has files of its own."""
    place = f"{C}/shop.slice/till.service"
    files: dict[str, Any] = {f"{C}/cgroup.controllers": "memory\n", f"{C}/shop.slice/cgroup.type": "domain\n"}
    files |= {
        f"{place}/memory.max": f"{300 * MIB}\n",
        f"{place}/memory.current": Failure(Reason.DENIED, f"{place}/memory.current", "EACCES"),
    }
    this = found(V2, files)
    assert (this.memory_bytes, this.memory_used_bytes, this.unknown) == (300 * MIB, None, {})
    assert [failure.path for failure in this.failures] == [f"{place}/memory.current"]
    files[f"{place}/memory.swap.max"] = Failure(Reason.DENIED, f"{place}/memory.swap.max", "EACCES")
    this = found(V2, files)
    assert (this.memory_bytes, this.swap_bytes, set(this.unknown)) == (300 * MIB, None, {"swap"})


# On the running host, in namespaces as sandboxes make them.

SHOW = """
import json, os, sys
from procpulse import limits_sync
import procpulse._limits
{before}
f = limits_sync()
print(json.dumps([f.memory_bytes, f.memory_total_bytes, sorted(f.unknown), f.pids_max, f.cpu_quota]))
"""


@pytest.fixture
def limited(group: list[Path]) -> list[Path]:
    """Groups with limits of 200 MiB, 40 processes and 0.9 CPUs."""
    for place in group:
        for name, value in (
            ("cpu.max", "90000 100000"), ("cpu.cfs_quota_us", "90000"), ("memory.max", str(200 * MIB)),
            ("memory.limit_in_bytes", str(200 * MIB)), ("pids.max", "40"),
        ):  # fmt: skip
            if (place / name).exists():
                (place / name).write_text(value)
    return group


def shown(places: list[Path], script: str, before: str = "", **arguments: str) -> list[Any]:
    """What `limits()` says in these groups, in a mount namespace in which a script was run; `$@` in it is Python."""
    program("unshare")
    join = "".join(f"echo $$ > {place}/cgroup.procs\n" for place in places)
    text = f"set -e\n{join}\n" + script.format(**arguments)
    command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", text, "sh", sys.executable, "-c"]
    done = subprocess.run(
        [*command, SHOW.format(before=before)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answer: list[Any] = json.loads(done.stdout)
    return answer


@pytest.mark.root
def test_nothing_hidden(limited: list[Path]) -> None:
    assert shown(limited, 'exec "$@"')[::2] == [200 * MIB, [], 0.9]


ROOT = """
mount --bind / {place}
mount -t proc proc {place}/proc
exec chroot {place} "$@"
"""


@pytest.mark.root
@pytest.mark.parametrize(
    "script",
    [
        pytest.param('mount -t tmpfs none /sys\nexec "$@"', id="no sysfs at all"),
        pytest.param('mount -t tmpfs none /sys/fs/cgroup\nexec "$@"', id="nothing at /sys/fs/cgroup"),
        pytest.param('umount -R /sys\nexec "$@"', id="sysfs taken away"),
        pytest.param(ROOT, id="a root of its own with /proc alone"),
        pytest.param('mount -t tmpfs none /sys\nexec unshare --cgroup "$@"', id="a cgroup namespace, no sysfs"),
    ],
)
def test_no_groups_to_be_seen(limited: list[Path], tmp_path: Path, script: str) -> None:
    memory, total, unknown, pids, quota = shown(limited, script, place=str(tmp_path))
    assert total > 0
    assert (memory, pids, quota) == (None, None, None)
    assert set(unknown) >= {"cpu", "memory", "swap", "pids"}


@pytest.mark.root
def test_the_directory_of_one_group_is_covered(limited: list[Path]) -> None:
    place = next(place for place in limited if list(place.glob("memory.*max*")) or list(place.glob("memory.limit*")))
    memory, _, unknown, *_ = shown(limited, 'mount -t tmpfs none {place}\nexec "$@"', place=str(place))
    assert memory is None
    assert {"memory", "swap"} <= set(unknown)


@pytest.mark.root
def test_one_file_is_masked(limited: list[Path]) -> None:
    names = ("memory.max", "memory.limit_in_bytes")
    file = next(place / name for place in limited for name in names if (place / name).exists())
    memory, _, unknown, *_ = shown(limited, 'mount --bind /dev/null {file}\nexec "$@"', file=str(file))
    # Version 1 tells the limit a second time, in memory.stat.
    assert memory == (None if file.name == "memory.max" else 200 * MIB)
    assert unknown == ["memory", "swap"]


@pytest.mark.root
def test_another_user_may_not_look(limited: list[Path]) -> None:
    """The directories of the groups are closed to others, as some hosts have it."""
    for place in limited:
        place.chmod(0o700)
    memory, _, unknown, pids, quota = shown(limited, 'exec "$@"', before="os.seteuid(65534)")
    assert (memory, pids, quota) == (None, None, None)
    assert set(unknown) >= {"cpu", "memory", "swap", "pids"}
