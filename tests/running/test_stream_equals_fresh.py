"""At every tick a stream says what a new reader says, of every source of every tree, whatever happened to the files.

    make test TESTS=tests/running/test_stream_equals_fresh.py
    PROCPULSE_FRESH_SEEDS=50 PROCPULSE_FRESH_TICKS=100 make test TESTS=tests/running/test_stream_equals_fresh.py

A tree is read twice: as the plain files that it is, and as the kernel's own, whose descriptors are kept. What a source
declares to read less often (`refreshes`, `cadence`) has to be right at its own time: until then its files stay as they
are, and a value that is carried is compared with what a new reader said when it was read.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from procpulse import Roots, Sampler
from procpulse.encode.schema import every_source
from procpulse.reader.rounds import HOST
from procpulse.snapshot import Snapshot
from procpulse.source import Refresh, Source
from tests.conftest import trees
from tests.running.comparing import of_source
from tests.running.mutating import Mutator, Settled
from tests.running.pretending import LANES, Time, as_it_is, moving_time

SEEDS = int(os.environ.get("PROCPULSE_FRESH_SEEDS", "1"))
TICKS = int(os.environ.get("PROCPULSE_FRESH_TICKS", "6"))

SOURCES = every_source()
JUMPS = (61.0, 61.0, 5.5, 5.5, 61.0, 5.5, 5.5, 61.0)
"""Seconds from tick to tick: over the longest that anything is kept for, and over what a missing file of /proc is."""


class Pair:
    """A kept sampler of a tree, and the new ones that it is compared with."""

    def __init__(self, tree: Path, clock: Time, sources: list[Source[Any]] = SOURCES):
        self.roots = Roots(proc=str(tree / "proc"), sys=str(tree / "sys"), root=str(tree))
        self.clock = clock
        self.sources = sources
        self.kept = as_it_is(self._sampler())
        self.compared = 0
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
            self.compared += 1
        if kept.host != fresh.host:
            found.append(f"tick {self._ticks}: host is {kept.host}, a new reader says {fresh.host}")
        self._ticks += 1
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


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory for a tree; in memory where that can be had, since thousands of files are written at each tick."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


each_tree = pytest.mark.parametrize("original", trees(), ids=lambda tree: tree.name)
each_lane = pytest.mark.parametrize("lane", LANES)


@pytest.mark.parametrize("seed", range(SEEDS))
@each_lane
@each_tree
def test_every_source_of_a_tree_that_changes(original: Path, lane: str, seed: int, place: Path) -> None:
    with paired(original, place, lane, seed) as (mutator, pair, clock):
        said = pair.compare()
        for tick in range(TICKS):
            jump = JUMPS[tick % len(JUMPS)]
            mutator.tick(Settled(pair.refreshes(said), jump))
            clock.jump(jump)
            said = pair.compare()
        done: Counter[str] = mutator.done
        assert done.total() >= TICKS
