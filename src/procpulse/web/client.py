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
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI
from websockets.typing import Subprotocol

from procpulse.encode import json, msgpack, scan_json
from procpulse.encode.scan import look, made_inert
from procpulse.snapshot import Snapshot
from procpulse.source import Source
from procpulse.text import shorten
from procpulse.web.patch import patched, remove

POLICY = 1008
LARGEST_FRAME = 16 << 20
"""Bytes of a frame, and of the snapshot that frames make together, at most."""
LIMIT = 128 << 20
"""Bytes of memory that these may take once they are decoded."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 10.0
_OURS = {
    1002: "against the protocol of websockets",
    1007: "text that is no UTF-8",
    1009: f"over {LARGEST_FRAME} bytes",
}
"""Why this side closes a connection, by the code that it sends."""


class Refused(Exception):
    """The server does not want this client, or cannot do what it asks; to come back the same is of no use."""


class State:
    """A snapshot that is kept up to date by frames, without I/O.

    A server may be anybody, or show what anybody on its host chose to be called. A frame is looked at before it is
    decoded, so that it cannot take more memory than the limit, nor the snapshot that many frames make together; and all
    text in it becomes printable, as names do when they are read from the kernel.

    Args:
        format: "json" or "msgpack".
        sources: Sources that are not procpulse's own, so that their values are typed, too.
        limit: Most bytes of memory that a frame, or the snapshot, may take.
    """

    def __init__(self, format: str = "msgpack", sources: Iterable[Source[Any]] = (), limit: int = LIMIT):
        self._text = format == "json"
        self._sources = list(sources)
        self._limit = limit
        self._data: dict[str, Any] | None = None
        self._weight = 0
        """Of all that went into the snapshot, so no less than its own."""
        self.gap = 0
        """How many frames were missing before the newest."""
        self.schema = ""
        """Hash of the schema that the server speaks by."""
        self.usage: Any = None
        """Rates and ratios of the newest frame, where they were asked for, as plain values."""

    def feed(self, frame: bytes | str) -> Snapshot | None:
        """Take in a frame; return the snapshot as it is now, None where the frame says nothing about it.

        Raises:
            ValueError: the frame makes no sense here, or is over a limit. Only a whole snapshot does afterwards.
        """
        try:
            data = frame.encode() if isinstance(frame, str) else bytes(frame)
            item, weight = self._decoded(data)
            return self._understand(item, weight)
        except (msgspec.MsgspecError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            self._data = None
            raise ValueError(f"not a frame: {_printable(repr(error))}") from error
        except ValueError as error:
            self._data = None
            raise ValueError(f"not a frame: {_printable(str(error))}") from error

    def _decoded(self, data: bytes) -> tuple[Any, int]:
        """What a frame holds, with all its text printable, and the memory that it takes."""
        if len(data) > LARGEST_FRAME:
            raise ValueError(f"over {LARGEST_FRAME} bytes")
        if self._text:
            weight = scan_json.weigh(data, self._limit)
            item = msgspec.json.decode(data)
            return item if scan_json.is_plain(data) else scan_json.printable(item), weight
        seen = look(data, 0, self._limit)
        if seen.end != len(data):
            raise ValueError("more than a frame")
        return msgspec.msgpack.decode(made_inert(data, 0, seen) if seen.odd else data, strict=False), seen.weight

    def _understand(self, item: dict[str, Any], weight: int) -> Snapshot | None:
        if item["type"] == "snapshot":
            self._data = item["data"]
            self._weight = weight
            self.schema = item["schema"]
        elif item["type"] == "change":
            if self._data is None:
                raise ValueError("a change of nothing")
            self._weight += weight
            values = self._data["values"]
            for path in item["gone"]:
                remove(values, path, self._text)
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
        whole = msgspec.json.encode(self._data) if self._text else msgspec.msgpack.encode(self._data)
        self._check(whole)
        return json.decode(whole, self._sources) if self._text else msgpack.decode(whole, self._sources)

    def _check(self, whole: bytes) -> None:
        """Hold the snapshot itself to the limits: changes may let it grow for ever."""
        if len(whole) > LARGEST_FRAME:
            raise ValueError(f"the snapshot has grown over {LARGEST_FRAME} bytes")
        if self._weight > self._limit:
            weigh = scan_json.weigh if self._text else _weigh
            self._weight = weigh(whole, self._limit)


def _weigh(data: bytes, limit: int) -> int:
    return look(data, 0, limit).weight


def _printable(text: str) -> str:
    return shorten(text.encode("utf-8", "surrogatepass"), 200)


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
    limit: int = LIMIT,
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
        limit: Most bytes of memory that a frame, or the snapshot that they make, may take once it is decoded. Whatever
            it is, a frame has at most 16 MiB.

    Raises:
        Refused: the server does not let us in, or cannot do what was asked.
        ValueError: the address or a frame makes no sense, or a frame is over a limit.
        OSError: the server cannot be reached; only with `reconnect=False`.
    """
    chosen = None if sources is None else list(sources)
    own = [source for source in chosen or () if isinstance(source, Source)]
    where = address(url, sources=chosen, top=top, by=by, interval=interval)
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    wait = FIRST_WAIT
    while True:
        state = State(format, own, limit)
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
            if closed.sent is not None and closed.sent.code in _OURS and not closed.rcvd_then_sent:
                raise ValueError(f"not a frame: {_OURS[closed.sent.code]}") from None
            code, reason = (closed.rcvd.code, closed.rcvd.reason) if closed.rcvd else (None, "")
        except InvalidMessage as error:  # it went away in the middle of its answer, or speaks something else
            code, reason = None, ""
            if not reconnect:
                raise ConnectionError(f"no answer in HTTP: {_printable(str(error))}") from None
        except (InvalidHandshake, InvalidURI) as error:
            raise ValueError(f"not a server of streams: {_printable(str(error))}") from None
        except (OSError, TimeoutError):
            if not reconnect:
                raise
            code, reason = None, ""
        if code == POLICY:
            raise Refused(_printable(reason or ""))
        if not reconnect:
            return
        await asyncio.sleep(wait * random.uniform(0.5, 1))
        wait = min(2 * wait, LONGEST_WAIT)


def _why(body: bytes | bytearray | None) -> str:
    try:
        data = bytes(body or b"")
        scan_json.weigh(data, 1 << 20)
        return _printable(str(msgspec.json.decode(data)["error"]))
    except (ValueError, LookupError, TypeError, RecursionError):
        return "refused"
