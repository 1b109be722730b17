"""The heart of a server: one sampler, whatever the number of clients; it starts with the first and stops when idle.

Each tick is read once, and encoded once for each format and selection. A client has one slot: when it is ready for the
next frame it gets the newest, and `gap` says what it missed. Nothing is queued, so memory is bounded; who takes more
than three seconds for one frame is put out.
"""

import asyncio
import secrets
from collections import Counter, deque
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from procpulse.encode import json
from procpulse.encode.schema import schema
from procpulse.sampler import Sampler
from procpulse.snapshot import Snapshot
from procpulse.source import Roots, Source
from procpulse.sources.proc.loadavg import LOADAVG
from procpulse.web import publish
from procpulse.web.ending import Ending
from procpulse.web.frames import Feed, Pace
from procpulse.web.memory import HistoryFrame, Memory
from procpulse.web.privilege import Withheld, Withholder
from procpulse.web.select import DEVICES, HISTORY, Selection

SEND_SECONDS = 3.0
"""How long one frame may take to be sent."""
MOST_FEEDS = 64
"""How many different selections are served at a time."""
LINGER_SECONDS = 60.0
"""How long a sampler goes on when nobody asks any more, and frames are kept for who comes back."""
STAY_SECONDS = 10.0
"""Who stayed so long may come back; frames are kept for nobody else."""

AWAY_SECONDS = 5.0
"""How long nobody is let in after the server was seen to end."""

GOING_AWAY, POLICY, BROKEN, TRY_LATER = 1001, 1008, 1011, 1013
"""Codes with which a websocket is closed."""


class Full(Exception):
    """There is no place for another client; carries the HTTP status that says so."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class Subscriber:
    """One client of a feed."""

    def __init__(self, hub: "Hub", feed: Feed, format: str, address: str):
        self.feed = feed
        self.format = format
        self.address = address
        self.seen: int | None = None
        """The tick of the frame that it has."""
        self.sending_since: float | None = None
        self.stopped = asyncio.Event()
        self.code = GOING_AWAY
        self.since = hub.time()
        """When it came."""
        self._hub = hub

    async def next(self) -> bytes:
        """Wait for a frame that the client does not have, and return the newest."""
        feed = self.feed
        while feed.now is None or feed.now.seq == self.seen:
            await feed.turn.wait()
        made = feed.frame(self.seen, self.format)
        self.seen = feed.now.seq
        return made

    def stop(self, code: int) -> None:
        """Tell whoever serves this client to end."""
        if not self.stopped.is_set():
            self.code = code
            self.stopped.set()

    def leave(self) -> None:
        """Give the place free."""
        self._hub.leave(self)


class Hub:
    """Samples, remembers, and hands out.

    Args:
        sampler: One that is there already and is not closed here; None to make one.
        sources: What to sample; by default the host, its processes, its temperatures.
        interval: Seconds between ticks.
        roots: Where /proc and /sys are.
        cmdline: How much of the arguments of processes may be seen: "names", "redacted" or "raw"; True for "names".
        most: How many clients may be connected.
        most_per_address: How many of one address.
        send_seconds: How long one frame may take to be sent.
        linger_seconds: How long to go on when nobody asks any more.
        withheld: What clients do not see though this process does; None where they see all.

    Raises:
        ValueError: the interval is not above 0, or `cmdline` is something else.
    """

    def __init__(
        self,
        sampler: Sampler | None = None,
        *,
        sources: list[Source[Any]] | None = None,
        interval: float = 1.0,
        roots: Roots | None = None,
        cmdline: bool | str = False,
        most: int = 1024,
        most_per_address: int = 32,
        send_seconds: float = SEND_SECONDS,
        linger_seconds: float = LINGER_SECONDS,
        withheld: Withheld | None = None,
    ):
        if not interval > 0:
            raise ValueError(f"the interval must be above 0 seconds, not {interval!r}")
        self.interval = interval
        self._given = sampler
        how = publish.arguments(cmdline)
        if sampler is not None:
            asked = list(sampler.sources)
        else:
            asked = publish.allowed(publish.complete(publish.default_sources(how) if sources is None else sources), how)
        self.for_everybody = withheld is not None
        self._withhold = Withholder(asked, withheld)
        if sampler is None:
            asked = self._withhold.sources
        self._asked = asked
        self.roots = roots
        self._publisher = publish.Publisher(self._withhold.sources, how)
        self.sources = self._publisher.sources
        self.names = [source.name for source in self.sources]
        self._most, self.most_per_address = most, most_per_address
        self._send_seconds, self._linger_seconds = send_seconds, linger_seconds
        self.counts: Counter[str] = Counter()
        """What happened so far: ticks, clients, evicted, refused."""
        self.subscribers: set[Subscriber] = set()
        self._addresses: Counter[str] = Counter()
        data = json.encode(schema(self.sources))
        self.schema = data, sha256(data).hexdigest()[:16]
        """The JSON Schema of what is served, and its hash."""
        self._pins = 0
        self.waiting = 0
        """How many wait for a sample."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.step = max(1, round(1 / interval))
        """How many ticks are between the frames of the history: one frame a second at most."""
        self.on_cease: list[Callable[[], None]] = []
        """Called when sampling stops."""
        self.on_end: list[Callable[[], None]] = []
        """Called when the server ends, for what keeps clients waiting."""
        self.on_tick: list[Callable[[Snapshot], None]] = []
        """Called with each sample, on the loop: short work only."""
        self.error: BaseException | None = None
        self.ending: Ending | None = Ending(self.go_away)
        """Looks whether the server around a mounted application ends; None where the server says so itself."""
        self._reset()

    def _reset(self) -> None:
        self.run = secrets.token_hex(4)
        """Changes whenever sampling starts anew, so that ticks of one start are not taken for those of another."""
        self.paces: dict[int, Pace] = {}
        self.feeds: dict[Selection, Feed] = {}
        self.turn: asyncio.Event = asyncio.Event()
        self.memory = Memory()
        """What is kept of the past."""
        self.sampler: Sampler | None = None
        self._used = self._kept_until = 0.0
        self._away_until = 0.0
        self._ticked: float | None = None

    # Life.

    def time(self) -> float:
        """The time of the loop that samples; 0 while there is none."""
        return 0.0 if self._loop is None else self._loop.time()

    @property
    def history(self) -> deque[HistoryFrame]:
        """The frames of the last minutes."""
        return self.memory.history

    @property
    def running(self) -> bool:
        """Whether samples are taken."""
        return self._task is not None and not self._task.done()

    def touch(self) -> None:
        """Somebody asks: begin to sample, unless that has begun."""
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done() or self._loop is not loop:
            if self._timer is not None:
                self._timer.cancel()
            self._reset()
            self._loop = loop
            self.sampler = self._given
            if self.sampler is None:
                cadence = publish.cadence(self._asked, self.interval)
                self.sampler = Sampler(self._asked, roots=self.roots, cadence=cadence, for_everybody=self.for_everybody)
            self.paces = {every: Pace(every) for every in {1, self.step}}
            self._task = loop.create_task(self._sample(self.sampler), name="procpulse")
            self._timer = loop.call_later(min(1.0, self._send_seconds / 3), self._watch)
        self._used = loop.time()

    def pin(self) -> None:
        """Begin to sample, and do not stop when idle."""
        self._pins += 1
        self.touch()

    def keep(self, seconds: float) -> None:
        """Do not stop when idle for so long from now."""
        if self._loop is not None:
            self._kept_until = max(self._kept_until, self._loop.time() + seconds)

    async def unpin(self) -> None:
        """The end of `pin`: everybody is sent away, and sampling stops with the last."""
        self._pins -= 1
        if self._pins <= 0:
            await self.stop()

    def go_away(self) -> None:
        """Send everybody away: the server ends. What comes within a few seconds is refused."""
        if self._loop is None:
            return
        self._away_until = self._loop.time() + AWAY_SECONDS
        self._send_away()
        turn, self.turn = self.turn, asyncio.Event()
        turn.set()

    def _send_away(self) -> None:
        for subscriber in list(self.subscribers):
            subscriber.stop(GOING_AWAY)
        for call in self.on_end:
            call()

    @property
    def away(self) -> bool:
        """Whether the server ends."""
        return self._loop is not None and self._loop.time() < self._away_until

    async def stop(self) -> None:
        """Send everybody away and stop sampling. Takes a fraction of a second, whatever clients do."""
        self._send_away()
        loop = asyncio.get_running_loop()
        end = loop.time() + 0.4
        while self.subscribers and loop.time() < end:
            await asyncio.sleep(0.01)
        self._cease()

    def _cease(self) -> None:
        self.turn.set()
        if self.ending is not None:
            self.ending.ignore()
        for call in self.on_cease:
            call()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self.sampler is not None and self.sampler is not self._given:
            self.sampler.close()
        self._reset()

    async def _sample(self, sampler: Sampler) -> None:
        try:
            async for snapshot in sampler.stream(self.interval):
                await self._tick(self._publisher(self._withhold(snapshot) if sampler is self._given else snapshot))
        except Exception as error:
            self.error = error
            self.turn.set()
            for subscriber in list(self.subscribers):
                subscriber.stop(BROKEN)
            raise

    async def _tick(self, snapshot: Snapshot) -> None:
        self._ticked = asyncio.get_running_loop().time()
        due = [pace for pace in list(self.paces.values()) if pace.due(snapshot)]
        for pace in due:
            await pace.advance(snapshot)
        self.counts["ticks"] += 1
        if self.paces[self.step] in due:
            self._remember(self.paces[self.step])
        for feed in list(self.feeds.values()):
            if feed.pace in due:
                feed.advance()
        for call in self.on_tick:
            call(snapshot)
        turn, self.turn = self.turn, asyncio.Event()
        turn.set()

    def _remember(self, pace: Pace) -> None:
        if pace.delta is None or pace.latest is None:
            return
        usage = pace.delta.usage
        load = pace.latest.get(LOADAVG)
        whole = json.encode({name: getattr(usage, name) for name in HISTORY if name not in DEVICES})
        devices = json.encode({name: getattr(usage, name) for name in DEVICES})
        head = json.encode({"seq": pace.latest.seq, "time": pace.latest.time})
        tail = json.encode(None if load is None else [load.load1, load.load5, load.load15])
        self.memory.remember(
            HistoryFrame(
                pace.latest.seq,
                pace.latest.monotonic_ns / 1e9,
                head[:-1] + b',"usage":' + whole[:-1],
                b"," + devices[1:-1],
                b'},"load":' + tail + b"}",
            )
        )

    def _watch(self) -> None:
        """Once a second: put out who is too slow, forget what nobody reads, stop when idle."""
        loop = self._loop
        assert loop is not None
        now = loop.time()
        for subscriber in list(self.subscribers):
            since = subscriber.sending_since
            if since is not None and now - since > self._send_seconds and not subscriber.stopped.is_set():
                self.counts["evicted"] += 1
                subscriber.stop(TRY_LATER)
        for selection, feed in list(self.feeds.items()):
            if not feed.readers and (feed.ring is None or now - feed.idle_since > self._linger_seconds):
                self._close(selection, feed)
        used = {feed.pace.every for feed in self.feeds.values()} | {1, self.step}
        for every in [every for every in self.paces if every not in used]:
            del self.paces[every]
        if self.subscribers or self.waiting:
            self._used = now
        else:
            if self.ending is not None:
                self.ending.ignore()
            if not self._pins and now > max(self._used + self._linger_seconds, self._kept_until):
                self._cease()
                return
        self._timer = loop.call_later(min(1.0, self._send_seconds / 3), self._watch)

    def _close(self, selection: Selection, feed: Feed) -> None:
        feed.forget()
        del self.feeds[selection]

    # Handing out.

    def subscribe(self, selection: Selection, format: str, address: str) -> Subscriber:
        """A place for a client.

        Raises:
            Full: there is none.
        """
        if self.away:
            raise Full("the server goes away", 503)
        if len(self.subscribers) >= self._most:
            self.counts["refused"] += 1
            raise Full("too many clients", 503)
        if self._addresses[address] >= self.most_per_address:
            self.counts["refused"] += 1
            raise Full("too many clients of one address", 429)
        self.touch()
        if self.ending is not None:
            self.ending.watch()
        feed = self.feeds.get(selection)
        if feed is None:
            idle = [(other.idle_since, wanted) for wanted, other in self.feeds.items() if not other.readers]
            if len(self.feeds) >= MOST_FEEDS and idle:
                _, longest = min(idle, key=lambda pair: pair[0])
                self._close(longest, self.feeds[longest])
            if len(self.feeds) >= MOST_FEEDS:
                self.counts["refused"] += 1
                raise Full("too many different selections", 503)
            pace = self.paces.get(selection.every)
            if pace is None:
                pace = self.paces[selection.every] = Pace(selection.every)
                latest = self.paces[1].latest
                if latest is not None:
                    pace.latest = latest
            feed = self.feeds[selection] = Feed(selection, pace, self.schema[1], self.memory)
        feed.readers += 1
        if feed.ring is not None:
            self.memory.read(feed.ring, True)
        subscriber = Subscriber(self, feed, format, address)
        self.subscribers.add(subscriber)
        self._addresses[address] += 1
        self.counts["clients"] += 1
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """Give the place of a client free."""
        if subscriber not in self.subscribers:
            return
        self.subscribers.discard(subscriber)
        self._addresses[subscriber.address] -= 1
        if self._addresses[subscriber.address] <= 0:
            del self._addresses[subscriber.address]
        feed = subscriber.feed
        feed.readers -= 1
        if self._loop is None:
            return
        feed.idle_since = self._used = now = self._loop.time()
        feed.lasting = feed.lasting or now - subscriber.since >= STAY_SECONDS
        if feed.readers or self.feeds.get(feed.selection) is not feed:
            return
        if feed.ring is None or not feed.lasting:
            self._close(feed.selection, feed)
        else:
            self.memory.read(feed.ring, False)

    async def newest(self, timeout: float, delta: bool = False) -> Pace:
        """The newest sample, and what changed since the one before; waits for the first.

        Raises:
            TimeoutError: there is none in time, or the server ends before.
        """
        self.waiting += 1
        try:
            async with asyncio.timeout(timeout):
                while True:
                    self.touch()
                    pace = self.paces[1]
                    if pace.latest is not None and (pace.delta is not None or not delta):
                        return pace
                    if self.away:
                        raise TimeoutError
                    if self.ending is not None:
                        self.ending.watch()
                    await self.turn.wait()
        finally:
            self.waiting -= 1

    def age(self) -> float | None:
        """Seconds since the newest sample; None while there is none."""
        return None if self._ticked is None or self._loop is None else self._loop.time() - self._ticked
