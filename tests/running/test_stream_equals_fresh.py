"""At every tick a stream says what a new reader says, of every source of every tree, whatever happened to the files.

    make test TESTS=tests/running/test_stream_equals_fresh.py
    PROCPULSE_FRESH_SEEDS=50 PROCPULSE_FRESH_TICKS=100 make test TESTS=tests/running/test_stream_equals_fresh.py

A tree is read twice: as the plain files that it is, and as the kernel's own, whose descriptors are kept. What a source
declares to read less often (`refreshes`, `cadence`) has to be right at its own time: until then its files stay as they
are, and a value that is carried is compared with what a new reader said when it was read.
"""

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import trees
from tests.running.mutating import Settled
from tests.running.pairing import paired
from tests.running.pretending import LANES

SEEDS = int(os.environ.get("PROCPULSE_FRESH_SEEDS", "1"))
TICKS = int(os.environ.get("PROCPULSE_FRESH_TICKS", "6"))

JUMPS = (61.0, 61.0, 5.5, 5.5, 61.0, 5.5, 5.5, 61.0)
"""Seconds from tick to tick: over the longest that anything is kept for, and over what a missing file of /proc is."""


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
        assert mutator.done


@each_lane
@each_tree
def test_files_that_appear_vanish_and_come_back(original: Path, lane: str, place: Path) -> None:
    """Nothing at first, then a whole tree, nothing again, and the tree again: with one and the same sampler."""
    with paired(original, place, lane) as (mutator, pair, clock):
        there = []
        for full in (False, True, False, True):
            for name in ("proc", "sys"):
                if not full:
                    mutator.clear(name)
                elif (original / name).is_dir():
                    shutil.copytree(original / name, mutator.copy / name, symlinks=True, dirs_exist_ok=True)
            clock.jump(61)
            there.append({name for name, value in pair.compare().values.items() if value})
        assert there[0] == there[2] == set()
        assert there[1] == there[3] != set()
