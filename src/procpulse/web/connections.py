"""Connections before they are anybody: how many there are, of which address, and which of them has to go.

A connection *waits* from its first moment until it has sent a whole request, and again after the answer. One that waits
can be closed at any time, so a place is never taken by silence: the longest idle goes first, of the same address where
that has too many, of all where there are too many in all. One that is *served* keeps its place. Where nobody waits, new
connections are refused, or stay with the kernel until there is room.
"""

import asyncio
import errno
import ipaddress
import logging
import resource
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

PER_ADDRESS = 64
"""Connections of one address, at least."""
SPARE_CONNECTIONS = 256
"""Connections beside those of streams."""
HEALTH_CONNECTIONS = 32
"""Connections beyond the limit, which are told whether the server is well and nothing else."""
RESERVED_DESCRIPTORS = 32
BACKLOG = 128
"""Connections that the kernel keeps until they are accepted."""
AT_ONCE = 16
"""Connections that are accepted before others have a turn of the loop."""
PAUSE_SECONDS = 0.5
"""How long nothing is accepted when the machine has run out of something."""
HANDSHAKE_SECONDS = 10.0
"""How long the handshake of TLS may take."""
LOOPBACK = "loopback"

_logger = logging.getLogger("procpulse.web")


def address_key(address: Any) -> str:
    """What counts as one address: the loopback as a whole and sockets of the file system, and of IPv6 the first 64 bits."""
    if not address or isinstance(address, (str, bytes)):
        return LOOPBACK
    try:
        found = ipaddress.ip_address(str(address[0]).partition("%")[0])
    except ValueError:
        return str(address[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif not found.is_loopback:
            return f"{ipaddress.IPv6Address(int(found) >> 64 << 64)}/64"
    return LOOPBACK if found.is_loopback else str(found)


class Transport:
    """A transport that counts what it was given, so that one can tell what has left it."""

    def __init__(self, transport: asyncio.Transport):
        self._transport = transport
        self.written = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: Any) -> None:
        """As that of a transport. What comes after the end goes nowhere: uvloop would raise, asyncio would log it."""
        if self._transport.is_closing():
            return
        self.written += len(data)
        self._transport.write(data)

    def reset(self) -> None:
        """End the connection, and let the kernel forget what the client has not read."""
        raw = self._transport.get_extra_info("socket")
        if raw is not None and raw.family != socket.AF_UNIX:
            with suppress(OSError):
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    @property
    def left(self) -> int:
        """Bytes that the kernel has taken."""
        return self.written - int(self._transport.get_write_buffer_size())


class Place:
    """The place of one connection."""

    __slots__ = ("_limits", "key", "transport")

    def __init__(self, limits: "Limits", key: str):
        self._limits = limits
        self.key = key
        self.transport: Transport | None = None

    def wait(self) -> None:
        """The connection has nothing to be served: it is the newest of those that wait."""
        self._limits.waits(self, True)

    def serve(self) -> None:
        """The connection has sent a request, which is answered now."""
        self._limits.waits(self, False)

    def leave(self) -> None:
        """The connection is lost."""
        self._limits.leave(self)


class Limits:
    """How many connections there may be, and which one has to go for another.

    Args:
        most: How many in all.
        per_address: How many of one address.
        of_loopback: How many of the loopback, where programs of all users and proxies come from.
    """

    def __init__(self, most: int, per_address: int = PER_ADDRESS, of_loopback: int | None = None):
        self.most = most
        self.per_address = per_address
        self.of_loopback = per_address if of_loopback is None else of_loopback
        self._places: dict[str, set[Place]] = {}
        self._waiting: dict[Place, None] = {}
        self._waiting_of: dict[str, dict[Place, None]] = {}
        self.count = 0
        self.on_room: Callable[[], None] = lambda: None
        """Called when a connection was lost."""

    @classmethod
    def of_clients(cls, most: int, per_address: int) -> "Limits":
        """Limits that so many clients of streams fit into, and the descriptors of this process.

        Args:
            most: Clients of streams in all.
            per_address: Clients of streams of one address.
        """
        total = most + SPARE_CONNECTIONS
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY:
            # A sampler keeps half of them at the most.
            total = max(16, min(total, soft - soft // 2 - RESERVED_DESCRIPTORS - HEALTH_CONNECTIONS))
        each = min(total, max(PER_ADDRESS, per_address + PER_ADDRESS // 2))
        return cls(total, each, max(each, total // 2))

    @property
    def over(self) -> bool:
        """Whether there are more connections than there should be."""
        return self.count > self.most

    @property
    def full(self) -> bool:
        """Whether there is no place at all until one is lost."""
        return self.count >= self.most + HEALTH_CONNECTIONS and not self._waiting

    def admit(self, key: str) -> Place | None:
        """A place for a connection of an address; None where it has to be refused."""
        most = self.of_loopback if key == LOOPBACK else self.per_address
        if len(self._places.get(key, ())) >= most and not self._close_longest_idle(self._waiting_of.get(key, {})):
            _logger.warning("connections were refused: too many of one address")
            return None
        if self.count >= self.most and not self._close_longest_idle(self._waiting):
            if self.count >= self.most + HEALTH_CONNECTIONS:
                _logger.warning("connections were refused: too many")
                return None
        place = Place(self, key)
        self._places.setdefault(key, set()).add(place)
        self.count += 1
        return place

    def waits(self, place: Place, whether: bool) -> None:
        """Note whether a connection waits."""
        self._forget(place)
        if whether and place in self._places.get(place.key, ()):
            self._waiting[place] = None
            self._waiting_of.setdefault(place.key, {})[place] = None

    def _forget(self, place: Place) -> None:
        if self._waiting.pop(place, place) is None:
            of = self._waiting_of[place.key]
            del of[place]
            if not of:
                del self._waiting_of[place.key]

    def leave(self, place: Place) -> None:
        """Give a place free."""
        places = self._places.get(place.key, set())
        if place not in places:
            return
        self._forget(place)
        places.discard(place)
        if not places:
            del self._places[place.key]
        self.count -= 1
        self.on_room()

    def _close_longest_idle(self, waiting: dict[Place, None]) -> bool:
        place = next(iter(waiting), None)
        if place is None:
            return False
        assert place.transport is not None
        place.transport.abort()
        self.leave(place)
        return True


class Acceptor:
    """Accepts connections of one socket, as many as there is room for.

    It does what `loop.create_server` does, which tries as often as the backlog is long, and writes a traceback each
    time, when there are no descriptors left.

    Args:
        listener: A socket that listens and does not block.
        limits: How many connections there may be.
        protocol: Makes the protocol of a connection.
        ssl: Gives a context for TLS to each new connection, if there is to be any.
    """

    def __init__(
        self,
        listener: socket.socket,
        limits: Limits,
        protocol: Callable[[Place], asyncio.Protocol],
        ssl: Callable[[], Any] | None = None,
    ):
        self.sockets = [listener]
        self._listener = listener
        self._limits = limits
        self._protocol = protocol
        self._ssl = ssl
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._begun: set[asyncio.Task[None]] = set()
        self._reads = self._closed = False
        self.resume()

    def is_serving(self) -> bool:
        """Whether it is not closed."""
        return not self._closed

    def resume(self) -> None:
        """Accept, unless there is no room."""
        if not (self._closed or self._reads or self._timer or self._limits.full):
            self._reads = True
            self._loop.add_reader(self._listener, self._ready)

    def _pause(self, seconds: float | None = None) -> None:
        if self._reads:
            self._reads = False
            self._loop.remove_reader(self._listener)
        if seconds is not None and not self._closed:
            self._timer = self._loop.call_later(seconds, self._again)

    def _again(self) -> None:
        self._timer = None
        self.resume()

    def _ready(self) -> None:
        for _ in range(AT_ONCE):
            if self._limits.full:
                self._pause()
                return
            try:
                connection, address = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM):
                    _logger.warning("a connection could not be accepted: %s", error.strerror)
                    return
                _logger.warning("no connection can be accepted: %s", error.strerror)
                self._pause(PAUSE_SECONDS)
                return
            place = self._limits.admit(address_key(address))
            if place is None:
                connection.close()
                continue
            connection.setblocking(False)
            task = self._loop.create_task(self._begin(connection, place))
            self._begun.add(task)
            task.add_done_callback(self._begun.discard)

    async def _begin(self, connection: socket.socket, place: Place) -> None:
        try:
            context = None if self._ssl is None else self._ssl()
            patience = None if context is None else HANDSHAKE_SECONDS
            await self._loop.connect_accepted_socket(
                lambda: self._protocol(place), connection, ssl=context, ssl_handshake_timeout=patience
            )
        except OSError as error:  # a client without TLS or without the certificate that it needs, or one that is gone
            if self._ssl is not None:
                _logger.warning(
                    "a TLS handshake failed: %s", getattr(error, "reason", None) or str(error) or type(error).__name__
                )
        finally:
            if place.transport is None:
                place.leave()
                connection.close()

    def close(self) -> None:
        """Accept nothing any more."""
        if not self._closed:
            self._pause()
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            for task in self._begun:
                task.cancel()
            self._listener.close()

    async def wait_closed(self) -> None:
        """As that of `asyncio.Server`: there is nothing to wait for."""
