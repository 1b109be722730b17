"""Turns of the event loop, and sleeping until somebody in another loop or thread has something to tell."""

import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import anyio
import anyio.lowlevel


def _asyncio_loop() -> Any:
    """The running asyncio loop; None under trio, or where asyncio was never imported."""
    asyncio = sys.modules.get("asyncio")
    return asyncio._get_running_loop() if asyncio is not None else None


async def checkpoint() -> None:
    """Let everybody else on the loop run once. asyncio's own way is eight times cheaper than anyio's."""
    if _asyncio_loop() is not None:
        await sys.modules["asyncio"].sleep(0)
    else:
        await anyio.lowlevel.checkpoint()


async def sleep(seconds: float) -> None:
    """Let that time pass."""
    if _asyncio_loop() is not None:
        await sys.modules["asyncio"].sleep(seconds)
    else:
        await anyio.sleep(seconds)


class LoopWaker:
    """Lets a task of the event loop that runs now sleep until it is called, from any thread or loop."""

    def __init__(self) -> None:
        self._event = anyio.Event()
        self._call = _caller(self._wake)

    def __call__(self) -> None:
        """Wake it."""
        self._call()

    def _wake(self) -> None:
        self._event.set()

    def clear(self) -> None:
        """Forget earlier calls."""
        if self._event.is_set():
            self._event = anyio.Event()

    async def wait(self, seconds: float) -> None:
        """Sleep until it is called, or for that long."""
        with anyio.move_on_after(seconds):
            await self._event.wait()


class ThreadWaker:
    """The same for a thread without an event loop."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> None:
        """Wake it."""
        self._event.set()

    def clear(self) -> None:
        """Forget earlier calls."""
        self._event.clear()

    def wait(self, seconds: float) -> None:
        """Sleep until it is called, or for that long."""
        self._event.wait(seconds)


def _caller(function: Callable[[], None]) -> Callable[[], None]:
    """Make a function callable from other threads: it runs on the loop that runs now."""
    loop = _asyncio_loop()
    if loop is not None:
        schedule: Any = loop.call_soon_threadsafe
    else:
        import trio  # the only other backend of anyio; it is running, so it is there

        schedule = trio.lowlevel.current_trio_token().run_sync_soon

    def call() -> None:
        with suppress(RuntimeError):  # the loop was closed while a read was under way: nobody waits there
            schedule(function)

    return call
