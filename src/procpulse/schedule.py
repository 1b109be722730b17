"""When ticks are due, by which clock, and what is known of the newest of them."""

import math
import time
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any, Protocol, SupportsFloat, TypeAlias

from procpulse.comparer import Comparer
from procpulse.delta import Delta
from procpulse.reader import Round, sleep
from procpulse.snapshot import Snapshot

Seconds: TypeAlias = SupportsFloat | timedelta
"""A length of time in seconds: any kind of number (int, float, Decimal, Fraction, numpy's), or a timedelta."""

LONGEST_INTERVAL = 1e9
"""Seconds: 31 years. Times in nanoseconds have to fit into 64 bits."""


class Clock(Protocol):
    """Where a sampler gets its time from; tests have one of their own."""

    def monotonic_ns(self) -> int:
        """A time that never jumps, in nanoseconds."""
        ...

    def time_ns(self) -> int:
        """Nanoseconds since 1970, as the wall clock has it now."""
        ...

    async def sleep_until(self, monotonic_ns: int) -> None:
        """Return when that time has come."""
        ...


class SystemClock:
    """The clocks of this machine."""

    monotonic_ns = staticmethod(time.monotonic_ns)
    time_ns = staticmethod(time.time_ns)

    async def sleep_until(self, monotonic_ns: int) -> None:
        """Return when that time has come."""
        while (left := monotonic_ns - time.monotonic_ns()) > 0:
            await sleep(left / 1e9)


class Schedule:
    """The ticks of one interval, and the newest sample of it."""

    def __init__(self, interval_ns: int, align: bool, clock: Clock):
        self.interval_ns = interval_ns
        self.align = align
        self.start_ns = clock.monotonic_ns()
        if align:
            self.start_ns += -clock.time_ns() % interval_ns
        self.tick = -1
        """The newest tick that was taken."""
        self.latest: Snapshot | None = None
        self.previous: Snapshot | None = None
        self.delta: tuple[int, Delta | None] = (-1, None)
        self.comparer = Comparer()
        self.comparing: tuple[int, Generator[None, None, Delta | None]] | None = None
        """The comparison that is under way, for which tick; whoever waits for it works on it."""
        self.taking: Taking | None = None
        """The sample that is under way."""

    def due_ns(self, tick: int) -> int:
        """When a tick is due, on the monotonic clock."""
        return self.start_ns + tick * self.interval_ns

    def next_tick(self, seen: int, now_ns: int) -> int:
        """The tick to wait for after `seen`. One that is more than half an interval late is skipped, never bunched."""
        current, late_ns = divmod(now_ns - self.start_ns, self.interval_ns)
        if current <= seen:
            return seen + 1
        return current if current >= 0 and late_ns <= self.interval_ns // 2 else current + 1

    def realign(self, clock: Clock) -> None:
        """The wall clock may have been set: move the ticks back onto its whole multiples, by half an interval at most."""
        if not self.align:
            return
        half = self.interval_ns // 2
        off = (clock.time_ns() - clock.monotonic_ns() + self.start_ns + half) % self.interval_ns - half
        if abs(off) > 1_000_000:
            self.start_ns -= off


class Taking:
    """A sample that is under way, for everybody who waits for it."""

    __slots__ = ("clock_ns", "interval", "late_ns", "read_ns", "round", "seen", "tick", "wall_ns")

    def __init__(self, clock: Clock, round: Round, interval: float | None, tick: int):
        self.round = round
        self.interval = interval
        self.tick = tick
        self.clock_ns, self.wall_ns, self.read_ns = clock.monotonic_ns(), clock.time_ns(), time.monotonic_ns()
        """When it was begun, by the clocks of the schedule, and by the one of the reads."""
        self.seen = -1
        """Which tick whoever began it had before."""
        self.late_ns = 0

    def on(self, clock: Clock) -> Callable[[int], int] | None:
        """From the time of a read to that of the schedule, whose clock may be another one, or stand still."""
        if isinstance(clock, SystemClock):
            return None
        took = time.monotonic_ns() - self.read_ns
        share = (clock.monotonic_ns() - self.clock_ns) / took if took > 0 else 0.0
        return lambda read_ns: self.clock_ns + round((read_ns - self.read_ns) * share)


def seconds_of(given: Any, what: str, longest: float = LONGEST_INTERVAL) -> float:
    """A length of time in seconds: of a number of any kind, or of a timedelta.

    Raises:
        ValueError: it is not above 0, or longer than `longest`; the message begins with `what`.
        TypeError: it is no length of time.
    """
    if isinstance(given, timedelta):
        seconds = given.total_seconds()
    elif isinstance(given, str | bytes | bool) or not (hasattr(given, "__float__") or hasattr(given, "__index__")):
        raise TypeError(f"{what} must be a number of seconds or a timedelta, not {given!r}")
    else:
        try:
            seconds = float(given)
        except OverflowError:
            seconds = math.inf
    if not 0 < seconds <= longest:
        most = "" if longest == math.inf else f" and at most {longest:.0f}"
        raise ValueError(f"{what} must be above 0 seconds{most}, not {given!r}")
    return seconds
