"""A kept sampler of a tree that changes, beside a new one at each tick."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from procpulse import Roots, Sampler
from procpulse.encode.schema import every_source
from procpulse.reader.rounds import HOST
from procpulse.snapshot import Snapshot
from procpulse.source import Refresh, Source
from tests.running.comparing import of_source
from tests.running.mutating import Mutator
from tests.running.pretending import LANES, Time, as_it_is, moving_time

SOURCES = every_source()
COMPARED = Counter[str]()
"""How much was compared in this run, and how many changes were made to trees."""


class Pair:
    """A kept sampler of a tree, and the new ones that it is compared with."""

    def __init__(self, tree: Path, clock: Time, sources: list[Source[Any]] = SOURCES):
        self.roots = Roots(proc=str(tree / "proc"), sys=str(tree / "sys"), root=str(tree))
        self.clock = clock
        self.sources = sources
        self.kept = as_it_is(self._sampler())
        self._read: dict[str, tuple[int, int, int, Snapshot]] = {}
        """Of a source with a cadence: when it was read by its own time, by the tick's, and what a new one said then."""
        self._ticks = 0

    def _sampler(self) -> Sampler:
        return Sampler(self.sources, roots=self.roots, deadlines=dict.fromkeys(self.sources, 60.0), clock=self.clock)

    def fresh(self) -> Snapshot:
        """What a new sampler says now."""
        sampler = as_it_is(self._sampler())
        try:
            return sampler.sample_sync()
        finally:
            sampler.close()

    def compare(self) -> Snapshot:
        """Take one more sample of the kept one; fail where a new one says anything else."""
        kept, fresh = self.kept.sample_sync(), self.fresh()
        self.check(kept, fresh)
        return kept

    def check(self, kept: Snapshot, fresh: Snapshot) -> None:
        found = []
        for source in self.sources:
            right = fresh
            if source.cadence is not None and source.name in kept.read_ns:
                right = self._when_read(source, source.cadence, kept, fresh)
            found += [f"tick {self._ticks}: {line}" for line in of_source(source, kept, right)][:3]
        if kept.host != fresh.host:
            found.append(f"tick {self._ticks}: host is {kept.host}, a new reader says {fresh.host}")
        self._ticks += 1
        COMPARED["ticks"] += 1
        COMPARED["sources"] += len(self.sources)
        assert not found, "\n".join(found)

    def _when_read(self, source: Source[Any], cadence: float, kept: Snapshot, fresh: Snapshot) -> Snapshot:
        """What a new sampler said at the tick at which the value was read that this tick carries."""
        read_ns, now_ns = kept.read_ns[source.name], kept.monotonic_ns
        known = self._read.get(source.name)
        if known is None or known[0] != read_ns:
            known = self._read[source.name] = read_ns, now_ns, self._ticks, fresh
        assert (now_ns - known[1]) / 1e9 < cadence, f"{source.name} is carried since tick {known[2]}"
        return known[3]

    def refreshes(self, snapshot: Snapshot) -> list[Refresh]:
        """What sources, and the reader itself, declare to read less often."""
        return [
            *HOST.refreshes(snapshot.host),
            *[
                refresh
                for source in self.sources
                if source.name in snapshot.values
                for refresh in source.refreshes(snapshot.values[source.name])
            ],
        ]


@contextmanager
def paired(original: Path, place: Path, lane: str, seed: int = 0) -> Iterator[tuple[Mutator, Pair, Time]]:
    mutator = Mutator(original, place / "tree", seed)
    with moving_time() as clock, LANES[lane](mutator.copy, clock):
        pair = Pair(mutator.copy, clock)
        try:
            yield mutator, pair, clock
        finally:
            pair.kept.close()
            COMPARED["changes"] += mutator.done.total()
