"""Frames: by websocket and as server-sent events, held to docs/protocol.md through the Python client."""

import asyncio
import itertools
import json
import re
import socket as sockets
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from websockets.exceptions import InvalidStatus

from procpulse import Roots, Sampler, Snapshot, deltas
from procpulse.sources import LOADAVG, MEMINFO, PROCESSES, STAT, UPTIME, processes
from procpulse.web import hub as hubs
from procpulse.web import memory as memories
from procpulse.web import streams
from procpulse.web.application import Application
from procpulse.web.client import Refused, State, address, stream
from procpulse.web.frames import Feed, Pace
from procpulse.web.hub import Hub
from procpulse.web.memory import Memory
from procpulse.web.select import Selection, Wrong, parse
from tests.conftest import FIXTURES, Clock
from tests.web import FAST, TOKEN, application, served, socket, until_closed

PROTOCOL = (Path(__file__).parent.parent / "docs/protocol.md").read_text()


@pytest.fixture
async def app() -> Application:
    return application(sources=[STAT, MEMINFO, LOADAVG, UPTIME, processes("io")])


@pytest.fixture
async def place(app: Application) -> AsyncIterator[str]:
    async with served(app) as place:
        yield place


def seen(app: Application) -> list[Snapshot]:
    """The samples of a server, as it takes them."""
    found: list[Snapshot] = []
    app.hub.on_tick.append(found.append)
    return found


async def first(snapshots: AsyncGenerator[Snapshot, None]) -> Snapshot:
    """The first of some snapshots, the connection closed."""
    async with aclosing(snapshots):
        return await anext(snapshots)


@pytest.mark.parametrize("format", ["json", "msgpack"])
async def test_the_client_has_what_the_server_has(app: Application, place: str, format: str) -> None:
    taken = seen(app)
    got = []
    async with aclosing(stream(f"http://{place}/", format=format)) as snapshots:
        async for snap in snapshots:
            got.append(snap)
            if len(got) == 12:
                break
    there = {snap.seq: snap for snap in taken}
    for snap in got[1:]:
        assert snap == there[snap.seq]
        assert list(snap.values["processes"]) == list(there[snap.seq].values["processes"])
        assert snap.row_times("processes") == there[snap.seq].row_times("processes")
    assert got[-1][MEMINFO].mem_total_bytes > 0
    assert [snap.seq for snap in got] == sorted({snap.seq for snap in got})


async def test_deltas_of_another_host(place: str) -> None:
    async with aclosing(stream(f"http://{place}", sources=[STAT, PROCESSES])) as snapshots:
        async for delta in deltas(snapshots):
            assert delta.usage.cpu is None or 0 <= delta.usage.cpu.busy_ratio <= 1
            assert 1 in delta[PROCESSES]
            break


async def test_frames(place: str) -> None:
    async with socket(place, "sources=loadavg,uptime,processes&top=3&usage=1") as connection:
        assert connection.subprotocol == "procpulse.v1.json"
        first = json.loads(await connection.recv())
        assert list(first) == ["type", "seq", "gap", "schema", "data", "usage"]
        assert first["type"] == "snapshot"
        assert first["gap"] == 0
        assert list(first["data"]["values"]) == ["loadavg", "uptime", "processes"]
        second = json.loads(await connection.recv())
        assert second["type"] == "change"
        assert set(second) - {"failures"} == {
            "type", "seq", "gap", "time", "monotonic_ns", "values", "gone", "read_ns", "rows_ns", "usage",
        }  # fmt: skip
        assert "uptime" in second["values"]
        assert set(second["values"]["uptime"]) <= {"up_ms", "idle_ms"}
        assert len(second["usage"]["processes"]) <= 3
        assert second["usage"]["memory"]["total_bytes"] > 0


async def test_usage_alone(place: str) -> None:
    async with socket(place, "sources=&usage=1&top=0") as connection:
        await connection.recv()
        frame = json.loads(await connection.recv())
        assert frame["values"] == {}
        assert frame["usage"]["processes"] == {}
        assert frame["usage"]["interfaces"]
    async with socket(place, "sources=") as connection:
        await connection.recv()
        assert "usage" not in json.loads(await connection.recv())


async def test_a_multiple_of_the_interval(place: str) -> None:
    async with socket(place, f"sources=uptime&usage=1&interval={4 * FAST}") as connection:
        frames = [json.loads(await connection.recv()) for _ in range(4)]
        steps = [b["seq"] // 4 - a["seq"] // 4 for a, b in itertools.pairwise(frames[1:])]
        assert all(step == 1 + frame["gap"] for step, frame in zip(steps, frames[2:], strict=True))
        times = [b["time"] - a["time"] for a, b in itertools.pairwise(frames[1:])]
        assert all(took > FAST for took in times)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("sources=nothing", "no source 'nothing'"), ("interval=0.07", "multiple of 0.05"), ("by=comm", "by is one of"),
        ("foo=1", "no parameter 'foo'"), ("interval=0", "multiple"), ("interval=-1", "multiple"), ("sources=stat:x", "no source"),
        ("sources=" + "x" * 3000, "no source"), ("top=1&top=2", "twice"), ("&".join(f"a{i}=" for i in range(99)), ""),
    ],
)  # fmt: skip
async def test_a_query_that_makes_no_sense_is_said(place: str, query: str, reason: str) -> None:
    async with socket(place, query) as connection:
        code, why = await until_closed(connection)
        assert code == 1008
        assert why is not None
        assert reason in why
    async with httpx.AsyncClient() as web:
        answer = await web.get(f"http://{place}/v1/events?{query}")
        assert answer.status_code == 400


async def test_the_client_says_why_it_was_refused(place: str) -> None:
    with pytest.raises(Refused, match="no source 'nothing'"):
        await first(stream(f"http://{place}", sources=["nothing"]))
    async with served(application(sources=[LOADAVG], token=TOKEN)) as closed:
        with pytest.raises(Refused, match="401: a token is needed"):
            await first(stream(f"http://{closed}"))
        snap = await first(stream(f"http://{closed}", token=TOKEN))
        assert LOADAVG in snap
    with pytest.raises(ConnectionRefusedError):
        await first(stream("http://127.0.0.1:1", reconnect=False))


@pytest.mark.parametrize(
    ("url", "options", "found"),
    [
        ("http://h:1/", {}, "ws://h:1/v1/stream"), ("https://h/pulse", {"top": 3}, "wss://h/pulse/v1/stream?top=3"),
        ("ws://h", {"sources": [STAT, "x"], "interval": 2}, "ws://h/v1/stream?interval=2&sources=stat%2Cx"),
        ("http://h", {"sources": [], "usage": True}, "ws://h/v1/stream?usage=1&sources="),
    ],
)  # fmt: skip
def test_addresses(url: str, options: Any, found: str) -> None:
    assert address(url, **options) == found


@pytest.mark.parametrize("url", ["h:1", "ftp://h", "http://", "http://me:S3cret@h/"])
def test_addresses_that_make_no_sense(url: str) -> None:
    with pytest.raises(ValueError, match="not the address") as error:
        address(url)
    assert "S3cret" not in str(error.value)


async def test_sub_protocols(place: str) -> None:
    async with socket(place, "sources=loadavg", format=None) as plain:
        assert plain.subprotocol is None
        assert json.loads(await plain.recv())["type"] == "snapshot"
    async with socket(place, "sources=loadavg", format="msgpack") as packed:
        assert msgspec.msgpack.decode(await packed.recv(decode=False))["type"] == "snapshot"
    with pytest.raises(InvalidStatus) as refused:
        await socket(place, format="xml")
    assert refused.value.response.status_code == 400


async def test_other_paths(place: str) -> None:
    from websockets.asyncio.client import connect

    with pytest.raises(InvalidStatus) as refused:
        await connect(f"ws://{place}/v1/other")
    assert refused.value.response.status_code == 404


async def test_it_ends_with_a_word(app: Application) -> None:
    async with served(app) as place, httpx.AsyncClient() as web:
        one = await socket(place, "sources=loadavg")
        await one.recv()
        async with web.stream("GET", f"http://{place}/v1/events?sources=loadavg") as events:
            lines = events.aiter_lines()
            while not (await anext(lines)).startswith("data:"):
                pass
            await app.hub.stop()
            rest = [line async for line in lines]
            assert "event: bye" in rest
        assert await until_closed(one) == (1001, "the server goes away")
        assert not app.hub.subscribers


async def test_the_client_comes_back(app: Application) -> None:
    got: list[Snapshot] = []
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def read() -> None:
        async with aclosing(stream(f"http://127.0.0.1:{port}", sources=[LOADAVG])) as snapshots:
            async for snap in snapshots:
                got.append(snap)

    reading = asyncio.create_task(read())
    from procpulse.web.server import Server, listen

    for _ in range(2):
        count = len(got)
        server = Server(app)
        serving = asyncio.create_task(server._serve(listen("127.0.0.1", port)))
        while len(got) < count + 2:
            await asyncio.sleep(0.02)
            assert not reading.done()
        server.should_exit = True
        await serving
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


# One tick at a time, without a network.


def made(clock: Clock, **options: Any) -> tuple[Hub, Sampler]:
    roots = Roots(proc=str(FIXTURES / "notebook/proc"), sys=str(FIXTURES / "notebook/sys"))
    sampler = Sampler([LOADAVG, STAT], roots=roots, clock=clock)
    return Hub(sampler, interval=1.0, **options), sampler


async def test_one_slot_and_the_newest_wins(clock: Clock) -> None:
    hub, sampler = made(clock)
    fast = hub.subscribe(Selection(), "json", "a")
    slow = hub.subscribe(Selection(), "json", "b")
    await settle_ticks(hub, 1)
    for client in (fast, slow):
        assert json.loads(await client.next())["type"] == "snapshot"
    for seq in (1, 2, 3):
        await clock.advance(1)
        await settle_ticks(hub, seq + 1)
        frame = json.loads(await fast.next())
        assert (frame["type"], frame["seq"], frame["gap"]) == ("change", seq, 0)
    frame = json.loads(await slow.next())
    assert (frame["type"], frame["seq"], frame["gap"]) == ("snapshot", 3, 2)
    await clock.advance(1)
    await settle_ticks(hub, 5)
    assert await fast.next() is await slow.next(), "encoded once for both"
    await hub.stop()
    sampler.close()


async def settle_ticks(hub: Hub, count: int) -> None:
    for _ in range(500):
        if hub.counts["ticks"] >= count:
            return
        await asyncio.sleep(0.002)
    raise AssertionError("no tick came")


async def test_each_format_and_selection_is_encoded_once_a_tick(clock: Clock) -> None:
    hub, sampler = made(clock)
    clients = [
        hub.subscribe(selection, format, str(number))
        for selection in (Selection(), Selection(sources=("stat",)))
        for format in ("json", "msgpack")
        for number in range(50)
    ]
    await settle_ticks(hub, 1)
    for client in clients:
        await client.next()
    for seq in range(3):
        await clock.advance(1)
        await settle_ticks(hub, seq + 2)
        for client in clients:
            await client.next()
    assert sum(feed.encoded for feed in hub.feeds.values()) == 4 * 4
    assert len(hub.feeds) == 2
    await hub.stop()
    sampler.close()


async def test_a_client_that_takes_too_long_is_put_out(clock: Clock) -> None:
    hub, sampler = made(clock, send_seconds=0.05)
    client = hub.subscribe(Selection(), "json", "a")
    loop = asyncio.get_running_loop()
    client.sending_since = loop.time()
    await asyncio.wait_for(client.stopped.wait(), 5)
    assert client.code == 1013
    assert hub.counts["evicted"] == 1
    client.leave()
    client.leave()
    assert not hub._addresses
    await hub.stop()
    sampler.close()


async def test_a_missed_tick_is_a_gap(clock: Clock) -> None:
    hub, sampler = made(clock)
    client = hub.subscribe(Selection(), "json", "a")
    await settle_ticks(hub, 1)
    await client.next()
    clock.jump(3.7)  # the loop was busy: tick 1 is late, 2 and 3 are missed
    await clock.advance(0)
    await settle_ticks(hub, 2)
    late = json.loads(await client.next())
    await clock.advance(0.5)
    await settle_ticks(hub, 3)
    frame = json.loads(await client.next())
    assert (late["type"], late["seq"], late["gap"]) == ("change", 1, 0)
    assert (frame["type"], frame["seq"], frame["gap"]) == ("change", 4, 2)
    await hub.stop()
    sampler.close()


@pytest.mark.parametrize(("every", "before", "after", "gap"), [(1, 4, 5, 0), (1, 4, 7, 2), (5, 4, 5, 0), (5, 0, 14, 1)])
def test_gaps(every: int, before: int, after: int, gap: int) -> None:
    assert Pace(every).gap(before, after) == gap


def test_multiples() -> None:
    for asked, interval, every in (
        ("1", 1.0, 1),
        ("5", 0.5, 10),
        ("0.3", 0.1, 3),
        ("3600", 1.0, 3600),
        ("1e1", 1.0, 10),
    ):
        assert parse({"interval": [asked]}, [], interval).every == every
    for asked in ("1.5", "0", "-1", "nan", "inf", "3601", "", "x", "1" * 30):
        with pytest.raises(Wrong):
            parse({"interval": [asked]}, [], 1.0)


def test_frames_that_make_no_sense() -> None:
    state = State("json")
    change = {"type": "change", "seq": 1, "gap": 0, "values": {}, "gone": [], "read_ns": {}, "rows_ns": {}}
    for frame in ("", "{", "[]", "1", '{"type": "snapshot"}', json.dumps(change), '{"type": "snapshot", "data": {}}'):
        with pytest.raises(ValueError, match=r"not a frame|change of nothing"):
            State("json").feed(frame)
    assert state.feed('{"type": "later"}') is None, "frames of a later version are passed over"


# Server-sent events.


class Events:
    """What a stream of events says, an event at a time."""

    def __init__(self, lines: AsyncIterator[str]):
        self._lines = lines

    async def next(self) -> dict[str, str]:
        found: dict[str, str] = {}
        async for line in self._lines:
            if not line and "data" in found:
                return found
            name, _, value = line.partition(": ")
            if name:
                found[name] = value
        raise AssertionError("the stream ended")


@asynccontextmanager
async def listening(place: str, query: str = "sources=loadavg,uptime", **headers: str) -> AsyncIterator[httpx.Response]:
    url = f"http://{place}/v1/events?{query}"
    async with httpx.AsyncClient() as web, web.stream("GET", url, headers=headers) as answer:
        yield answer


async def test_events(place: str) -> None:
    async with listening(place) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["x-accel-buffering"] == "no"
        assert "no-transform" in answer.headers["cache-control"]
        events = Events(answer.aiter_lines())
        first, second = await events.next(), await events.next()
    assert (first["event"], second["event"]) == ("snapshot", "change")
    assert re.fullmatch(r"[0-9a-f-]{36}-[0-9a-f]{8}-[0-9]+", first["id"])
    state = State("json")
    for event in (first, second):
        snap = state.feed(event["data"])
        assert snap is not None
        assert event["id"].endswith(f"-{snap.seq}")


async def test_events_go_on_where_they_were(app: Application, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procpulse.web.hub.STAY_SECONDS", 0.0)
    taken = seen(app)
    state = State("json")
    async with listening(place) as answer:
        events = Events(answer.aiter_lines())
        for _ in range(2):
            event = await events.next()
            state.feed(event["data"])
    while len(taken) < 8:
        await asyncio.sleep(FAST)
    last = int(event["id"].rpartition("-")[2])
    async with listening(place, **{"last-event-id": event["id"]}) as answer:
        events = Events(answer.aiter_lines())
        for step in range(1, 5):
            event = await events.next()
            assert event["event"] == "change"
            snap = state.feed(event["data"])
            assert snap is not None
            if not step % 4:
                [there] = [snap for snap in taken if snap.seq == int(event["id"].rpartition("-")[2])]
                assert snap[LOADAVG] == there[LOADAVG]
                assert snap[UPTIME] == there[UPTIME]
    assert int(event["id"].rpartition("-")[2]) >= last + 4


@pytest.mark.parametrize("last", ["nonsense", "-", "", "a-b-3", "{run}-999999", "{run}-x", "{boot}-00000000-3"])
async def test_events_from_too_long_ago_start_anew_once(app: Application, place: str, last: str) -> None:
    async with listening(place) as answer:
        event = await Events(answer.aiter_lines()).next()
    run = event["id"].rpartition("-")[0]
    last = last.replace("{run}", run).replace("{boot}", run.rpartition("-")[0])
    async with listening(place, **{"last-event-id": last}) as answer:
        events = Events(answer.aiter_lines())
        first, second = await events.next(), await events.next()
        assert first["event"] == "resync"
        assert json.loads(first["data"])["type"] == "snapshot"
        assert second["event"] == "change"


async def test_a_heartbeat_where_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HEARTBEAT_SECONDS", 0.05)
    async with served(application(sources=[LOADAVG], interval=30.0)) as place:
        async with listening(place) as answer:
            async for line in answer.aiter_lines():
                if line == ": here":
                    break
        async with httpx.AsyncClient() as web:
            assert (await web.head(f"http://{place}/v1/events")).status_code == 200


def test_the_ring_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procpulse.web.memory.RING_FRAMES", 5)
    pace = Pace(1)
    memory = Memory()
    feed = Feed(Selection(), pace, "x", memory)
    feed.remember()
    base = _snapshot(0)
    for seq in range(20):
        pace.latest = msgspec.structs.replace(base, seq=seq)
        feed.advance()
    assert feed.since(19) == []
    found = feed.since(15)
    assert found is not None
    assert [seq for seq, _ in found] == [16, 17, 18, 19]
    assert feed.since(3) is None
    memory.most = 100
    pace.latest = msgspec.structs.replace(base, seq=20)
    feed.advance()
    assert feed.since(15) is None


def _snapshot(seq: int) -> Snapshot:
    from procpulse import Host

    return Snapshot(seq=seq, time=1.0, monotonic_ns=seq, host=Host(), values={})


# The page that says all this.


def test_the_protocol_names_what_is_sent() -> None:
    from procpulse.web.frames import Change, Whole

    for frame in (Whole, Change):
        for name in frame.__struct_fields__:
            assert f"`{name}`" in PROTOCOL or f'"{name}"' in PROTOCOL
    for name in streams.PROTOCOLS:
        assert f"`{name}`" in PROTOCOL
    for code in streams.REASONS:
        assert f"| {code} |" in PROTOCOL
    assert "at most 900 seconds" in PROTOCOL
    assert memories.HISTORY_SECONDS == 900
    assert f"{memories.RING_FRAMES} frames" in PROTOCOL
    assert f"{memories.BUDGET >> 20} MiB of frames" in PROTOCOL
    assert f"{memories.HISTORY_BYTES >> 20} MiB of history" in PROTOCOL
    assert f"within {hubs.STAY_SECONDS:.0f} seconds" in PROTOCOL
