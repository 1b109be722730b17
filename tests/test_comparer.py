"""Streams are compared in one way, whoever does it; what a cadence left out of a tick is carried for usage alone."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from procpulse import Delta, Host, Roots, Sampler, Snapshot, deltas
from procpulse.comparer import Comparer
from procpulse.recording import Recorder, replay
from procpulse.source import Failure, Reason
from procpulse.sources import CGROUP, NET_DEV, STAT
from procpulse.sources.proc.net_dev import Interface
from procpulse.web.client import stream
from procpulse.web.frames import Pace
from tests.conftest import FIXTURES
from tests.web import application, client, served

HOST = Host(name="host", boot_id="a")
SECOND = 1_000_000_000


def interface(rx_bytes: int) -> Interface:
    return Interface("eth0", rx_bytes, *[0] * 15)


def snapshot(seq: int, rx_bytes: int | None, read: int, failure: Failure | None = None) -> Snapshot:
    """A tick, with an interface as it was read at another."""
    values: dict[str, Any] = {} if rx_bytes is None else {"net_dev": [interface(rx_bytes)]}
    failures = {} if failure is None else {"net_dev": failure}
    return Snapshot(seq, 1000.0 + seq, seq * SECOND, HOST, values, failures, dict.fromkeys(values, read * SECOND))


def seldom() -> list[Snapshot]:
    """Ten ticks of a source that is read at every third: 0, 3, 6, 9."""
    return [snapshot(tick, 1000 * (tick // 3) ** 2, tick // 3 * 3) for tick in range(10)]


async def of(snapshots: list[Snapshot]) -> AsyncIterator[Snapshot]:
    for one in snapshots:
        yield one


def rates(found: list[Delta]) -> list[float | None]:
    usages = [delta.usage.interfaces.get("eth0") for delta in found]
    return [None if usage is None else usage.rx_bytes_per_second for usage in usages]


# From 0 to 1000, then to 4000, then to 9000, in three seconds each.
EXPECTED = [None, None, *[1000 / 3] * 3, *[1000.0] * 3, 5000 / 3]


async def test_the_last_growth_of_a_source_with_a_cadence_is_carried() -> None:
    found = [delta async for delta in deltas(of(seldom()))]
    assert rates(found) == pytest.approx(EXPECTED)
    assert [NET_DEV in delta for delta in found] == [False, False, True, False, False, True, False, False, True]
    assert sum(delta[NET_DEV][0].rx_bytes for delta in found if NET_DEV in delta) == 9000, "nothing counts twice"
    assert found[3].carried["net_dev"].elapsed_ns == 3 * SECOND
    assert found[2].carried == {}


async def test_what_fails_or_disappears_is_not_carried() -> None:
    failure = Failure(Reason.TIMEOUT, "/proc/net/dev")
    ticks = [snapshot(0, 0, 0), snapshot(1, 50, 1), snapshot(2, None, 2, failure), snapshot(3, 50, 1)]
    found = [delta async for delta in deltas(of(ticks))]
    assert rates(found) == [50.0, None, None]


async def test_a_stream_that_starts_anew_carries_nothing() -> None:
    ticks = seldom()[:5]
    other = Host(name="host", boot_id="b")
    ticks += [Snapshot(5, 1005.0, 5 * SECOND, other, ticks[4].values, {}, {"net_dev": 3 * SECOND})]
    ticks += [Snapshot(6, 1006.0, 6 * SECOND, other, ticks[4].values, {}, {"net_dev": 3 * SECOND})]
    found = [delta async for delta in deltas(of(ticks))]
    assert rates(found) == [None, None, pytest.approx(1000 / 3), pytest.approx(1000 / 3), None]
    again = [delta async for delta in deltas(of([*seldom()[:5], *seldom()[1:3]]))]
    assert rates(again)[-1] is None, "what is not later starts anew"


async def test_growth_in_ticks_that_nobody_compared_is_that_since_the_last_comparison() -> None:
    comparer, ticks = Comparer(), seldom()
    assert (await comparer.compare(ticks[2], ticks[3])) is not None
    later = await comparer.compare(ticks[7], ticks[8])
    assert later is not None
    assert rates([later]) == [1000.0], "from the read at 3 to the read at 6, in 3 s"
    assert NET_DEV not in later
    first = await Comparer().compare(ticks[7], ticks[8])
    assert first is not None
    assert rates([first]) == [None], "nothing is known of what was before"


async def test_a_pace_of_the_server_compares_in_the_same_way() -> None:
    for every in (1, 2, 4):
        pace, found = Pace(every), []
        for tick in seldom():
            if pace.due(tick):
                await pace.advance(tick)
                if pace.delta is not None:
                    found.append(pace.delta)
        expected = [delta async for delta in deltas(of(seldom()[::every]))]
        assert [delta.values for delta in found] == [delta.values for delta in expected]
        assert [delta.carried for delta in found] == [delta.carried for delta in expected]
        assert rates(found) == rates(expected)
        assert {delta.gap for delta in found} == {0}


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """A tree of control groups whose numbers can be changed."""
    source = next(tree for tree in sorted(FIXTURES.iterdir()) if (tree / "sys/fs/cgroup/cpu.stat").exists())
    shutil.copytree(source / "sys/fs/cgroup", tmp_path / "sys/fs/cgroup", symlinks=True)
    shutil.copytree(source / "proc", tmp_path / "proc", symlinks=True)
    return Roots(str(tmp_path / "proc"), str(tmp_path / "sys"))


def add(roots: Roots, microseconds: int) -> None:
    """Let the root group use CPU time."""
    path = Path(roots.sys, "fs/cgroup/cpu.stat")
    rows = dict(line.split() for line in path.read_text().splitlines())
    rows["usage_usec"] = str(int(rows["usage_usec"]) + microseconds)
    path.write_text("".join(f"{name} {value}\n" for name, value in rows.items()))


def carried_on(found: list[Delta]) -> None:
    """Groups are there at every tick from the second read on, and each growth is in the values once."""
    known = [bool(delta.usage.cgroups) for delta in found]
    first = known.index(True)
    assert all(known[first:])
    assert not any(known[:first])
    anew = [delta for delta in found if CGROUP in delta]
    assert 1 < len(anew) < len(found[first:])
    for before, after in itertools.pairwise(found[first:]):
        if CGROUP not in after:
            assert after.usage.cgroups == before.usage.cgroups


async def test_groups_of_a_sampler_and_of_its_recording(roots: Roots, tmp_path: Path) -> None:
    with_cadence = Sampler([CGROUP, STAT], roots=roots, cadence={CGROUP: 0.3})
    live: list[Delta] = []

    async def follow() -> None:
        async for delta in with_cadence.deltas(0.05):
            live.append(delta)

    follower = asyncio.create_task(follow())
    async with Recorder(tmp_path / "host.ppr") as recorder:
        async for one in with_cadence.stream(0.05):
            add(roots, 10_000)
            await recorder.write(one)
            if sum(CGROUP in delta for delta in live) > 2:
                break
    follower.cancel()
    with_cadence.close()
    replayed = [delta async for delta in deltas(replay(tmp_path / "host.ppr"))]
    carried_on(live)
    carried_on(replayed)
    # On a machine that is busy the one who records may miss a tick that the one who compares has seen.
    written = {delta.seq: delta.usage.cgroups for delta in replayed if not delta.gap}
    compared = {delta.seq: delta.usage.cgroups for delta in live if not delta.gap}
    both = written.keys() & compared.keys()
    assert len(both) > 2
    assert {seq: written[seq] for seq in both} == {seq: compared[seq] for seq in both}


async def test_usage_of_a_server_has_groups_at_every_tick() -> None:
    app = application(sources=[CGROUP, STAT], interval=0.05)
    async with served(app) as place, client(app) as asking:
        await asking.get("/v1/usage")
        app.hub.sampler._cadence["cgroup"] = 0.5  # type: ignore[union-attr]
        remote = stream(f"http://{place}/")
        usages = []
        async for delta in deltas(remote):
            usages.append(delta.usage.cgroups)
            if sum(map(bool, usages)) > 25:
                break
        await remote.aclose()
        first = next(i for i, usage in enumerate(usages) if usage)
        assert first + 20 < len(usages)
        assert all(usages[first:]), "none is empty once there was one"
        answers = [(await asking.get("/v1/usage")).json()["usage"]["cgroups"] for _ in range(10)]
        assert all(answers)
