"""In which control groups a process is, and what limits it there, as far as both can be seen.

The kernel says in /proc/[pid]/cgroup in which group a process is, whatever is mounted. So where /sys/fs/cgroup is not
there, is hidden by another mount or may not be read, it is known that there may be a limit, and that nobody here knows
it. Only the topmost group of the host itself has no limits; a container in a namespace of its own sees its own group
under the same name `/`, and the number of the namespace tells the two apart.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from procpulse.source import Failure, Host, Link, Names, Read, Reason, Steps
from procpulse.sources.proc.pid_cgroup import CgroupMembership
from procpulse.sources.sysfs._cgroup_files import parse
from procpulse.sources.sysfs._cgroup_records import Cgroup
from procpulse.sources.sysfs.cgroup import INITIAL, MOST, ROOT, UNIFIED, memberships, mount_roots
from procpulse.text import inert, unescape
from procpulse.tree import PAGE, Folder

CONTROLLERS = ("cpu", "cpuset", "memory", "pids")
"""Those that limit what a process may use."""


class Hierarchy(NamedTuple):
    """Where a controller is, and the group of the process there."""

    folder: str
    old: bool
    path: str
    levels: list[tuple[str, str]]
    """From the group itself up to the topmost that can be seen: where it is below `folder`, and its path."""
    hidden: int = 0
    """How many levels of groups without a name are between the topmost that can be seen and the path; below 0 for one
    that is outside of what can be seen."""


class Membership(NamedTuple):
    """The groups of one process, by controller."""

    hierarchies: dict[str, Hierarchy]
    chains: dict[str, list[Cgroup]]
    """The records of its group and of those above it, the innermost first."""
    unknown: dict[str, Failure]
    """Why it is not known whether a controller limits the process, or how much; swap, which belongs to that of memory,
    has a key of its own."""
    failures: list[Failure]
    """Everything that could not be read."""
    missing: Failure | None = None
    """Why not even the list of its groups could be read."""


_FILES = {
    ("cpu", False): ("cpu.max",),
    ("cpu", True): ("cpu.cfs_quota_us", "cpu.cfs_period_us"),
    ("cpuset", False): ("cpuset.cpus.effective",),
    ("cpuset", True): ("cpuset.effective_cpus", "cpuset.cpus"),
    ("pids", False): ("pids.max", "pids.current"),
    ("pids", True): ("pids.max", "pids.current"),
    ("memory", False): (
        "memory.max", "memory.high", "memory.current", "memory.swap.max", "memory.swap.high", "memory.swap.current",
        "memory.stat",
    ),
    ("memory", True): (
        "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes",
        "memory.stat",
    ),
}  # fmt: skip
_USE = frozenset(("memory.current", "memory.usage_in_bytes", "memory.memsw.usage_in_bytes", "memory.swap.current",
                  "pids.current", "memory.stat"))  # fmt: skip
"""Files that say what is used: without them a limit is known all the same."""


def of_process(process: str, pid: bytes, host: Host) -> Steps[Membership]:
    """The groups of a process, and the records of these and of all above that can be seen.

    Args:
        process: Its directory, such as /proc/self.
        pid: Its number, as digits.
        host: The machine.
    """
    requests: list[Any] = [
        Read(f"{process}/cgroup", 1 << 16),
        Read("/proc/self/mountinfo", 1 << 24),
        Link("/proc/self/ns/cgroup"),
        Read("/proc/cgroups", 1 << 16),
        Read(f"{ROOT}/cgroup.controllers", PAGE),
        Names(ROOT, folders=True),
    ]
    answers = yield requests
    own, mounts, namespace, counted, unified, found = answers
    this = Membership({}, {}, {}, [], own if isinstance(own, Failure) else None)
    for request, answer in zip(requests, answers, strict=True):
        # Nobody has to be allowed to look at the namespace; then it is just not known which one it is.
        if isinstance(answer, Failure) and answer.reason is not Reason.MISSING and not isinstance(request, Link):
            this.failures.append(answer)
    roots = mount_roots(mounts) if isinstance(mounts, bytes) else {}
    covered = _covered(mounts) if isinstance(mounts, bytes) else frozenset()
    names = [] if isinstance(found, Failure) else [name for name, _ in found]
    members = memberships(own) if isinstance(own, bytes) else []
    if isinstance(own, Failure):
        # Without control groups in the kernel the file is not there, and nothing limits anybody.
        if own.reason is not Reason.MISSING or isinstance(counted, bytes) or isinstance(unified, bytes) or names:
            _lose(this, own)
    elif own and not members:
        _lose(this, Failure(Reason.MALFORMED, f"{process}/cgroup", "not a list of control groups"))
    initial = namespace == INITIAL or bool(host.kernel and not host.at_least(4, 6))
    _find(this, members, roots, names, isinstance(unified, bytes), initial)
    for controller, hierarchy in list(this.hierarchies.items()):
        if hierarchy.hidden:
            hierarchy = yield from _search(this, controller, pid)
        this.chains[controller] = yield from _chain(this, controller, hierarchy, host, initial, covered)
    return this


def _lose(this: Membership, failure: Failure, *controllers: str) -> None:
    """Note why these controllers, or all, are not known; the first reason stands."""
    for controller in controllers or CONTROLLERS:
        this.unknown.setdefault(controller, failure)
        if controller == "memory":
            this.unknown.setdefault("swap", failure)
    if failure not in this.failures:
        this.failures.append(failure)


def _find(
    this: Membership,
    members: list[CgroupMembership],
    roots: dict[str, str],
    names: list[str],
    unified: bool,
    initial: bool,
) -> None:
    """Where each controller limits the process: in the hierarchy of version 1 that has it, else in version 2."""
    second = next((member for member in members if not member.hierarchy_id), None)
    for controller in CONTROLLERS:
        first = next((member for member in members if member.hierarchy_id and controller in member.controllers), None)
        member = first or second
        if member is None:
            continue
        if first is not None and not unified:
            name = next((name for name in names if controller in name.split(",")), controller)
            folder = f"{ROOT}/{name}"
        elif first is None and (unified or UNIFIED in names):
            folder = ROOT if unified else f"{ROOT}/{UNIFIED}"
        else:
            if not (initial and member.path == "/"):
                version = "1" if first is not None else "2"
                _lose(
                    this,
                    _not_seen(controller, member.path, ROOT, f"version {version} is not mounted there"),
                    controller,
                )
            continue
        root = inert(roots.get(folder, "/").encode("utf-8", "surrogateescape"))
        levels = list(_levels(member.path, root))
        hidden = _hidden(member.path, root)
        if not hidden and not _is_below(member.path, root):
            why = f"{root} is what is mounted there"
            _lose(this, _not_seen(controller, member.path, folder, why), controller)
        this.hierarchies[controller] = Hierarchy(folder, member is first, member.path, levels, hidden)


def _not_seen(controller: str, path: str, folder: str, why: str) -> Failure:
    detail = f"the {controller} limits of the control group {path} cannot be seen: {why}"
    return Failure(Reason.MISSING, folder, detail)


def _is_below(path: str, root: str) -> bool:
    return root in ("/", path) or path.startswith(root + "/")


def _hidden(path: str, root: str) -> int:
    """How many steps up from our namespace the mount begins, less those that the path goes up itself."""
    if _is_below(path, root) and "/.." not in path[len(root.rstrip("/")) :]:
        return 0
    steps = root.count("/..") - path.count("/..")
    return steps or -1 if root.startswith("/..") or "/.." in path else 0


def _levels(path: str, root: str) -> Iterator[tuple[str, str]]:
    """The group and those above it, each as a folder below the mount point and a path, by what part is mounted there.

    A path that is not below that part cannot be found: it was mounted for another namespace, or the process is outside
    of ours. What is left is the topmost group that can be seen.
    """
    above = "" if root == "/" else root
    rest = path[len(above) :].rstrip("/") if _is_below(path, root) else ""
    if "/.." in rest:
        rest = ""
    while rest:
        yield rest, above + rest
        rest = rest.rpartition("/")[0]
    yield "", above or "/"


def _search(this: Membership, controller: str, pid: bytes) -> Steps[Hierarchy]:
    """Find the group of a process that is in a namespace of its own, where more than that namespace is mounted.

    How many levels above the namespace the mount begins is known, the names of these levels are not: the group is the
    one that has the process in it.
    """
    found = this.hierarchies[controller]
    places = [""] if found.hidden > 0 else []
    for _ in range(found.hidden):
        answers = yield [Names(found.folder + place, folders=True) for place in places[:MOST]]
        places = [
            f"{place}/{name}"
            for place, names in zip(places, answers, strict=False)
            if not isinstance(names, Failure)
            for name, _ in names
        ]
    rest = re.sub(r"^(?:/\.\.)+(?=/|$)", "", found.path).rstrip("/")
    answers = yield [Read(f"{found.folder}{place}{rest}/cgroup.procs", 1 << 20) for place in places[:MOST]]
    for place, held in zip(places, answers, strict=False):
        if isinstance(held, bytes) and pid in held.split():
            found = this.hierarchies[controller] = found._replace(levels=list(_levels(place + rest, "/")))
            return found
    why = f"the group of this process is outside of our namespace or mounted for another: its {controller} limits are not known"
    _lose(this, Failure(Reason.UNSUPPORTED, found.folder, why), controller)
    return found


def _chain(
    this: Membership, controller: str, found: Hierarchy, host: Host, initial: bool, covered: frozenset[str]
) -> Steps[list[Cgroup]]:
    """The records of the groups of a process for one controller, the innermost first."""
    files = _FILES[controller, found.old]
    requests: list[Any] = []
    for level, _ in found.levels:
        requests += [Read(f"{found.folder}{level}/{file}", 1 << 16) for file in files]
        requests.append(Names(found.folder + level))
    answers = yield requests
    left = iter(answers)
    chain = []
    for place, (level, path) in enumerate(found.levels):
        folder = found.folder + level
        answered = {file: next(left) for file in files}
        listed = next(left)
        entries = {"v1/" * found.old + file: data for file, data in answered.items() if isinstance(data, bytes)}
        group = Folder(folder, entries, host, (path,))
        chain.append(parse(group))
        lost = [
            _lost(f"{folder}/{file}", data, covered) for file, data in answered.items() if isinstance(data, Failure)
        ]
        lost += [
            Failure(Reason.MALFORMED, f"{folder}/{name.removeprefix('v1/')}", detail)
            for name, detail in group.failures().items()
        ]
        for failure in lost:
            if failure is None:
                continue
            name = failure.path.rpartition("/")[2]
            if name in _USE:
                this.failures.append(failure)
            else:
                _lose(this, failure, "swap" if "sw" in name.split(".")[1] else controller)
        # The topmost group of the host has no limits; one above ours that has no file of this controller is that one.
        top = path == "/" and (initial or place > 0)
        if not (entries or top or controller in this.unknown) and (not listed or isinstance(listed, Failure)):
            why = str(listed) if isinstance(listed, Failure) else "its directory is empty"
            _lose(this, _not_seen(controller, path, folder, why), controller)
    return chain


def _lost(path: str, failure: Failure, covered: frozenset[str]) -> Failure | None:
    """Why a file could not be read; None for one that this group does not have."""
    if failure.reason is Reason.MISSING and path not in covered:
        return None
    return msgspec.structs.replace(failure, detail="covered by another mount") if path in covered else failure


def _covered(mountinfo: bytes) -> frozenset[str]:
    """Where something is mounted upon the files of control groups, as Docker masks what a container must not see."""
    points = (line.split(b" ")[4:5] for line in mountinfo.split(b"\n"))
    found = (unescape(point[0]).decode("utf-8", "surrogateescape") for point in points if point)
    return frozenset(point for point in found if point.startswith(ROOT + "/"))
