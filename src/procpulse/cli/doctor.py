"""procpulse doctor: what this host, container or user hides, what reading costs here, and what to change."""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from procpulse import catalog
from procpulse.cli import options as shared
from procpulse.cli.roots import place, told
from procpulse.cli.table import bold, grid
from procpulse.process import PerProcess
from procpulse.snapshot import Reason, Snapshot
from procpulse.source import File, Host, Roots, Source
from procpulse.text import inert

EXAMPLES = """\
examples:
  procpulse doctor                       what is hidden, and what to change
  procpulse doctor --costs               and what each source costs here
  procpulse doctor --format json
  procpulse doctor --proc-root /host/proc --sys-root /host/sys
  procpulse doctor --reads               every file that is asked for, and its answer

Exit code 0, whatever it finds; nothing is changed.
"""

# What sees more of other users' processes: (bit, name, what it shows).
_CAPABILITIES = (
    (19, "CAP_SYS_PTRACE", "io, exe, cwd, fd, maps and environ of other users' processes, and hidden processes"),
    (2, "CAP_DAC_READ_SEARCH", "files that only root may read"),
)
_ROUNDS = 5
_LXCFS = "fuse.lxcfs"
_HOST_USERS = ["0", "0", "4294967295"]
"""What /proc/self/uid_map says where no user namespace is in between: each number is itself."""


class Finding(msgspec.Struct):
    """One thing that the doctor looked at."""

    topic: str
    fine: bool
    """Whether nothing is hidden or lost by it."""
    found: str
    """What it is like here."""
    advice: str = ""
    """What to change, where something can be changed."""


class Cost(msgspec.Struct):
    """What a source gives and costs here."""

    name: str
    path: str
    here: str
    """yes, or why not."""
    detail: str
    """The file and the errno; parts that are lost, too."""
    default: bool
    """Whether it is part of the default profile."""
    first_us: int | None
    """Microseconds of its first read."""
    again_us: int | None
    """Microseconds of a later one, the median of some."""


class Diagnosis(msgspec.Struct):
    """What `procpulse doctor` tells."""

    host: str
    kernel: str
    user: int
    visibility: str
    """Of processes: whole, partial or none."""
    findings: list[Finding]
    sources: list[Cost]
    default_profile_us: int
    """Microseconds of one tick of the default profile, the sum of its sources."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("--costs", action="store_true", help="show what each source costs here")
    parser.add_argument(
        "--reads", action="store_true", help="show each file that is asked for, and its answer, as JSON"
    )
    parser.add_argument("--format", choices=("table", "json"), help="default: a table")
    shared.add_roots(parser)


def run(options: argparse.Namespace) -> int:
    """Print what is found; return the exit code."""
    roots = shared.roots(options)
    if options.reads:
        return _reads(roots)
    diagnosis = examine(roots)
    if options.format == "json":
        sys.stdout.buffer.write(msgspec.json.encode(diagnosis) + b"\n")
        return 0
    for line in _lines(diagnosis, options.costs):
        print(line)
    return 0


def examine(roots: Roots) -> Diagnosis:
    """Look at a host."""
    sources = [_whole(source) for source in catalog.sources().values()]
    costs, snapshot = _measured(sources, roots)
    own = _read_own()
    visibility = _visibility(snapshot)
    findings = [
        *_privileges(own),
        *_processes(snapshot, visibility, own),
        *_kernel_files(snapshot, roots),
        *_containers(snapshot, own, roots),
        *_pressure(snapshot),
        *_control_groups(own),
        *_clocks(own),
        *_descriptors(),
        *_lost(costs, own),
    ]
    host = snapshot.host
    default = sum(cost.again_us or 0 for cost in costs if cost.default)
    return Diagnosis(host.name, host.kernel, os.geteuid(), visibility, findings, costs, default)


# Reading.


def _whole(source: Source[Any]) -> Source[Any]:
    return catalog.module(source.name).processes() if isinstance(source, PerProcess) else source


def _measured(sources: list[Source[Any]], roots: Roots) -> tuple[list[Cost], Snapshot]:
    """Every source by itself, some times, so that none waits for another; the last of all samples together."""
    from procpulse.sampler import Sampler

    costs = []
    snapshot = Snapshot(0, 0.0, 0, Host(), {})
    values: dict[str, Any] = {}
    failures: dict[str, Any] = {}
    for source in sources:
        cadence = {source: 1e-6} if source.cadence is not None else {}
        sampler = Sampler([source], roots=roots, cadence=cadence)
        snapshot = sampler.sample_sync()
        first = sampler.statistics().sources[source.name].last_ns
        again = []
        if source.name in snapshot.values and first < 200_000_000:
            for _ in range(_ROUNDS):
                snapshot = sampler.sample_sync()
                again.append(sampler.statistics().sources[source.name].last_ns)
        sampler.close()
        values |= snapshot.values
        failures |= snapshot.failures
        failure = snapshot.failures.get(source.name)
        parts = [told(lost, roots) for name, lost in snapshot.failures.items() if "/" in name]
        costs.append(
            Cost(
                source.name,
                source.path,
                "yes" if failure is None else str(failure.reason),
                f"{place(failure.path, roots)} {failure.detail.strip().splitlines()[-1] if failure.detail else ''}".strip()
                if failure
                else "; ".join(parts[:3]) + (f" (and {len(parts) - 3} more)" if len(parts) > 3 else ""),
                source.name in catalog.PROFILE,
                first // 1000,
                sorted(again)[len(again) // 2] // 1000 if again else None,
            )
        )
    return costs, msgspec.structs.replace(snapshot, values=values, failures=failures)


def _lines_of(file: File) -> list[str]:
    return [inert(line.replace(b"\t", b" ")) for line in file.data.split(b"\n") if line]


_OWN = [
    Source("status", "/proc/self/status", list[str], _lines_of),
    Source("uid_map", "/proc/self/uid_map", list[str], _lines_of),
    Source("mountinfo", "/proc/self/mountinfo", list[str], _lines_of),
    Source("timens_offsets", "/proc/self/timens_offsets", list[str], _lines_of),
    Source("cgroup", "/proc/self/cgroup", list[str], _lines_of),
]
"""What the kernel says of this program itself, whichever host it looks at."""


def _read_own() -> dict[str, list[str]]:
    from procpulse.sampler import Sampler

    sampler = Sampler(_OWN)
    values = sampler.sample_sync().values
    sampler.close()
    return {source.name: values.get(source.name, []) for source in _OWN}


# Looking. Each yields what it finds about one topic.


def _capabilities(own: dict[str, list[str]]) -> int | None:
    """The capabilities that this program has, a bit each; None where the kernel does not say it."""
    held = next((line.removeprefix("CapEff: ") for line in own["status"] if line.startswith("CapEff: ")), "")
    return int(held, 16) if re.fullmatch("[0-9a-f]+", held) else None


def _missing(own: dict[str, list[str]]) -> list[tuple[str, str]]:
    """The capabilities that this program is known to lack, and what each would show."""
    mask = _capabilities(own)
    if mask is None:
        return []
    return [(name, what) for bit, name, what in _CAPABILITIES if not mask >> bit & 1]


def _is_confined(own: dict[str, list[str]]) -> bool:
    """Whether this program is in a user namespace, where root and its capabilities are worth nothing to the host."""
    return bool(own.get("uid_map")) and [line.split() for line in own.get("uid_map", [])] != [_HOST_USERS]


_PROC = "mount a procfs at /proc, which says what this program may do"


def _more_rights(own: dict[str, list[str]]) -> str:
    """What to change where something is denied; not what is so already."""
    missing = [name for name, _ in _missing(own)]
    if _is_confined(own):
        return "run outside of this user namespace: here root has no rights over what belongs to the host"
    if _capabilities(own) is None:
        return _PROC
    if not missing:
        return (
            "no capability is missing: a security module, a seccomp filter or a read-only view denies it; "
            "run outside of this sandbox or container"
        )
    if os.geteuid():
        return f"run as root, or with {' and '.join(missing)}"
    return f"give it {' and '.join(missing)}, which root lacks here"


def _privileges(own: dict[str, list[str]]) -> Iterator[Finding]:
    missing = _missing(own)
    who = "root" if not os.geteuid() else f"user {os.geteuid()}"
    if _is_confined(own):
        who += " of a user namespace"
        yield Finding("privileges", False, f"{who}: its rights end there", _more_rights(own))
    elif _capabilities(own) is None:
        yield Finding("privileges", False, f"{who}, with capabilities that /proc/self/status does not tell", _PROC)
    elif not missing:
        yield Finding("privileges", True, f"{who}, with {' and '.join(name for _, name, _ in _CAPABILITIES)}")
    for name, what in missing:
        yield Finding("privileges", False, f"{who} without {name}: hidden are {what}", f"give it {name} to see them")


def _visibility(snapshot: Snapshot) -> str:
    rows = snapshot.values.get("processes")
    if not rows:
        return "none"
    hidden = 1 not in rows or "processes/visibility" in snapshot.failures
    return "partial" if hidden or not _has_system_files(snapshot) else "whole"


def _has_system_files(snapshot: Snapshot) -> bool:
    return "stat" in snapshot.values or "meminfo" in snapshot.values


def _processes(snapshot: Snapshot, visibility: str, own: dict[str, list[str]]) -> Iterator[Finding]:
    rows = snapshot.values.get("processes") or {}
    hiding = _option(own, "hidepid")
    if visibility == "whole":
        yield Finding("processes", True, f"{len(rows)} of them are shown, the first process among them")
    else:
        why = f"/proc is mounted with hidepid={hiding}" if hiding else "the rest of the system is not"
        advice = "mount /proc with gid= and join that group, or " + _more_rights(own)
        yield Finding("processes", False, f"visibility is {visibility}: {len(rows)} are shown; {why}", advice)
    denied = sorted(
        name.partition("/")[2]
        for name, failure in snapshot.failures.items()
        if name.startswith("processes/") and failure.reason is Reason.DENIED and name != "processes/visibility"
    )
    if denied:
        yield Finding("processes", False, f"denied for some of them: {', '.join(denied)}", _more_rights(own))


def _kernel_files(snapshot: Snapshot, roots: Roots) -> Iterator[Finding]:
    if not _has_system_files(snapshot):
        found = f"{roots.proc} shows processes only (subset=pid), or is no procfs"
        yield Finding("proc", False, found, "mount a procfs without subset=pid, or point --proc-root at the host's")
    else:
        yield Finding("proc", True, f"{roots.proc} has the files of the whole system")
    if not any(name in snapshot.values for name in ("cpu_online", "block", "class_net", "cpu_topology")):
        yield Finding(
            "sys", False, f"{roots.sys} is empty or missing", "mount a sysfs, or point --sys-root at the host's"
        )
    else:
        yield Finding("sys", True, f"{roots.sys} has devices")


def _containers(snapshot: Snapshot, own: dict[str, list[str]], roots: Roots) -> Iterator[Finding]:
    mounts = [_mount(line) for line in own["mountinfo"]]
    over = sorted({point for point, kind, _ in mounts if _below(point, roots.proc) and kind == _LXCFS})
    if over:
        yield Finding(
            "lxcfs",
            False,
            f"{len(over)} files of /proc come from lxcfs and speak of this container, not of the host: {', '.join(over)}",
            "for the host's numbers mount its /proc and point --proc-root at it",
        )
    masked = sorted({point for point, kind, _ in mounts if _below(point, roots.proc) and kind in ("tmpfs", "devtmpfs")})
    if masked:
        found = f"{len(masked)} places of /proc are masked: {', '.join(masked[:8])}" + ", ..." * (len(masked) > 8)
        yield Finding("masked", False, found, "Docker: --security-opt systempaths=unconfined")
    stat = snapshot.values.get("stat")
    if stat is not None and stat.cpu is not None and not any(msgspec.structs.astuple(stat.cpu)[:4]):
        yield Finding("gvisor", False, "all CPU times are 0, as in gVisor: there are no CPU rates here")
    version = snapshot.values.get("version")
    if version is not None and "gvisor" in str(version).lower():
        yield Finding("gvisor", False, "this is gVisor's kernel: most files of /proc and /sys do not exist")
    if not roots.own and roots.root is None:
        yield Finding("root", False, "the size of the host's file systems is unknown", "pass --root")


def _pressure(snapshot: Snapshot) -> Iterator[Finding]:
    pressure = snapshot.values.get("pressure")
    if pressure is not None and any(getattr(pressure, name) for name in pressure.__struct_fields__):
        yield Finding("pressure", True, "the kernel accounts for pressure (PSI)")
    else:
        yield Finding(
            "pressure", False, "no pressure (PSI) is accounted for", "boot with psi=1 on a kernel with CONFIG_PSI"
        )


def _control_groups(own: dict[str, list[str]]) -> Iterator[Finding]:
    kinds = {kind for _, kind, _ in map(_mount, own["mountinfo"])}
    first = "cgroup" in kinds
    second = "cgroup2" in kinds
    if second and not first:
        yield Finding("cgroups", True, "version 2")
    elif second:
        yield Finding("cgroups", False, "versions 1 and 2 side by side", "boot with systemd.unified_cgroup_hierarchy=1")
    elif first:
        yield Finding("cgroups", False, "version 1 only: no pressure of groups", "boot with cgroup_no_v1=all")
    else:
        yield Finding("cgroups", False, "not mounted here", "mount cgroup2 at /sys/fs/cgroup")


def _clocks(own: dict[str, list[str]]) -> Iterator[Finding]:
    offsets = {name: seconds for name, seconds, *_ in (line.split() for line in own["timens_offsets"])}
    moved = [f"{name} by {seconds} s" for name, seconds in offsets.items() if seconds != "0"]
    if moved:
        found = f"a time namespace moves {', '.join(moved)}: start times of processes and uptime are moved, too"
        yield Finding("clocks", False, found, "run in the host's time namespace where they are to be compared")
    else:
        yield Finding("clocks", True, "those of the host")


def _descriptors() -> Iterator[Finding]:
    from procpulse.reader.files import Budget

    limit = Budget().limit
    if limit >= 512:
        yield Finding("descriptors", True, f"up to {limit} files are kept open")
    else:
        found = f"RLIMIT_NOFILE allows only {limit} files to be kept open; beyond, reading costs about twice as much"
        yield Finding("descriptors", False, found, "raise the limit to 4096 (ulimit -n)")


def _lost(costs: list[Cost], own: dict[str, list[str]]) -> Iterator[Finding]:
    for reason in (Reason.DENIED, Reason.TIMEOUT, Reason.MALFORMED, Reason.EXHAUSTED, Reason.BUG):
        names = [cost.name for cost in costs if cost.here == reason]
        if names:
            advice = {Reason.DENIED: _more_rights(own), Reason.BUG: "please report it"}.get(reason, "")
            yield Finding("sources", False, f"{reason}: {', '.join(names)}", advice)
    absent = sum(cost.here in (Reason.MISSING, Reason.UNSUPPORTED) for cost in costs)
    here = sum(cost.here == "yes" for cost in costs)
    yield Finding("sources", True, f"{here} have a value; {absent} speak of what this host does not have")


def _below(point: str, root: str) -> bool:
    return point.startswith(root.rstrip("/") + "/")


def _mount(line: str) -> tuple[str, str, str]:
    """(mount point, type, options of the file system) of a line of mountinfo."""
    left, _, right = line.partition(" - ")
    columns, rest = left.split(" "), right.split(" ")
    return (columns[4], rest[0], rest[2]) if len(columns) > 4 and len(rest) > 2 else ("", "", "")


def _option(own: dict[str, list[str]], name: str) -> str:
    """What an option of the mount of /proc says; empty where it is not given."""
    for point, kind, options in reversed([_mount(line) for line in own["mountinfo"]]):
        if point == "/proc" and kind == "proc":
            return next((o.partition("=")[2] for o in options.split(",") if o.startswith(name + "=")), "")
    return ""


# Telling.


def _lines(diagnosis: Diagnosis, costs: bool) -> Iterator[str]:
    yield bold(f"{diagnosis.host or 'this host'}, Linux {diagnosis.kernel}, as user {diagnosis.user}")
    rows = [("", "topic", "what is found")]
    for finding in diagnosis.findings:
        rows.append(("ok" if finding.fine else "!!", finding.topic, finding.found))
        if finding.advice:
            rows.append(("", "", f"-> {finding.advice}"))
    yield from grid(rows)
    yield ""
    yield f"visibility of processes: {diagnosis.visibility}"
    yield f"one tick of the default profile: {diagnosis.default_profile_us} us"
    if costs:
        yield ""
        table = [("source", "here", "first us", "again us", "detail")]
        for cost in sorted(diagnosis.sources, key=lambda cost: -(cost.again_us or 0)):
            table.append((cost.name, cost.here, _shown(cost.first_us), _shown(cost.again_us), cost.detail))
        yield from grid(table)


def _shown(number: int | None) -> str:
    return "-" if number is None else str(number)


def _reads(roots: Roots) -> int:
    """Every request of one sample of all sources, as a line of JSON."""
    from procpulse.log import describe
    from procpulse.sampler import Sampler

    def tell(request: Any, answer: Any) -> None:
        sys.stdout.buffer.write(msgspec.json.encode(describe(request, answer)) + b"\n")

    sampler = Sampler([_whole(source) for source in catalog.sources().values()], roots=roots, observe=tell)
    sampler.sample_sync()
    sampler.close()
    return 0
