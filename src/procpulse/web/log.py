"""The log of a server: each kind of message once a minute, with how often it came. Clients cannot make it long."""

import logging
import os
import select
import sys
import time
import traceback
from collections.abc import Callable

from procpulse.text import printable

MINUTE = 60.0
MOST_KINDS = 64
LONGEST = 4000
LOGGERS = ("procpulse.web", "uvicorn.error", "asyncio", "websockets")


class OncePerMinute(logging.Handler):
    """Writes the first message of a kind at once, and how many more there were when a minute is over.

    A kind is the text of a message before its arguments are put in, and where its exception came from. A log that
    nobody reads holds up nobody: what does not fit into it is left out.

    Args:
        write: Where lines go; to standard error unless it is given.
        clock: Seconds.
    """

    def __init__(self, write: Callable[[str], None] | None = None, clock: Callable[[], float] = time.monotonic):
        super().__init__(logging.WARNING)
        self._write = write_if_it_fits if write is None else write
        self._clock = clock
        self._kinds: dict[tuple[str, str], list[float]] = {}
        """By kind: when it was written last, and how many were not since."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a message, or count it."""
        now = self._clock()
        where = ""
        if record.exc_info and record.exc_info[2] is not None:
            last = traceback.extract_tb(record.exc_info[2])[-1]
            where = f"{last.filename}:{last.lineno}"
        kind = (str(record.msg)[:200], where)
        known = self._kinds.get(kind)
        if known is not None and now - known[0] < MINUTE:
            known[1] += 1
            return
        if known is None and len(self._kinds) >= MOST_KINDS:
            old = [kind for kind, (when, count) in self._kinds.items() if now - when >= MINUTE and not count]
            for kind_of_old in old:
                del self._kinds[kind_of_old]
            if len(self._kinds) >= MOST_KINDS:
                kind = ("other messages", "")
                known = self._kinds.get(kind)
                if known is not None and now - known[0] < MINUTE:
                    known[1] += 1
                    return
        more = 0 if known is None else int(known[1])
        self._kinds[kind] = [now, 0]
        try:
            text = self.format(record).strip()[:LONGEST]
        except Exception:
            text = str(record.msg)[:LONGEST]
        # A name or path in it was chosen by a client: no escape of a terminal, no line that looks like ours.
        text = "\n  ".join("".join(c if c.isprintable() else repr(c)[1:-1] for c in line) for line in text.splitlines())
        self._write(f"procpulse: {text}{f' ({more} more since the last)' if more else ''}\n")

    def flush_counts(self) -> None:
        """Write what was counted and not told yet."""
        for (text, _), entry in self._kinds.items():
            if entry[1]:
                self._write(f"procpulse: {int(entry[1])} more: {printable(_kind(text))}\n")
                entry[1] = 0


def _kind(text: str) -> str:
    """What is the same in all messages of a kind: all before what was to be put in."""
    return text.partition("%")[0].strip(" :\n") or "other messages"


def write_if_it_fits(text: str) -> None:
    """Write to standard error, unless whoever reads it has stopped."""
    try:
        descriptor = sys.stderr.fileno()
        if select.select([], [descriptor], [], 0)[1]:
            os.write(descriptor, text.encode("utf-8", "backslashreplace")[:LONGEST])
    except (OSError, ValueError, AttributeError):
        pass  # there is no log


def quiet() -> OncePerMinute:
    """Make the loggers of a server write each kind of message once a minute."""
    handler = OncePerMinute()
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
    return handler
