"""Every name is inert in every sink (F7, F8, F10, S9, S11, S13, S14; P13): terminal, JSON, msgpack, log, failures,
the web, Prometheus, CSV.

Names come in where anyone can choose them: of processes, their arguments, mounts, interfaces, control groups.
"""

import csv
import io
import json as plain
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
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
from tests.web import application, served, socket

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


def crowd(tree: Path) -> Roots:
    """A host with a process, a control group, a mount and an interface of every name."""
    mounts, interfaces = [], [HEAD.encode()]
    for pid, name in enumerate(NAMES, 7):
        snapshot(tree / f"of {pid}", name)
        (tree / "proc").mkdir(exist_ok=True)
        (tree / f"of {pid}/proc/7").rename(tree / f"proc/{pid}")
        stat = (tree / f"proc/{pid}/stat").read_bytes()
        (tree / f"proc/{pid}/stat").write_bytes(b"%d" % pid + stat[1:])
        mounts.append((tree / f"of {pid}/proc/mounts").read_bytes())
        interface = (tree / f"of {pid}/proc/net/dev").read_bytes()[len(HEAD) :]
        if interface not in interfaces:
            interfaces.append(interface)
    (tree / "proc/net").mkdir()
    (tree / "sys").mkdir()
    (tree / "proc/mounts").write_bytes(b"".join(mounts))
    (tree / "proc/net/dev").write_bytes(b"".join(interfaces))
    return Roots(proc=str(tree / "proc"), sys=str(tree / "sys"))


def harmless(text: str, ends: str = "\n") -> bool:
    """Whether nothing in it acts on whoever shows it."""
    return all(char.isprintable() or char in ends for char in text)


async def test_every_name_over_the_web(tmp_path: Path) -> None:
    """The page, Prometheus, server-sent events, websockets of both formats."""
    from prometheus_client.parser import text_string_to_metric_families

    roots = crowd(tmp_path)
    expected = {inert(name) for name in NAMES}
    sources = [processes("comm", "cmdline", "cgroup"), MOUNTS, NET_DEV]
    query = "sources=processes,mounts,net_dev&usage=1"
    async with (
        served(application(sources=sources, roots=roots, cmdline=True, interval=1.0)) as place,
        httpx.AsyncClient(base_url=f"http://{place}", timeout=20) as web,
    ):

        def check(frame: Any) -> None:
            assert all(text.isprintable() for text in strings(frame))
            rows = frame["data"]["values"]["processes"].values()
            assert {row["stat"]["comm"] for row in rows} == expected
            assert {row["cmdline"]["arguments"][0] for row in rows if row["cmdline"]["arguments"]} >= expected - {""}

        async with web.stream("GET", f"/v1/events?{query}") as answer:
            kinds = []
            async for line in answer.aiter_lines():
                assert harmless(line)
                kind, colon, rest = line.partition(":")
                assert not line or (colon and kind in ("", "event", "id", "data", "retry")), line
                kinds.append(kind)
                if kind == "data":
                    check(plain.loads(rest))
                    break
            assert kinds.count("event") == 1, "a name ends no event and begins none"
        async with socket(place, query, max_size=None) as connection:
            text = await connection.recv()
            assert isinstance(text, str)
            assert harmless(text, "")
            check(plain.loads(text))
        async with socket(place, query, format="msgpack", max_size=None) as connection:
            data = await connection.recv()
            assert isinstance(data, bytes)
            frame = msgspec.msgpack.decode(data)
            assert all(text.isprintable() for text in strings(frame))
            assert {row["stat"]["comm"] for row in frame["data"]["values"]["processes"].values()} == expected
        metrics = (await web.get("/metrics")).text
        assert harmless(metrics)
        families = list(text_string_to_metric_families(metrics))
        labels = [sample.labels for family in families for sample in family.samples]
        assert all(text.isprintable() for each in labels for text in strings(each))
        assert {"procpulse_", "process_", "python_"} >= {family.name.partition("_")[0] + "_" for family in families}
        assert {each.get("name") for each in labels} >= expected - {""}
        page = await web.get("/")
        assert "alert(" not in page.text
        assert "'unsafe" not in page.headers["content-security-policy"]
        assert all(
            answer.headers["x-content-type-options"] == "nosniff" for answer in (page, await web.get("/metrics"))
        )


@pytest.mark.parametrize("rows", ["processes", "interfaces"])
def test_every_name_in_csv(tmp_path: Path, rows: str) -> None:
    """A cell is a cell, and no formula."""
    roots = crowd(tmp_path)
    command = [
        str(Path(sys.executable).with_name("procpulse")),
        "stream",
        "--format",
        "csv",
        "--rows",
        rows,
        "--count",
        "1",
    ]
    command += [
        "--interval",
        "50ms",
        "--sources",
        "processes,net_dev",
        "--proc-root",
        roots.proc,
        "--sys-root",
        roots.sys,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    head, *lines = csv.reader(io.StringIO(done.stdout))
    assert len(lines) >= len(NAMES) - 2, done.stderr
    for line in lines:
        assert len(line) == len(head)
        for cell in line:
            assert harmless(cell, "")
            assert not cell.startswith(("=", "+", "@", "\t")), "a spreadsheet would calculate it"
    assert {inert(name) for name in NAMES[5:14]} <= {cell for line in lines for cell in line} or rows == "interfaces"


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
