"""Servers that are not what they seem: the client takes no more memory than it says, and raises what it documents."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve

from procpulse import Snapshot
from procpulse.encode import scan_json
from procpulse.encode.scan import DEPTH, Unfit
from procpulse.web.client import LARGEST_FRAME, LIMIT, Refused, State, stream
from tests.faults.making import child
from tests.recording.streams import snapshot

HOST = {"name": "db1", "boot_id": "b", "kernel": "6.18", "boot_time": 1}


def whole(values: Any = None, **more: Any) -> dict[str, Any]:
    data = {"seq": 1, "time": 1.0, "monotonic_ns": 1, "host": HOST, "values": values or {}} | more
    return {"type": "snapshot", "seq": 1, "gap": 0, "schema": "x", "data": data}


def change(values: Any = None, gone: Any = (), **more: Any) -> dict[str, Any]:
    return {
        "type": "change", "seq": 2, "gap": 0, "time": 2.0, "monotonic_ns": 2, "values": values or {},
        "gone": list(gone), "read_ns": {}, "rows_ns": {},
    } | more  # fmt: skip


def encoded(item: Any, format: str) -> bytes:
    return msgspec.json.encode(item) if format == "json" else msgspec.msgpack.encode(item)


@asynccontextmanager
async def server(say: Callable[[ServerConnection], Any]) -> AsyncIterator[str]:
    async with serve(say, "127.0.0.1", 0, subprotocols=["procpulse.v1.json", "procpulse.v1.msgpack"]) as it:  # type: ignore[list-item]
        yield f"http://127.0.0.1:{next(iter(it.sockets)).getsockname()[1]}/"


async def said(*frames: str | bytes, format: str = "json", **options: Any) -> list[Snapshot]:
    """What the client makes of a server that says this and goes."""

    async def say(connection: ServerConnection) -> None:
        for frame in frames:
            await connection.send(frame)

    async with server(say) as url, aclosing(stream(url, format=format, reconnect=False, **options)) as snapshots:
        return [snap async for snap in snapshots]


NESTED = 100_000
TEXTS: dict[str, str | bytes] = {
    "nothing": "",
    "no JSON": "hello",
    "a list": "[]",
    "null": "null",
    "a number": "1e999",
    "many digits": "9" * 100_000,
    "nested lists": "[" * NESTED + "]" * NESTED,
    "nested objects": '{"a":' * NESTED + "1" + "}" * NESTED,
    "nested in a frame": json.dumps(whole()).replace(
        '"values": {}', '"values": {"x": ' + "[" * 5000 + "]" * 5000 + "}"
    ),
    "half of a pair": '{"type":"snapshot","data":"\\ud800"}',
    "no types": json.dumps({"type": "snapshot"}),
    "data of text": json.dumps(whole() | {"data": "x"}),
    "data of nothing": json.dumps(whole() | {"data": None}),
    "values of a list": json.dumps(whole() | {"data": whole()["data"] | {"values": [1]}}),
    "a time of text": json.dumps(whole(time="now")),
    "a change of nothing": json.dumps(change()),
    "binary": b"\xff\xfe\x00",
    "quotes without an end": '"' * 100_001,
    "backslashes without an end": '"' + '\\"' * 200_000,
}
CHANGES: dict[str, dict[str, Any]] = {
    "a path to nowhere": change(gone=[["loadavg", "nothing"]]),
    "an empty path": change(gone=[[]]),
    "a long path": change(gone=[["loadavg"] * 10_000]),
    "a path of objects": change(gone=[[{"a": 1}]]),
    "paths that are text": change(gone=["loadavg"]),
    "gone of a number": change() | {"gone": 7},
    "values of a list": change() | {"values": [1]},
    "places that are not there": change({"rows": {"99": 1}}),
    "places that are no numbers": change({"rows": {"x": 1}}),
    "rows that are none": change(rows_ns={"rows": [[1, 1]]}),
    "rows by text": change(rows_ns={"named": [[1, 1]]}),
    "a host of text": change(host="x"),
    "no gap": {key: value for key, value in change().items() if key != "gap"},
    "a type of a number": change() | {"seq": "x"},
    "a large integer": change({"loadavg": {"load1": 1 << 70}}),
}


@pytest.mark.parametrize("name", TEXTS)
async def test_what_is_no_frame_is_a_value_error(name: str) -> None:
    with pytest.raises(ValueError, match="not a frame") as caught:
        await said(TEXTS[name])
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
    frame = TEXTS[name]
    with pytest.raises(ValueError, match="not a frame"):
        State("msgpack").feed(frame)


@pytest.mark.parametrize("format", ["json", "msgpack"])
@pytest.mark.parametrize("name", CHANGES)
def test_changes_that_do_not_fit_are_a_value_error(name: str, format: str) -> None:
    values = {"loadavg": {"load1": 1.0}, "rows": [1], "named": {"a": 1}}
    state = State(format)
    assert state.feed(encoded(whole(values), format)) is not None
    try:
        frame = encoded(CHANGES[name], format)
    except OverflowError:
        frame = json.dumps(CHANGES[name]).encode()
    after, why = None, ""
    try:
        after = state.feed(frame)
    except ValueError as error:
        why = str(error)
    if after is None:
        assert why.startswith("not a frame")
        with pytest.raises(ValueError, match="a change of nothing"):
            state.feed(encoded(change(), format))
        assert state.feed(encoded(whole(values), format)) is not None, "a whole one is as good as ever"
    else:
        msgspec.json.encode(after.values)


MEMORY = """
    import asyncio, json, resource, sys
    from contextlib import aclosing
    from websockets.asyncio.server import serve
    from procpulse.web.client import stream
    from tests.faults import test_hostile_servers as hostile

    name, format = sys.argv[1:]
    frames = getattr(hostile, name)(format)

    async def say(connection):
        for frame in frames:
            await connection.send(frame)

    def resident():
        return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()

    async def main():
        most = 0
        before = resident()
        open("/proc/self/clear_refs", "w").write("5")
        async with serve(say, "127.0.0.1", 0, subprotocols=["procpulse.v1.json", "procpulse.v1.msgpack"]) as it:
            url = f"http://127.0.0.1:{next(iter(it.sockets)).getsockname()[1]}/"
            count, error = 0, None
            try:
                most = hostile.bound(name)
                async with aclosing(stream(url, format=format, reconnect=False, limit=most)) as snapshots:
                    async for _ in snapshots:
                        count += 1
            except ValueError as caught:
                error = str(caught)
        peak = [line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0]
        cpu = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"error": error, "count": count, "grown": int(peak) * 1024 - before, "cpu": cpu.ru_utime}))

    asyncio.run(main())
"""


def too_long(format: str) -> list[str | bytes]:
    """Sixty million bytes of empty lists."""
    return ["[" + "[]," * 20_000_000 + "1]" if format == "json" else b"\xdd" + (60_000_000).to_bytes(4, "big") + b"\x90" * 60_000_000]  # fmt: skip


def many_lists(format: str) -> list[str | bytes]:
    """As many empty lists as fit into a frame."""
    count = LARGEST_FRAME - 10
    return [
        "[" + "[]," * (count // 3) + "1]" if format == "json" else b"\xdd" + count.to_bytes(4, "big") + b"\x90" * count
    ]


def many_objects(format: str) -> list[str | bytes]:
    count = LARGEST_FRAME - 10
    return [
        "[" + "{}," * (count // 3) + "1]" if format == "json" else b"\xdd" + count.to_bytes(4, "big") + b"\x80" * count
    ]


def escapes(format: str) -> list[str | bytes]:
    """One text of nothing but escape characters."""
    data: Any = whole({"x": "\x1b" * (1 << 18) if format == "msgpack" else "\x1b" * (2 << 20)})
    return [encoded(data, format).decode() if format == "json" else encoded(data, format)]


def growing(format: str) -> list[str | bytes]:
    """Each change adds something new."""
    frames = [whole({"x": {}})]
    frames += [change({"x": {f"{tick}.{i}": [] for i in range(20_000)}}) for tick in range(30)]
    return [encoded(frame, format).decode() if format == "json" else encoded(frame, format) for frame in frames]


def swelling(format: str) -> list[str | bytes]:
    """Each change makes one text of a row longer, in a row of its own."""
    frames = [whole({"x": {}})]
    frames += [change({"x": {str(tick): "a" * 500_000}}) for tick in range(90)]
    return [encoded(frame, format).decode() if format == "json" else encoded(frame, format) for frame in frames]


def vanishing(format: str) -> list[str | bytes]:
    """Hundreds of thousands of rows, each of which is named as gone in one change."""
    count = 150_000
    frames = [
        whole({"x": dict.fromkeys(map(str, range(count)), 1)}),
        change(gone=[["x", str(i)] for i in range(count)]),
    ]
    return [encoded(frame, format).decode() if format == "json" else encoded(frame, format) for frame in frames]


def bound(name: str) -> int:
    """The limit that the client is given: a small one where many frames are needed to reach it."""
    return LIMIT // 4 if name in ("growing", "swelling") else LIMIT


BOMBS = ["too_long", "many_lists", "many_objects", "escapes", "growing", "swelling", "vanishing"]


@pytest.mark.parametrize("format", ["json", "msgpack"])
@pytest.mark.parametrize("name", BOMBS)
def test_bombs_cost_no_more_than_the_limit(name: str, format: str, figure: Callable[[str, Any], None]) -> None:
    found = child(MEMORY, arguments=[name, format])
    grown = found["grown"] / (1 << 20)
    most = (bound(name) + 6 * LARGEST_FRAME) >> 20  # the server is in the same process, with its frames
    figure(f"A client, {name} in {format}: MiB (limit {most})", grown)
    if name in ("escapes", "vanishing"):
        assert found["error"] is None
        assert found["count"] > 0
    else:
        assert found["error"] is not None
        assert found["error"].startswith("not a frame")
    assert grown < most, found
    assert found["cpu"] < 30, "it grows with the frames, not with their square"


ODD = ["\x1b]0;pwn\x07", "\x1b[31m", "a\u202eb", "\u200b", "\ufeff", "x\u2028y", "\x9b2J", "\x00", "\x7f"]


@pytest.mark.parametrize("format", ["json", "msgpack"])
@pytest.mark.parametrize("odd", ODD)
async def test_all_text_of_a_server_is_printable(odd: str, format: str) -> None:
    item = whole({"mine": {odd: [odd, {odd: odd}]}, odd: odd})
    item["data"]["host"] = HOST | {"name": odd, "kernel": odd}
    item["data"]["failures"] = {odd: {"reason": "denied", "path": odd, "detail": odd}}
    item["schema"] = odd
    item["usage"] = {odd: odd}
    later = change({"mine": {"new" + odd: odd}}, gone=[["mine", odd]], usage={odd: odd})
    frames = [
        encoded(frame, format).decode() if format == "json" else encoded(frame, format) for frame in (item, later)
    ]
    snaps = await said(*frames, format=format)
    assert len(snaps) == 2, "what is gone is known by the same name"
    state = State(format)
    for frame in frames:
        state.feed(frame)
    for found in (repr(snaps), repr(state.usage), state.schema):
        assert found.isprintable()
        assert odd not in found
    assert snaps[0].host.name.isprintable()
    assert list(snaps[1].values["mine"]) == [name for name in snaps[1].values["mine"] if name.startswith("new")]


def test_what_is_printable_stays_as_it_is() -> None:
    """Backslashes, quotes and every script that people write."""
    plain = {'a\\x1b "b"': ["C:\\new", "ünïcödé", "日本", "🐧", "/", "\\", "tab\\t"]}
    for format in ("json", "msgpack"):
        snap = State(format).feed(encoded(whole({"mine": plain}), format))
        assert snap is not None
        assert snap.values["mine"] == plain


async def test_the_reason_of_a_refusal_is_printable() -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.close(1008, "\x1b[31mred")

    async with server(close) as url:
        with pytest.raises(Refused) as caught:
            await anext(stream(url))
    assert str(caught.value) == "\\x1b[31mred"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 403 No\r\ncontent-length: 24\r\n\r\n" + b'{"error":"\\u001b[31mred"}',
        b"HTTP/1.1 403 No\r\ncontent-length: 20000\r\n\r\n" + b"[" * 20_000,
        b"HTTP/1.1 101 Yes\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Yes\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\x1b[31m\r\n",
        b"\x00" * 1000,
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 1000 + b"\r\n",
        b"HTTP/1.1 302 Away\r\nlocation: \x1b[31m\r\n\r\n",
        b"",
    ],
    ids=["403", "nested", "no key", "no upgrade", "another protocol", "nothing", "many headers", "a redirect", "empty"],
)
async def test_what_is_no_server_of_streams_raises_what_is_documented(answer: bytes) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    it = await asyncio.start_server(say, "127.0.0.1", 0)
    async with it:
        port = it.sockets[0].getsockname()[1]
        with pytest.raises((Refused, ValueError, OSError)) as caught:
            await anext(stream(f"http://127.0.0.1:{port}/", reconnect=False))
    assert str(caught.value).isprintable()
    assert not re.search(r"\[{50}", str(caught.value))


# The look at JSON.


@settings(max_examples=300, deadline=None)
@given(st.recursive(st.none() | st.integers(-9, 9) | st.text(max_size=8), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=4), inner)))  # fmt: skip
def test_the_weight_of_json_is_no_less_than_that_of_what_it_becomes(value: Any) -> None:
    data = msgspec.json.encode(value)
    containers = data.count(b"[") + data.count(b"{")
    assert scan_json.weigh(data, 1 << 40) >= len(data)
    assert scan_json.weigh(data, 1 << 40) <= 200 * len(data) + 200 * containers
    made = scan_json.printable(msgspec.json.decode(data))
    assert repr(made).isprintable() if not _all_text_printable(value) else made == value
    if scan_json.is_plain(data):
        assert made == value


def _all_text_printable(value: Any) -> bool:
    if isinstance(value, dict):
        return all(key.isprintable() and _all_text_printable(member) for key, member in value.items())
    if isinstance(value, list):
        return all(map(_all_text_printable, value))
    return not isinstance(value, str) or value.isprintable()


@pytest.mark.parametrize("depth", [1, DEPTH - 1, DEPTH, DEPTH + 1])
def test_the_depth_that_is_allowed(depth: int) -> None:
    for text in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b'"[[[[{{{{"' + b"}" * depth):
        if depth <= DEPTH:
            scan_json.weigh(text, 1 << 20)
        else:
            with pytest.raises(Unfit, match="nested"):
                scan_json.weigh(text, 1 << 20)


def test_an_honest_snapshot_of_many_processes_is_within_the_limit() -> None:
    """Twenty thousand of them."""
    snap = snapshot(1, 20_000)
    for format in ("json", "msgpack"):
        from procpulse.encode import json as as_json
        from procpulse.encode import msgpack as as_msgpack

        data = (as_json if format == "json" else as_msgpack).encode(snap)
        head = whole()
        frame = encoded(head | {"data": msgspec.Raw(data)}, format)
        assert len(frame) < LARGEST_FRAME
        assert State(format).feed(frame) == snap
