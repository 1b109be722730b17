"""Control groups as a tree for people: what each uses of what it may use."""

from collections.abc import Sequence

from procpulse.cli.table import grid, size
from procpulse.sources.proc.pressure import Stalls
from procpulse.sources.sysfs import _cgroup_bounds as bounds
from procpulse.sources.sysfs._cgroup_records import Cgroup
from procpulse.usage_cgroups import title

_HEAD = [
    "group",
    "cpu s",
    "cpus",
    "memory",
    "limit",
    "swap",
    "tasks",
    "limit",
    "read",
    "written",
    "cpu/mem/io waits %",
    "",
]


def tree(groups: Sequence[Cgroup]) -> list[str]:
    """One line a group, indented by how deep it is; the last columns are for the CPU, memory and disks."""
    return grid([_HEAD, *(_line(group) for group in groups)])


def _line(group: Cgroup) -> list[str]:
    depth = 0 if group.path == "/" else group.path.count("/")
    cpu, memory, pids = group.cpu, group.memory, group.pids
    quota = bounds.cpu_quota(group)
    devices = group.io.devices if group.io is not None else []
    pressure = group.pressure
    waits = [pressure.cpu, pressure.memory, pressure.io] if pressure is not None else []
    return [
        "  " * depth + _name(group),
        "-" if cpu is None or cpu.usage_us is None else f"{cpu.usage_us / 1e6:.1f}",
        "-" if quota is None else f"{quota:g}",
        size(None if memory is None else memory.current_bytes),
        size(bounds.memory_limit(group)),
        size(None if memory is None else memory.swap_bytes),
        "-" if pids is None or pids.current is None else str(pids.current),
        "-" if pids is None or pids.max is None else str(pids.max),
        size(sum(device.read_bytes or 0 for device in devices) if devices else None),
        size(sum(device.written_bytes or 0 for device in devices) if devices else None),
        "/".join(map(_wait, waits)) if waits else "-",
        group.runtime or group.qos_class or "",
    ]


def _name(group: Cgroup) -> str:
    """The end of the path, readable: long ids cut, slices and pods as systemd and Kubernetes call them."""
    short = title(group)
    end = group.path.rpartition("/")[2]
    known = group.container_id is not None and group.container_id in end
    pod = group.pod_uid is not None and group.pod_uid.replace("-", "_") in end.replace("-", "_")
    return short if known or pod else end or "/"


def _wait(stalls: Stalls | None) -> str:
    return "-" if stalls is None or stalls.some is None else f"{stalls.some.avg10_percent:.0f}"
