"""P11: a recording is data, never a weapon. Attacks, every truncation, every flipped bit, and kill -9."""

import asyncio
import os
import signal
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procpulse import Snapshot, deltas
from procpulse.cli.output import COLUMNS, Times, cell
from procpulse.encode import json
from procpulse.encode.scan import DEPTH, Unfit, look
from procpulse.recording import Later, NotARecording, Recorder, replay
from procpulse.recording.frames import HEADER, MARKER, Damage, Kind, Packing, Splitter, pack
from procpulse.recording.messages import Builder, key
from procpulse.sources import PROCESSES
from tests.recording.streams import START, snapshot, stat, stream

encode = msgspec.msgpack.encode
MEMORY = 32 << 20
MOST = 9 << 20  # what a payload may have by default is a little more
SECONDS = 0.5


def recorded(path: Path, snapshots: list[Snapshot]) -> bytes:
    async def write() -> None:
        async with Recorder(path) as recorder:
            for snap in snapshots:
                await recorder.write(snap)

    asyncio.run(write())
    return path.read_bytes()


def read(path: Path) -> tuple[list[Snapshot], list[Damage]]:
    """What a recording holds; every snapshot goes through what a user does with it."""

    async def run() -> tuple[list[Snapshot], list[Damage]]:
        recording = replay(path)
        snaps = [snap async for snap in recording]
        return snaps, recording.damages

    snaps, damages = asyncio.run(run())
    use(snaps)
    return snaps, damages


def use(snaps: list[Snapshot]) -> None:
    """Encode, compare and show snapshots, as the command does."""

    async def stream() -> Any:
        for snap in snaps:
            yield snap

    times = Times()

    async def run() -> None:
        async for delta in deltas(stream()):
            times(delta)
            [column.show(delta) for column in COLUMNS]
            json.encode(delta)
            json.encode(delta.usage.rates())
            [cell(usage.comm) for usage in delta.usage.processes.values()]

    asyncio.run(run())
    for snap in snaps:
        json.encode(snap)
        assert json.encode(snap).decode().isprintable(), "every name is inert"


# Attacks. Each is the payload of a key frame, or a whole file.


def head(**more: Any) -> dict[str, Any]:
    return {
        "seq": 0, "time": START, "monotonic_ns": 5, "host": {"name": "host", "boot_id": "boot"},
        "read_ns": {}, "rows_ns": {}, **more,
    }  # fmt: skip


def message(values: dict[str, bytes] | None = None, **more: Any) -> bytes:
    return encode(head(**more)) + b"".join(encode(name) + value for name, value in (values or {}).items())


def frame(payload: bytes, kind: Kind = Kind.KEY, back: int = 0, **changed: int) -> bytes:
    """A frame with sound checksums, whatever it claims."""
    data = pack(Kind.KEY, payload, round(START * 1e6))
    fields = dict(zip(NAMES, struct.unpack_from("<8sBBBBIIIqQ", data), strict=True))
    fields |= {"kind": kind, "back": back, **changed}
    start = struct.pack("<8sBBBBIIIqQ", *fields.values())
    return start + struct.pack("<I", zlib.crc32(start)) + data[HEADER:]


NAMES = ("marker", "kind", "packing", "version", "flags", "stored", "unpacked", "crc", "time_us", "back")


def stored(payload: bytes, unpacked: int, packing: Packing = Packing.ZLIB) -> bytes:
    """A frame whose payload is stored like this."""
    start = struct.pack(
        "<8sBBBBIIIqQ", MARKER, Kind.KEY, packing, 1, 0, len(payload), unpacked, zlib.crc32(payload), 0, 0
    )
    return start + struct.pack("<I", zlib.crc32(start)) + payload


def array(count: int) -> bytes:
    return b"\xdd" + struct.pack(">I", count)


def table(count: int) -> bytes:
    return b"\xdf" + struct.pack(">I", count)


def rows(count: int, row: Callable[[int], Any]) -> bytes:
    return table(count) + b"".join(encode(i) + encode(row(i)) for i in range(count))


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packer.flush()


def texts(count: int, text: bytes) -> bytes:
    """A message with so many texts."""
    return message({"mine": bytes((0x90 + count,)) + (b"\xdb" + struct.pack(">I", len(text)) + text) * count})


STAT = msgspec.to_builtins(stat(1))
NUMBERS = b"".join(encode(n) for n in range(1 << 16, (1 << 16) + 1000))
WORDS = b"".join(encode(f"{n:04x}") + b"\x01" for n in range(1 << 16))

ATTACKS: dict[str, Callable[[], bytes]] = {
    "zlib bomb of 64 MiB": lambda: stored(bomb(64 << 20), MOST),
    "zlib bomb that says 4 GiB": lambda: stored(bomb(16 << 20), (1 << 32) - 1),
    "zlib bomb of zeros that are numbers": lambda: frame(message({"loadavg": array(MOST - 300) + bytes(MOST - 300)})),
    "less than it says once it is unpacked": lambda: stored(zlib.compress(bytes(1000)), 2000),
    "more than it says once it is unpacked": lambda: stored(zlib.compress(bytes(4000)), 2000),
    "something behind the packed end": lambda: stored(zlib.compress(bytes(4000)) + b"more", 4000),
    "no zlib at all": lambda: stored(b"x" * 100, 4000),
    "packed with a dictionary that nobody has": lambda: stored(zlib.compress(bytes(4000)), 4000, Packing.WITH_KEY),
    "nested 100,000 deep": lambda: frame(message({"mine": b"\x91" * 100_000 + b"\xc0"})),
    "nested 1,000,000 deep in maps": lambda: frame(message({"mine": b"\x81\x01" * 1_000_000 + b"\xc0"})),
    "nested in a field that is not known": lambda: frame(
        message({"loadavg": b"\x81\xa1x" + b"\x91" * 900 + b"\xc0"})
    ),
    "nested in the head": lambda: frame(encode(head())[:-1] + b"\x91" * 500 + b"\xc0"),
    "an array of 4 billion": lambda: frame(message({"mine": array((1 << 32) - 1)})),
    "a map of 4 billion": lambda: frame(message({"loadavg": table((1 << 32) - 1)})),
    "a text of 4 GiB": lambda: frame(message({"mine": b"\xdb\xff\xff\xff\xff"})),
    "bytes of 4 GiB": lambda: frame(message({"mine": b"\xc6\xff\xff\xff\xff"})),
    "an extension": lambda: frame(message({"mine": b"\xc7\x05\x2ahello"})),
    "a time that no calendar has": lambda: frame(message({"mine": b"\xc7\x0c\xff" + b"\xff" * 12})),
    "a code that msgpack never uses": lambda: frame(message({"mine": b"\xc1"})),
    "a key that is a list": lambda: frame(message({"mine": b"\x81\x91\x01\x01"})),
    "a key that is nothing": lambda: frame(message({"mine": b"\x81\xc0\x01"})),
    "cut in a number": lambda: frame(message({"mine": b"\xcf\0\0"})),
    "more values than the map says": lambda: frame(message() + b"\x01\x02\x03"),
    "text that is no UTF-8": lambda: frame(message({"mine": b"\xa2\xff\xfe"})),
    "a lone surrogate": lambda: frame(message({"mine": b"\xa3\xed\xa0\x80"})),
    "8 million empty maps": lambda: frame(message({"mine": array(MOST - 300) + b"\x80" * (MOST - 300)})),
    "8 million empty lists in rows": lambda: frame(message({"net_dev": array(MOST - 300) + b"\x90" * (MOST - 300)})),
    "a million numbers": lambda: frame(message({"mine": array(1_000_000) + NUMBERS * 1000})),
    "half a million different keys": lambda: frame(
        message({"vmstat": b"\x81\xa6events" + table(65536 * 8) + WORDS * 8})
    ),
    "a row of no process, 100,000 times": lambda: frame(message({"processes": rows(100_000, lambda i: {})})),
    "100,000 processes": lambda: frame(
        message({"processes": rows(9000, lambda i: {"pid": i, "identity": i, "stat": STAT})})
    ),
    "a million sources": lambda: frame(message() + b"".join(encode(f"{i:05x}") + b"\xc0" for i in range(300_000))),
    "the same source again and again": lambda: frame(message() + (encode("loadavg") + b"\x01") * 300_000),
    "duplicate keys in the head": lambda: frame(
        b"\x86" + b"\xa3seq\x01\xa3seq\x02\xa4time\x01\xa4time\x02\xacmonotonic_ns\x03\xa4host\x80"
    ),
    "a text of 8 MiB": lambda: frame(message({"mine": b"\xdb" + struct.pack(">I", MOST - 400) + b"a" * (MOST - 400)})),
    "seven texts of 1 MiB": lambda: frame(
        message({"mine": b"\x97" + (b"\xdb" + struct.pack(">I", 1 << 20) + b"a" * (1 << 20)) * 7})
    ),
    "seven texts of 1 MiB with a wide character": lambda: frame(
        message({"mine": b"\x97" + (b"\xdb" + struct.pack(">I", 1 << 20) + "\U0001f600".encode() * (1 << 18)) * 7})
    ),
    "8 MiB of escapes": lambda: frame(message({"mine": b"\xdb" + struct.pack(">I", MOST - 400) + b"\x1b" * (MOST - 400)})),
    "four texts of 512 KiB of escapes": lambda: frame(texts(4, b"\x1b" * (1 << 19))),
    "four texts of 64 KiB of escapes": lambda: frame(texts(4, b"\x1b" * (1 << 16))),
    "three texts of 1 MiB of escapes": lambda: frame(texts(3, b"\x1b" * (1 << 20))),
    "a text of 1 MiB of escapes, with a wide character": lambda: frame(
        texts(1, b"\x1b" * ((1 << 20) - 4) + "\U0001f600".encode())
    ),
    "invisible characters": lambda: frame(texts(2, "\u202e\U000e0001".encode() * (1 << 14))),
    "keys of escapes": lambda: frame(message({"mine": table(128) + b"".join(
        b"\xda\x20\x00" + b"\x1b" * 8189 + b"%03d" % i + b"\x01" for i in range(128))})),
    "texts that unpack to a thousand times their length": lambda: stored(
        zlib.compress(texts(8, b"\x1b" * (1 << 20))), len(texts(8, b"\x1b" * (1 << 20)))
    ),
    "one wide character in 8 MiB": lambda: frame(
        message({"mine": b"\xdb" + struct.pack(">I", MOST - 400) + b"a" * (MOST - 404) + "\U0001f600".encode()})
    ),
    "wrong types in the head": lambda: frame(encode({"seq": "x", "time": [], "monotonic_ns": {}, "host": 1})),
    "a negative tick": lambda: frame(message(seq=-1)),
    "a time that is no number": lambda: frame(message(time=float("nan"))),
    "a time without end": lambda: frame(message(time=float("inf"))),
    "a time in the year 300,000": lambda: frame(message(time=1e13)),
    "a negative interval": lambda: frame(message(interval=-1.0)),
    "no ticks in a second": lambda: frame(message(host={"ticks_per_second": 0})),
    "pages of no bytes": lambda: frame(message(host={"page_size": 0})),
    "a row time for a billion rows": lambda: frame(
        message({"processes": rows(1, lambda i: {"pid": 0, "identity": 1, "stat": STAT})},
                rows_ns={"processes": [(1, 1_000_000_000)]})
    ),
    "a negative number of rows": lambda: frame(
        message({"processes": rows(1, lambda i: {"pid": 0, "identity": 1, "stat": STAT})},
                rows_ns={"processes": [(1, -5), (2, 6)]})
    ),
    "a layout in a key": lambda: frame(message({"processes": b"\x80"}, layouts={"processes": [0, 0, 1]})),
    "a difference without a key": lambda: frame(message(host=None), Kind.DIFFERENCE),
    "a key far before the file": lambda: frame(message(host=None), Kind.DIFFERENCE, back=(1 << 64) - 1),
    "an unknown kind": lambda: frame(message(), ord("Z")),  # type: ignore[arg-type]
    "an unknown packing": lambda: frame(message(), packing=9),
    "a payload longer than the limit": lambda: frame(message(), stored=(16 << 20) + 1, unpacked=(16 << 20) + 1),
    "a payload of 4 GiB": lambda: frame(message(), stored=(1 << 32) - 1, unpacked=(1 << 32) - 1),
    "a payload longer than the file": lambda: frame(message(), stored=MOST, unpacked=MOST) + bytes(1000),
    "a payload of nothing": lambda: frame(b""),
    "a header and nothing else": lambda: frame(message())[:HEADER],
    "half a header": lambda: frame(message())[: HEADER // 2],
    "nothing but markers": lambda: MARKER * (1 << 17),
    "nothing but headers": lambda: frame(message(), stored=MOST, unpacked=MOST)[:HEADER] * 30_000,
    "headers that each promise all the rest": lambda: b"".join(
        frame(message(), stored=(1 << 20) - 44 * i, unpacked=1 << 20)[:HEADER] for i in range(0, 20_000, 2)
    ) + bytes(1 << 20),
    "zeros": lambda: MARKER + bytes(1 << 20),
}  # fmt: skip

HARMLESS = {
    "four texts of 64 KiB of escapes", "invisible characters",
    "duplicate keys in the head", "100,000 processes", "a row of no process, 100,000 times", "seven texts of 1 MiB"
}  # fmt: skip
"""Attacks that are odd, but within all limits: what comes of them is data."""


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks(tmp_path: Path, name: str) -> None:
    """Refused or harmless, in little memory and time, and what lies around them is read."""
    before, after = stream(2), snapshot(40)
    sound = recorded(tmp_path / "a.ppr", before)
    path = tmp_path / "attack.ppr"
    attack = ATTACKS[name]()
    path.write_bytes(sound + attack + recorded(tmp_path / "b.ppr", [after]))
    del attack
    tracemalloc.start()
    try:
        asyncio.run(drain(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= MEMORY, f"{peak >> 20} MiB"
    assert any(cpu_seconds(path) <= SECONDS for _ in range(3))
    snaps, damages = read(path)
    assert [snap for snap in snaps if snap in (*before, after)] == [*before, after]
    if name not in HARMLESS:
        assert damages
        assert len(snaps) == 3


async def drain(path: Path) -> None:
    async for _ in replay(path):
        pass


def cpu_seconds(path: Path) -> float:
    started = time.process_time()
    asyncio.run(drain(path))
    return time.process_time() - started


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_as_a_whole_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / "attack.ppr"
    path.write_bytes(ATTACKS[name]())
    try:
        snaps, damages = read(path)
    except NotARecording:
        return
    assert damages or name in HARMLESS
    assert not snaps or name in HARMLESS


# Damage.


def split(data: bytes) -> tuple[list[bytes], list[Damage]]:
    """The frames of a recording as they are, without looking into them."""
    splitter = Splitter()
    splitter.feed(data)
    found = [data[frame.offset : frame.end] for frame, _ in splitter.frames(last=True)]
    return found, splitter.damages


def test_every_truncation(tmp_path: Path) -> None:
    """All ticks whose frame is whole are read, and nothing falls over."""
    snaps = stream(4, pids=3)
    data = recorded(tmp_path / "a.ppr", snaps)
    frames, _ = split(data)
    ends = [sum(map(len, frames[: i + 1])) for i in range(len(frames))]
    needed = [ends[1], *ends[3:]]  # the head, the key, its copy, and the differences
    path = tmp_path / "cut.ppr"
    for size in range(len(data)):
        found, damages = split(data[:size])
        assert found == frames[: len(found)]
        assert sum(map(len, found)) == max(end for end in (0, *ends) if end <= size)
        assert bool(damages) == (size not in (0, *ends)), size
        if size % 9 and not any(abs(size - end) < 2 for end in ends):
            continue  # what is found is read in the same way
        path.write_bytes(data[:size])
        back = asyncio.run(collect(path))
        assert back[0] == [snap for snap, end in zip(snaps, needed, strict=True) if end <= size], size
        assert bool(back[1]) == (size not in (0, *ends)), size


async def collect(path: Path) -> tuple[list[Snapshot], int]:
    recording = replay(path)
    return [snap async for snap in recording], recording.damaged


def test_every_flipped_bit(tmp_path: Path) -> None:
    """One frame at most is lost, whichever bit it is; that of a key costs nothing, since there is a copy."""
    snaps = stream(4, pids=3)
    data = recorded(tmp_path / "a.ppr", snaps)
    frames, _ = split(data)
    path = tmp_path / "flipped.ppr"
    damaged = bytearray(data)
    for bit in range(len(data) * 8):
        damaged[bit // 8] ^= 1 << bit % 8
        found, damages = split(bytes(damaged))
        assert len(found) == len(frames) - 1, f"bit {bit}: all other frames are found"
        assert set(found) <= set(frames)
        assert len(damages) == 1
        damaged[bit // 8] ^= 1 << bit % 8
    starts = [sum(map(len, frames[:i])) for i in range(len(frames))]
    for i, start in enumerate(starts):
        # What is found is read the same way whichever bit it was: the first and last of header and payload stand for all.
        for at in (start, start + 8, start + HEADER - 1, start + HEADER, start + len(frames[i]) - 1):
            damaged[at] ^= 1
            path.write_bytes(damaged)
            back, places = asyncio.run(collect(path))
            assert back == [snap for n, snap in enumerate(snaps) if n + 2 != i or i < 3]
            assert places == 1
            damaged[at] ^= 1


@settings(max_examples=60, deadline=None)
@given(
    damage=st.lists(
        st.tuples(st.integers(0, 10**6), st.binary(max_size=40), st.integers(0, 40)), min_size=1, max_size=4
    )
)
def test_any_damage(tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, bytes, int]]) -> None:
    """Bytes replaced, put in, taken out, anywhere: what is not touched is read, and nothing falls over."""
    folder = tmp_path_factory.mktemp("damage")
    snaps = stream(6, pids=3)
    data = recorded(folder / "a.ppr", snaps)
    frames, _ = split(data)
    whole = data
    for at, inserted, removed in damage:
        at %= len(whole)
        whole = whole[:at] + inserted + whole[at + removed :]
    (folder / "b.ppr").write_bytes(whole)
    try:
        back, _ = read(folder / "b.ppr")
    except NotARecording:
        assert not any(frame in whole for frame in frames)
        return
    except Later:
        return
    keyed = frames[1] in whole or frames[2] in whole
    sound = [snap for n, snap in enumerate(snaps) if keyed and (frames[n + 2] in whole or not n)]
    assert [snap for snap in back if snap in sound] == sound
    assert all(snap in snaps for snap in back)


@settings(max_examples=150, deadline=None)
@given(
    data=st.binary(max_size=300)
    | st.lists(st.sampled_from([b"\x81", b"\xa3seq", b"\xcf", b"\0" * 8, b"\x93", b"\xdf", b"\xff" * 4])).map(b"".join)
)
def test_any_bytes_as_a_message(data: bytes) -> None:
    """Bytes that are well packed but no message: nothing but `Unfit`."""
    builder = Builder()
    with pytest.raises(Unfit):
        builder.key(data)
    builder.key(key(snapshot(0)).data)
    with pytest.raises(Unfit):
        builder.difference(data)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text(max_size=70)
    | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=40) | st.dictionaries(st.text(max_size=40) | st.integers(0, 300), inner, max_size=40)
    ),
    max_leaves=60,
)


@settings(max_examples=150, deadline=None)
@given(value=values, cut=st.integers(1, 50))
def test_look_sees_what_msgpack_means(value: Any, cut: int) -> None:
    data = encode(value)
    seen = look(b"\xc0" + data + b"\xc0", 1)
    assert seen.end == len(data) + 1
    texts = sum(not text.isprintable() for text in all_texts(value))
    assert len(seen.odd) == texts
    with pytest.raises(Unfit, match=r"cut|length|kind|UTF-8|text|key"):
        look(data[: max(0, len(data) - cut)])


def all_texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inside = value if isinstance(value, list) else [*value, *value.values()] if isinstance(value, dict) else []
    return [text for item in inside for text in all_texts(item)]


def test_depth_that_is_allowed_needs_little_stack() -> None:
    """The decoder recurses: what `look` lets through is decoded even in the smallest thread (musl has 128 KiB)."""
    deep = message({"mine": b"\x91" * DEPTH + b"\xc0"})
    found: list[Snapshot] = []
    before = threading.stack_size(128 << 10)
    try:
        thread = threading.Thread(target=lambda: found.append(Builder().key(deep)))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert found
    with pytest.raises(Unfit, match="nested more than"):
        Builder().key(message({"mine": b"\x91" * (DEPTH + 1) + b"\xc0"}))


HOSTILE = ["\x1b]0;owned\x07", "a\nb", "\u202egnp.exe", "\u200b", "\x9b31m", "\x7f", "[/][bold]x[/", "<script>", "=1+1"]


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_names_in_a_recording_are_inert(tmp_path: Path, name: str) -> None:
    """S9, P13: whoever wrote the file may not have been procpulse."""
    row = {"pid": 1, "identity": 1, "stat": STAT | {"comm": name}}
    payload = message({"processes": rows(1, lambda i: row)}, host={"name": name, "kernel": name, "boot_id": name})
    path = tmp_path / "a.ppr"
    path.write_bytes(frame(payload))
    [snap], damages = read(path)
    assert not damages
    comm = next(iter(snap[PROCESSES].values())).stat.comm
    assert comm.isprintable()
    assert snap.host.name == comm
    if name.isprintable():
        assert comm == name


def test_a_later_version_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.ppr"
    path.write_bytes(frame(message(), version=2))
    with pytest.raises(Later, match="version 2"):
        read(path)


def test_the_bound_of_damages_that_are_kept(tmp_path: Path) -> None:
    data = recorded(tmp_path / "a.ppr", stream(1))
    path = tmp_path / "b.ppr"
    path.write_bytes(data + (b"x" + split(data)[0][0]) * 1500)
    recording = replay(path)
    asyncio.run(exhaust(recording))
    assert recording.damaged == 1500
    assert len(recording.damages) == 1000
    assert str(recording.damages[0]) == f"1 bytes at {len(data)}: no frame"


async def exhaust(recording: Any) -> None:
    async for _ in recording:
        pass


# Kill -9.

WRITER = """
import asyncio, sys
from procpulse.recording import Recorder
from tests.recording.streams import snapshot

async def main(first):
    async with Recorder(sys.argv[1]) as recorder:
        for seq in range(first, 1 << 40):
            await recorder.write(snapshot(seq, 40))
            print(seq, flush=True)

asyncio.run(main(int(sys.argv[2])))
"""


def killed(path: Path, rounds: int, seed: int) -> None:
    """Kill a writer again and again, each time after another while; each continues what the one before left."""
    first = 0
    written: list[int] = []
    for turn in range(rounds):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(first)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep((turn * seed % 37) / 2000)
        writer.send_signal(signal.SIGKILL)
        seqs = [first, *(int(line) for line in writer.stdout.read().splitlines(True) if line.endswith("\n"))]
        writer.wait()
        writer.stdout.close()
        back, _ = asyncio.run(collect(path))
        found = [snap.seq for snap in back if snap.seq >= first]
        assert found[: len(seqs)] == seqs, "what was said to be written is there"
        assert len(found) <= len(seqs) + 1
        assert all(snap == snapshot(snap.seq, 40) for snap in back)
        written += found
        assert [snap.seq for snap in back] == written
        first = found[-1] + 1
        if os.path.getsize(path) > 1 << 20:
            path.unlink()
            written = []
    asyncio.run(_continue(path, first))
    back, damaged = asyncio.run(collect(path))
    assert damaged == 0, "torn ends are cut off by whoever goes on"
    assert [snap.seq for snap in back] == [*written, first]


async def _continue(path: Path, first: int) -> None:
    async with Recorder(path) as recorder:
        await recorder.write(snapshot(first, 40))


def test_kill_9_while_writing(tmp_path: Path) -> None:
    """At most the tick that was being written is lost. PROCPULSE_KILLS=200 does it as often as the promise says."""
    killed(tmp_path / "a.ppr", int(os.environ.get("PROCPULSE_KILLS", "12")), seed=11)
