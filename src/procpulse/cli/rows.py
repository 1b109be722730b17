"""Rows of usage, such as one per disk, for `--rows`: which sources they are made of, and as CSV, JSON and a table."""

import shutil
import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from procpulse import usage
from procpulse.cli.options import Refused
from procpulse.cli.table import grid, size, thousands
from procpulse.delta import Delta
from procpulse.fields import Shape, fields
from procpulse.sources.proc.processes import PROCESSES
from procpulse.usage_cgroups import CgroupUsage
from procpulse.usage_totals import DiskTotal, NetworkTotal


class Rows(NamedTuple):
    """What a row is of."""

    group: str
    """Where `usage` has the rows."""
    record: Any
    needs: str
    """The source that they are made of."""
    sampled: str
    """What to sample where the user named nothing: all that a row can say, as for --sources."""
    key: str = ""
    """What to call the key of a row, where the record does not hold it."""
    facts: tuple[str, ...] = ()
    """What else is told of each, beside its usage."""
    tell: Callable[[Delta, Any], list[Any]] = lambda delta, key: []
    """These facts of a row."""

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return [*([self.key] if self.key else []), *self.record.__struct_fields__, *self.facts]

    def of(self, delta: Delta) -> Iterator[list[Any]]:
        """The values of each row."""
        for label, values in getattr(delta.usage, self.group).items():
            usage = [getattr(values, name) for name in self.record.__struct_fields__]
            yield [*([label] if self.key else []), *usage, *self.tell(delta, label)]


def _process(delta: Delta, pid: int) -> list[Any]:
    """Who a process belongs to, as far as it was sampled: parent, user, control group, open files."""
    growth = delta.growth(PROCESSES)
    row = None if growth is None else growth.value.get(pid)
    stat, owner, status, groups, files = (
        getattr(row, name, None) for name in ("stat", "owner", "status", "cgroup", "fd_count")
    )
    path = None
    if groups is not None:
        paths = [groups.unified, *(place.path for place in groups.hierarchies)]
        path = next((path for path in paths if path not in (None, "/")), "/" if groups.hierarchies else None)
    return [
        None if stat is None else stat.ppid,
        owner.euid if owner is not None else None if status is None else status.euid,
        path,
        None if files is None else files.count,
    ]


EACH = {
    "cpus": Rows("cpus", usage.CpuUsage, "stat", "stat", "cpu"),
    "disks": Rows("disks", usage.DiskUsage, "diskstats", "diskstats"),
    "interfaces": Rows("interfaces", usage.InterfaceUsage, "net_dev", "net_dev"),
    "processes": Rows(
        "processes",
        usage.ProcessUsage,
        "processes",
        "processes:cgroup+fd_count+io+owner+schedstat+statm+status",
        facts=("ppid", "euid", "cgroup", "open_files"),
        tell=_process,
    ),
    "cgroups": Rows("cgroups", CgroupUsage, "cgroup", "cgroup"),
}

HOST: dict[str, tuple[Any, tuple[str, ...]]] = {
    "cpu": (usage.CpuUsage, ("stat",)),
    "memory": (usage.MemoryUsage, ("meminfo",)),
    "kernel": (usage.KernelUsage, ("stat", "vmstat")),
    "pressure": (usage.PressureUsage, ("pressure",)),
    "disk_total": (DiskTotal, ("diskstats",)),
    "network_total": (NetworkTotal, ("net_dev",)),
}
"""The groups that a row of the host has, and the sources of which each needs one."""

CHOICES = ("host", *EACH)


def needed(rows: str) -> str:
    """What to sample for rows where the user named no sources."""
    return "default" if rows == "host" else EACH[rows].sampled


def check(rows: str | None, there: Collection[str], recorded: bool) -> None:
    """Refuse rows of what is not sampled: there would never be one.

    Args:
        rows: What they are of.
        there: The names of the sources that are sampled, or were recorded.
        recorded: Whether they come from a recording.

    Raises:
        Refused: the source that they are made of is not there.
    """
    if rows is None or rows == "host":
        return
    each = EACH[rows]
    if each.needs in there:
        return
    if recorded:
        raise Refused(f"--rows {rows} is of the source {each.needs}, which was not recorded", 2)
    raise Refused(f"--rows {rows} is of the source {each.needs}: add {each.sampled} to --sources, or leave that out", 2)


def host_groups(there: Collection[str]) -> dict[str, Any]:
    """The groups of a row of the host that have a source, and their records.

    Raises:
        Refused: none has.
    """
    found = {name: record for name, (record, any_of) in HOST.items() if any(source in there for source in any_of)}
    if not found:
        wanted = sorted({source for _, any_of in HOST.values() for source in any_of})
        raise Refused(f"rows of the host are of {', '.join(wanted)}: none of these is there; add one to --sources", 2)
    return found


def host_columns(groups: dict[str, Any]) -> tuple[list[str], Callable[[Delta], Iterator[list[Any]]]]:
    """The columns of the host, and its one row; lists of names are no cells."""
    cells = [
        (group, field.name)
        for group, record in groups.items()
        for field in fields(record)
        if field.shape is Shape.SCALAR
    ]

    def rows(delta: Delta) -> Iterator[list[Any]]:
        yield [getattr(getattr(delta.usage, group), name, None) for group, name in cells]

    return [f"{group}.{name}" for group, name in cells], rows


def table(rows: Rows, delta: Delta) -> list[str]:
    """The rows under each other for people, those of most work first; columns in which nobody has anything are left out.

    On a terminal there are as many as it has lines for.
    """
    names = rows.columns
    values = list(rows.of(delta))
    if "cpu_ratio" in names:
        place = names.index("cpu_ratio")
        values.sort(key=lambda row: -(row[place] or 0))
    room = len(values)
    if sys.stdout.isatty():
        room = max(1, shutil.get_terminal_size().lines - 4)
    used = [i for i in range(len(names)) if any(row[i] is not None for row in values)] or list(range(len(names)))
    lines = grid([[names[i] for i in used], *([_cell(names[i], row[i]) for i in used] for row in values[:room])])
    return lines if len(values) <= room else [*lines, f"({len(values) - room} more)"]


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if name.endswith("_ratio"):
        return f"{value * 100:.1f}%"
    if "bytes" in name:
        return size(value)
    if name.endswith("_per_second"):
        return thousands(value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)
