"""HTTP and websockets as uvicorn speaks them, with limits that do not depend on who asks.

The head of a request has 16 KiB and 100 headers, a whole request 64 KiB, and ten seconds to arrive; a handshake has the
same ten seconds. Nothing is read from who does not read.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from uvicorn.protocols.http.flow_control import service_unavailable
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from procpulse.web.answers import PIECE
from procpulse.web.connections import Limits, Place, Transport
from procpulse.web.guard import HEALTH
from procpulse.web.hub import POLICY, TRY_LATER, Hub
from procpulse.web.peers import peer_of
from procpulse.web.streams import UTF8

_logger = logging.getLogger("procpulse.web")

REQUEST_SECONDS = 10.0
"""How long a request, or the handshake of a websocket, may take to arrive."""
LARGEST_HEAD = 16 << 10
MOST_HEADERS = 100
LARGEST_REQUEST = 64 << 10
MOST_PIPELINED = 64
FRAMED_BYTES = 4 << 20
"""Bytes of the newest messages that are kept as they go over the wire."""
MOST_PINGS = 10
"""Pings that are answered within a second."""

ERRORS = {
    408: b"Request Timeout",
    413: b"Content Too Large",
    431: b"Request Header Fields Too Large",
}


def refusal(status: int) -> bytes:
    """An answer that is as short as an answer can be, and the last one."""
    return b"HTTP/1.1 %d %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % (status, ERRORS[status])


class Http(HttpToolsProtocol):
    """HTTP, with limits for each request. `place` and `limits` are set before the connection is made."""

    place: Place
    limits: Limits
    admits: Callable[[Any], bool] | None = None
    """Whether the certificate of a client may come, where there are certificates."""
    _deadline: asyncio.TimerHandle | None = None
    _in_head = True
    """Whether what comes next belongs to the head of a request, or to none yet."""
    _received = 0
    """Bytes of the request that is arriving."""
    _begins = 0
    """Bytes of the piece that is read now, where a request begins with it."""
    _too_much = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        counted = Transport(transport)
        super().connection_made(counted)  # type: ignore[arg-type]
        self.client = peer_of(transport) or self.client
        self.place.transport = counted
        self.place.wait()
        if self.admits is not None and not self.admits(transport.get_extra_info("peercert")):
            _logger.warning("a client certificate has none of the names in client_allowed_sans")
            transport.abort()
            return
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self.place.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._arm()
        for start in range(0, len(data), LARGEST_HEAD):
            piece = data if len(data) <= LARGEST_HEAD else data[start : start + LARGEST_HEAD]
            self._begins = len(piece) if self._in_head and not self._received else 0
            self._received += len(piece)
            super().data_received(piece)
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return
            if self._received > (LARGEST_HEAD if self._in_head else LARGEST_REQUEST):
                self._refuse(431 if self._in_head else 413)
            elif len(self.pipeline) > MOST_PIPELINED:
                self._refuse(413)
            if self.transport.is_closing():
                return

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # A request that begins somewhere in a piece counts from the next one on.
        self._received, self._begins = self._begins, 0
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) >= MOST_HEADERS:
            self._too_much = True
            raise ValueError("too many headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > LARGEST_HEAD:
            self._too_much = True
            raise ValueError("too long a head")
        if self.url[:1] != b"/":
            self._absolute()
        self.app = self.config.loaded_app
        if self.limits.over and self.url.partition(b"?")[0].decode("latin-1") not in HEALTH:
            self.app = service_unavailable
        super().on_headers_complete()

    def _absolute(self) -> None:
        """Of a target with a host in it that host counts, whatever the header says (RFC 9112, 3.2.2)."""
        target = urlsplit(self.url.decode("latin-1"))
        if target.scheme in ("http", "https") and target.netloc:
            self.headers[:] = [header for header in self.headers if header[0] != b"host"]
            self.headers.append((b"host", target.netloc.encode("latin-1")))
            self.url = ((target.path or "/") + (f"?{target.query}" if target.query else "")).encode("latin-1")

    def on_message_complete(self) -> None:
        self._disarm()
        self._in_head = True
        self._received = 0
        super().on_message_complete()
        if self.cycle is not None and not self.cycle.response_complete:
            self.place.serve()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.pipeline:
            self.place.wait()

    def send_400_response(self, msg: str) -> None:
        if self._too_much:
            self._refuse(431)
        else:
            super().send_400_response(msg)

    def handle_websocket_upgrade(self) -> None:
        self._disarm()
        super().handle_websocket_upgrade()
        protocol = self.transport.get_protocol()
        if isinstance(protocol, Socket):
            protocol.take(self.place)

    def _arm(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._late)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        self._refuse(408)

    def _refuse(self, status: int) -> None:
        if not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.transport.write(refusal(status))
            self.transport.close()


_framed: deque[tuple[str | bytes, list[bytes]]] = deque()


def framed(data: str | bytes, text: bool) -> list[bytes]:
    """A message as it goes over the wire, which is the same for every client: made once, by what is sent.

    What is long goes in fragments, between which a client is waited for, and has room for pings and the last word.
    """
    for known, made in _framed:
        if known is data:
            return made
    encoded = data.encode() if isinstance(data, str) else data
    starts = range(0, len(encoded), PIECE) or (0,)
    made = [
        Frame(
            (Opcode.TEXT if text else Opcode.BINARY) if start == 0 else Opcode.CONT,
            encoded[start : start + PIECE],
            fin=start + PIECE >= len(encoded),
        ).serialize(mask=False)
        for start in starts
    ]
    _framed.append((data, made))
    while len(_framed) > 8 or (len(_framed) > 1 and sum(len(known) for known, _ in _framed) > FRAMED_BYTES):
        _framed.popleft()
    return made


class Socket(WebSocketsSansIOProtocol):
    """Websockets whose last word does not wait for those before it, and that listen to nobody who does not."""

    hub: Hub
    place: Place | None = None
    _deadline: asyncio.TimerHandle | None = None
    _pings = 0
    _pings_since = 0.0
    _blocked = False

    def take(self, place: Place) -> None:
        """Take the place of the connection over; it waits until the handshake is complete."""
        self.place = place
        if self.disconnected:
            place.leave()
        elif self.handshake_complete and not self.close_sent:
            place.serve()

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.client = peer_of(transport) or self.client
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrived()
        super().connection_lost(exc)
        if self.place is not None:
            self.place.leave()

    def _late(self) -> None:
        self._deadline = None
        if not self.handshake_complete and not self.transport.is_closing():
            self.transport.write(refusal(408))
            self.transport.close()

    def _arrived(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated and not self.transport.is_closing():
            # The library has an answer for a head that it does not like, and nobody sends it.
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.transport.close()

    async def run_asgi(self) -> None:
        extensions: Any = self.scope.get("extensions")
        extensions[UTF8] = {}
        await super().run_asgi()

    async def send(self, message: Any) -> None:
        kind = message["type"]
        if kind == "websocket.close":
            self.writable.set()
        if kind != "websocket.send" or not self.handshake_complete or self.close_sent or self.initial_response:
            await super().send(message)
            if self.initial_response and self.close_sent:
                # This was the whole answer; uvicorn takes a handshake that was refused for one that was forgotten.
                self.handshake_complete = True
            if self.handshake_complete or self.close_sent:
                self._arrived()
                if self.place is not None and not self.close_sent:
                    self.place.serve()
            return
        text = message.get("utf8") or message.get("text")
        for fragment in framed(text or message["bytes"], text is not None):
            await self.writable.wait()
            if self.disconnected or self.close_sent or self.transport.is_closing():
                raise ClientDisconnected
            self.transport.write(fragment)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._blocked = True
        if not self.transport.is_closing():
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._blocked = False
        if not self.read_paused and not self.transport.is_closing():
            self.transport.resume_reading()

    async def receive(self) -> Any:
        message = await super().receive()
        if self._blocked and not self.transport.is_closing():
            self.transport.pause_reading()
        return message

    def handle_ping(self) -> None:
        now = self.loop.time()
        if now - self._pings_since >= 1:
            self._pings, self._pings_since = 0, now
        self._pings += 1
        if self._pings <= MOST_PINGS:
            super().handle_ping()
        elif not self.close_sent:
            self.conn.data_to_send()  # the answer to this one
            self.conn.send_close(POLICY, "too many pings")
            self.handle_parser_exception()

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not self.close_sent:
            data = b"".join(self.frames)
            try:
                data.decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.send_close(1007)
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        if not (self.close_sent or self.transport.is_closing()):
            self.hub.counts["evicted"] += 1
            self.conn.fail(TRY_LATER, "no answer")
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.transport.close()
