"""The frames that a recording is made of. Pure: bytes in, frames out, and what is damaged between them.

    0   8  marker         89 50 50 52 0d 0a 1a ff
    8   1  kind           H, K, C or D
    9   1  packing        0 plain, 1 zlib, 2 zlib with the dictionary of the key
   10   1  version        1
   11   1  flags          1: the wall clock is behind the frame before; only keys have it
   12   4  stored         bytes of the payload as it is stored
   16   4  unpacked       bytes of it once it is unpacked
   20   4  payload_crc    CRC-32 of the payload as it is stored
   24   8  time_us        wall clock of the snapshot, in microseconds since 1970
   32   8  back           how many bytes before this frame the key starts that it needs; of a key, the key before it
   40   4  header_crc     CRC-32 of the 40 bytes before
   44      payload

All numbers are little-endian. `docs/recording.md` says the rest.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum

import msgspec

MARKER = b"\x89PPR\r\n\x1a\xff"
"""A byte that is no ASCII, a name, line ends that a text transfer would change, the end of file of DOS, and a byte that
is in no UTF-8: it cannot be part of any text."""

VERSION = 1
SET_BACK = 1
"""The flag of a key whose wall clock is behind the frame before it."""
HEADER = 44
MOST = 16 << 20
"""Bytes of a payload, stored or unpacked, at most."""

RATIO, SMALL = 64, 1 << 14
"""How many times as long as it is stored a payload may be; a short one may be so anyway. Snapshots of thousands of
processes come to 25. So the time that a file takes is bounded by its length."""

_LAYOUT = struct.Struct("<8sBBBBIIIqQ")
_CRC = struct.Struct("<I")
_START = re.compile(re.escape(MARKER) + rb"[HKCD]", re.DOTALL)


class Kind(IntEnum):
    """What a frame holds."""

    HEAD = ord("H")
    """What is recorded, and by whom: the first frame of each session."""
    KEY = ord("K")
    """A whole snapshot."""
    COPY = ord("C")
    """The key just before once more, in case that one is damaged: all differences after it need it."""
    DIFFERENCE = ord("D")
    """A snapshot, as what is not the same in its key."""


class Packing(IntEnum):
    """How a payload is stored."""

    PLAIN = 0
    ZLIB = 1
    WITH_KEY = 2


class Frame(msgspec.Struct, frozen=True):
    """The header of a frame, and where it is."""

    offset: int
    kind: Kind
    packing: Packing
    flags: int
    stored: int
    unpacked: int
    payload_crc: int
    time_us: int
    back: int

    @property
    def end(self) -> int:
        """Where the next frame starts."""
        return self.offset + HEADER + self.stored


class Damage(msgspec.Struct, frozen=True):
    """A part of a recording that cannot be read."""

    offset: int
    size: int
    why: str

    def __str__(self) -> str:
        return f"{self.size} bytes at {self.offset}: {self.why}"


class Later(ValueError):
    """The recording was written by a later version, whose frames are not understood here."""


def pack(
    kind: Kind, payload: bytes, time_us: int, back: int = 0, packer: "zlib._Compress | None" = None, flags: int = 0
) -> bytes:
    """A whole frame: packed with this packer, which has the dictionary of the key, or with zlib, or as it is.

    Raises:
        ValueError: the payload is over 16 MiB.
    """
    if len(payload) > MOST:
        raise ValueError(f"a message of {len(payload)} bytes, over the limit of {MOST}")
    if packer is None:
        stored, packing = zlib.compress(payload, 6), Packing.ZLIB
    else:
        stored, packing = packer.compress(payload) + packer.flush(), Packing.WITH_KEY
    if len(stored) >= len(payload) or _is_bomb(len(stored), len(payload)):
        stored, packing = payload, Packing.PLAIN
    crc = zlib.crc32(stored)
    head = _LAYOUT.pack(MARKER, kind, packing, VERSION, flags, len(stored), len(payload), crc, time_us, back)
    return head + _CRC.pack(zlib.crc32(head)) + stored


def _is_bomb(stored: int, unpacked: int) -> bool:
    return unpacked > SMALL and unpacked > stored * RATIO


def packer(dictionary: bytes) -> "zlib._Compress":
    """What packs the differences of a key; each uses a copy of it."""
    return zlib.compressobj(6, zdict=dictionary)


def header(data: bytes, at: int, offset: int) -> Frame | None:
    """The frame whose header is in `data` at this place; None where there is no sound header.

    Args:
        data: Bytes of a recording.
        at: Where in them to look.
        offset: Where that is in the file.
    """
    head = data[at : at + HEADER]
    if len(head) < HEADER or _CRC.unpack_from(head, 40)[0] != zlib.crc32(head[:40]):
        return None
    marker, kind, packing, version, flags, stored, unpacked, crc, time_us, back = _LAYOUT.unpack_from(head)
    if marker != MARKER or stored > MOST or unpacked > MOST or stored > unpacked:
        return None
    if version != VERSION:
        raise Later(f"version {version} of the format; this program knows {VERSION}")
    try:
        return Frame(offset, Kind(kind), Packing(packing), flags, stored, unpacked, crc, time_us, back)
    except ValueError:
        return None


def unpack(frame: Frame, stored: bytes, dictionary: bytes) -> bytes:
    """The payload of a frame.

    Raises:
        ValueError: it does not unpack to what its header says.
    """
    if frame.packing is Packing.PLAIN:
        if frame.stored != frame.unpacked:
            raise ValueError("two lengths that differ")
        return stored
    if _is_bomb(frame.stored, frame.unpacked):
        raise ValueError(f"says that it unpacks to more than {RATIO} times its length")
    try:
        unpacker = zlib.decompressobj(zdict=dictionary) if frame.packing is Packing.WITH_KEY else zlib.decompressobj()
        payload = unpacker.decompress(stored, frame.unpacked + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(payload) != frame.unpacked or not unpacker.eof or unpacker.unused_data:
        raise ValueError("does not unpack to the size that its header says")
    return payload


class Splitter:
    """Cuts bytes into frames, and finds the next good one where something is damaged.

    A frame is good if its header and its payload are what their checksums say. Where one is not, the search goes on
    behind its marker. A file could promise a long payload again and again, to be summed up each time; so no more bytes
    are summed up than three times those that were fed, and frames that cost more than that are skipped by their length.

    Args:
        offset: Where in the file the first byte is.
        most: Bytes that a payload may have, as it is stored and unpacked; one of more is not even read.
    """

    def __init__(self, offset: int = 0, most: int = MOST):
        self._most = most
        self._data = bytearray()
        self._offset = offset
        self._credit = 0
        self._lost: tuple[int, str] | None = None
        self.damages: list[Damage] = []
        """What could not be read, so far."""
        self.damaged = 0
        """How many such places there are; only the first thousand are kept."""

    def feed(self, data: bytes) -> None:
        """Some more bytes."""
        self._data += data
        self._credit += 3 * len(data)

    @property
    def missing(self) -> int:
        """How many bytes the frame that has begun still needs; 0 where that is not known."""
        frame = self._begun()
        return max(0, frame.end - self._offset - len(self._data)) if frame else 0

    def frames(self, last: bool = False) -> Iterator[tuple[Frame, bytes]]:
        """Each frame that is whole and good, with its payload as it is stored.

        Args:
            last: Whether nothing will be fed any more.

        Raises:
            Later: a frame is of a later version of the format.
        """
        while self._data:
            frame = self._begun()
            if frame is None:
                if len(self._data) < HEADER and not last and MARKER.startswith(bytes(self._data[:8])):
                    return
                if not self._search(last):
                    return
                continue
            size = HEADER + frame.stored
            if size > len(self._data) and not last:
                return
            whole = size <= len(self._data)
            stored = bytes(memoryview(self._data)[HEADER:size]) if whole else b""
            if whole:
                self._credit -= frame.stored
            if whole and zlib.crc32(stored) == frame.payload_crc:
                self._found()
                self._drop(size)
                yield frame, stored
                continue
            self._lose("cut short" if not whole else "a payload that is not what its checksum says")
            self._drop(min(size, len(self._data)) if whole and self._credit < 0 else len(MARKER))
        if last:
            self._found()

    def spoiled(self, frame: Frame, why: str) -> None:
        """A frame was good, and yet its payload cannot be used."""
        self._note(Damage(frame.offset, HEADER + frame.stored, why))

    def _begun(self) -> Frame | None:
        frame = header(bytes(self._data[:HEADER]), 0, self._offset)
        return frame if frame is None or max(frame.stored, frame.unpacked) <= self._most else None

    def _search(self, last: bool) -> bool:
        """Go on to the next place where a frame may begin; return whether there is one."""
        self._lose("no frame")
        match = _START.search(self._data, 1)
        if match:
            self._drop(match.start())
            return True
        keep = 0 if last else len(MARKER)
        self._drop(max(0, len(self._data) - keep))
        if last:
            self._found()
        return False

    def _lose(self, why: str) -> None:
        if self._lost is None:
            self._lost = (self._offset, why)

    def _found(self) -> None:
        """Here something good begins, or the file ends: what was lost ends."""
        if self._lost is not None:
            start, why = self._lost
            self._lost = None
            self._note(Damage(start, self._offset - start, why))

    def _note(self, damage: Damage) -> None:
        self.damaged += 1
        if len(self.damages) < 1000:
            self.damages.append(damage)

    def _drop(self, count: int) -> None:
        del self._data[:count]
        self._offset += count


def last_good(data: bytes, offset: int) -> Frame | None:
    """The last frame in the end of a recording that is whole and good; None where there is none.

    Args:
        data: The last bytes of the file.
        offset: Where in the file they begin.

    Raises:
        Later: it is of a later version of the format.
    """
    tries = 64  # a file could hold a million headers, each of which promises a payload to be summed up
    for at in reversed([match.start() for match in _START.finditer(data)]):
        frame = header(data, at, offset + at)
        if frame is None or frame.end > offset + len(data):
            continue
        if zlib.crc32(data[at + HEADER : at + HEADER + frame.stored]) == frame.payload_crc:
            return frame
        tries -= 1
        if not tries:
            break
    return None
