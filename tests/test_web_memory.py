"""What a server keeps has a budget in bytes, whatever is put into it; what is on its way is counted."""

import asyncio
import json
import random
from typing import Any

import pytest

from procpulse.sources import LOADAVG
from procpulse.web import endpoints
from procpulse.web.answers import MOST_BYTES, OF_LOOPBACK, PER_ADDRESS, PIECE, Answer, Answers
from procpulse.web.hub import Hub
from procpulse.web.memory import RING_FRAMES, HistoryFrame, Memory, Ring
from procpulse.web.protocols import FRAMED_BYTES, framed
from procpulse.web.select import Selection
from tests.web import FAST, application, client


def held(memory: Memory) -> int:
    rings = sum(len(data) for ring in memory.rings for _, _, data in ring._frames)
    return rings + sum(len(piece) for frame in memory.history for piece in frame.pieces)


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_events_stays_within_the_budget(seed: int) -> None:
    rng = random.Random(seed)
    memory = Memory(most=100_000, of_history=50_000)
    rings: list[Ring] = []
    for step in range(5000):
        action = rng.random()
        if action < 0.02 or not rings:
            rings.append(memory.ring())
        elif action < 0.03:
            memory.forget(rings.pop(rng.randrange(len(rings))))
        elif action < 0.1:
            memory.read(rng.choice(rings), rng.random() < 0.5)
        elif action < 0.7:
            ring = rng.choice(rings)
            ring.add(step - 1, step, bytes(rng.choice((10, 500, 20_000, 120_000))))
            assert len(ring._frames) <= RING_FRAMES
        else:
            memory.remember(HistoryFrame(step, step / 4, bytes(100), bytes(rng.choice((0, 3000))), bytes(5)))
            assert memory.history[-1].seq == step, "the newest is always there"
        assert memory.used == held(memory) <= 100_000
        assert memory._history_bytes == sum(frame.bytes for frame in memory.history) <= 50_000


def test_rings_that_nobody_reads_give_way_first() -> None:
    memory = Memory(most=1000, of_history=0)
    read, left, gone = memory.ring(), memory.ring(), memory.ring()
    for ring in (read, left, gone):
        ring.add(0, 1, bytes(300))
    memory.read(gone, False)
    memory.read(left, False)
    read.add(1, 2, bytes(200))
    assert (read.bytes, left.bytes, gone.bytes) == (500, 300, 0), "who left first"
    read.add(2, 3, bytes(450))
    assert (read.bytes, left.bytes, gone.bytes) == (950, 0, 0)
    read.add(3, 4, bytes(100))
    assert read.since(0) is None
    assert [seq for seq, _ in read.since(1) or ()] == [2, 3, 4]


def test_a_history_keeps_the_devices_of_its_newest_frames() -> None:
    memory = Memory(of_history=10_000)
    for second in range(60):
        memory.remember(HistoryFrame(second, second, b"a" * 100, b"d" * 1000, b"z"))
    whole = [bool(frame.devices) for frame in memory.history]
    assert len(whole) == 60, "what is said of the whole host is there for all of the time"
    assert whole == [False] * 57 + [True] * 3
    memory.remember(HistoryFrame(99, 2000, b"a", b"d", b"z"))
    assert [frame.seq for frame in memory.history] == [99], "the others are too old"
    memory.remember(HistoryFrame(100, 2001, b"a" * 20_000, b"", b"z"))
    assert not memory.history, "what is larger than all of it"


async def test_the_history_is_sent_as_it_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "PIECE", 100)
    app = application(interval=FAST)
    app.hub.step = 1
    async with client(app) as web:
        await web.get("/v1/usage")
        while len(app.hub.history) < 4:
            await asyncio.sleep(FAST)
        answer = await web.get("/v1/history")
        assert int(answer.headers["content-length"]) == len(answer.content)
        frames = answer.json()["frames"]
        assert frames[0]["usage"]["cpus"]
        first = app.hub.history[0]
        assert json.loads(b"".join(first.pieces)) == frames[0]
        app.hub.memory._of_history = first.bytes * 2
        await app.hub.turn.wait()
        await app.hub.turn.wait()
        frames = (await web.get("/v1/history")).json()["frames"]
        assert "cpus" not in frames[0]["usage"]
        assert frames[0]["usage"]["memory"]
        assert frames[-1]["usage"]["cpus"]
    await app.hub.stop()


async def test_a_selection_that_nobody_reads_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procpulse.web.hub.MOST_FEEDS", 3)
    monkeypatch.setattr("procpulse.web.hub.STAY_SECONDS", 0.0)
    hub = Hub(None, sources=[LOADAVG], interval=60.0)
    kept = hub.subscribe(Selection(), "json", "a")
    await kept.next()
    for top in (1, 2, 3, 4, 5):
        visitor = hub.subscribe(Selection(top=top), "json", "a")
        visitor.feed.remember()
        visitor.leave()
    assert [selection.top for selection in hub.feeds] == [None, 4, 5]
    again = hub.subscribe(Selection(top=4), "json", "a")
    assert again.feed.ring is not None
    assert again.feed.ring.read
    assert len(hub.memory.rings) == 2
    again.leave()
    kept.leave()
    await hub.stop()


async def test_frames_are_kept_for_nobody_who_only_looked_in() -> None:
    hub = Hub(None, sources=[LOADAVG], interval=60.0)
    for top in range(200):
        visitor = hub.subscribe(Selection(top=top), "json", "a")
        visitor.feed.remember()
        await visitor.next()
        visitor.leave()
    assert not hub.feeds
    assert not hub.memory.rings
    await hub.stop()


# On the way.


class Client:
    """A server's side of a client that reads so many pieces."""

    def __init__(self, address: str, reads: int = 1 << 30):
        self.scope: dict[str, Any] = {"type": "http", "method": "GET", "client": (address, 1)}
        self.got: list[Any] = []
        self.reads = reads

    async def send(self, message: Any) -> None:
        if len(self.got) >= self.reads:
            await asyncio.sleep(3600)
        self.got.append(message)

    async def receive(self) -> Any:
        return {"type": "http.disconnect"}

    async def serve(self, under_way: Answers, *bodies: bytes, length: int | None = None) -> None:
        answer = Answer(under_way, self.scope, self.receive, self.send)
        headers = [(b"Content-Length", str(sum(map(len, bodies)) if length is None else length).encode())]
        try:
            await answer.send({"type": "http.response.start", "status": 200, "headers": headers})
            for place, body in enumerate(bodies):
                more = place < len(bodies) - 1
                await answer.send({"type": "http.response.body", "body": body, "more_body": more})
        finally:
            answer.end()

    @property
    def status(self) -> int:
        return int(self.got[0]["status"])


async def test_a_body_goes_in_pieces() -> None:
    body = random.Random(1).randbytes(3 * PIECE + 17)
    for bodies in ((body,), (body[:100], body[100:]), (body, b"")):
        one = Client("192.0.2.1")
        await one.serve(Answers(), *bodies)
        pieces = [message["body"] for message in one.got[1:]]
        assert b"".join(pieces) == body
        assert max(map(len, pieces)) <= PIECE
        assert [message["more_body"] for message in one.got[1:]] == [True] * (len(pieces) - 1) + [False]


@pytest.mark.parametrize(("address", "most"), [("192.0.2.1", PER_ADDRESS), ("127.0.0.1", OF_LOOPBACK)])
async def test_so_many_long_answers_at_a_time(address: str, most: int) -> None:
    under_way, body = Answers(), bytes(PIECE * 4)
    deaf = [Client(address, reads=2) for _ in range(most)]
    tasks = [asyncio.create_task(one.serve(under_way, body)) for one in deaf]
    await asyncio.sleep(0)
    refused, small, other = Client(address), Client(address), Client("198.51.100.1")
    await refused.serve(under_way, body)
    await small.serve(under_way, b"ok")
    await other.serve(under_way, body)
    assert (refused.status, small.status, other.status) == (503, 200, 200)
    assert len(refused.got) == 2
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    again = Client(address)
    await again.serve(under_way, body)
    assert again.status == 200
    assert not under_way._of_address
    assert not under_way._bodies
    assert not under_way._bytes


async def test_bodies_on_the_way_have_a_budget_and_one_for_many_counts_once() -> None:
    under_way, shared = Answers(), bytes(MOST_BYTES * 3 // 4)
    tasks = [asyncio.create_task(Client(f"192.0.2.{number}", reads=2).serve(under_way, shared)) for number in range(20)]
    await asyncio.sleep(0)
    another = Client("198.51.100.1")
    await another.serve(under_way, bytes(MOST_BYTES // 2))
    assert another.status == 503
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    alone = Client("198.51.100.1")
    await alone.serve(under_way, bytes(2 * MOST_BYTES))
    assert alone.status == 200, "one of any size is possible"


async def test_a_head_is_no_long_answer() -> None:
    under_way, one = Answers(), Client("192.0.2.1")
    one.scope["method"] = "HEAD"
    await one.serve(under_way, b"", length=1 << 30)
    assert one.status == 200
    assert not under_way._of_address


def test_messages_are_framed_in_fragments_and_few_are_kept() -> None:
    from procpulse.web import protocols

    body = random.Random(2).randbytes(2 * PIECE + 5)
    first, second, third = framed(body, text=False)
    assert (first[0], second[0], third[0]) == (0x02, 0x00, 0x80)
    assert first[10:] + second[10:] + third[2:] == body
    assert framed(body, text=False)[0] is first
    assert framed(b"", text=True) == [b"\x81\x00"]
    assert framed("é", text=True) == [b"\x81\x02\xc3\xa9"]
    for _ in range(12):
        framed(bytes(FRAMED_BYTES // 3), text=False)
    assert sum(len(known) for known, _ in protocols._framed) <= FRAMED_BYTES
