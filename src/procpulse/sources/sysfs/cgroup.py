r"""/sys/fs/cgroup: control groups, what they use and how they are limited, of both versions.

    /sys/fs/cgroup/system.slice/nginx.service/
        cpu.stat            usage_usec 4242
        memory.current      1048576
        memory.max          max

Version 2 is one tree. Of version 1 each controller has a tree of its own (`/sys/fs/cgroup/memory/docker/...`); groups of
one path make one row. Hosts can have both. In a container the tree begins at the container's own group.

https://docs.kernel.org/admin-guide/cgroup-v2.html, https://docs.kernel.org/admin-guide/cgroup-v1/index.html
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import msgspec

from procpulse.source import (
    PARSE_ERRORS,
    Failure,
    Link,
    Names,
    Read,
    Reading,
    Reason,
    Refresh,
    Source,
    Steps,
    Unreadable,
)
from procpulse.sources.proc.pid_cgroup import CgroupMembership, membership
from procpulse.sources.sysfs._cgroup_files import parse
from procpulse.sources.sysfs._cgroup_records import Cgroup
from procpulse.text import inert, unescape
from procpulse.tree import PAGE, Folder

ROOT = "/sys/fs/cgroup"
UNIFIED = "unified"
"""What version 2 is called among the hierarchies; on hosts that have both, its directory."""
CONTROLLERS = ("cpu", "cpuacct", "memory", "blkio", "pids", "cpuset", "hugetlb")
"""Controllers of version 1 that are read."""

INITIAL = b"cgroup:[4026531835]"
"""The namespace that the kernel makes at boot (PROC_CGROUP_INIT_INO in its proc_ns.h): `/` is the host's group there."""

MOST = 1024
"""Groups that are read at most, the topmost first."""
FEW = 64
"""Up to so many groups, everything is read at every time."""
TURNS = 8
"""With more, every group has its limits and the list of its files read anew once in so many times."""
MOUNTS_SECONDS = 60.0
"""After so long it is seen anew how the hierarchies are mounted; at once where one of them, or our own groups, changed."""

_LIVE = frozenset(
    [
        "cgroup.stat",
        "cgroup.events",
        "cgroup.procs",
        "cpu.stat",
        "cpu.stat.local",
        "cpu.pressure",
        "memory.pressure",
        "io.pressure",
        "irq.pressure",
        "memory.current",
        "memory.peak",
        "memory.swap.current",
        "memory.swap.peak",
        "memory.zswap.current",
        "memory.events",
        "memory.events.local",
        "memory.swap.events",
        "memory.stat",
        "io.stat",
        "pids.current",
        "pids.peak",
        "pids.events",
        "cpuacct.usage",
        "cpuacct.usage_user",
        "cpuacct.usage_sys",
        "cpuacct.stat",
        "memory.usage_in_bytes",
        "memory.max_usage_in_bytes",
        "memory.memsw.usage_in_bytes",
        "memory.kmem.usage_in_bytes",
        "memory.kmem.tcp.usage_in_bytes",
        "memory.failcnt",
        "memory.oom_control",
        "blkio.throttle.io_service_bytes_recursive",
        "blkio.throttle.io_serviced_recursive",
    ]
)
"""What changes by itself."""
_SETTINGS = frozenset(
    [
        "cgroup.type",
        "cgroup.max.depth",
        "cgroup.max.descendants",
        "cpu.max",
        "cpu.max.burst",
        "cpu.weight",
        "cpu.idle",
        "cpu.uclamp.min",
        "cpu.uclamp.max",
        "memory.min",
        "memory.low",
        "memory.high",
        "memory.max",
        "memory.swap.high",
        "memory.swap.max",
        "memory.zswap.max",
        "memory.zswap.writeback",
        "memory.oom.group",
        "io.max",
        "io.weight",
        "io.bfq.weight",
        "io.latency",
        "pids.max",
        "cpuset.cpus",
        "cpuset.cpus.effective",
        "cpuset.mems",
        "cpuset.mems.effective",
        "cpuset.cpus.partition",
        "cpuset.cpus.exclusive.effective",
        "cpu.cfs_quota_us",
        "cpu.cfs_period_us",
        "cpu.cfs_burst_us",
        "cpu.shares",
        "memory.limit_in_bytes",
        "memory.soft_limit_in_bytes",
        "memory.memsw.limit_in_bytes",
        "memory.swappiness",
        "blkio.weight",
        "blkio.bfq.weight",
        "blkio.throttle.read_bps_device",
        "blkio.throttle.write_bps_device",
        "blkio.throttle.read_iops_device",
        "blkio.throttle.write_iops_device",
        "cpuset.effective_cpus",
        "cpuset.effective_mems",
    ]
)
"""What somebody sets."""
_PLAIN_IO = ("io_service_bytes", "io_serviced")
_HUGE_LIVE = re.compile(
    r"hugetlb\.[0-9]+[KMG]B\.(current|events|rsvd\.current|(rsvd\.)?usage_in_bytes|max_usage_in_bytes|failcnt)"
)
_HUGE_LIMIT = re.compile(r"hugetlb\.[0-9]+[KMG]B\.(max|rsvd\.max|(rsvd\.)?limit_in_bytes)")


class _Hierarchy(NamedTuple):
    """One mounted tree of groups."""

    name: str
    folder: str
    old: bool
    """Whether it is of version 1."""
    root: str = ""
    """The path of its topmost group, where that is not the root: a container may see its own part only."""
    above: bool = False
    """Whether it begins above our namespace, where groups have no names for us."""
    told: bool = False
    """Whether the mount table says what part of it is mounted."""
    initial: bool = False
    """Whether our namespace is the host's own, so that its topmost group is the host's."""


class _Group(NamedTuple):
    """A group in one hierarchy."""

    hierarchy: _Hierarchy
    folder: str
    path: str
    inode: int = 0
    identity: int = 0
    """Changes when it, or one above it, is removed and made again."""


class _Known(NamedTuple):
    """What is kept of a group in one hierarchy from one read to the next."""

    identity: int
    live: list[Read]
    limits: list[Read]
    settings: dict[str, bytes]
    lost: list[Failure]
    """Limits that could not be read."""


class _Row:
    """A group, joined from all hierarchies."""

    __slots__ = ("entries", "hierarchies", "inodes", "own", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        self.entries: dict[str, bytes] = {}
        self.inodes: list[int] = []
        self.hierarchies: list[str] = []
        self.own: list[str] = []

    @property
    def facts(self) -> tuple[Any, ...]:
        """Everything that its record follows from."""
        return (self.inodes, self.hierarchies, self.own, self.entries)


class Cgroups(Source[list[Cgroup]]):
    """The groups of all hierarchies, one row a path.

    Of version 2 a group is listed only if it says that there are groups below. Where there are more than `FEW`, what
    somebody sets is read in turns: a new limit shows after `TURNS` reads at most. What changes by itself, and what
    groups there are, is read at every time.

    Args:
        below: Paths: only these groups and those below are read; none for all.
        depth: How many levels below the topmost group are read; None for all.
        most: How many groups are read, the topmost first. How many were left out is a failure, `cgroup/rows`.
        cadence: Seconds between reads, where every tick would be too often.
    """

    def __init__(
        self, below: Iterable[str] = (), depth: int | None = None, most: int = MOST, cadence: float | None = None
    ):
        super().__init__("cgroup", ROOT, list[Cgroup], self._one_file, cadence=cadence)
        self.below = tuple(path.rstrip("/") for path in below if path.rstrip("/"))
        self.depth = depth
        self.most = most

    def refreshes(self, value: list[Cgroup]) -> Sequence[Refresh]:
        """How the hierarchies are mounted; and where there are many groups, what somebody sets, and what files there are."""
        mounts = Refresh("/proc/self/mountinfo", MOUNTS_SECONDS)
        many = sum(len(group.hierarchies) for group in value) > FEW
        return [mounts, Refresh(f"{ROOT}/**", 0.0, reads=TURNS)] if many else [mounts]

    @staticmethod
    def _one_file(file: object) -> list[Cgroup]:
        raise TypeError("cgroup is a tree of files: parse folders instead")

    def steps(self, reading: Reading) -> Steps[list[Cgroup]]:
        """Find the hierarchies, then the groups, then read what each has.

        Raises:
            Unreadable: no hierarchy is mounted.
        """
        hierarchies, memberships = yield from _mounted(reading)
        groups: list[_Group] = []
        stats: dict[str, Any] = {}
        taken: set[str] = set()
        left = 0
        for hierarchy in hierarchies:
            left += yield from self._find(hierarchy, reading, groups, stats, taken)
        if left:
            detail = f"{left} groups more than {self.most}"
            reading.note("rows", Failure(Reason.EXHAUSTED, ROOT, detail, left))
        rows = yield from _read(groups, stats, reading)
        _place(rows, hierarchies, memberships, whole=not (left or self.below or self.depth is not None))
        return _understood(rows, reading)

    def _find(
        self,
        hierarchy: _Hierarchy,
        reading: Reading,
        groups: list[_Group],
        stats: dict[str, Any],
        taken: set[str],
    ) -> Steps[int]:
        """Add the groups of a hierarchy level by level; return how many had no room."""
        level = [_Group(hierarchy, hierarchy.folder, hierarchy.root or "/")]
        depth = left = 0
        while level:
            for group in level:
                if self._wanted(group.path):
                    groups.append(group)
                    taken.add(group.path)
            if self.depth is not None and depth >= self.depth:
                break
            if not hierarchy.old:
                answers = yield [_request(group, "cgroup.stat") for group in level]
                stats.update(zip([group.folder for group in level], answers, strict=True))
                level = [group for group, stat in zip(level, answers, strict=True) if _has_groups(stat)]
            answers = yield [Names(group.folder, folders=True) for group in level]
            below: list[_Group] = []
            for group, found in zip(level, answers, strict=True):
                if isinstance(found, Failure):
                    reading.note("*", found)
                    continue
                above = "" if group.path == "/" else group.path
                for name, inode in found:
                    path = f"{above}/{name}"
                    if not self._leads(path):
                        continue
                    if path not in taken and len(taken) + len(below) >= self.most:
                        left += 1
                    else:
                        identity = hash((group.identity, inode)) or 1
                        below.append(_Group(hierarchy, f"{group.folder}/{name}", path, inode, identity))
            level = below
            depth += 1
        return left

    def _wanted(self, path: str) -> bool:
        return not self.below or any(path == top or path.startswith(top + "/") for top in self.below)

    def _leads(self, path: str) -> bool:
        """Whether a group is wanted, or one below it."""
        return self._wanted(path) or any(top.startswith(path + "/") for top in self.below)


def _mounted(reading: Reading) -> Steps[tuple[list[_Hierarchy], list[CgroupMembership]]]:
    """The hierarchies that are mounted, and where this program is in them."""
    unified, found, own = yield [
        Read(f"{ROOT}/cgroup.controllers", PAGE, False, True),
        Names(ROOT, folders=True),
        Read("/proc/self/cgroup", 1 << 16),
    ]
    if isinstance(unified, bytes):
        hierarchies = [_Hierarchy(UNIFIED, ROOT, False)]
    elif isinstance(found, Failure):
        raise Unreadable(found)
    else:
        known = [name for name, _ in found if name == UNIFIED or set(name.split(",")) & set(CONTROLLERS)]
        hierarchies = [_Hierarchy(name, f"{ROOT}/{name}", name != UNIFIED) for name in known]
    if not hierarchies:
        raise Unreadable(Failure(Reason.MISSING, ROOT, "no hierarchy is mounted"))
    memory = reading.memory
    if memory.get("mounted") != (own, hierarchies) or reading.now_ns >= memory["again_ns"]:
        mounts, namespace = yield [Read("/proc/self/mountinfo", 1 << 24), Link("/proc/self/ns/cgroup")]
        readable = isinstance(mounts, bytes)
        memory["initial"] = namespace == INITIAL
        memory["roots"] = mount_roots(mounts) if readable else {}
        memory["mounted"] = (own, hierarchies)
        memory["again_ns"] = reading.now_ns + (int(MOUNTS_SECONDS * 1e9) if readable else 0)
    roots: dict[str, str] = memory["roots"]
    return (
        [_seen(hierarchy, roots.get(hierarchy.folder), memory["initial"]) for hierarchy in hierarchies],
        memberships(own) if isinstance(own, bytes) else [],
    )


def memberships(data: bytes) -> list[CgroupMembership]:
    """The groups of a process, by /proc/[pid]/cgroup; none where that makes no sense."""
    try:
        return [membership(line) for line in data.split(b"\n") if line]
    except PARSE_ERRORS:
        return []


def mount_roots(mountinfo: bytes) -> dict[str, str]:
    """What part of its hierarchy is mounted, by mount point, for control groups; `/` is all that may be seen."""
    roots: dict[str, str] = {}
    for line in mountinfo.split(b"\n"):
        left, _, right = line.partition(b" - ")
        columns = left.split(b" ")
        if right.startswith((b"cgroup ", b"cgroup2 ")) and len(columns) > 5:
            root, point = (unescape(column).decode("utf-8", "surrogateescape") for column in columns[3:5])
            roots[point] = root
    return roots


def _seen(hierarchy: _Hierarchy, root: str | None, initial: bool) -> _Hierarchy:
    """A hierarchy with what part of it is mounted, as far as that is known."""
    above = root is not None and root.startswith("/..")
    return hierarchy._replace(
        root="" if above or root in (None, "/") else root, above=above, told=root is not None, initial=initial
    )


def _request(group: _Group, name: str) -> Read:
    path = f"{group.folder}/{name}"
    if name == "cgroup.procs":
        return Read(path, 1 << 20, False, False, group.identity)
    return Read(path, 1 << 16, False, True, group.identity)


def _has_groups(stat: Any) -> bool:
    """Whether a group of version 2 has any below; yes where that is not known, unless it is gone."""
    if isinstance(stat, Failure):
        return stat.reason is not Reason.MISSING
    return not stat.startswith(b"nr_descendants 0\n")


def _read(groups: list[_Group], stats: dict[str, Any], reading: Reading) -> Steps[dict[str, _Row]]:
    """Read the files of all groups, and join them by path."""
    memory = reading.memory
    before: dict[str, _Known] = memory.get("groups", {})
    memory["count"] = count = memory.get("count", 0) + 1
    few = len(groups) <= FEW
    kept = [before.get(group.folder) for group in groups]
    turns = [
        few or known is None or known.identity != group.identity or (group.inode + count) % TURNS == 0
        for group, known in zip(groups, kept, strict=True)
    ]
    listings = iter((yield [Names(group.folder) for group, turn in zip(groups, turns, strict=True) if turn]))
    after: list[_Known] = []
    requests: list[Read] = []
    for group, turn, known in zip(groups, turns, kept, strict=True):
        if turn or known is None:
            found = next(listings)
            if isinstance(found, Failure):
                reading.note("*", found)
                found = []
            live, limits = _plan(tuple([name for name, _ in found]), group.hierarchy.old, group.folder in stats)
            known = _Known(
                group.identity,
                [_request(group, name) for name in live],
                [_request(group, name) for name in limits],
                {},
                [],
            )
            requests += known.limits
        after.append(known)
        requests += known.live
    answers = iter((yield requests))
    rows: dict[str, _Row] = {}
    alive: dict[str, _Known] = {}
    for group, turn, known in zip(groups, turns, after, strict=True):
        entries: dict[str, bytes] = {}
        gone = bool(known.live or known.limits)
        for request in (*known.limits, *known.live) if turn else known.live:
            data = next(answers)
            name = request.path[len(group.folder) + 1 :]
            if not isinstance(data, Failure):
                entries[name] = data
                gone = False
                if turn and _is_setting(name):
                    known.settings[name] = data
                continue
            gone &= data.reason is Reason.MISSING
            if name == "cgroup.procs" and data.reason is Reason.UNSUPPORTED:
                continue  # a threaded group has none
            if _is_setting(name):
                known.lost.append(data)
            else:
                reading.note(_kind(name), data)
        if gone and not reading.plain:
            continue  # it was removed while it was read
        alive[group.folder] = known
        for failure in known.lost:
            reading.note(_kind(failure.path.rpartition("/")[2]), failure)
        _join(rows, group, known, entries, stats, reading)
    memory["groups"] = alive
    return rows


def _join(
    rows: dict[str, _Row],
    group: _Group,
    known: _Known,
    entries: dict[str, bytes],
    stats: dict[str, Any],
    reading: Reading,
) -> None:
    """Add what a hierarchy says of a group to its row."""
    row = rows.get(group.path)
    if row is None:
        row = rows[group.path] = _Row(group.path)
    entries = known.settings | entries
    if group.hierarchy.old:
        for name, data in entries.items():
            row.entries.setdefault(f"v1/{name}", data)
    else:
        row.entries |= entries
        stat = stats.get(group.folder)
        if isinstance(stat, bytes):
            row.entries["cgroup.stat"] = stat
        elif stat is not None:
            reading.note("cgroup.stat", stat)
    row.inodes.append(0 if reading.plain else group.inode)
    row.hierarchies.append(group.hierarchy.name)


def _kind(name: str) -> str:
    return re.sub(r"[0-9]+", "*", name)


@lru_cache(maxsize=1024)
def _plan(found: tuple[str, ...], old: bool, counted: bool) -> tuple[list[str], list[str]]:
    """Which of the files that are there are read: those that change by themselves, and those that somebody sets."""
    live = [name for name in found if name in _LIVE or _HUGE_LIVE.fullmatch(name)]
    if counted:
        live = [name for name in live if name != "cgroup.stat"]
    if old:
        # Only where the kernel does not add up the groups below.
        plain = (f"blkio.throttle.{name}" for name in _PLAIN_IO)
        live += [name for name in plain if name in found and f"{name}_recursive" not in found]
        if "memory.stat" not in found:
            live = [name for name in live if name != "cgroup.procs"]
    return live, [name for name in found if _is_setting(name)]


def _is_setting(name: str) -> bool:
    return name in _SETTINGS or _HUGE_LIMIT.fullmatch(name) is not None


def _place(
    rows: dict[str, _Row], hierarchies: list[_Hierarchy], memberships: list[CgroupMembership], whole: bool
) -> None:
    """Note in which rows this program is.

    The topmost group of the host is nobody's own. A path that is not there is not what it is called here: then the
    topmost group is ours, unless the mount table says that it is another.
    """
    by_path = {inert(path.encode("utf-8", "surrogateescape")): row for path, row in rows.items()}
    for hierarchy in hierarchies:
        controllers = set(hierarchy.name.split(","))
        for member in memberships:
            if controllers & set(member.controllers) if hierarchy.old else not member.hierarchy_id:
                if hierarchy.above or (hierarchy.initial and member.path == "/"):
                    continue
                row = by_path.get(member.path)
                if row is None or hierarchy.name not in row.hierarchies:
                    row = rows.get(hierarchy.root or "/") if whole and not hierarchy.told else None
                if row is not None:
                    row.own.append(hierarchy.name)


def _understood(rows: dict[str, _Row], reading: Reading) -> list[Cgroup]:
    """The records, in the order of a tree; the same as before where nothing changed."""
    before: dict[str, tuple[Any, Cgroup, dict[str, str]]] = reading.memory.get("rows", {})
    after: dict[str, tuple[Any, Cgroup, dict[str, str]]] = {}
    values: list[Cgroup] = []
    for path in sorted(rows, key=lambda path: path.split("/") if path != "/" else []):
        row = rows[path]
        facts = row.facts
        known = before.get(path)
        if known is None or known[0] != facts:
            folder = Folder(path, row.entries, reading.host, (path,))
            record = msgspec.structs.replace(
                parse(folder), identity=_identity(row.inodes), hierarchies=row.hierarchies, own=row.own
            )
            known = (facts, record, folder.failures())
        after[path] = known
        for name, detail in known[2].items():
            file = name.removeprefix("v1/")
            reading.note(_kind(file), Failure(Reason.MALFORMED, f"{path.rstrip('/')}/{file}", detail))
        values.append(known[1])
    reading.memory["rows"] = after
    return values


def _identity(inodes: list[int]) -> int:
    """One number for the inodes of a group; the topmost group is never made again, and has 0."""
    return inodes[0] if len(inodes) == 1 or not any(inodes) else hash(tuple(inodes)) & (1 << 53) - 1


def cgroup(
    *below: str, depth: int | None = None, most: int = MOST, cadence: float | None = None
) -> Source[list[Cgroup]]:
    """A source of some control groups.

        PODS = cgroup("/kubepods.slice", depth=4, cadence=5)

    Args:
        *below: Paths: only these groups and those below; none for all.
        depth: How many levels below the root are read; None for all.
        most: How many groups are read at most, the topmost first.
        cadence: Seconds between reads, where every tick would be too often.

    Raises:
        ValueError: a path that does not start with a slash, a depth below 0, or no room for any group.
    """
    wrong = [path for path in below if not path.startswith("/")]
    if wrong:
        raise ValueError(f"the path of a control group starts with a slash, not {wrong[0]!r}")
    if most < 1 or (depth is not None and depth < 0):
        raise ValueError("depth cannot be below 0, nor most below 1")
    groups = Cgroups(below, depth, most, cadence)
    groups.made = partial(cgroup, *below, depth=depth, most=most, cadence=cadence), ()
    return groups


CGROUP = cgroup()
