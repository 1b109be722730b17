"""Frames: what is sent of one selection at each tick, made once a tick and format, for however many clients."""

import asyncio
from typing import Any

import msgspec

from procpulse.comparer import Comparer
from procpulse.delta import Delta
from procpulse.encode import json, msgpack
from procpulse.snapshot import Snapshot
from procpulse.source import Failure, Host
from procpulse.usage import Rates
from procpulse.web.memory import Memory, Ring
from procpulse.web.patch import SAME, Path, difference
from procpulse.web.select import Selection, rates, select


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

    def __init__(self, selection: Selection, pace: Pace, schema: str, memory: Memory | None = None):
        self.selection = selection
        self.pace = pace
        self.schema = schema
        self.readers = 0
        self.idle_since = 0.0
        self.turn = asyncio.Event()
        self.now: Snapshot | None = None
        self.before: Snapshot | None = None
        self._usage: Rates | msgspec.UnsetType | None = msgspec.UNSET
        self._made: dict[tuple[str, bool, int], bytes] = {}
        self._text: tuple[bytes, str] = (b"", "")
        self._memory = Memory() if memory is None else memory
        self.ring: Ring | None = None
        """The newest frames, for clients of server-sent events that come back; None while there are none of these."""
        self.lasting = False
        """Whether a client stayed, or came back: then others may come back, too."""
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
        if self.ring is not None and self.before is not None:
            self.ring.add(self.before.seq, latest.seq, self.frame(self.before.seq, "json"))
        turn, self.turn = self.turn, asyncio.Event()
        turn.set()

    def _take(self, latest: Snapshot) -> None:
        self._made.clear()
        self._text = (b"", "")
        self.now = select(latest, self.pace.delta, self.selection)
        if self.selection.usage:
            self._usage = None if self.pace.delta is None else rates(self.pace.delta, self.selection)

    def frame(self, seen: int | None, format: str) -> bytes:
        """The newest frame for a client that saw the frame of this tick last; for None, and after a gap, a whole one.

        Args:
            seen: The `seq` of that frame.
            format: "json", in UTF-8, or "msgpack".
        """
        now = self.now
        assert now is not None
        change = seen is not None and self.before is not None and self.before.seq == seen
        gap = 0 if seen is None else self.pace.gap(seen, now.seq)
        key = (format, change, gap)
        made = self._made.get(key)
        if made is None:
            item = self._change(gap) if change else Whole(now.seq, gap, self.schema, now, self._usage)
            made = json.encode(item) if format == "json" else msgpack.encode(item)
            if self.readers > 1 or self.ring is not None:  # for one there is nothing to share
                self._made[key] = made
            self.encoded += 1
        return made

    def text(self, made: bytes) -> str:
        """A frame of JSON as text, decoded once for all whose server wants it so."""
        if self._text[0] is not made:
            self._text = made, made.decode()
        return self._text[1]

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

    # What is kept for clients that come back.

    def remember(self) -> None:
        """Keep frames from now on."""
        if self.ring is None:
            self.ring = self._memory.ring()

    def forget(self) -> None:
        """Keep no frames any more."""
        if self.ring is not None:
            self._memory.forget(self.ring)
            self.ring = None

    def since(self, seen: int) -> list[tuple[int, bytes]] | None:
        """The (seq, frame) that follow a tick, up to the newest; None where they are not all there any more."""
        if self.now is not None and self.now.seq == seen:
            return []
        return None if self.ring is None else self.ring.since(seen)
