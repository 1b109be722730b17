"""Processes added up by name or control group: a bounded number of series, whatever processes call themselves.

What each process did since the last snapshot is counted once, under the name that it has now. Every name has a series
of its own while there is room; then the greatest have one, the others are `other`:

- A name that nothing bears any more gives its series to the greatest name that has none.
- A name that somebody bears gives it to one that uses more than twice as much, after a minute at the least. The names
  that have been there longest, for half of the series, keep theirs: who renames processes cannot push out the programs
  of the host.
- Beside free series, six change hands per minute (twenty at once, the last of them for names that use much), so that a
  database of metrics is not flooded.

A counter never falls and nothing is counted twice. When a series ends, what grew since its last scrape goes to `other`,
which keeps what it has; if the name comes back, its series goes on from where scrapes saw it last.
"""

import re
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import msgspec
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from procpulse.snapshot import Snapshot
from procpulse.source import Host

MOST_NAMES = 200
"""How many groups of processes have series of their own."""
LONGEST_LABEL = 200
OTHER = "other"
STALE_SECONDS = 3600.0
"""How long a name that nothing bears keeps its series while there is room."""
TENURE_SECONDS = 60.0
"""How long a name that somebody bears keeps its series at the least."""
HALF_LIFE_SECONDS = 60.0
"""After so long, what a name used counts half when names are compared."""
AHEAD = 2.0
"""How many times as much a name has to use to get the series of another."""
BURST = 20.0
REFILL_SECONDS = 10.0
"""Series that can change hands at once, and seconds per one more."""
NEEDED = ((0.25, -4.0), (0.02, 1.0), (0.0, 5.0))
"""How many of these changes have to be left for a name that uses more than this part of something."""
DEBT_UPDATES = 3
"""Updates in which the totals of a process that ended may turn up in those of its parent."""
KERNEL_THREAD = 0x200000

COUNTERS = (
    ("cpu_seconds", "CPU time."),
    ("minor_faults", "Page faults that needed no disk."),
    ("major_faults", "Page faults that needed a disk."),
    ("read_bytes", "Bytes read from disks, of processes whose I/O may be seen."),
    ("written_bytes", "Bytes written to disks, of processes whose I/O may be seen."),
)
GAUGES = (("processes", "Processes."), ("threads", "Threads."), ("resident_bytes", "Resident memory."))
OF_CHILDREN = 3
"""How many of the counters a process has for the children that it waited for, too. Its I/O includes theirs."""
_NOTHING = (0,) * len(COUNTERS)
_NUMBER = re.compile(r"[\W_]*[0-9]+$")

Totals = tuple[int, ...]


def label_text(value: Any) -> str:
    """A label: names are inert already, so only their length is bounded."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= LONGEST_LABEL else text[: LONGEST_LABEL - 3] + "..."


@lru_cache(4096)
def kernel_thread(comm: str) -> str:
    """What kernel threads of a kind have in common: `kworker/u8:2-events` is a `kworker`, `kswapd0` a `kswapd`."""
    head, slash, _ = comm.partition("/")
    return head if slash and head else _NUMBER.sub("", comm) or comm


class _Known(msgspec.Struct, gc=False):
    """A process as it was at the last update."""

    row: Any
    identity: int
    start: int
    parent: int
    name: str
    totals: Totals
    children: Totals


class _Debt(msgspec.Struct, gc=False):
    """What a process that ended is known to have done: it will turn up once more in the totals of who waited for it."""

    ancestors: list[int]
    children: Totals
    io: Totals
    age: int = 0


class _Group:
    """What the processes of one name did, and have now."""

    __slots__ = ("counters", "gauges", "scraped", "seen", "since")

    def __init__(self, now: float, counters: list[float] | None = None) -> None:
        self.counters = [0.0] * len(COUNTERS) if counters is None else counters
        self.gauges = [0.0] * len(GAUGES)
        self.scraped = list(self.counters)
        """The counters as the last scrape saw them."""
        self.seen = now
        self.since = now

    def add(self, growth: Iterable[float]) -> None:
        for place, grown in enumerate(growth):
            self.counters[place] += grown


class _Living:
    """The processes that bear a name now."""

    __slots__ = ("gauges", "growth", "oldest")

    def __init__(self) -> None:
        self.gauges = [0.0] * len(GAUGES)
        self.growth = [0] * len(COUNTERS)
        self.oldest = 1 << 64


class Groups:
    """Processes added up by name or control group, without more series than the limit, however they rename themselves.

    Counters start at 0 when a group is first told apart, hold the growth of every process in it, and never fall. What a
    process did after it was last seen is known where its parent waited for it.

    Args:
        by: "name" or "cgroup".
        most: How many groups beside `other`.
        clock: Seconds, for how long a name is kept.

    Raises:
        ValueError: processes cannot be added up by that.
    """

    def __init__(self, by: str = "name", most: int = MOST_NAMES, clock: Callable[[], float] = time.monotonic):
        if by not in ("name", "cgroup"):
            raise ValueError(f"processes can be added up by name or cgroup, not by {by!r}")
        self._by = by
        self._most = most
        self._clock = clock
        self._shown: dict[str, _Group] = {}
        self._left: dict[str, list[float]] = {}
        """The counters of names that lost their series, as scrapes saw them last."""
        self._other = _Group(clock())
        self._use: dict[str, list[float]] = {}
        """What each name used lately: CPU and I/O."""
        self._used_at = clock()
        self._changes = BURST
        self._known: dict[int, _Known] = {}
        self._debts: list[_Debt] = []
        self._key: tuple[str, int] | None = None
        self._boot: str | None = None
        self._restarted = True

    def restart(self) -> None:
        """The next snapshot is of another sampler, which gave new identities to the processes that go on."""
        self._restarted = True

    def update(self, snapshot: Snapshot) -> None:
        """Take in a snapshot; the same one again changes nothing."""
        rows = snapshot.values.get("processes")
        key = (snapshot.host.boot_id, snapshot.monotonic_ns)
        if rows is None or key == self._key:
            return
        first = self._boot != snapshot.host.boot_id
        if first:
            self._known, self._debts, self._boot = {}, [], snapshot.host.boot_id
        restarted, self._restarted, self._key = self._restarted, False, key
        living: dict[str, _Living] = {}
        growth: dict[int, list[int]] = {}
        waited: dict[int, list[int]] = {}
        known: dict[int, _Known] = {}
        ended = dict(self._known)
        for pid, row in rows.items():
            stat = row.stat
            before = self._known.get(pid)
            if stat is None:
                if before is not None:
                    known[pid] = ended.pop(pid)
                continue
            if before is not None and before.row is row:
                now = ended.pop(pid)
            else:
                now = _known(row, self._name(row))
                if before is not None and (before.start == now.start if restarted else before.identity == now.identity):
                    del ended[pid]
                    growth[pid] = _grown(before.totals, now.totals)
                    waited[pid] = _grown(before.children, now.children)
                elif not first:
                    growth[pid], waited[pid] = list(now.totals), list(now.children)
            known[pid] = now
            group = living.get(now.name)
            if group is None:
                group = living[now.name] = _Living()
            gauges = group.gauges
            gauges[0] += 1
            gauges[1] += stat.num_threads
            gauges[2] += stat.rss_bytes
            group.oldest = min(group.oldest, now.start)
        unseen = self._settle(ended, known, growth, waited)
        self._known = known
        for pid, grown in growth.items():
            sums = living[known[pid].name].growth
            for place, number in enumerate(grown):
                sums[place] += number
        ticks = snapshot.host.ticks_per_second
        self._rank(living)
        self._choose(living)
        for shown in (*self._shown.values(), self._other):
            shown.gauges = [0.0] * len(GAUGES)
        for name, group in living.items():
            target = self._shown.get(name, self._other)
            target.add(_scaled(group.growth, ticks))
            target.gauges = [a + b for a, b in zip(target.gauges, group.gauges, strict=True)]
        for name, sums in unseen.items():
            self._shown.get(name, self._other).add(_scaled(sums, ticks))

    def _name(self, row: Any) -> str:
        if self._by == "name":
            comm = row.stat.comm
            return label_text(kernel_thread(comm) if row.stat.flags & KERNEL_THREAD else comm)
        cgroup = getattr(row, "cgroup", None)
        return label_text((cgroup and cgroup.unified) or "")

    def _settle(
        self,
        ended: dict[int, _Known],
        known: dict[int, _Known],
        growth: dict[int, list[int]],
        waited: dict[int, list[int]],
    ) -> dict[str, list[int]]:
        """Take out of the totals of parents what is counted already for children that ended; return the rest, by name.

        The kernel adds the totals of a child to those of the parent that waits for it: CPU time and faults to fields of
        their own, I/O to that of the parent itself. What is more than was known did the child, or a child of which
        nobody saw anything, after the last update.
        """
        names: dict[int, set[str]] = {}
        for before in ended.values():
            ancestors = self._ancestors(before, ended, known)
            done = tuple(map(sum, zip(before.totals[:OF_CHILDREN], before.children, strict=True)))
            self._debts.append(_Debt(ancestors, done, before.totals[OF_CHILDREN:]))
            if ancestors:
                names.setdefault(ancestors[0], set()).add(before.name)
        debts, self._debts = self._debts, []
        for debt in debts:
            children = _pay(debt.children, debt.ancestors, waited, 0)
            io = _pay(debt.io, debt.ancestors, growth, OF_CHILDREN)
            debt.children, debt.io, debt.age = children, io, debt.age + 1
            if (any(children) or any(io)) and debt.age < DEBT_UPDATES:
                self._debts.append(debt)
        unseen: dict[str, list[int]] = {}
        for pid, rest in waited.items():
            if any(rest):
                children_names = names.get(pid, set())
                name = next(iter(children_names)) if len(children_names) == 1 else OTHER
                sums = unseen.setdefault(name, [0] * len(COUNTERS))
                for place, number in enumerate(rest):
                    sums[place] += number
        return unseen

    def _ancestors(self, process: _Known, ended: dict[int, _Known], known: dict[int, _Known]) -> list[int]:
        """The ancestors of a process that live on, the nearest first: one of them waited for it, if anybody did."""
        found: list[int] = []
        pid = process.parent
        for _ in range(64):
            parent = self._known.get(pid)
            if parent is None:
                break
            if pid in known and pid not in ended:
                found.append(pid)
            pid = parent.parent
        return found

    # Who gets a series.

    def _rank(self, living: dict[str, _Living]) -> None:
        """Take in what each name used."""
        now = self._clock()
        fade = 0.5 ** (max(0.0, now - self._used_at) / HALF_LIFE_SECONDS)
        self._changes = min(BURST, self._changes + max(0.0, now - self._used_at) / REFILL_SECONDS)
        self._used_at = now
        use = {}
        for name, group in living.items():
            cpu, io = self._use.get(name, (0.0, 0.0))
            use[name] = [cpu * fade + group.growth[0], io * fade + group.growth[3] + group.growth[4]]
        self._use = use

    def _choose(self, living: dict[str, _Living]) -> None:
        now = self._clock()
        for name in living:
            if name in self._shown:
                self._shown[name].seen = now
        for name in [name for name, group in self._shown.items() if now - group.seen > STALE_SECONDS]:
            self._hide(name)
        new = [name for name in living if name not in self._shown and name != OTHER]
        if not new:
            return
        room = self._most - len(self._shown)
        if len(new) <= room:
            for name in new:
                self._show(name, now)
            return
        scores = self._scores(living)
        by_age = sorted(living, key=lambda name: living[name].oldest)
        settled = set([name for name in by_age if name != OTHER][: self._most // 2])
        new.sort(key=lambda name: (name not in settled, -scores[name]))
        for name in new[: max(0, room)]:
            self._show(name, now)
        waiting = new[max(0, room) :]
        # Who gives way: what nothing bears, the longest gone first; then what uses least and is not of the settled.
        gone = sorted((name for name in self._shown if name not in living), key=lambda name: self._shown[name].seen)
        least = sorted(
            (
                name
                for name, group in self._shown.items()
                if name in living and name not in settled and now - group.since >= TENURE_SECONDS
            ),
            key=lambda name: scores[name],
        )
        for name in waiting:
            if self._changes < next(needed for part, needed in NEEDED if scores[name] >= part):
                continue
            if gone:
                self._hide(gone.pop(0))
            elif least and (name in settled or scores[name] > AHEAD * scores[least[0]]):
                self._hide(least.pop(0))
            else:
                continue
            self._changes -= 1
            self._show(name, now)

    def _scores(self, living: dict[str, _Living]) -> dict[str, float]:
        """The shares of CPU time, I/O and memory of each name, added up."""
        cpu = sum(use[0] for use in self._use.values()) or 1
        io = sum(use[1] for use in self._use.values()) or 1
        memory = sum(group.gauges[2] for group in living.values()) or 1
        return {
            name: self._use[name][0] / cpu + self._use[name][1] / io + group.gauges[2] / memory
            for name, group in living.items()
        }

    def _show(self, name: str, now: float) -> None:
        self._shown[name] = _Group(now, self._left.pop(name, None))

    def _hide(self, name: str) -> None:
        group = self._shown.pop(name)
        self._other.add(after - before for before, after in zip(group.scraped, group.counters, strict=True))
        if any(group.scraped):
            self._left[name] = group.scraped
            if len(self._left) > 4 * self._most:
                del self._left[min(self._left, key=lambda name: self._left[name][0])]

    def families(self, host: Host | None = None) -> dict[str, Metric]:
        """The metrics of the groups, by name; none before the first snapshot with processes. This counts as a scrape.

        Args:
            host: The host of the snapshots; nothing here depends on it.
        """
        if self._key is None:
            return {}
        label = [self._by]
        found: dict[str, Metric] = {}
        groups = [*self._shown.items(), (OTHER, self._other)]
        for place, (name, help) in enumerate(COUNTERS):
            counter = CounterMetricFamily(f"procpulse_process_group_{name}", help, labels=label)
            for group, item in groups:
                counter.add_metric([group], item.counters[place])
            found[counter.name] = counter
        for place, (name, help) in enumerate(GAUGES):
            gauge = GaugeMetricFamily(f"procpulse_process_group_{name}", help, labels=label)
            for group, item in groups:
                gauge.add_metric([group], item.gauges[place])
            found[gauge.name] = gauge
        for _, item in groups:
            item.scraped = list(item.counters)
        return found


def _known(row: Any, name: str) -> _Known:
    stat, io = row.stat, getattr(row, "io", None)
    return _Known(
        row,
        row.identity,
        stat.start_ticks,
        stat.ppid,
        name,
        (
            stat.user_ticks + stat.system_ticks,
            stat.minor_faults,
            stat.major_faults,
            0 if io is None else io.read_bytes,
            0 if io is None else io.written_bytes,
        ),
        (
            stat.child_user_ticks + stat.child_system_ticks,
            stat.child_minor_faults,
            stat.child_major_faults,
        ),
    )


def _grown(before: Totals, after: Totals) -> list[int]:
    return [new - old if new > old else 0 for old, new in zip(before, after, strict=True)]


def _scaled(growth: list[int], ticks: int) -> list[float]:
    return [growth[0] / ticks, *map(float, growth[1:])]


def _pay(owed: Totals, ancestors: list[int], having: dict[int, list[int]], start: int) -> Totals:
    """Take what is owed from the first ancestor that has all of it; what is still owed then."""
    if not any(owed):
        return owed
    for pid in ancestors:
        has = having.get(pid)
        if has is not None and all(
            number >= wanted for number, wanted in zip(has[start : start + len(owed)], owed, strict=True)
        ):
            for place, wanted in enumerate(owed):
                has[start + place] -= wanted
            return _NOTHING[: len(owed)]
    return owed
