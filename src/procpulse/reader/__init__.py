"""The reader pool: the only room that opens kernel files.

`files` opens and reads them, `pool` holds the threads for what may block, `engine` runs many sources together,
`processes` walks the process table, `rounds` has what is read together. `Reader` is what the sampler sees of them.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from time import monotonic_ns
from typing import Any, TypeVar

import msgspec

from procpulse.process import PerProcess
from procpulse.reader.engine import INTERRUPTED, NEVER_NS, UNTRIED, Engine, Result
from procpulse.reader.files import Budget, Files
from procpulse.reader.pool import Pool
from procpulse.reader.processes import ProcessTable
from procpulse.reader.rounds import HOST, HOST_SECONDS, Round
from procpulse.reader.waiting import LoopWaker, ThreadWaker, checkpoint, sleep
from procpulse.source import Failure, Host, Reading, Reason, Request, Roots, Source, Steps

_SECOND_NS = 1_000_000_000
_LONGEST_SECONDS = 1e9

__all__ = ["Reader", "Result", "Round", "checkpoint", "sleep"]

_HANDOVER_NS = 100_000_000
"""For how long whoever drives the reads may do nothing before another who waits takes over. Its loop was stopped then,
or something else holds it up."""

_W = TypeVar("_W", LoopWaker, ThreadWaker)


HOST_MISSING_SECONDS = 5.0
"""The same where some of that cannot be read; where not even the kernel's release can, at every read."""


class Reader:
    """Reads sources for any number of event loops and threads at a time.

    Everything that it knows is changed under one lock, which is held for a slice of time at most. Of those who wait for
    a read, one drives: it works a slice, gives others a turn, and sleeps where there is nothing to do until a thread of
    the pool has an answer. The others sleep until their read is complete, or until nobody drives any more.

    Args:
        roots: Where /proc, /sys and / are.
        descriptors: How many files may stay open; by default half of RLIMIT_NOFILE.
        observe: Told of every request for a file and its answer, from any thread.
        for_everybody: Whether only files are read that every user may read.
    """

    def __init__(
        self,
        roots: Roots,
        descriptors: int | None = None,
        observe: Callable[[Request, Any], None] | None = None,
        for_everybody: bool = False,
    ):
        self.roots = roots
        self.budget = Budget(descriptors)
        self.files = Files(roots, self.budget, observe, for_everybody)
        self.host = Host()
        """The machine that is read; known after the first read, and looked at again now and then."""
        self._meet_again_ns = 0
        self._memory: dict[str, dict[Any, Any]] = {}
        self._tables: dict[str, ProcessTable] = {}
        self._quick: dict[str, tuple[Source[Any], Reading]] = {}
        """The sources that are read at once, each with its own state; looked up anew now and then."""
        self._untried: Counter[str] = Counter()
        """The sources that did not get their turn, and how many times in a row: who waited longest is first in line."""
        self._driver: object | None = None
        self._driven_ns = 0
        """When the driver did something last."""
        self._driver_waker: LoopWaker | ThreadWaker | None = None
        self._sleepers: dict[object, tuple[LoopWaker | ThreadWaker, Round]] = {}
        """Those who wait while somebody else drives."""
        self._used = False
        self._working = False
        self.closed = False
        self._settle_in()

    def _settle_in(self) -> None:
        """What belongs to one process: its lock and its threads."""
        self._pid = os.getpid()
        self.lock = threading.RLock()
        """Held by whoever changes anything here or in the sampler above; for a slice of time, never while waiting."""
        self.pool = Pool(self.files.perform_once)
        self._engine = Engine(self.files, self.pool)
        self._engine.wake = self._wake_driver

    def check(self) -> None:
        """Raise if this reader cannot be used here. One that has not read anything yet goes along with a fork.

        Raises:
            RuntimeError: it is closed, or this is a child of the process that read with it.
        """
        if self.closed:
            raise RuntimeError("this sampler is closed")
        if os.getpid() != self._pid:
            if self._used:
                raise RuntimeError(
                    "this sampler was used before a fork, and its threads did not survive it: "
                    "make a new one in the child, or do not read with it before"
                )
            self._settle_in()  # a thread that the fork left behind may have held the lock

    def begin(
        self, sources: Iterable[Source[Any]], deadlines: Callable[[Source[Any]], float], limit: float | None = None
    ) -> Round:
        """Begin to read sources together. Whoever begins has to `finish`.

        Args:
            sources: What to read.
            deadlines: For how many seconds the reads of each may last, from when it is begun.
            limit: For how many seconds sources may be begun. What does not get its turn until then fails with
                `timeout`, says that it was not tried, and is the first in line the next time.

        Raises:
            RuntimeError: it is closed, or this is a child of the process that read with it.
        """
        self.check()
        with self.lock:
            self._used = True
            endless = limit is None or limit >= _LONGEST_SECONDS
            found = Round(list(sources), deadlines, None if endless else int((limit or 0) * 1e9))
            if self._met:
                self._start(found)
            else:
                found.flights = [self._engine.start(HOST, HOST.steps, Reading(self.host), _SECOND_NS)]
                found.flights[0].wanted += 1
        return found

    def join(self, found: Round) -> bool:
        """Wait for a round that another began, and `finish` it; False where it was abandoned meanwhile."""
        with self.lock:
            found.waiting += not found.abandoned
            return not found.abandoned

    async def finish(self, found: Round) -> dict[str, Result]:
        """The results of a round that this caller began or joined. If it is cancelled, others who wait go on.

        Raises:
            RuntimeError: it is closed, before or meanwhile, or this is a child of the process that read with it.
        """
        steps = self._driving(found, LoopWaker)
        try:
            for waker, seconds in steps:
                if waker is None:
                    await checkpoint()
                else:
                    await waker.wait(seconds)
        finally:
            steps.close()
        return found.results

    def finish_sync(self, found: Round) -> dict[str, Result]:
        """The same in a thread, where no event loop runs."""
        for waker, seconds in self._driving(found, ThreadWaker):
            if waker is not None:
                waker.wait(seconds)
        return found.results

    async def read(
        self, sources: Iterable[Source[Any]], deadlines: Callable[[Source[Any]], float]
    ) -> dict[str, Result]:
        """Read sources together: `begin` and `finish`."""
        return await self.finish(self.begin(sources, deadlines))

    def read_sync(self, sources: Iterable[Source[Any]], deadlines: Callable[[Source[Any]], float]) -> dict[str, Result]:
        """The same where no event loop runs."""
        return self.finish_sync(self.begin(sources, deadlines))

    @property
    def descriptors(self) -> int:
        """How many files are open now."""
        return self.budget.used

    @property
    def visibility(self) -> str:
        """`partial` where the process table hides processes, else `whole`."""
        return "partial" if any(table.partial for table in list(self._tables.values())) else "whole"

    def close(self) -> None:
        """Close every file and let the threads go; never waits for a hung read."""
        if os.getpid() != self._pid:  # a child: it has copies of our descriptors, and nothing else of ours
            self.closed = True
            self._let_go()
            return
        with self.lock:
            self.closed = True
            self._engine.close()
            self.pool.close()
            self._let_go()
            self._wake_driver()
            self._wake_sleepers()

    def _let_go(self) -> None:
        for table in self._tables.values():
            table.close()
        self.files.release()

    # Driving: how those who wait take turns.

    def _driving(self, found: Round, make: type[_W]) -> Generator[tuple[_W | None, float], None, None]:
        """Wait for a round, and do the work where nobody else does.

        Yields:
            (None, 0) where others should get a turn; else what to sleep on, and for how many seconds at most.

        Raises:
            RuntimeError: as for `finish`; or the reads do not go on, which would be a bug.
        """
        me = object()
        waker: _W | None = None
        try:
            self.check()
            while True:
                with self.lock:
                    self.check()
                    if self._completed(found):
                        return
                    pause_ns: int | None = _HANDOVER_NS
                    drives = self._claim(me)
                    if drives:
                        self._work()
                        if self._completed(found):
                            return
                        pause_ns = self._engine.pause_ns()
                    if pause_ns is None:
                        raise RuntimeError("the reads do not go on; this is a bug in procpulse")
                    if pause_ns:
                        waker = waker or make()
                        waker.clear()
                        if drives:
                            self._driver_waker = waker
                            pause_ns = self._engine.pause_ns() or 0  # an answer may have come just before
                        else:
                            self._sleepers[me] = waker, found
                    wakes_ns = monotonic_ns() + pause_ns
                yield (waker, pause_ns / 1e9) if pause_ns else (None, 0.0)
                if pause_ns:
                    with self.lock:
                        self._rested(me, wakes_ns)
        finally:
            if os.getpid() == self._pid:
                with self.lock:
                    self._leave(me, found)

    # Everything below runs under the lock.

    def _claim(self, me: object) -> bool:
        """Whether this caller drives: it did already, or nobody does, or who does has been held up for too long."""
        now = monotonic_ns()
        if self._driver not in (None, me) and now - self._driven_ns <= _HANDOVER_NS:
            return False
        self._driver, self._driven_ns = me, now
        return True

    def _work(self) -> None:
        """Work for a slice of time, and tell those whose reads are complete by that."""
        if self._working:  # the lock lets its own thread in
            raise RuntimeError(
                "a callback or signal handler read with a sampler in the middle of a read of the same one"
            )
        self._working = True
        try:
            self._engine.step()
        finally:
            self._working = False
        self._driven_ns = monotonic_ns()
        for waker, other in list(self._sleepers.values()):
            if self._completed(other):
                waker()

    def _rested(self, me: object, wakes_ns: int) -> None:
        """Somebody who slept is awake again, who should be by that time at the latest."""
        self._sleepers.pop(me, None)
        if self._driver is me:
            self._driver_waker, self._driven_ns = None, monotonic_ns()
            self._engine.look_after(self._driven_ns - wakes_ns)

    def _leave(self, me: object, found: Round) -> None:
        """Somebody does not wait any more, since it has what it wanted or was cancelled."""
        self._sleepers.pop(me, None)
        if self._driver is me:
            self._driver = self._driver_waker = None
            self._wake_sleepers()
        found.waiting -= 1
        if not found.waiting and not found.complete:
            found.abandoned = True
            self._give_up(found)

    def _give_up(self, found: Round) -> None:
        for flight in found.flights:
            flight.wanted -= 1
            if not flight.done and not flight.wanted:
                self._engine.abandon(flight)

    def _wake_driver(self) -> None:
        """A thread of the pool has an answer. Called from that thread, without the lock."""
        waker = self._driver_waker
        if waker is not None:
            waker()

    def _wake_sleepers(self) -> None:
        for waker, _ in self._sleepers.values():
            waker()

    def _completed(self, found: Round) -> bool:
        """Whether the results of a round are there. Once the host is known, this begins with the sources."""
        while not found.complete:
            if not all(flight.done for flight in found.flights):
                return False
            if found.begun:
                self._complete(found)
                break
            [flight] = found.flights
            if flight.value is not None:
                self._meet(flight.value)
            self._start(found)
        return True

    def _complete(self, found: Round) -> None:
        for flight in found.flights:
            flight.wanted -= 1
            if not flight.group:
                found.results[flight.key] = Result(
                    flight.value, flight.failure, flight.reading, flight.read_ns, flight.took_ns
                )
        if len(found.results) < len(found.sources):  # an interrupt ends all that are read at once
            for source in [source for source in found.sources if source.name not in found.results]:
                failure = Failure(Reason.TIMEOUT, source.path, INTERRUPTED)
                found.results[source.name] = Result(None, failure, Reading(self.host), monotonic_ns(), 0)
        for name, result in found.results.items():
            if (result.failure is not None or result.failures) and _was_not_tried(result):
                self._untried[name] += 1
            elif self._untried:
                del self._untried[name]
        found.complete = True

    def _start(self, found: Round) -> None:
        """Begin to read the sources of a round: those that waited longest for their turn, then what is read at once."""
        found.begun = True
        now = monotonic_ns()
        begin_by = NEVER_NS if found.limit_ns is None else now + found.limit_ns
        if self.budget.over:
            self.files.release()
        if self.files.sweep():
            self._quick.clear()
        engine, plain, untried = self._engine, not self.files.kernel, self._untried
        quick: list[tuple[Source[Any], Reading]] = []
        others: list[tuple[Source[Any], Reading]] = []
        sources = sorted(found.sources, key=lambda source: -untried[source.name]) if untried else found.sources
        for source in sources:
            known = self._quick.get(source.name)
            if known is not None:
                quick.append(known)
                continue
            reading = Reading(self.host, self._memory.setdefault(source.name, {}), plain, now)
            if engine.at_once(source):
                quick.append((source, reading))
                self._quick[source.name] = quick[-1]
            else:
                others.append((source, reading))
        found.flights = []
        waited = untried[quick[0][0].name] if quick else 0
        for source, reading in others:
            if quick and waited >= untried[source.name]:
                found.flights.append(engine.start_group(quick, found.results, begin_by))
                quick = []
            limit = found.deadlines(source)
            limit_ns = int(limit * 1e9) if limit < _LONGEST_SECONDS else NEVER_NS
            found.flights.append(engine.start(source, self._steps(source), reading, limit_ns, begin_by))
        if quick:
            found.flights.append(engine.start_group(quick, found.results, begin_by))
        for flight in found.flights:
            flight.wanted += 1

    @property
    def _met(self) -> bool:
        """Whether the machine is known, as it was a short while ago."""
        return monotonic_ns() < self._meet_again_ns

    def _meet(self, host: Host) -> None:
        """Take in which machine this is; what was understood as from another has to be understood anew."""
        wait = HOST_SECONDS if host.boot_id and host.kernel and host.name and host.boot_time else HOST_MISSING_SECONDS
        self._meet_again_ns = monotonic_ns() + (int(wait * 1e9) if host.kernel else 0)
        before, self.host = self.host, host
        self._quick.clear()
        if msgspec.structs.replace(before, name=host.name, boot_time=host.boot_time, cpus=host.cpus) == host:
            return
        self._memory.clear()
        for name in self._tables.keys() - self._engine.flights.keys():
            self._tables.pop(name).close()

    def _steps(self, source: Source[Any]) -> Callable[[Reading], Steps[Any]]:
        if not isinstance(source, PerProcess):
            return source.steps
        table = self._tables.get(source.name)
        if table is None:
            table = self._tables[source.name] = ProcessTable(source, self.files, self.budget)
        return table.steps


def _was_not_tried(result: Result) -> bool:
    failure = result.failure
    if failure is not None:
        return failure.detail == UNTRIED
    return bool(result.failures) and any(failure.detail == UNTRIED for failure in result.failures.values())
