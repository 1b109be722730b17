"""Refusals: told to the administrator, a line per minute, address and kind; and slower, the more there were.

Who shows a wrong token or password five times waits for the next answers, longer each time. Whoever shows the right one
does not wait, also at the same address: many people share one behind a proxy, and all of them do on the loopback.
"""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import suppress

MINUTE = 60.0
FREE_FAILURES = 5
"""So many are answered at once."""
FIRST_DELAY = 0.25
LONGEST_DELAY = 10.0
FORGOTTEN_SECONDS = 600.0
"""An address that failed no more for so long begins anew."""
MOST_ADDRESSES = 1024
MOST_WAITING, MOST_WAITING_PER_ADDRESS = 256, 8
"""How many answers are held back at a time; what comes beyond is refused at once."""
MOST_KINDS = 256
"""Pairs of address and kind that are told apart within a minute."""

_logger = logging.getLogger("procpulse.web")


class Refusals:
    """Counts, tells and slows down.

    Args:
        clock: Seconds.
        tell: Where lines go; to the logger `procpulse.web` unless it is given.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, tell: Callable[[str], None] | None = None):
        self._clock = clock
        self._tell = _logger.warning if tell is None else tell
        self._told: dict[tuple[str, str], float] = {}
        self._more: Counter[tuple[str, str]] = Counter()
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._waiting: Counter[str] = Counter()
        self._released: set[asyncio.Future[None]] = set()
        """What those wait for whose answers are delayed."""
        self._timer: asyncio.TimerHandle | None = None

    def note(self, address: str, kind: str) -> None:
        """One was refused. The first is told at once, others when a minute is over."""
        now = self._clock()
        self.flush(now)
        key = (address, kind)
        if key not in self._told and len(self._told) >= MOST_KINDS:
            key = (
                ("other addresses", kind) if ("other addresses", kind) in self._told else ("other addresses", "refused")
            )
        if key in self._told:
            self._more[key] += 1
            if self._timer is None:
                with suppress(RuntimeError):  # there is no loop: whoever comes next tells it
                    self._timer = asyncio.get_running_loop().call_later(MINUTE, self._minute)
            return
        self._told[key] = now
        self._tell(f"refused {key[0]}: {key[1]}")

    def _minute(self) -> None:
        self._timer = None
        self.flush()
        if self._more:
            self._timer = asyncio.get_running_loop().call_later(MINUTE, self._minute)

    def flush(self, now: float | None = None) -> None:
        """Tell what was counted in minutes that are over."""
        now = self._clock() if now is None else now
        for key, since in list(self._told.items()):
            if now - since < MINUTE:
                continue
            more = self._more.pop(key, 0)
            del self._told[key]
            if more:
                self._told[key] = now
                self._tell(f"refused {key[0]}: {key[1]}, {more} times more within a minute")

    def delay(self, address: str) -> float:
        """Seconds that the next failure of an address would wait."""
        count, when = self._failures.get(address, (0, 0.0))
        if self._clock() - when > FORGOTTEN_SECONDS or count < FREE_FAILURES:
            return 0.0
        return float(min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(count - FREE_FAILURES, 16)))

    def busy(self, address: str) -> bool:
        """Whether as many answers to an address wait as may."""
        return self._waiting[address] >= MOST_WAITING_PER_ADDRESS or self._waiting.total() >= MOST_WAITING

    async def failed(self, address: str, kind: str) -> bool:
        """Somebody showed something wrong: note it, and wait as long as the address has earned.

        Returns:
            Whether it waited; False where so many wait that this one is to be sent away.
        """
        self.note(address, kind)
        delay = self.delay(address)
        count = self._failures.pop(address, (0, 0.0))[0] if delay or self._recent(address) else 0
        self._failures.pop(address, None)
        self._failures[address] = count + 1, self._clock()
        while len(self._failures) > MOST_ADDRESSES:
            self._failures.popitem(last=False)
        if not delay:
            return True
        if self.busy(address):
            return False
        self._waiting[address] += 1
        try:
            await self._wait(delay)
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]
        return True

    async def _wait(self, seconds: float) -> None:
        """Let that time pass, or until all are let go."""
        loop = asyncio.get_running_loop()
        over: asyncio.Future[None] = loop.create_future()
        self._released.add(over)
        timer = loop.call_later(seconds, _release, over)
        try:
            await over
        finally:
            timer.cancel()
            self._released.discard(over)

    def release(self) -> None:
        """Let everybody have the answer who waits for one: the server ends."""
        for over in self._released:
            _release(over)

    def _recent(self, address: str) -> bool:
        return address in self._failures and self._clock() - self._failures[address][1] <= FORGOTTEN_SECONDS


def _release(over: "asyncio.Future[None]") -> None:
    if not over.done():
        over.set_result(None)
