"""What a stream of a tree that changes says is the same by every way: deltas, a recording, the frames of a server."""

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest

import procpulse.web
from procpulse import Delta, Sampler, difference
from procpulse.encode import json
from procpulse.recording import Recorder, replay
from procpulse.snapshot import Snapshot
from procpulse.source import Refresh
from procpulse.web.client import stream
from procpulse.web.select import Selection, rates
from tests.conftest import FIXTURES, Clock
from tests.running.comparing import differences, of_source
from tests.running.mutating import Settled
from tests.running.pairing import Pair, paired
from tests.web import client, served

TICKS = int(os.environ.get("PROCPULSE_FRESH_TICKS", "4"))
SECONDS = 61.0
BOOT = Refresh("/proc/sys/kernel/random/boot_id")
"""What may not change here: nothing is compared across boots."""

each_tree = pytest.mark.parametrize("name", ["workstation", "vm-6.18", "cgroup-v2"])


def said(snapshot: Snapshot) -> tuple[Any, ...]:
    """All that a snapshot says."""
    return (snapshot.seq, snapshot.time, snapshot.host, snapshot.values, snapshot.failures, snapshot.read_ns)


def grown(delta: Delta) -> tuple[dict[str, Any], list[Any], dict[str, Any]]:
    """What a delta says of growth, whenever it was read."""
    return delta.values, sorted(delta.resets, key=repr), delta.failures


@each_tree
async def test_a_stream_its_deltas_and_its_recording(name: str, place: Path, tmp_path: Path) -> None:
    with paired(FIXTURES / name, place, "plain") as (mutator, pair, _):
        snapshots = []
        freshes: list[Snapshot] = []
        following, deltas = pair.kept.stream(SECONDS), pair.kept.deltas(SECONDS)
        async with Recorder(tmp_path / "host.ppr") as recorder:
            for tick in range(TICKS):
                if tick:
                    mutator.tick(Settled([*pair.refreshes(snapshots[-1]), BOOT], SECONDS))
                snapshots.append(await anext(following))
                freshes.append(pair.fresh())
                pair.check(snapshots[-1], freshes[-1])
                await recorder.write(snapshots[-1])
                if tick:
                    delta, right = await anext(deltas), difference(*freshes[-2:])
                    assert delta.seq == snapshots[-1].seq
                    assert list(differences(grown(delta)[0], grown(right)[0])) == []
                    assert grown(delta)[1:] == grown(right)[1:]
        played = [snapshot async for snapshot in replay(tmp_path / "host.ppr")]
        assert [list(differences(said(one), said(other))) for one, other in zip(played, snapshots, strict=True)] == [
            []
        ] * TICKS


@each_tree
async def test_the_frames_and_the_rates_of_a_server(name: str, place: Path) -> None:
    """As patches of JSON and of msgpack, against what a server says that was started a moment ago."""
    clock = Clock()
    with paired(FIXTURES / name, place, "plain") as (mutator, pair, ahead):
        sampler = Sampler(pair.sources, roots=pair.roots, deadlines=dict.fromkeys(pair.sources, 60.0), clock=clock)
        app = procpulse.web.app(sampler, interval=SECONDS)
        async with AsyncExitStack() as stack:
            address = await stack.enter_async_context(served(app))
            streams = [stream(f"http://{address}/", format=format) for format in ("json", "msgpack")]
            for following in streams:
                stack.push_async_callback(following.aclose)
            asked = await stack.enter_async_context(client(app))
            before: Snapshot | None = None
            for tick in range(TICKS):
                if tick:
                    mutator.tick(Settled([*pair.refreshes(pair.fresh()), BOOT], SECONDS))
                    ahead.jump(SECONDS)
                    await clock.advance(SECONDS)
                received = [await anext(following) for following in streams]
                fresh = await anew(pair)
                for snapshot in received:
                    assert snapshot.seq == tick
                    assert [line for source in app.hub.sources for line in of_source(source, snapshot, fresh)] == []
                if before is not None:
                    usage = (await asked.get("/v1/usage")).json()
                    assert usage["seq"] == tick
                    right = json.encode(rates(difference(before, received[1]), Selection()))
                    assert list(differences(usage["usage"], msgspec.json.decode(right))) == []
                before = received[1]
        sampler.close()


async def anew(pair: Pair) -> Snapshot:
    """What a server says that has just begun."""
    async with Sampler(pair.sources, roots=pair.roots, deadlines=dict.fromkeys(pair.sources, 60.0)) as sampler:
        app = procpulse.web.app(sampler, interval=SECONDS)
        async with app.lifespan(), client(app) as asking:
            answer = await asking.get("/v1/snapshot")
            assert answer.status_code == 200, answer.text
            return json.decode(answer.content)
