"""Payloads that unpack to very much: time grows with the length of a file, and the recorder never writes one."""

import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from procpulse.recording.frames import HEADER, RATIO, SMALL, Kind, Packing, header, pack, unpack
from tests.recording.streams import snapshot
from tests.recording.test_damage import SECONDS, array, cpu_seconds, message, read, recorded, stored

PER_MIB = 20.0


def text(data: bytes) -> bytes:
    return b"\xdb" + struct.pack(">I", len(data)) + data


def escapes(noise: random.Random) -> bytes:
    """As much text as may be that is not printable, and other text."""
    odd = b"".join(noise.randbytes(48).hex().encode() + b"\x1b" * 4000 for _ in range(63))
    return message(
        {
            "mine": b"\x92"
            + text(odd)
            + text(b"".join(noise.randbytes(48).hex().encode() + b"a" * 4000 for _ in range(63)))
        }
    )


def maps(noise: random.Random) -> bytes:
    """Many small maps, which are looked at one by one."""
    count = 40_000
    rows = [b"\x81\xa1a" + (bytes((noise.randrange(128),)) if i % 20 == 0 else b"\x01") for i in range(count)]
    return message({"mine": array(count) + b"".join(rows)})


@pytest.mark.parametrize("make", [escapes, maps])
def test_time_grows_with_the_length_of_a_file(tmp_path: Path, make: Callable[[random.Random], bytes]) -> None:
    """Thirty keys that unpack to about as much as is allowed, of what is dearest to read."""
    payload = make(random.Random(7))
    packed = zlib.compress(payload, 9)
    assert len(packed) * RATIO >= len(payload) > len(packed) * RATIO // 4, "about as much as is allowed"
    path = tmp_path / "attack.ppr"
    path.write_bytes(stored(packed, len(payload)) * 30)
    size = path.stat().st_size / (1 << 20)
    seconds = min(cpu_seconds(path) for _ in range(2))
    assert seconds <= SECONDS + PER_MIB * size, f"{seconds / size:.1f} s of CPU for a MiB"
    print(f"{seconds / size:.1f} s of CPU for a MiB of {make.__name__}")
    snaps, damages = read(path)
    assert len(snaps) + len(damages) == 30
    assert snaps, "within the limits, as long as no other is held beside it"


def test_what_is_packed_too_well_is_stored_as_it_is(tmp_path: Path) -> None:
    """So that the reader of a recording never takes what the recorder wrote for a bomb."""
    row = next(iter(snapshot(0).values["processes"].values()))
    values = {"processes": dict.fromkeys(range(5000), row), "mine": ["0" * 1000] * 500}
    same = [msgspec.structs.replace(snapshot(seq), failures={}, rows_ns={}, values=values) for seq in range(3)]
    recorded(tmp_path / "a.ppr", same)
    snaps, damages = read(tmp_path / "a.ppr")
    assert damages == []
    assert [snap.seq for snap in snaps] == [0, 1, 2]
    for size in (SMALL, SMALL + 1, 1 << 20):
        data = pack(Kind.KEY, bytes(size), 0)
        frame_ = header(data, 0, 0)
        assert frame_ is not None
        assert unpack(frame_, data[HEADER:], b"") == bytes(size)
        assert frame_.packing is (Packing.PLAIN if size > SMALL else Packing.ZLIB)
