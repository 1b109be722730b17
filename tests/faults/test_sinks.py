"""Every name is inert in every sink (F7, F8, F10, S9, S11, S13, S14; P13): terminal, JSON, msgpack, log, failures.

Names come in where anyone can choose them: of processes, their arguments, mounts, interfaces, control groups.
"""

import json as plain
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procpulse import Failure, Reason, Roots, Sampler, Snapshot, difference, log
from procpulse.cli.table import render
from procpulse.encode import json, msgpack
from procpulse.source import Read, Reading
from procpulse.sources import MOUNTS, NET_DEV, processes
from procpulse.text import inert

NAMES = [
    b"plain",
    b"a b",
    b"a) R 1 (b",
    b"a\nb",
    b"a\\nb",
    b"\x1b[2J\x1b]0;owned\x07",
    b"\x9b31m",
    b"\xc2\x9b31m",
    b"\xff\xfe\x80",
    b"caf\xc3",
    "\u202egnp.exe".encode(),
    "a\u200b\u2060b".encode(),
    "\U000e0041".encode(),
    b"[/][bold]x[/",
    b'<script>alert("x")</script>&amp;',
    b'"} evil{a="',
    b"=cmd|' /C calc'!A0",
    b"\\x1b\\u202e",
    b"",
]

EVERY_NAME = st.one_of(st.sampled_from(NAMES), st.binary(max_size=15))
HEAD = "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"


def snapshot(tree: Path, name: bytes) -> Snapshot:
    """A host where everything has this name."""
    folder = tree / "proc/7"
    folder.mkdir(parents=True, exist_ok=True)
    (tree / "sys").mkdir(exist_ok=True)
    (tree / "proc/net").mkdir(exist_ok=True)
    zeros = b" ".join([b"0"] * 17)
    tail = b" S " + zeros + b" 0 7 4096 2 99 " + b" ".join([b"0"] * 27) + b"\n"
    (folder / "stat").write_bytes(b"7 (" + name + b")" + tail)
    (folder / "comm").write_bytes(name + b"\n")
    (folder / "cmdline").write_bytes(name + b"\0" + name + b"\0")
    (folder / "cgroup").write_bytes(b"0::/" + name.replace(b"\n", b"") + b"\n")
    escaped = b"".join(b"\\%03o" % byte if byte in b" \t\n\\#" else bytes([byte]) for byte in name)
    (tree / "proc/mounts").write_bytes(b"none /" + escaped + b" tmpfs rw 0 0\n")
    word = b"".join(name.split()).replace(b":", b"").replace(b"\0", b"") or b"x"
    (tree / "proc/net/dev").write_bytes(HEAD.encode() + word + b": " + b" ".join([b"1"] * 16) + b"\n")
    source = processes("comm", "cmdline", "cgroup")
    sampler = Sampler([source, MOUNTS, NET_DEV], roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys")))
    found = sampler.sample_sync()
    sampler.close()
    return found


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


@given(EVERY_NAME)
@settings(max_examples=60, deadline=None)
def test_a_name_in_every_sink(tmp_path_factory: pytest.TempPathFactory, name: bytes) -> None:
    snap = snapshot(tmp_path_factory.mktemp("tree"), name)
    rows = snap.values["processes"]
    if b"\0" not in name:
        assert rows[7].stat.comm == inert(name), "whole, whatever is in it"
        if name:
            assert rows[7].cmdline.arguments == [inert(name)] * 2
    for found in snap.values.values():
        for line in render(found):
            assert line.isprintable(), f"a terminal would act on {line!r}"
    for encode, decode in ((json.encode, json.decode), (msgpack.encode, msgpack.decode)):
        assert decode(encode(snap)) == snap
    encoded = json.encode(snap)
    assert encoded.isascii() or encoded.decode("utf-8")
    assert b"\n" not in encoded, "one line, for files of lines and for server-sent events"
    for text in strings(plain.loads(encoded)):
        assert text.isprintable(), repr(text)
    later = msgspec.structs.replace(snap, seq=1, monotonic_ns=snap.monotonic_ns + 10**9)
    later = msgspec.structs.replace(later, read_ns={n: t + 10**9 for n, t in snap.read_ns.items()})
    rates = msgspec.to_builtins(difference(snap, later).usage.rates())
    assert all(text.isprintable() for text in strings(rates))


@given(EVERY_NAME)
def test_a_name_in_a_failure_and_in_a_log(name: bytes) -> None:
    path = "/sys/class/net/" + os.fsdecode(name.replace(b"\0", b"") or b"x")
    reading = Reading(Roots())  # type: ignore[arg-type]
    reading.note(path, Failure(Reason.DENIED, path, "EACCES"))
    for part, failure in reading.failures.items():
        assert part.isprintable()
        assert failure.path.isprintable()
        json.encode(failure)
    described = log.describe(Read(path), Failure(Reason.DENIED, path, "EACCES"))
    assert all(text.isprintable() for text in strings(described))


def test_two_names_stay_two() -> None:
    shown = [inert(name) for name in NAMES]
    assert len(set(shown)) == len(NAMES)


NAMED = """
import ctypes, os, sys
name, command = os.fsencode(sys.argv[1]), os.fsencode(sys.argv[2])
libc = ctypes.CDLL(None)
libc.prctl(15, name)
with open("/proc/self/stat", "rb") as file:
    after = file.read().rpartition(b")")[2].split()
start, end = int(after[45]), int(after[46])
with open("/proc/self/mem", "wb", buffering=0) as memory:
    memory.seek(start)
    memory.write(command[: end - start].ljust(end - start, sys.argv[3].encode()[:1] or b"\\0"))
print("ready", flush=True)
sys.stdin.read()
"""


def live(name: str, command: str, fill: str = "", padding: str = "x" * 200) -> "subprocess.Popen[str]":
    """A real process with this name and this command line."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", NAMED, name, command, fill, padding],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"SECRET": "hunter2" * 20},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.root
@pytest.mark.parametrize("name", [name for name in NAMES if 0 < len(name) < 16 and b"\0" not in name])
def test_a_real_process_of_this_name(name: bytes) -> None:
    process = live(os.fsdecode(name), os.fsdecode(name))
    try:
        source = processes("comm", "cmdline", "status")
        sampler = Sampler([source])
        snap = sampler.sample_sync()
        sampler.close()
        row = snap[source][process.pid]
        assert (
            row.stat.comm == row.comm.comm == inert(name) if hasattr(row.comm, "comm") else row.stat.comm == inert(name)
        )
        assert row.cmdline is not None
        assert row.cmdline.arguments[0].startswith(inert(name))
        assert row.status is not None
        assert json.decode(json.encode(snap)).values["processes"][process.pid].stat.comm == inert(name)
    finally:
        process.communicate("")


@pytest.mark.root
def test_a_command_line_that_runs_into_the_environment() -> None:
    """Overwritten without a NUL at its end, the kernel goes on into `environ`: that part is cut off (F10, S4)."""
    process = live("title", "new title ", "y")
    try:
        raw = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        source = processes("cmdline")
        sampler = Sampler([source])
        row = sampler.sample_sync()[source][process.pid]
        sampler.close()
        assert row.cmdline is not None
        assert row.cmdline.arguments[0].startswith("new title y")
        assert "hunter2" not in str(row.cmdline), "nothing of the environment"
        assert b"SECRET" in raw or row.cmdline.rewritten or len(raw) > 0
    finally:
        process.communicate("")


def test_a_command_line_of_a_megabyte() -> None:
    """Cut at its cap, and it says so."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "input()", *["x" * 100_000] * 10], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        source = processes("cmdline")
        sampler = Sampler([source])
        row = sampler.sample_sync()[source][process.pid]
        sampler.close()
        assert row.cmdline is not None
        assert row.cmdline.truncated
        assert sum(map(len, row.cmdline.arguments)) <= 1 << 16
    finally:
        process.communicate(b"\n")
