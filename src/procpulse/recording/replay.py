"""Reads a recording back, as the stream of snapshots that it was. What is damaged costs itself alone."""

import asyncio
import errno
import os
import stat
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime
from time import monotonic_ns
from typing import Any

import aiofiles
import msgspec

from procpulse.encode.scan import Unfit, look, made_inert
from procpulse.reader import checkpoint
from procpulse.recording import frames
from procpulse.recording.frames import HEADER, MARKER, SET_BACK, Damage, Frame, Kind, Packing, Splitter, unpack
from procpulse.recording.messages import LIMIT, Builder
from procpulse.recording.recorder import TAIL, NotARecording, Session, sound_end
from procpulse.schedule import Clock, SystemClock
from procpulse.snapshot import Snapshot
from procpulse.source import Source

_CHUNK = 1 << 18
_BIG = 100_000
_SLICE_NS = 500_000
_PAUSE = 60.0
"""Seconds from one tick to the next, where they are not ten intervals, that are a pause of the recording."""


class Replay:
    """The snapshots of a recording, one after the other; made by `replay`.

    Attributes:
        session: What the newest session says of itself; None before the first snapshot.
        ticks: How many snapshots came.
        damaged: How many places could not be read, so far.
        damages: Which; the first thousand of them.
    """

    def __init__(self, steps: "AsyncGenerator[Snapshot, None]", state: "_State"):
        self._steps = steps
        self._state = state

    def __aiter__(self) -> "Replay":
        return self

    async def __anext__(self) -> Snapshot:
        """The next snapshot.

        Raises:
            NotARecording: the file holds something else.
            Later: it was written by a later version, whose format is another.
            OSError: it cannot be read.
        """
        return await self._steps.__anext__()

    async def __aenter__(self) -> "Replay":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the file, where the end was not reached."""
        await self._steps.aclose()

    @property
    def session(self) -> Session | None:
        """What the newest session says of itself."""
        return self._state.session

    @property
    def ticks(self) -> int:
        """How many snapshots came."""
        return self._state.ticks

    @property
    def damaged(self) -> int:
        """How many places could not be read, so far."""
        return self._state.splitter.damaged

    @property
    def damages(self) -> list[Damage]:
        """Which places could not be read; the first thousand of them."""
        return self._state.splitter.damages


def replay(
    path: str | os.PathLike[str],
    speed: float | None = None,
    *,
    start: float | datetime | None = None,
    end: float | datetime | None = None,
    sources: Iterable[Source[Any]] = (),
    limit: int = LIMIT,
    clock: Clock | None = None,
) -> Replay:
    """The snapshots of a recording, as a stream. `deltas(replay(path))` gives what changed.

        async for snap in replay("host.ppr", start=datetime(2026, 11, 24, 22, 30)):
            snap[MEMINFO].mem_available_bytes

    Args:
        path: The file.
        speed: How many times as fast as it was recorded; by default as fast as it can be read. Pauses of the recording
            are not waited for.
        start: Leave out what was recorded before this time, as seconds since 1970 or as a datetime. What lies before
            is not read.
        end: Leave out what was recorded after this time.
        sources: Sources that are not procpulse's own, so that their values are typed, too.
        limit: Most bytes of memory to take; a snapshot that would take more is refused as damaged.
        clock: What `speed` is measured by.

    Raises:
        ValueError: the speed is not above 0.
    """
    if speed is not None and not speed > 0:
        raise ValueError(f"the speed must be above 0, not {speed!r}")
    state = _State(_seconds(start, float("-inf")), _seconds(end, float("inf")), Builder(sources, limit), limit // 3)
    pace = None if speed is None else _Pace(speed, SystemClock() if clock is None else clock)
    return Replay(_run(state, os.fspath(path), pace), state)


def _seconds(moment: float | datetime | None, otherwise: float) -> float:
    return otherwise if moment is None else moment.timestamp() if isinstance(moment, datetime) else moment


class _State:
    """How far a replay has come."""

    def __init__(self, start: float, end: float, builder: Builder, most: int):
        self.start = start
        self.end = end
        self.most = most
        self.splitter = Splitter()
        self.session: Session | None = None
        self.ticks = 0
        self._builder = builder
        self._key_at = -1
        self._key: tuple[str, int, int] | None = None

    def take(self, frame: Frame, stored: bytes) -> Snapshot | None:
        """The snapshot of a frame; None where it has none, or none that is asked for."""
        try:
            return self._taken(frame, stored)
        except ValueError as error:
            if frame.kind is Kind.KEY:
                self._lose()
            self.splitter.spoiled(frame, str(error))
            return None

    def _taken(self, frame: Frame, stored: bytes) -> Snapshot | None:
        kind, builder = frame.kind, self._builder
        if kind is Kind.HEAD:
            self.session = _session(unpack(frame, stored, b""))
            return None
        beside = 0 if frame.packing is Packing.PLAIN else len(stored)
        if kind is Kind.DIFFERENCE:
            if not builder.ready:
                raise Unfit("its key is lost")
            if not self.start - 1 <= frame.time_us / 1e6 <= self.end + 1:
                return None
            snapshot = builder.difference(unpack(frame, stored, builder.dictionary), beside)
        else:
            if kind is Kind.COPY and builder.ready and frame.offset - frame.back == self._key_at:
                return None
            self._lose()
            snapshot = builder.key(unpack(frame, stored, b""), beside)
            self._key_at = frame.offset if kind is Kind.KEY else frame.offset - frame.back
            before, self._key = self._key, (snapshot.host.boot_id, snapshot.seq, snapshot.monotonic_ns)
            if kind is Kind.COPY and before == self._key:
                return None  # something came between the key and its copy
        return snapshot if self.start <= snapshot.time <= self.end else None

    def _lose(self) -> None:
        self._builder.forget()
        self._key_at = -1


def _session(data: bytes) -> Session:
    seen = look(data)
    if seen.end != len(data):
        raise Unfit("more than a head")
    try:
        return msgspec.msgpack.decode(made_inert(data, 0, seen), type=Session)
    except msgspec.MsgspecError as error:
        raise Unfit(str(error)) from error


class _Pace:
    """Waits, so that snapshots come as fast as they were taken, or so many times as fast."""

    def __init__(self, speed: float, clock: Clock):
        self._speed = speed
        self._clock = clock
        self._due_ns = 0
        self._last: Snapshot | None = None

    async def wait(self, snapshot: Snapshot) -> None:
        """Return when it is time for this one."""
        last, self._last = self._last, snapshot
        now = self._clock.monotonic_ns()
        if last is None:
            self._due_ns = now
            return
        passed = (snapshot.monotonic_ns - last.monotonic_ns) / 1e9
        if last.host.boot_id != snapshot.host.boot_id:
            passed = snapshot.time - last.time
        if not 0 <= passed <= max(_PAUSE, 10 * (snapshot.interval or 0)):
            passed = 0
        self._due_ns = max(self._due_ns + round(passed / self._speed * 1e9), now - 1_000_000_000)
        await self._clock.sleep_until(self._due_ns)


async def _run(state: _State, path: str, pace: _Pace | None) -> AsyncGenerator[Snapshot, None]:
    async with aiofiles.open(path, "rb", buffering=0, opener=_opener) as file:
        fd = file.fileno()
        offset, stop = 0, None
        if state.start != float("-inf") or state.end != float("inf"):
            offset, stop = await asyncio.to_thread(_bounds, fd, state.start, state.end)
            await file.seek(offset)
        state.splitter = splitter = Splitter(offset, state.most)
        good = offset > 0
        last = False
        until = monotonic_ns() + _SLICE_NS
        while not last:
            data = await file.read(max(_CHUNK, splitter.missing))
            last = not data
            splitter.feed(data)
            offset += len(data)
            for frame, stored in splitter.frames(last):
                good = True
                if stop is not None and frame.offset >= stop:
                    return
                if frame.unpacked > _BIG:
                    snapshot = await asyncio.to_thread(state.take, frame, stored)
                else:
                    snapshot = state.take(frame, stored)
                if snapshot is not None:
                    if pace is not None:
                        await pace.wait(snapshot)
                    state.ticks += 1
                    yield snapshot
                if monotonic_ns() >= until:
                    await checkpoint()
                    until = monotonic_ns() + _SLICE_NS
            if not good and (last or offset > TAIL) and offset and not MARKER.startswith(os.pread(fd, 8, 0)):
                raise NotARecording(f"{path}: no recording")


def _opener(path: str, flags: int) -> int:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "no regular file", path)
    return fd


def _bounds(fd: int, start: float, end: float) -> tuple[int, int | None]:
    """Where in a file to begin and to stop to see what was recorded from `start` to `end`.

    Each key says where the one before it is, so only they are looked at. Where one is damaged, all of the file is read.
    """
    keys = _keys(fd)
    if not keys:
        return 0, None
    begin = 0
    for later in keys[1:]:
        if later.flags & SET_BACK or later.time_us / 1e6 >= start - 1:
            break
        begin += 1
    wanted = [place for place, frame in enumerate(keys) if frame.time_us / 1e6 <= end + 1]
    stop = wanted[-1] + 1 if wanted else 0
    return keys[begin].offset, keys[stop].offset if stop < len(keys) else None


def _keys(fd: int) -> list[Frame]:
    """The headers of all keys of a file, from the first to the last; none where they do not all hang together."""
    try:
        _, last = sound_end(fd, os.fstat(fd).st_size)
    except NotARecording:
        return []
    if last is None or (last.kind is not Kind.KEY and not last.back):
        return []
    found: list[Frame] = []
    at = last.offset if last.kind is Kind.KEY else last.offset - last.back
    while at >= 0:
        frame = frames.header(os.pread(fd, HEADER, at), 0, at)
        if frame is None or frame.kind is not Kind.KEY:
            return []
        found.append(frame)
        if not frame.back:
            return found[::-1]
        at -= frame.back
    return []
