"""Compares the snapshots of one stream, each with the one before: used by samplers, by `deltas()` and by the server.

A comparer remembers what makes the next comparison cheaper, which is the growth of rows that did not change, and what
makes it complete: the last growth of each source. A source with a cadence is not read at every tick; in between, its
last growth is carried beside the delta, where `usage` finds it.
"""

from collections.abc import AsyncIterator, Generator
from typing import Any

import msgspec

from procpulse.delta import Delta, Growth, growing
from procpulse.reader import checkpoint
from procpulse.snapshot import Snapshot


class Comparer:
    """What changed from one snapshot of a stream to the next.

    Args:
        every: How many ticks of the stream there are between two snapshots that are compared; `gap` counts in these.
    """

    def __init__(self, every: int = 1):
        self.every = every
        self._latest: Snapshot | None = None
        """The newer one of the last comparison."""
        self._unchanged: dict[str, dict[Any, tuple[Any, Any]]] = {}
        self._grown: dict[str, tuple[int, Growth]] = {}
        """The last growth of each source, and when the newer of its two values was read."""

    def gap(self, before: int, after: int) -> int:
        """How many snapshots are missing between two ticks."""
        return max(0, after // self.every - before // self.every - 1)

    async def follow(self, after: Snapshot) -> Delta | None:
        """What changed since the snapshot that this was called with last; None for the first, as for `compare`."""
        return await self.compare(self._latest, after)

    async def compare(self, before: Snapshot | None, after: Snapshot | None) -> Delta | None:
        """What changed between two snapshots of the stream; other tasks get a turn whenever a slice of time is over.

        None where there is nothing to compare: one of them is missing, they are of different boots, or the second is
        not later than the first. Then the stream starts anew.
        """
        steps = self.steps(before, after)
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                delta: Delta | None = stop.value
                return delta
            await checkpoint()

    def steps(self, before: Snapshot | None, after: Snapshot | None) -> Generator[None, None, Delta | None]:
        """The same in slices of time, for who has several that work on one comparison."""
        latest, self._latest = self._latest, after
        if before is None or after is None or not _follows(before, after):
            self._unchanged, self._grown = {}, {}
            return None
        delta = yield from growing(before, after, self._unchanged)
        if self.every > 1:
            delta = msgspec.structs.replace(delta, gap=self.gap(before.seq, after.seq))
        found = _growth(delta)
        if latest is not None and latest is not before and _follows(latest, after):
            # Nobody asked what changed in the ticks between: what was read anew in them has grown since the last time.
            missed = [
                name
                for name in after.values
                if name not in delta.values and _read_ns(latest, name) < _read_ns(after, name)
            ]
            if missed:
                late = yield from growing(_part(latest, missed), _part(after, missed))
                found |= _growth(late)
        grown: dict[str, tuple[int, Growth]] = {}
        carried: dict[str, Growth] = {}
        for name in after.values:
            read_ns = _read_ns(after, name)
            growth = found.get(name)
            if growth is None:
                last = self._grown.get(name)
                growth = last[1] if last is not None and last[0] == read_ns else None
            if growth is not None:
                grown[name] = read_ns, growth
                if name not in delta.values:
                    carried[name] = growth
        self._grown = grown
        return delta.knowing(after).carrying(carried)


def _follows(before: Snapshot, after: Snapshot) -> bool:
    return before.host.boot_id == after.host.boot_id and before.monotonic_ns < after.monotonic_ns


def _read_ns(snapshot: Snapshot, name: str) -> int:
    return snapshot.read_ns.get(name, snapshot.monotonic_ns)


def _part(snapshot: Snapshot, names: list[str]) -> Snapshot:
    values = {name: snapshot.values[name] for name in names if name in snapshot.values}
    return msgspec.structs.replace(snapshot, values=values)


def _growth(delta: Delta) -> dict[str, Growth]:
    spans = delta.rows_elapsed_ns
    return {name: Growth(value, delta.elapsed_ns[name], spans.get(name, {})) for name, value in delta.values.items()}


async def deltas(snapshots: AsyncIterator[Snapshot]) -> AsyncIterator[Delta]:
    """The deltas between the snapshots of any stream: live, recorded or remote.

    A snapshot of another boot starts anew, as does one that is not later than the one before.
    """
    comparer = Comparer()
    async for snapshot in snapshots:
        delta = await comparer.follow(snapshot)
        if delta is not None:
            yield delta
