"""What a server sees and its clients may not: they are other users of the host, to whom the kernel would not show it.

Root, and whoever has CAP_SYS_PTRACE or CAP_DAC_READ_SEARCH, reads what the kernel denies to everybody else: how much a
process read and wrote (from which lengths of passwords were told, CVE-2011-2495), what it runs and has open, and files
such as /proc/slabinfo. Where it is not known who asks, only what every user of the host may read is served.

Of the files of processes these are those that fs/proc/base.c lists for everybody (0444) and that no ptrace check guards.
Of other files their modes tell.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from procpulse.process import PerProcess
from procpulse.reader.files import Budget, Files
from procpulse.snapshot import Snapshot
from procpulse.source import Read, Roots, Source
from procpulse.sources.proc.processes import Thread, row_type, row_with_threads, table

FOR_EVERYBODY = frozenset(
    [
        "autogroup",
        "cgroup",
        "children",
        "cmdline",
        "comm",
        "interrupts",
        "limits",
        "loginuid",
        "mountinfo",
        "net_dev",
        "net_dev_snmp6",
        "net_netstat",
        "net_snmp",
        "net_snmp6",
        "oom_score",
        "oom_score_adj",
        "sched",
        "schedstat",
        "stat",
        "statm",
        "status",
    ]
)
"""Parts of processes that the kernel shows to every user. A part that is not named here is not shown."""

OF_ROOT = frozenset(
    [
        "class_dmi_id",
        "class_powercap",
        "net_netfilter_nfnetlink_queue",
        "pagetypeinfo",
        "slabinfo",
        "sysctl",
        "timer_list",
    ]
)
"""Sources that read files for root alone, left out whole where somebody else's sampler has read them already."""

_CAPABILITIES = (1 << 1) | (1 << 2) | (1 << 19) | (1 << 21)
"""CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_SYS_ADMIN."""


class Withheld(NamedTuple):
    """What is not served.

    Attributes:
        because: Why this process sees more than others.
        processes: Whether no process is, since /proc hides them from other users (hidepid).
    """

    because: str
    processes: bool

    def __str__(self) -> str:
        """What is left out, in a sentence."""
        what = (
            "no process is shown (/proc is mounted with hidepid), and no file that every user may not read"
            if self.processes
            else "I/O, open files and the like of processes are left out, and files that every user may not read"
        )
        return f"{self.because} and does not know who asks: {what}"


def withheld(roots: Roots | None = None) -> Withheld | None:
    """What this process sees of a host and other users of it do not; None for nothing.

    A user without privileges sees no more than others, but for the files of processes of its own.
    """
    hides = Files(Roots() if roots is None else roots, Budget(0)).hides_from_others
    status = Files(Roots(), Budget(0)).perform(Read("/proc/self/status"))
    because = "this process may see more than others" if hides else ""
    if not isinstance(status, bytes):
        because = "it cannot be told what this process may see; it is taken for privileged"
    else:
        found = dict(line.split(b":", 1) for line in status.splitlines() if b":" in line)
        if found.get(b"Uid", b"0 0").split()[1] == b"0":
            because = "this server runs as root"
        elif int(found.get(b"CapEff", b"0"), 16) & _CAPABILITIES:
            because = "this server has capabilities of root"
    return Withheld(because, hides) if because else None


class Withholder:
    """Leaves out what is withheld: of sources, before they are sampled, or of snapshots that somebody else took.

    Args:
        sources: What is sampled.
        withheld: What of that clients do not see; None for nothing.
    """

    def __init__(self, sources: Iterable[Source[Any]], withheld: Withheld | None):
        self._tables: list[tuple[str, list[str], Any]] = []
        self._rows: dict[str, dict[int, tuple[Any, Any]]] = {}
        self._dropped: set[str] = set()
        self.sources: list[Source[Any]] = []
        """What is left."""
        for source in sources:
            if withheld is None:
                self.sources.append(source)
            elif isinstance(source, PerProcess):
                if withheld.processes:
                    self._dropped.add(source.name)
                    continue
                less = _for_everybody(source)
                if less is not source:
                    names = [part.name for part in less.parts] + ["threads"] * (less.threads is not None)
                    self._tables.append((source.name, names, less.row))
                self.sources.append(less)
            else:
                if source.name in OF_ROOT:
                    self._dropped.add(source.name)
                self.sources.append(source)

    def __call__(self, snapshot: Snapshot) -> Snapshot:
        """What is left of a snapshot of the sources as they were given."""
        if not (self._tables or self._dropped):
            return snapshot
        values = {name: value for name, value in snapshot.values.items() if name not in self._dropped}
        for name, parts, row in self._tables:
            if name in values:
                values[name] = self._table(name, parts, row, values[name])
        failures = {
            name: failure for name, failure in snapshot.failures.items() if name.partition("/")[0] not in self._dropped
        }
        rows_ns = {name: times for name, times in snapshot.rows_ns.items() if name not in self._dropped}
        read_ns = {name: times for name, times in snapshot.read_ns.items() if name not in self._dropped}
        return msgspec.structs.replace(snapshot, values=values, failures=failures, rows_ns=rows_ns, read_ns=read_ns)

    def _table(self, name: str, parts: list[str], row: Any, rows: dict[int, Any]) -> dict[int, Any]:
        """Rows without the parts that are withheld; a row that did not change stays the same object."""
        known, made = self._rows.get(name, {}), {}
        for pid, old in rows.items():
            pair = known.get(pid)
            if pair is None or pair[0] is not old:
                threads = self._threads(old) if "threads" in parts else ()
                pair = old, row(old.pid, old.identity, old.stat, *_fields(old, parts), *threads)
            made[pid] = pair
        self._rows[name] = made
        return {pid: pair[1] for pid, pair in made.items()}

    @staticmethod
    def _threads(process: Any) -> tuple[Any]:
        rows = process.threads
        if not rows:
            return (rows,)
        names = [name for name in next(iter(rows.values())).__struct_fields__[3:] if name in FOR_EVERYBODY]
        kind = row_type(tuple(names), Thread)
        return ({tid: kind(row.tid, row.identity, row.stat, *_fields(row, names)) for tid, row in rows.items()},)


def _fields(row: Any, parts: list[str]) -> list[Any]:
    return [getattr(row, part) for part in parts if part != "threads"]


def _for_everybody(source: PerProcess[Any]) -> PerProcess[Any]:
    """A table of processes with the parts that every user may read."""
    parts = tuple(part for part in source.parts if part.name in FOR_EVERYBODY)
    threads = source.threads
    if threads is not None:
        of_threads = tuple(part for part in threads.parts if part.name in FOR_EVERYBODY)
        if of_threads != threads.parts:
            names = tuple(part.name for part in of_threads)
            threads = table(
                threads.name, row_type(names, Thread), threads.stat, of_threads, threads.rss_limit_bytes, None
            )
    if parts == source.parts and threads is source.threads:
        return source
    names = tuple(part.name for part in parts)
    row = row_type(names) if threads is None else row_with_threads(names, tuple(part.name for part in threads.parts))
    return table(source.name, row, source.stat, parts, source.rss_limit_bytes, threads)
