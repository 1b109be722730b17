"""A stream from a server elsewhere, as if it were sampled here.

    async for snap in stream("http://db1:8787/", token=token, sources=[STAT, PROCESSES], top=20):
        print(snap[STAT].cpu)

    async for delta in deltas(stream("http://db1:8787/")):
        print(delta.usage.cpu.busy_ratio)

Needs the package websockets. What is spoken is in docs/protocol.md.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Iterable
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from procpulse.encode import json, msgpack
from procpulse.snapshot import Snapshot
from procpulse.source import Source
from procpulse.web.patch import patched, without

POLICY = 1008
LARGEST_FRAME = 64 << 20
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0


class Refused(Exception):
    """The server does not want this client, or cannot do what it asks; to come back the same is of no use."""


class State:
    """A snapshot that is kept up to date by frames, without I/O.

    Args:
        format: "json" or "msgpack".
        sources: Sources that are not procpulse's own, so that their values are typed, too.
    """

    def __init__(self, format: str = "msgpack", sources: Iterable[Source[Any]] = ()):
        self._text = format == "json"
        self._sources = list(sources)
        self._data: dict[str, Any] | None = None
        self.gap = 0
        """How many frames were missing before the newest."""
        self.schema = ""
        """Hash of the schema that the server speaks by."""
        self.usage: Any = None
        """Rates and ratios of the newest frame, where they were asked for, as plain values."""

    def feed(self, frame: bytes | str) -> Snapshot | None:
        """Take in a frame; return the snapshot as it is now, None where the frame says nothing about it.

        Raises:
            ValueError: the frame makes no sense here.
        """
        try:
            item = msgspec.json.decode(frame) if self._text else msgspec.msgpack.decode(_bytes(frame), strict=False)
            return self._understand(item)
        except (msgspec.MsgspecError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"not a frame: {error!r}") from error

    def _understand(self, item: dict[str, Any]) -> Snapshot | None:
        if item["type"] == "snapshot":
            self._data = item["data"]
            self.schema = item["schema"]
        elif item["type"] == "change":
            if self._data is None:
                raise ValueError("a change of nothing")
            values = self._data["values"]
            for path in item["gone"]:
                values = without(values, path, self._text)
            values = patched(values, item["values"])
            for name in item["rows_ns"]:
                if name in values:
                    values[name] = dict(sorted(values[name].items(), key=lambda row: int(row[0])))
            kept = ("seq", "time", "monotonic_ns", "read_ns", "rows_ns", "failures", "host")
            self._data = {**self._data, "values": values, **{name: item[name] for name in kept if name in item}}
        else:
            return None
        self.gap = item["gap"]
        self.usage = item.get("usage")
        # Through bytes once more: msgspec knows the types, and does it faster than a walk over dicts would be.
        if self._text:
            return json.decode(msgspec.json.encode(self._data), self._sources)
        return msgpack.decode(msgspec.msgpack.encode(self._data), self._sources)


def _bytes(frame: bytes | str) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame


def address(
    url: str,
    *,
    sources: Iterable[Source[Any] | str] | None = None,
    top: int | None = None,
    by: str | None = None,
    interval: float | None = None,
    usage: bool = False,
) -> str:
    """The address of a stream below that of a server, `http://host:8787/` or `https://host/pulse/`.

    Raises:
        ValueError: this is no such address, or it holds a password, which does not belong there.
    """
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}.get(parts.scheme)
    if scheme is None or not parts.netloc or "@" in parts.netloc:
        raise ValueError(f"not the address of a server: {parts.scheme}://{parts.hostname}")
    query: dict[str, Any] = {"top": top, "by": by, "interval": interval, "usage": 1 if usage else None}
    if sources is not None:
        query["sources"] = ",".join(source if isinstance(source, str) else source.name for source in sources)
    asked = urlencode({name: value for name, value in query.items() if value is not None})
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + "/v1/stream", asked, ""))


async def stream(
    url: str,
    *,
    sources: Iterable[Source[Any] | str] | None = None,
    top: int | None = None,
    by: str | None = None,
    interval: float | None = None,
    token: str | None = None,
    format: str = "msgpack",
    reconnect: bool = True,
) -> AsyncGenerator[Snapshot, None]:
    """Snapshots of another host, as its sampler takes them: typed, and equal to those over there.

    A connection that breaks is made anew, after half a second and up to ten; `seq` shows what was missed, and another
    `host.boot_id` that the host was started again.

    Args:
        url: The server, as `http://host:8787/`, with the prefix that it is mounted at.
        sources: Which of its sources; all by default. Those of your own have to be given as values to be typed.
        top: So many processes; all by default.
        by: What these have most of; CPU time by default.
        interval: Seconds between snapshots, a multiple of the server's.
        token: What the server wants to be shown.
        format: "msgpack" or "json".
        reconnect: Whether to go on when the connection breaks; otherwise the stream ends.

    Raises:
        Refused: the server does not let us in, or cannot do what was asked.
        ValueError: the address or a frame makes no sense.
        OSError: the server cannot be reached; only with `reconnect=False`.
    """
    chosen = None if sources is None else list(sources)
    own = [source for source in chosen or () if isinstance(source, Source)]
    where = address(url, sources=chosen, top=top, by=by, interval=interval)
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    wait = FIRST_WAIT
    while True:
        state = State(format, own)
        try:
            async with connect(
                where,
                subprotocols=[Subprotocol(f"procpulse.v1.{format}")],
                additional_headers=headers,
                max_size=LARGEST_FRAME,
                compression=None,
                max_queue=2,
            ) as socket:
                async for frame in socket:
                    snapshot = state.feed(frame)
                    if snapshot is not None:
                        wait = FIRST_WAIT
                        yield snapshot
                code, reason = socket.close_code, socket.close_reason
        except InvalidStatus as refusal:
            status = refusal.response.status_code
            if status not in (429, 500, 502, 503, 504):
                raise Refused(f"{status}: {_why(refusal.response.body)}") from None
            code, reason = None, ""
            if not reconnect:
                raise Refused(f"{status}: {_why(refusal.response.body)}") from None
        except ConnectionClosed as closed:
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")
        except (OSError, TimeoutError):
            if not reconnect:
                raise
            code, reason = None, ""
        if code == POLICY:
            raise Refused(reason)
        if not reconnect:
            return
        await asyncio.sleep(wait * random.uniform(0.5, 1))
        wait = min(2 * wait, LONGEST_WAIT)


def _why(body: bytes | bytearray | None) -> str:
    try:
        return str(msgspec.json.decode(bytes(body or b""))["error"])
    except (msgspec.MsgspecError, KeyError, TypeError):
        return "refused"
