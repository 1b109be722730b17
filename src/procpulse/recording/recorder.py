"""Writes snapshots to a file, one frame a tick, so that a crash costs no more than the tick that was being written."""

import asyncio
import errno
import fcntl
import os
import re
import stat
import time
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import aiofiles
import msgspec

from procpulse.encode.scan import Unfit
from procpulse.fields import describe, fields, is_record
from procpulse.private_files import open_directory, shared
from procpulse.recording import frames
from procpulse.recording.frames import HEADER, MARKER, MOST, SET_BACK, Frame, Kind, last_good, pack, packer
from procpulse.recording.messages import LIMIT, Base, dictionary, key, weight
from procpulse.snapshot import Snapshot
from procpulse.source import Host

GROUP = 600
"""Differences that one key serves at most: what has to be read before a moment in the middle can be shown."""
TAIL = 2 * (MOST + HEADER)
_BIG = 100_000


class NotARecording(ValueError):
    """The file holds something else."""


class Session(msgspec.Struct, omit_defaults=True):
    """What the first frame of a session says: who recorded what, and where."""

    writer: str
    """The program and its version."""
    host: Host
    interval: float | None
    sources: list[str]
    schema: str
    """A hash of the fields of these sources: where it is the same, nothing is missing and nothing is new."""


def fingerprint(values: dict[str, Any]) -> str:
    """A hash of the names, kinds and units of all fields of the values of a snapshot."""
    found = sha256()
    for name in sorted(values):
        for record in _records(values[name]):
            found.update(f"{name} {record.__name__}\n".encode())
            for field in fields(record):
                found.update(f"  {field.name} {field.kind} {field.unit}\n".encode())
    return found.hexdigest()[:16]


def _records(value: Any) -> list[Any]:
    """The types of the records that a value is made of."""
    rows = value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,)
    types: list[Any] = [type(row) for row in rows if is_record(type(row))][:1]
    for record in types:
        inner: list[Any] = [describe(field.type)[2] for field in fields(record)]
        types += [kind for kind in inner if is_record(kind) and kind not in types]
    return types


class Recorder:
    """Writes snapshots to a file, one after the other.

        async with Recorder("host.ppr") as recorder:
            async for snap in sampler.stream(interval=1):
                await recorder.write(snap)

    A new file belongs to its user alone (0600). One that is there is continued, if it is a recording of the same user
    that nobody else writes now, and is for its user alone from then on; what a crash left of a last frame is cut off.
    Each tick is one write at the end of the file: whoever is killed loses no more than the tick that was being written.

    Args:
        path: The file. Its folder belongs to this user, and nobody else can write to it, or it is root's and sticky as
            /tmp is.
        most_bytes: Begin a new file when this one would be longer. The old one gets the time of its first tick into
            its name: `host-20261124T215500Z.ppr`.
        most_seconds: Begin a new file when this one has been written for so long.
        keep: How many old files to keep; the oldest beyond are deleted, if they are recordings of this user. All by
            default.
        limit: Bytes of memory that replaying may take. What is recorded with more has to be replayed with as much.

    Attributes:
        ticks: How many have been written.
        size: Bytes of the file.
        cut: Bytes of a torn frame that were cut off when the file was opened.

    Raises:
        ValueError: an argument makes no sense.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        most_bytes: int | None = None,
        most_seconds: float | None = None,
        keep: int | None = None,
        limit: int = LIMIT,
    ):
        for name, value in (("most_bytes", most_bytes), ("most_seconds", most_seconds), ("keep", keep)):
            if value is not None and not value > 0:
                raise ValueError(f"{name} must be above 0, not {value!r}")
        self.path = Path(path)
        self.ticks = 0
        self.size = 0
        self.cut = 0
        self._most_bytes = most_bytes
        self._most_seconds = most_seconds
        self._keep = keep
        self._limit = limit
        self._folder = -1
        self._file: Any = None
        self._lock = asyncio.Lock()
        self._job: asyncio.Future[Any] | None = None
        self._fresh()

    def _fresh(self) -> None:
        """Nothing is known of a file yet."""
        self.size = 0
        self._base: Base | None = None
        self._packer: zlib._Compress | None = None
        self._began = False
        self._first_us: int | None = None
        self._last_us: int | None = None
        self._key_at: int | None = None
        self._key_cost = 0
        self._key_bytes = 0
        self._least = 0
        self._excess = 0
        self._differences = 0
        self._heavy = True  # the first key may be long

    async def __aenter__(self) -> "Recorder":
        """Open the file.

        Raises:
            OSError: it cannot be opened or is not safe to write to; another recorder writes it.
            NotARecording: it is there and holds something else.
        """
        await self._open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the file, once the tick that is being written is. Closing twice is fine."""
        async with self._lock:
            await self._settle()
            await self._shut()

    async def write(self, snapshot: Snapshot) -> None:
        """Write one tick. One that is cancelled is written all the same; the next one waits for it.

        Raises:
            OSError: the disk is full or gone. Nothing is left of the tick, and the next one may succeed.
            ValueError: the snapshot is so large that `replay` would refuse it.
            RuntimeError: the recorder is not open.
        """
        async with self._lock:
            await self._settle()
            if self._file is None:
                raise RuntimeError("this recorder is not open")
            self._job = asyncio.ensure_future(self._write(snapshot))
            await asyncio.shield(self._job)
            self._job = None

    async def _write(self, snapshot: Snapshot) -> None:
        if self._full(snapshot):
            await self._rotate()
        began, key_at = self._began, self._key_at
        data = await asyncio.to_thread(self._compose, snapshot) if self._heavy else self._compose(snapshot)
        try:
            view = memoryview(data)
            while view:
                view = view[await self._file.write(view) :]
        except OSError:
            self._base, self._began, self._key_at = None, began, key_at
            await self._file.truncate(self.size)
            raise
        self.size += len(data)
        self.ticks += 1

    async def _settle(self) -> None:
        """Wait for what a cancelled call left behind."""
        if self._job is not None:
            await asyncio.wait([self._job])
            if not self._job.cancelled():
                self._job.exception()
            self._job = None

    # Frames.

    def _compose(self, snapshot: Snapshot) -> bytes:
        """The frames of one tick."""
        time_us = round(snapshot.time * 1e6)
        before = b"" if self._began else self._session(snapshot, time_us)
        at = self.size + len(before)
        set_back = self._last_us is not None and time_us < self._last_us
        if self._base is not None and self._packer is not None and not set_back and self._base.fits(snapshot):
            if self._differences < GROUP and self._excess <= self._key_cost:
                message = self._base.difference(snapshot)
                if len(message.data) <= max(_BIG, self._key_bytes // 2):
                    data = pack(Kind.DIFFERENCE, message.data, time_us, at - (self._key_at or 0), self._packer.copy())
                    self._least = min(self._least or len(data), len(data))
                    self._excess += len(data) - self._least
                    self._differences += 1
                    self._last_us = time_us
                    return before + data
        message = key(snapshot)
        self._weigh(message.data)
        back = 0 if self._key_at is None else at - self._key_at
        first = pack(Kind.KEY, message.data, time_us, back, flags=SET_BACK if set_back else 0)
        copy = pack(Kind.COPY, message.data, time_us, len(first))
        self._base, self._packer = Base(snapshot), packer(dictionary(message.pieces))
        self._key_at, self._key_cost = at, len(first) + len(copy)
        self._least = self._excess = self._differences = 0
        self._key_bytes = len(message.data)
        self._heavy = self._key_bytes > _BIG
        self._began, self._last_us = True, time_us
        if self._first_us is None:
            self._first_us = time_us
        return before + first + copy

    def _session(self, snapshot: Snapshot, time_us: int) -> bytes:
        from procpulse import __version__

        names = list(snapshot.values)
        session = Session(
            f"procpulse {__version__}", snapshot.host, snapshot.interval, names, fingerprint(snapshot.values)
        )
        back = 0 if self._key_at is None else self.size - self._key_at
        return pack(Kind.HEAD, msgspec.msgpack.encode(session), time_us, back)

    def _weigh(self, data: bytes) -> None:
        """Refuse what `replay` would refuse: it holds two snapshots, half a one of changes, and a message."""
        if len(data) < _BIG:
            return  # it cannot be so heavy
        try:
            most = min(MOST, self._limit // 3)
            if len(data) > most:
                raise Unfit(f"over {most} bytes in one message")
            if len(data) + weight(data, self._limit) * 5 // 2 > self._limit:
                raise Unfit(f"over {self._limit} bytes in memory")
        except Unfit as error:
            raise ValueError(f"too large for a recording: {error}; record fewer sources, or raise the limit") from None

    # The file.

    async def _open(self) -> None:
        if self._file is not None:
            raise RuntimeError("this recorder is open already")
        self._fresh()
        try:
            self._folder = await asyncio.to_thread(open_directory, self.path.parent)
            self._file = await aiofiles.open(self.path.name, "ab", buffering=0, opener=self._opener)
            fd = self._file.fileno()
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            size = os.fstat(fd).st_size
            try:
                end, last = await asyncio.to_thread(sound_end, fd, size)
            except ValueError as error:
                raise type(error)(f"{self.path}: {error}; it is left as it is") from None
            if end < size:
                await self._file.truncate(end)
                self.cut = size - end
            self.size = end
            if last is not None:
                self._last_us = last.time_us
                self._key_at = last.offset if last.kind is Kind.KEY else last.offset - last.back if last.back else None
                first = frames.header(os.pread(fd, HEADER, 0), 0, 0)
                self._first_us = first.time_us if first else last.time_us
        except BaseException as error:
            await self._shut()
            if isinstance(error, BlockingIOError):
                raise BlockingIOError(errno.EAGAIN, "another recorder writes this file", str(self.path)) from None
            if isinstance(error, OSError) and error.filename == self.path.name:
                error.filename = str(self.path)
            raise

    def _opener(self, name: str, flags: int) -> int:
        common = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
        try:
            return os.open(name, common | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=self._folder)
        except FileExistsError:
            pass
        fd = os.open(name, common, dir_fd=self._folder)
        found = os.fstat(fd)
        why = (
            "no regular file"
            if not stat.S_ISREG(found.st_mode)
            else shared(found) or ("it has another name, too" if found.st_nlink > 1 else "")
        )
        if why:
            os.close(fd)
            raise PermissionError(errno.EPERM, f"not written to: {why}", name)
        if found.st_mode & 0o077:  # a copy, or made by hand: what is added is for its owner alone
            os.fchmod(fd, 0o600)
        return fd

    async def _shut(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            await file.close()
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1

    # Rotation.

    def _full(self, snapshot: Snapshot) -> bool:
        if not self._began or self._first_us is None:
            return False
        if self._most_bytes is not None and self.size >= self._most_bytes:
            return True
        return self._most_seconds is not None and snapshot.time - self._first_us / 1e6 >= self._most_seconds

    async def _rotate(self) -> None:
        first_us = self._first_us or 0
        await asyncio.to_thread(self._put_aside, first_us)
        await self._shut()
        await self._open()

    def _put_aside(self, first_us: int) -> None:
        stem, suffix = self.path.stem, self.path.suffix
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(first_us // 1_000_000))
        names = set(os.listdir(self._folder))
        number, name = 0, f"{stem}-{stamp}{suffix}"
        while name in names:
            number += 1
            name = f"{stem}-{stamp}.{number}{suffix}"
        os.rename(self.path.name, name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
        if self._keep is None:
            return
        ours = re.compile(re.escape(stem) + r"-[0-9]{8}T[0-9]{6}Z(?:\.[0-9]+)?" + re.escape(suffix))
        old = sorted((n for n in {*names, name} if ours.fullmatch(n) and _is_ours(n, self._folder)), key=_age)
        for gone in old[: -self._keep]:
            os.unlink(gone, dir_fd=self._folder)


def _is_ours(name: str, folder: int) -> bool:
    """Whether a file is a recording of this user, whatever its name says."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
            return False
        return frames.header(os.pread(fd, HEADER, 0), 0, 0) is not None
    except ValueError:  # of a later version, which may keep what it wrote by other rules
        return False
    finally:
        os.close(fd)


def _age(name: str) -> tuple[str, int]:
    """What old files are ordered by: the time in their name, and their number among those of one second."""
    match = re.search(r"-([0-9]{8}T[0-9]{6}Z)(?:\.([0-9]+))?", name)
    return (match[1], int(match[2] or 0)) if match else ("", 0)


def sound_end(fd: int, size: int) -> tuple[int, Frame | None]:
    """Where the good frames of a file end, and the last of them.

    A file without any is only taken for a recording if it is empty or the beginning of one. Where the end of a
    recording holds nothing good at all, nothing is cut.

    Raises:
        NotARecording: the file holds something else.
        Later: it was written by a later version.
    """
    start = os.pread(fd, len(MARKER), 0)
    if not MARKER.startswith(start):
        raise NotARecording("no recording")
    for window in (1 << 16, 1 << 20, TAIL):
        at = max(0, size - window)
        frame = last_good(os.pread(fd, min(window, size), at), at)
        if frame is not None:
            return frame.end, frame
        if not at:
            break
    first = frames.header(os.pread(fd, HEADER, 0), 0, 0)
    torn = size < HEADER or (first is not None and first.end > size)
    return (0 if torn else size), None
