"""Clocks that jump and loops that are late (F31, F32; P8, P9): no tick too many, none too few, rates unchanged.

The machine's own clock is left alone: a clock of the test jumps, and a time namespace is a real one.
"""

import asyncio
import math
import random
import time
from itertools import pairwise

import pytest

from procpulse import Roots, Sampler, Snapshot, difference
from procpulse.sources import PROCESSES, STAT, UPTIME
from tests.conftest import Clock, Count, settle
from tests.faults.making import child

HOUR = 3600 * 10**9


async def collected(sampler: Sampler, clock: Clock, seconds: int, jumps: dict[int, int], align: bool) -> list[Snapshot]:
    """The snapshots of so many seconds; at some of them the wall clock is set."""
    snaps: list[Snapshot] = []

    async def consume() -> None:
        async for snap in sampler.stream(1.0, align=align):
            snaps.append(snap)

    task = asyncio.ensure_future(consume())
    for second in range(seconds):
        await clock.advance(1)
        clock.wall_ns += jumps.get(second, 0)
    task.cancel()
    await settle()
    return snaps


@pytest.mark.parametrize("jump", [HOUR, -HOUR, -24 * HOUR, 7 * 24 * HOUR], ids=["+1 h", "-1 h", "-1 d", "+1 week"])
@pytest.mark.parametrize("align", [False, True], ids=["free", "aligned"])
async def test_the_wall_clock_is_set(clock: Clock, jump: int, align: bool) -> None:
    sampler = Sampler([Count()], clock=clock)
    snaps = await collected(sampler, clock, 60, {20: jump, 40: -jump // 2}, align)
    assert [snap.seq for snap in snaps] == list(range(len(snaps))), "no tick is missed"
    assert 59 <= len(snaps) <= 61, "and there are none too many"
    gaps = {(b.monotonic_ns - a.monotonic_ns) / 1e9 for a, b in pairwise(snaps)}
    assert all(0.5 <= gap <= 1.5 for gap in gaps)
    assert sampler.statistics().missed == 0


async def test_a_suspended_host_is_a_gap(clock: Clock) -> None:
    """The monotonic clock stands still meanwhile; the wall clock shows that time is missing."""
    sampler = Sampler([Count()], clock=clock)
    snaps = await collected(sampler, clock, 20, {10: 8 * HOUR}, False)
    steps = [b.time - a.time for a, b in pairwise(snaps)]
    assert sum(step > 3600 for step in steps) == 1
    assert sampler.statistics().missed == 0


async def test_a_loop_that_is_blocked(clock: Clock) -> None:
    """Ticks are skipped, never bunched: two samples are at least half an interval apart, and the gap is counted."""
    sampler = Sampler([Count()], clock=clock)
    stream = sampler.stream(1.0)
    seen = [await anext(stream)]
    dice = random.Random(7)
    for _ in range(60):
        clock.jump(dice.choice([0.0, 0.3, 0.9, 1.4, 7.7]))
        task = asyncio.ensure_future(anext(stream))
        await clock.advance(1.5)
        seen.append(await task)
    gaps = [(b.monotonic_ns - a.monotonic_ns) / 1e9 for a, b in pairwise(seen)]
    assert min(gaps) >= 0.49
    missed = sum(b.seq - a.seq - 1 for a, b in pairwise(seen))
    assert sampler.statistics().missed == missed > 0


def test_rates_are_over_the_true_time() -> None:
    """Thirty percent of jitter in the ticks, the real CPUs (P8)."""
    sampler = Sampler([STAT, PROCESSES])
    dice = random.Random(5)
    before = sampler.sample_sync()
    for _ in range(12):
        time.sleep(0.05 * dice.uniform(0.7, 1.3))
        after = sampler.sample_sync()
        delta = difference(before, after)
        cpus = len(after[STAT].cpus)
        usage = delta.usage
        assert usage.cpu is not None
        assert 0 <= usage.cpu.busy_ratio <= 1
        seconds = delta.seconds(STAT)
        for cpu in usage.processes.values():
            assert 0 <= cpu.cpu_ratio <= cpus + 0.02 / seconds, "at most all CPUs, and a tick"
            assert math.isfinite(cpu.cpu_ratio)
        before = after
    sampler.close()


def test_a_boot_id_that_changes_starts_anew() -> None:
    """A recording that goes on after a reboot: no delta across it."""
    sampler = Sampler([UPTIME], roots=Roots())
    snap = sampler.sample_sync()
    sampler.close()
    import msgspec

    other = msgspec.structs.replace(snap, host=msgspec.structs.replace(snap.host, boot_id="another"))
    with pytest.raises(ValueError, match="different boots"):
        difference(snap, other)


@pytest.mark.root
def test_a_time_namespace() -> None:
    """A day later by CLOCK_BOOTTIME, an hour by CLOCK_MONOTONIC: uptime moves, ticks, rates and identities do not."""
    found = child(
        """
        import anyio, json
        from procpulse import Sampler
        from procpulse.cli.doctor import _clocks, _read_own
        from procpulse.sources import PROCESSES, STAT, UPTIME

        async def main():
            seen = []
            async with Sampler([UPTIME, STAT, PROCESSES]) as sampler:
                async for delta in sampler.deltas(0.1):
                    seen.append([delta.gap, delta.seconds(STAT), delta.usage.cpu.busy_ratio, len(delta[PROCESSES])])
                    if len(seen) == 5:
                        snap = await sampler.sample()
                        return seen, snap[UPTIME].up_ms, sampler.statistics().missed
        seen, up, missed = anyio.run(main)
        print(json.dumps([seen, up, missed, [f.found for f in _clocks(_read_own())]]))
        """,
        unshare=["--time", "--boottime", "86400", "--monotonic", "3600", "--fork"],
    )
    seen, up_ms, missed, clocks = found
    assert up_ms > 86_400_000
    assert "boottime by 86400 s" in clocks[0]
    assert missed <= 2
    for gap, seconds, busy, rows in seen:
        assert gap <= 2
        assert 0.04 < seconds < 5
        assert 0 <= busy <= 1
        assert rows > 1
