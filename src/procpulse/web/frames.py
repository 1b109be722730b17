"""Frames: what is sent of one selection at each tick, made once a tick and format, for however many clients."""

import asyncio
from collections import deque
from typing import Any

import msgspec

from procpulse.comparer import Comparer
from procpulse.delta import Delta
from procpulse.encode import json, msgpack
from procpulse.snapshot import Snapshot
from procpulse.source import Failure, Host
from procpulse.usage import Rates
from procpulse.web.patch import SAME, Path, difference
from procpulse.web.select import Selection, rates, select

RING_FRAMES = 120
RING_BYTES = 4 << 20


class Whole(msgspec.Struct, frozen=True, tag_field="type", tag="snapshot"):
    """A frame that stands for itself."""

    seq: int
    gap: int
    schema: str
    data: Snapshot
    usage: Rates | msgspec.UnsetType | None = msgspec.UNSET


class Change(msgspec.Struct, frozen=True, tag_field="type", tag="change"):
    """A frame that says what differs from the one before."""

    seq: int
    gap: int
    time: float
    monotonic_ns: int
    values: dict[str, Any]
    gone: list[Path]
    read_ns: dict[str, int]
    rows_ns: dict[str, list[tuple[int, int]]]
    failures: dict[str, Failure] | msgspec.UnsetType = msgspec.UNSET
    host: Host | msgspec.UnsetType = msgspec.UNSET
    usage: Rates | msgspec.UnsetType | None = msgspec.UNSET


class Pace:
    """Every so many ticks: the newest sample at that rate, and what changed since the one before."""

    def __init__(self, every: int):
        self.every = every
        self.latest: Snapshot | None = None
        self.delta: Delta | None = None
        self._comparer = Comparer(every)

    def due(self, snapshot: Snapshot) -> bool:
        """Whether a sample is one of this pace: the first in each group of so many ticks."""
        return self.latest is None or snapshot.seq // self.every > self.latest.seq // self.every

    async def advance(self, snapshot: Snapshot) -> None:
        """Take in a sample that is due; other tasks get a turn every half millisecond."""
        delta = await self._comparer.compare(self.latest, snapshot)
        self.latest, self.delta = snapshot, delta

    def gap(self, before: int, after: int) -> int:
        """How many frames of this pace are missing between two ticks."""
        return self._comparer.gap(before, after)


class Feed:
    """The frames of one selection. There is one newest frame and no queue: who is late finds the newest."""

    def __init__(self, selection: Selection, pace: Pace, schema: str):
        self.selection = selection
        self.pace = pace
        self.schema = schema
        self.readers = 0
        self.idle_since = 0.0
        self.turn = asyncio.Event()
        self.now: Snapshot | None = None
        self.before: Snapshot | None = None
        self._usage: Rates | msgspec.UnsetType | None = msgspec.UNSET
        self._made: dict[tuple[str, bool, int], bytes | str] = {}
        self._ring: deque[tuple[int, int, str]] | None = None
        self._ring_bytes = 0
        self.encoded = 0
        """How many frames were encoded so far."""
        if pace.latest is not None:
            self._take(pace.latest)

    def advance(self) -> None:
        """Take in the newest sample of the pace, and wake everybody who waits for it."""
        latest = self.pace.latest
        if latest is None or (self.now is not None and self.now.seq == latest.seq):
            return
        self.before = self.now
        self._take(latest)
        if self._ring is not None and self.before is not None:
            self._keep()
        turn, self.turn = self.turn, asyncio.Event()
        turn.set()

    def _take(self, latest: Snapshot) -> None:
        self._made.clear()
        self.now = select(latest, self.pace.delta, self.selection)
        if self.selection.usage:
            self._usage = None if self.pace.delta is None else rates(self.pace.delta, self.selection)

    def frame(self, seen: int | None, format: str) -> bytes | str:
        """The newest frame for a client that saw the frame of this tick last; for None, and after a gap, a whole one.

        Args:
            seen: The `seq` of that frame.
            format: "json", for text, or "msgpack".
        """
        now = self.now
        assert now is not None
        change = seen is not None and self.before is not None and self.before.seq == seen
        gap = 0 if seen is None else self.pace.gap(seen, now.seq)
        key = (format, change, gap)
        made = self._made.get(key)
        if made is None:
            item = self._change(gap) if change else Whole(now.seq, gap, self.schema, now, self._usage)
            made = json.encode(item).decode() if format == "json" else msgpack.encode(item)
            self._made[key] = made
            self.encoded += 1
        return made

    def _change(self, gap: int) -> Change:
        before, now = self.before, self.now
        assert before is not None
        assert now is not None
        gone: list[Path] = []
        values = difference(before.values, now.values, gone)
        return Change(
            now.seq,
            gap,
            now.time,
            now.monotonic_ns,
            {} if values is SAME else values,
            gone,
            now.read_ns,
            now.rows_ns,
            msgspec.UNSET if now.failures == before.failures else now.failures,
            msgspec.UNSET if now.host == before.host else now.host,
            self._usage,
        )

    # The ring, from which clients of server-sent events go on where they were.

    def _keep(self) -> None:
        assert self._ring is not None
        assert self.before is not None
        assert self.now is not None
        text = self.frame(self.before.seq, "json")
        assert isinstance(text, str)
        self._ring.append((self.before.seq, self.now.seq, text))
        self._ring_bytes += len(text)
        while len(self._ring) > RING_FRAMES or self._ring_bytes > RING_BYTES:
            self._ring_bytes -= len(self._ring.popleft()[2])

    def remember(self) -> None:
        """Keep frames from now on."""
        if self._ring is None:
            self._ring = deque()

    @property
    def remembers(self) -> bool:
        """Whether frames are kept."""
        return self._ring is not None

    def since(self, seen: int) -> list[tuple[int, str]] | None:
        """The (seq, frame) that follow a tick, up to the newest; None where they are not all there any more."""
        if self.now is not None and self.now.seq == seen:
            return []
        kept = list(self._ring or ())
        start = next((place for place, (before, _, _) in enumerate(kept) if before == seen), None)
        return None if start is None else [(seq, text) for _, seq, text in kept[start:]]
