"""When the server around a mounted application begins to end: nobody tells the application before it is too late.

A server stops accepting, waits for the answers that are under way, and says `lifespan.shutdown` after that. An event
stream is an answer without an end, so both would wait for each other. The application therefore looks for itself:

- uvicorn (also as a worker of gunicorn), hypercorn and gunicorn's own worker keep a flag. The coroutine that waits for
  the end is a task of the same loop, and its frame leads to the flag, which is looked at five times a second.
- Of other servers the signal is the only sign. Its handler is replaced, while there are clients, by one that calls the
  handler that was there: nothing is swallowed, and a signal that nobody handles stays as it is.
"""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Any

LOOK_SECONDS = 0.2
"""How often the flag of a server is looked at."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Ending:
    """Calls somebody, on the loop, when the server of that loop begins to end.

    Args:
        call: Whom to call. It is called again while the server goes on ending, so it must not mind.
    """

    def __init__(self, call: Callable[[], None]):
        self._call = call
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._flag: Callable[[], bool] | None = None

    def watch(self) -> None:
        """Watch the server of the running loop, unless that is done already."""
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return
        self.ignore()
        self._loop = loop
        self._flag = flag_of(loop)
        if self._flag is None:
            _listen(self)
        else:
            self._timer = loop.call_later(LOOK_SECONDS, self._look)

    def ignore(self) -> None:
        """Watch no more: there is nobody to send away."""
        self._loop = self._flag = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        _forget(self)

    @property
    def ends(self) -> bool:
        """Whether the server says that it ends. A signal says nothing once it is over."""
        return self._flag is not None and self._flag()

    def _look(self) -> None:
        if self._loop is None:
            return
        if self.ends:
            self._call()
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def signalled(self) -> None:
        """A signal came. This runs between any two steps of the main thread."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(self._call)


def flag_of(loop: asyncio.AbstractEventLoop) -> Callable[[], bool] | None:
    """What tells whether the server that runs a loop ends; None where it is none that we know."""
    if not {"uvicorn", "hypercorn", "gunicorn"} & sys.modules.keys():
        return None
    for task in asyncio.all_tasks(loop):
        for frame in _frames(task):
            known = _KNOWN.get(frame.f_globals.get("__name__", ""))
            flag = None if known is None else known(frame)
            if flag is not None:
                return flag
    return None


def _frames(task: "asyncio.Task[Any]") -> Iterator[FrameType]:
    """The frames of a task that waits, the outermost first."""
    coroutine: Any = None
    with suppress(Exception):  # servers register tasks of their own make, which have no coroutine
        coroutine = task.get_coro()
    while coroutine is not None:
        frame = getattr(coroutine, "cr_frame", None)
        if frame is not None:
            yield frame
        coroutine = getattr(coroutine, "cr_await", None)


def _uvicorn(frame: FrameType) -> Callable[[], bool] | None:
    server: Any = frame.f_locals.get("self")
    if not hasattr(server, "should_exit") or not hasattr(server, "started"):
        return None

    def ends() -> bool:
        # One that has served its number of requests ends without the flag: it closes what it listens on.
        listeners = getattr(server, "servers", ())
        return bool(server.should_exit or (server.started and not any(one.is_serving() for one in listeners)))

    return ends


def _hypercorn(frame: FrameType) -> Callable[[], bool] | None:
    terminated = getattr(frame.f_locals.get("context"), "terminated", None)
    return None if terminated is None else lambda: bool(terminated.is_set())


def _gunicorn(frame: FrameType) -> Callable[[], bool] | None:
    worker: Any = frame.f_locals.get("self")
    return (lambda: not worker.alive) if hasattr(worker, "alive") else None


_KNOWN: dict[str, Callable[[FrameType], Callable[[], bool] | None]] = {
    "uvicorn.server": _uvicorn,
    "hypercorn.asyncio.run": _hypercorn,
    "gunicorn.workers.gasgi": _gunicorn,
}
"""How to get from a frame of a module to the flag of its server."""


# Signals. There is one chain per process, however many applications there are.

_listening: set[Ending] = set()
_chained: dict[int, tuple[Any, Any]] = {}
"""By signal: the handler that we put there, and the one before."""


def _listen(ending: Ending) -> None:
    if threading.current_thread() is not threading.main_thread():
        return  # handlers can be set in the main thread alone, and a server elsewhere is told by other means
    _listening.add(ending)
    for number in SIGNALS:
        before = signal.getsignal(number)
        if number not in _chained and callable(before):
            ours = _chain(before)
            signal.signal(number, ours)
            signal.siginterrupt(number, False)
            _chained[number] = ours, before


def _chain(before: Callable[[int, FrameType | None], Any]) -> Callable[[int, FrameType | None], None]:
    def handle(number: int, frame: FrameType | None) -> None:
        for ending in list(_listening):
            ending.signalled()
        before(number, frame)

    return handle


def _forget(ending: Ending) -> None:
    _listening.discard(ending)
    if _listening or threading.current_thread() is not threading.main_thread():
        return
    for number, (ours, before) in list(_chained.items()):
        # Where somebody has put a handler before ours or in its place, ours stays out of the way.
        if signal.getsignal(number) is ours:
            signal.signal(number, before)
            signal.siginterrupt(number, False)
        del _chained[number]
