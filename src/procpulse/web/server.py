"""The server of `procpulse serve`: uvicorn, with what it leaves out when clients are slow, silent, many or hostile.

A request that does not arrive within ten seconds is cut off. Connections are counted by address, and who waits makes
room for who comes. A connection whose client reads nothing is dropped, buffers and all, rather than waited for. Sockets
have small buffers in the kernel, so that a slow client gets newer samples, not megabytes of old ones. Everybody hears of
the end before it comes.
"""

import asyncio
import contextlib
import os
import resource
import signal
import socket
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import uvicorn
from uvicorn.config import STARTUP_FAILURE

from procpulse.web.application import Application
from procpulse.web.connections import BACKLOG, Acceptor, Limits, Place
from procpulse.web.hub import GOING_AWAY
from procpulse.web.log import quiet
from procpulse.web.protocols import Http, Socket
from procpulse.web.streams import LARGEST_MESSAGE

if TYPE_CHECKING:
    from procpulse.web.tls import Certificates

STALLED_SECONDS = 10.0
"""How long a client may read nothing of what it was sent."""
CLOSING_SECONDS = 2.0
PING_SECONDS = 20.0
SEND_BUFFER = 64 << 10
"""Bytes that the kernel keeps for a client (it doubles them)."""


class Server(uvicorn.Server):
    """Serves one application until it is told to end.

    Args:
        application: What to serve.
        most: How many clients of streams there may be.
        ready: Called once it listens, and again, with False, when it begins to end.
        certificates: What connections are encrypted with, if they are.
        reload: Called for SIGHUP; returns whether open streams have to show again who they are.
    """

    def __init__(
        self,
        application: Application,
        most: int = 1024,
        ready: Callable[[bool], None] | None = None,
        certificates: "Certificates | None" = None,
        reload: Callable[[], Awaitable[bool]] | None = None,
    ):
        self._certificates = certificates
        self._reload = reload
        self._reading: asyncio.Task[None] | None = None
        self._read_once_more = False
        # Whoever started it with nohup does not want it to end with the terminal.
        self._terminal = has_terminal() and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        self._hub = application.hub
        self._hub.ending = None  # `shutdown` says so
        self._ready = ready
        self._watched: dict[Any, tuple[int, float]] = {}
        self._limits = limits = Limits.of_clients(most, application.hub.most_per_address)
        limits.on_room = self._resume
        self.servers: list[Any] = []
        sockets = type("Socket", (Socket,), {"hub": application.hub})
        super().__init__(
            uvicorn.Config(
                application,
                http=Http,
                ws=sockets,
                ws_max_size=LARGEST_MESSAGE,
                ws_max_queue=4,
                ws_per_message_deflate=False,
                ws_ping_interval=PING_SECONDS,
                ws_ping_timeout=PING_SECONDS,
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Both ways to be told are an ordinary end."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._hung_up)
        yield

    def _hung_up(self) -> None:
        """SIGHUP: files are read again, unless it is the end of the terminal that the server was started in."""
        if self._terminal and not has_terminal():
            self._end()
            self._stop_streams()
        elif self._reload is not None:
            self._read_once_more = True
            if self._reading is None or self._reading.done():
                self._reading = asyncio.get_running_loop().create_task(self._read_again(self._reload))

    async def _read_again(self, reload: Callable[[], Awaitable[bool]]) -> None:
        """Read files again, one time after the other however many signals come."""
        while self._read_once_more:
            self._read_once_more = False
            if await reload():
                self._stop_streams()

    def _stop_streams(self) -> None:
        for subscriber in list(self._hub.subscribers):
            subscriber.stop(GOING_AWAY)

    def _end(self) -> None:
        self.should_exit = True

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until told to end, with a log that clients cannot make long."""
        log = quiet()
        try:
            super().run(sockets)
        finally:
            log.flush_counts()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            sys.exit(STARTUP_FAILURE)
        context = None if self._certificates is None else self._certificates.current
        self.servers = [Acceptor(each, self._limits, self._protocol, context) for each in sockets or ()]
        self.started = True
        if self._ready is not None:
            self._ready(True)

    def _protocol(self, place: Place) -> Http:
        made = Http(self.config, self.server_state, self.lifespan.state)
        made.place, made.limits = place, self._limits
        made.admits = None if self._certificates is None else self._certificates.admits
        return made

    def _resume(self) -> None:
        for server in self.servers:
            server.resume()

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        if counter % 5 == 0:
            self._drop_stalled()
        return await super().on_tick(counter)

    def _drop_stalled(self) -> None:
        """Drop who reads nothing: a transport that is closed waits for its client for ever, otherwise."""
        now = asyncio.get_running_loop().time()
        watched = {}
        for connection in list(self.server_state.connections):
            transport: Any = connection.transport
            closing = transport.is_closing()
            if not transport.get_write_buffer_size() and not closing:
                continue
            left = transport.left
            before, since = self._watched.get(connection, (left, now))
            if left > before:
                since = now
            # A websocket that was closed has nothing to say any more; of an answer the end is still to come.
            patience = CLOSING_SECONDS if closing and isinstance(connection, Socket) else STALLED_SECONDS
            if now - since > patience:
                transport.reset()
            watched[connection] = left, since
        self._watched = watched

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Say goodbye, then close, within a second."""
        if self._ready is not None:
            self._ready(False)
        for server in self.servers:
            server.close()
        await self._hub.stop()
        for connection in list(self.server_state.connections):
            if connection.transport.get_write_buffer_size():
                cast(Any, connection.transport).reset()
        self.config.timeout_graceful_shutdown = 0.3  # type: ignore[assignment]
        await super().shutdown(sockets)


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on every address of a host.

    Raises:
        OSError: the address is taken, not ours, or unknown.
    """
    found: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            listener = socket.socket(family, kind, protocol)
            found.append(listener)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if port == 0 and len(found) > 1:
                address = (address[0], found[0].getsockname()[1], *address[2:])
            listener.bind(address)
            listener.listen(BACKLOG)
            listener.setblocking(False)
    except BaseException:
        for listener in found:
            listener.close()
        raise
    return found


def listen_unix(path: str, group: int | None = None) -> socket.socket:
    """A socket in the file system that this user alone can use, or a group. One that a dead server left is replaced.

    Raises:
        OSError: it cannot be made there, or somebody listens.
    """
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(path)
                except ConnectionRefusedError:
                    os.unlink(path)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        listener.bind(path)
        if group is not None:
            os.chown(path, -1, group)
            os.chmod(path, 0o660)
    except BaseException:
        listener.close()
        raise
    finally:
        os.umask(before)
    listener.listen(BACKLOG)
    listener.setblocking(False)
    return listener


def has_terminal() -> bool:
    """Whether this process has a terminal that can still be used."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def raise_descriptor_limit(least: int) -> None:
    """Let this process have a descriptor for every client, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = least if hard == resource.RLIM_INFINITY else min(least, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def notify(state: str) -> None:
    """Tell the service manager, where there is one that wants to know (NOTIFY_SOCKET)."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if path[:1] not in ("/", "@"):
        return
    address = "\0" + path[1:] if path[0] == "@" else path
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as manager,
    ):
        manager.sendto(state.encode(), address)
