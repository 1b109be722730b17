"""Frames to clients, as they come: by websocket and as server-sent events."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from urllib.parse import parse_qs

import msgspec

from procpulse.web.answers import PIECE
from procpulse.web.connections import address_key
from procpulse.web.guard import Message, Receive, Scope, Send, refuse
from procpulse.web.hub import BROKEN, GOING_AWAY, POLICY, TRY_LATER, Full, Hub, Subscriber
from procpulse.web.select import PARAMETERS, Selection, Wrong, parse
from procpulse.web.tokens import ALL, EVERYTHING

PROTOCOLS = {"procpulse.v1.json": "json", "procpulse.v1.msgpack": "msgpack"}
LARGEST_MESSAGE = 4096
"""Bytes that a client may send in one message. It has nothing to say, so that is plenty."""
TOO_BIG = 1009
UTF8 = "procpulse.websocket.utf8"
"""Extension of a server that takes text as it goes over the wire, under the name "utf8"."""
HEARTBEAT_SECONDS = 15.0
GOODBYE_SECONDS = 0.3
"""How long the last word to a client may take."""
REASONS = {
    GOING_AWAY: "the server goes away",
    TRY_LATER: "too slow",
    BROKEN: "sampling failed",
    POLICY: "clients send nothing",
    TOO_BIG: "too big",
}


def address_of(scope: Scope) -> str:
    """Where a client is, for counting those of one address."""
    return address_key(scope.get("client"))


def selection_of(hub: Hub, scope: Scope) -> Selection:
    """What the query of a request asks for.

    Raises:
        Wrong: it cannot be had.
    """
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    return narrowed(scope, hub, query)


def sees_all(scope: Scope) -> bool:
    """Whether who asks may see all that is served, and not only what the host as a whole does."""
    return ALL in scope.get("procpulse.scopes", EVERYTHING)


def narrowed(scope: Scope, hub: Hub, query: Mapping[str, list[str]], allow: Iterable[str] = PARAMETERS) -> Selection:
    """What a query asks for. Who may see usage alone gets no sources, no processes and no control groups.

    Raises:
        Wrong: it cannot be had.
    """
    if sees_all(scope):
        return parse(query, hub.names, hub.interval, allow)
    return msgspec.structs.replace(parse(query, (), hub.interval, allow), sources=(), top=0)


async def _run(subscriber: Subscriber, receive: Receive, serve: Callable[[], Awaitable[None]]) -> int | None:
    """Serve a client until it leaves (None) or has to (the code why)."""
    sender = asyncio.ensure_future(serve())
    listener = asyncio.ensure_future(_listen(receive))
    stopped = asyncio.ensure_future(subscriber.stopped.wait())
    tasks = {sender, listener, stopped}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if subscriber.stopped.is_set():
            return subscriber.code
        # A sender that ends by itself could not send: the client is gone.
        return listener.result() if listener.done() else None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _listen(receive: Receive) -> int | None:
    """Wait until a client leaves (None), or says something (the code to close with)."""
    while True:
        message = await receive()
        if message["type"] in ("websocket.disconnect", "http.disconnect"):
            return None
        if message["type"] == "websocket.receive":
            said = message.get("bytes") or (message.get("text") or "").encode()
            return TOO_BIG if len(said) > LARGEST_MESSAGE else POLICY


async def websocket(hub: Hub, scope: Scope, receive: Receive, send: Send) -> None:
    """A websocket: a whole frame first, then what changes."""
    offered = scope.get("subprotocols") or []
    protocol = next((name for name in offered if name in PROTOCOLS), None)
    if offered and protocol is None:
        await refuse(scope, receive, send, 400, f"sub-protocols: {', '.join(PROTOCOLS)}")
        return
    format = PROTOCOLS[protocol] if protocol else "json"
    try:
        selection = selection_of(hub, scope)
    except (Wrong, ValueError) as wrong:
        # Accepted first: a browser is not told why a handshake failed, but it is told why a socket closed.
        await receive()
        await send({"type": "websocket.accept", "subprotocol": protocol})
        await _close(send, POLICY, str(wrong))
        return
    try:
        subscriber = hub.subscribe(selection, format, address_of(scope))
    except Full as full:
        await refuse(scope, receive, send, full.status, str(full), retry_after="5")
        return
    loop = asyncio.get_running_loop()
    takes_bytes = UTF8 in (scope.get("extensions") or {})

    def message(frame: bytes) -> Message:
        if format != "json":
            return {"type": "websocket.send", "bytes": frame}
        if takes_bytes:
            return {"type": "websocket.send", "utf8": frame}
        return {"type": "websocket.send", "text": subscriber.feed.text(frame)}

    async def serve() -> None:
        while True:
            frame = await subscriber.next()
            subscriber.sending_since = loop.time()
            await send(message(frame))
            subscriber.sending_since = None

    try:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": protocol})
        code = await _run(subscriber, receive, serve)
        if code is not None:
            await _close(send, code, REASONS[code])
    finally:
        subscriber.leave()


async def _close(send: Send, code: int, reason: str) -> None:
    reason = reason.encode()[:120].decode("utf-8", "ignore")
    with suppress(OSError, RuntimeError, TimeoutError):
        async with asyncio.timeout(GOODBYE_SECONDS):
            await send({"type": "websocket.close", "code": code, "reason": reason})


async def events(hub: Hub, scope: Scope, receive: Receive, send: Send) -> None:
    """Server-sent events: the same frames as JSON, with ids from which a client goes on after a break."""
    try:
        selection = selection_of(hub, scope)
        subscriber = hub.subscribe(selection, "json", address_of(scope))
    except (Wrong, ValueError) as wrong:
        await refuse(scope, receive, send, 400, str(wrong))
        return
    except Full as full:
        await refuse(scope, receive, send, full.status, str(full), retry_after="5")
        return
    last = next((bytes(value).decode("latin-1") for name, value in scope["headers"] if name == b"last-event-id"), None)
    loop = asyncio.get_running_loop()
    feed = subscriber.feed

    async def write(data: bytes) -> None:
        subscriber.sending_since = loop.time()
        await send({"type": "http.response.body", "body": data, "more_body": True})
        subscriber.sending_since = None

    async def write_event(seq: int, name: str, frame: bytes) -> None:
        head = f"id: {_run_of(hub, subscriber)}-{seq}\nevent: {name}\ndata: ".encode()
        if len(frame) < PIECE:
            await write(b"".join((head, frame, b"\n\n")))
        else:  # what is long is not copied
            for part in (head, frame, b"\n\n"):
                await write(part)

    async def serve() -> None:
        await write(b"retry: 1000\n\n")
        name = "snapshot"
        if last is not None:
            missed = _missed(hub, subscriber, last)
            if missed is None:
                name = "resync"
            else:
                feed.lasting = True
                for seq, data in missed:
                    subscriber.seen = seq
                    await write_event(seq, "change", data)
                if not missed:
                    subscriber.seen = None if feed.now is None else feed.now.seq
        while True:
            before = subscriber.seen
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    frame = await subscriber.next()
            except TimeoutError:
                await write(b": here\n\n")
                continue
            if frame.startswith(b'{"type":"change"'):
                name = "change"
            elif before is not None:
                name = "resync"
            assert subscriber.seen is not None
            await write_event(subscriber.seen, name, frame)

    try:
        feed.remember()
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-type", b"text/event-stream; charset=utf-8"),
                    (b"cache-control", b"no-store, no-transform"),
                    (b"x-accel-buffering", b"no"),
                ],
            }
        )
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        code = await _run(subscriber, receive, serve)
        if code is None:
            return
        with suppress(OSError, RuntimeError, TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                if code != TRY_LATER:
                    await write(f'event: bye\ndata: {{"type":"bye","reason":"{REASONS[code]}"}}\n\n'.encode())
                await send({"type": "http.response.body", "body": b""})
    finally:
        subscriber.leave()


def _missed(hub: Hub, subscriber: Subscriber, last: str) -> list[tuple[int, bytes]] | None:
    """The frames after the one that a client saw last; None where it has to start anew."""
    run, _, seq = last.rpartition("-")
    feed = subscriber.feed
    if feed.now is None or run != _run_of(hub, subscriber) or not (seq.isascii() and seq.isdigit() and len(seq) < 16):
        return None
    return feed.since(int(seq))


def _run_of(hub: Hub, subscriber: Subscriber) -> str:
    now = subscriber.feed.now
    return f"{now.host.boot_id if now else ''}-{hub.run}"
