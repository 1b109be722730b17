"""Work that may hang, beside the loop of a server."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def apart(work: Callable[[], T]) -> T:
    """Call something in a thread of its own. While it hangs, neither the loop nor the end of the program waits for it."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(answer: Callable[[], None]) -> None:
        if not future.done():
            answer()

    def run() -> None:
        try:
            found = work()
        except BaseException as error:
            told = error  # `error` is gone at the end of this block
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(settle, lambda: future.set_exception(told))
        else:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(settle, lambda: future.set_result(found))

    threading.Thread(target=run, name="procpulse-files", daemon=True).start()
    return await future
