"""docs/recording.md is enough to read a recording: here that is done with nothing else."""

import asyncio
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from procpulse.encode.scan import DEPTH, look
from procpulse.recording import Recorder
from procpulse.recording.frames import HEADER, MARKER, MOST
from procpulse.recording.messages import DICTIONARY_BYTES, LIMIT
from procpulse.recording.recorder import GROUP
from tests.recording.streams import stream

PAGE = (Path(__file__).parent.parent.parent / "docs/recording.md").read_text()


def objects(data: bytes) -> list[bytes]:
    """The msgpack objects that stand one after the other."""
    found, at = [], 0
    while at < len(data):
        end = look(data, at).end
        found.append(data[at:end])
        at = end
    return found


def read(data: bytes) -> list[dict[str, Any]]:
    """The snapshots of a recording that is not damaged, by the page."""
    snapshots: list[dict[str, Any]] = []
    key: dict[str, Any] = {}
    dictionary = b""
    at = 0
    while at < len(data):
        marker, kind, packing, version, _, stored, unpacked, crc, time_us, _, header_crc = struct.unpack_from(
            "<8s c B B B I I I q Q I".replace(" ", ""), data, at
        )
        assert marker == bytes.fromhex("89 50 50 52 0d 0a 1a ff")
        assert version == 1
        assert zlib.crc32(data[at : at + 40]) == header_crc
        payload = data[at + 44 : at + 44 + stored]
        assert zlib.crc32(payload) == crc
        at += 44 + stored
        if packing:
            unpacker = zlib.decompressobj(zdict=dictionary) if packing == 2 else zlib.decompressobj()
            payload = unpacker.decompress(payload)
        assert len(payload) == unpacked
        parts = objects(payload)
        head = msgspec.msgpack.decode(parts[0])
        values = {
            msgspec.msgpack.decode(name): msgspec.msgpack.decode(value)
            for name, value in zip(parts[1::2], parts[2::2], strict=True)
        }
        if kind in b"HC":
            continue
        assert time_us == round(head["time"] * 1e6)
        if kind == b"K":
            key = {**head, "values": values}
            pieces = [parts[0], *(name + value for name, value in zip(parts[1::2], parts[2::2], strict=True))]
            dictionary = b"".join(sorted(pieces, key=len))[:32768]
            snapshots.append(key)
            continue
        assert head["base_ns"] == key["monotonic_ns"]
        snapshots.append({**head, "values": {**together(key, head, values)}, "host": key["host"]})
    return snapshots


def together(key: dict[str, Any], head: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    found = {name: value for name, value in key["values"].items() if name not in head.get("gone", [])} | values
    for name, layout in head.get("layouts", {}).items():
        base, rows = list(key["values"][name].items()), list(values[name].items())
        table = []
        for i in range(0, len(layout), 3):
            count, start, stop = layout[i : i + 3]
            table += rows[:count] + base[start:stop]
            rows = rows[count:]
        found[name] = dict(table + rows)
    return found


def test_a_program_that_knows_only_the_page(tmp_path: Path) -> None:
    snaps = stream(12)

    async def write() -> None:
        async with Recorder(tmp_path / "a.ppr") as recorder:
            for snap in snaps:
                await recorder.write(snap)

    asyncio.run(write())
    found = read((tmp_path / "a.ppr").read_bytes())
    assert [snap["values"] for snap in found] == [msgspec.to_builtins(snap.values, str_keys=False) for snap in snaps]
    assert [snap["read_ns"] for snap in found] == [snap.read_ns for snap in snaps]


@pytest.mark.parametrize(
    ("said", "true"),
    [
        (r"marker: `([0-9a-f ]+)`", MARKER.hex(" ")),
        (r"\n\| ([0-9]+) \| \| the payload", str(HEADER)),
        (r"at most ([0-9]+) MiB \|", str(MOST >> 20)),
        (r"the first ([0-9,]+) bytes", f"{DICTIONARY_BYTES:,}"),
        (r"after ([0-9]+) differences", str(GROUP)),
        (r"at most ([0-9]+) containers", str(DEPTH)),
        (r"refused over\n([0-9]+) MiB", str(LIMIT >> 20)),
    ],
)
def test_the_page_says_what_is_so(said: str, true: str) -> None:
    assert re.search(said, PAGE)[1] == true  # type: ignore[index]
