"""Samples a host again and again, on time, for any number of consumers.

There is no background task and no queue. A consumer sleeps until the next tick is due; whoever comes first begins to
read, and all who wait for the same tick get the same `Snapshot`. If the one who reads is cancelled, or its event loop
stops, another goes on. A consumer that is slow finds the newest sample when it comes back, and a gap in `seq`.

A sampler may be used from any number of threads and event loops at a time: what it knows changes under the one lock of
its reader, which nobody holds while waiting.
"""

import math
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from procpulse.catalog import default_sources
from procpulse.delta import Delta
from procpulse.process import PerProcess
from procpulse.reader import Reader, Result, checkpoint
from procpulse.schedule import Clock, Schedule, Seconds, SystemClock, Taking, seconds_of
from procpulse.snapshot import Snapshot, Unavailable
from procpulse.source import Failure, Request, Roots, Source

T = TypeVar("T")


DEADLINE = 1.0
"""Seconds that the reads of a source may last, unless it is told otherwise; in a stream at most its interval, but for a
quarter of a second at least: threads may have to wait that long for their turn on a machine that is busy."""
LEAST_DEADLINE = 0.25


class ReadTime(msgspec.Struct):
    """How long the reads of one source took, from its first request to its value."""

    reads: int = 0
    last_ns: int = 0
    total_ns: int = 0
    longest_ns: int = 0


class Statistics(msgspec.Struct):
    """What a sampler has done so far, and what stands in its way."""

    ticks: int = 0
    """Samples taken."""
    missed: int = 0
    """Ticks that nobody took, since every consumer or the event loop was busy."""
    late: int = 0
    """Ticks taken more than a tenth of the interval after they were due."""
    files: int = 0
    """Files read by path; those of the process table come on top."""
    failures: dict[str, int] = {}
    """How many files and sources failed, by reason."""
    sources: dict[str, ReadTime] = {}
    """Read time by source."""
    stuck: dict[str, float] = {}
    """Files that hang at this moment, and for how many seconds."""
    visibility: str = "whole"
    """Whether the process table shows all processes: `partial` where hidepid or the like hides some."""
    descriptors: int = 0
    """Files that are open now."""
    threads: int = 0
    """Threads for reads that may block; those of stuck files are among them."""


class Sampler:
    """Reads sources of a host together, once or again and again.

        async with Sampler([STAT, MEMINFO, PROCESSES]) as sampler:
            async for snap in sampler.stream(interval=1):
                print(snap[MEMINFO].mem_available_bytes)

    Args:
        sources: What to read; by default a profile of the whole host, without processes.
        roots: Where /proc, /sys and / are mounted; those of this machine by default.
        cadence: Seconds between reads of a source that need not be read at every tick; in between, snapshots carry
            its last value, with the time when it was read.
        deadlines: Seconds that a source may take, where one second (or the interval, if that is shorter) is wrong.
        descriptors: How many files may be kept open; by default half of RLIMIT_NOFILE.
        clock: Where the schedule gets its time from.
        observe: Told of every request for a file and its answer, from any thread; `procpulse.log.reads` writes them
            to a logger. Processes are then read file by file, which costs more.
        for_everybody: Whether only files of the host are read whose mode lets every user read them, whatever this
            process may do; others are `denied`. Which files of processes are read, `sources` says.

    Raises:
        TypeError: something among `sources` is not a source.
        ValueError: two sources of one name; a cadence or deadline of what is not sampled, or not above 0.
    """

    def __init__(
        self,
        sources: Iterable[Source[Any]] | None = None,
        *,
        roots: Roots | None = None,
        cadence: Mapping[Source[Any], Seconds] | None = None,
        deadlines: Mapping[Source[Any], Seconds] | None = None,
        descriptors: int | None = None,
        clock: Clock | None = None,
        observe: Callable[[Request, Any], None] | None = None,
        for_everybody: bool = False,
    ):
        self.sources = _checked(default_sources() if sources is None else sources)
        self._cadence = {s.name: s.cadence for s in self.sources if s.cadence is not None}
        self._cadence.update(_seconds("cadence", cadence, self.sources))
        self._deadlines = _seconds("deadline", deadlines, self.sources)
        self._clock: Clock = SystemClock() if clock is None else clock
        self._reader = Reader(Roots() if roots is None else roots, descriptors, observe, for_everybody)
        self._schedules: dict[tuple[int, bool], Schedule] = {}
        self._last: dict[str, tuple[int, Result]] = {}
        """(when, by our clock) and what, of the sources with a cadence."""
        self._singles = 0
        self._counts: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._times: dict[str, ReadTime] = {s.name: ReadTime() for s in self.sources}
        weakref.finalize(self, self._reader.close).atexit = False

    async def __aenter__(self) -> "Sampler":
        self._reader.check()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every file and let the threads go. Never waits, not even for a hung read. Closing twice is fine."""
        self._reader.close()

    async def sample(self) -> Snapshot:
        """Read every source once, now.

        Raises:
            RuntimeError: the sampler is closed, or read before a fork.
        """
        taking = self._begin(None)
        return self._taken(taking, await self._reader.finish(taking.round))

    def sample_sync(self) -> Snapshot:
        """The same from a thread where no event loop runs.

        Raises:
            RuntimeError: the sampler is closed, or read before a fork.
        """
        taking = self._begin(None)
        return self._taken(taking, self._reader.finish_sync(taking.round))

    def stream(self, interval: Seconds = 1.0, *, align: bool = False) -> "Stream":
        """Snapshots at a fixed rate, for as long as they are asked for.

        Everybody who streams with one interval shares the schedule and the samples. A newcomer gets the newest
        sample at once if it is younger than the interval.

        Args:
            interval: Seconds between ticks.
            align: Whether ticks fall on whole multiples of the interval by the wall clock, so that the hosts of a
                fleet sample together.

        Raises:
            ValueError: the interval is not above 0.
            RuntimeError: the sampler is closed, or read before a fork.
        """
        self._reader.check()
        return Stream(self, self._schedule(interval, align))

    def deltas(self, interval: Seconds = 1.0, *, align: bool = False) -> "Deltas":
        """What changed from tick to tick; the first comes with the second sample. Arguments as for `stream`."""
        self._reader.check()
        return Deltas(self, self._schedule(interval, align))

    async def until(
        self, predicate: Callable[[Snapshot], bool], interval: Seconds = 1.0, *, align: bool = False
    ) -> Snapshot:
        """Wait for the first snapshot for which the predicate holds, and return it. What it raises is passed on."""
        async for snapshot in self.stream(interval, align=align):
            if predicate(snapshot):
                return snapshot
        raise AssertionError("a stream has no end")

    def statistics(self) -> Statistics:
        """What was done so far, and what stands in the way."""
        with self._reader.lock:
            return Statistics(
                ticks=self._counts["ticks"],
                missed=self._counts["missed"],
                late=self._counts["late"],
                files=self._reader.files.reads,
                failures=dict(self._failures),
                sources={name: msgspec.structs.replace(times) for name, times in self._times.items()},
                stuck=self._reader.pool.stuck,
                visibility=self._reader.visibility,
                descriptors=self._reader.descriptors,
                threads=self._reader.pool.threads,
            )

    # Taking one sample.

    def _due(self, now_ns: int, interval: float | None) -> list[Source[Any]]:
        """The sources to read now: those of no cadence, and those whose time has come within half a tick."""
        slack = (interval or 0) / 2
        resting = set()
        for name, cadence in self._cadence.items():
            last = self._last.get(name)
            if last is not None and (now_ns - last[0]) / 1e9 < cadence - slack:
                resting.add(name)
        return [source for source in self.sources if source.name not in resting]

    def _deadline(self, source: Source[Any], interval: float | None) -> float:
        own = self._deadlines.get(source.name)
        return own if own is not None else max(LEAST_DEADLINE, min(DEADLINE, interval or DEADLINE))

    def _begin(self, interval: float | None, tick: int | None = None) -> Taking:
        """Begin to take a sample: of a schedule, or one by itself."""
        self._reader.check()
        with self._reader.lock:
            if tick is None:
                tick = self._singles
                self._singles += 1
            limit = None
            if interval is not None:  # a sample by itself tries everything
                limit = max(DEADLINE, interval, *self._deadlines.values())
            due = self._due(self._clock.monotonic_ns(), interval)
            begun = self._reader.begin(due, lambda source: self._deadline(source, interval), limit)
            return Taking(self._clock, begun, interval, tick)

    def _taken(self, taking: Taking, results: dict[str, Result]) -> Snapshot:
        with self._reader.lock:
            return self._snapshot(taking, results)

    def _snapshot(self, taking: Taking, results: dict[str, Result]) -> Snapshot:
        at = taking.on(self._clock)
        values: dict[str, Any] = {}
        failures: dict[str, Failure] = {}
        read_ns: dict[str, int] = {}
        rows_ns: dict[str, list[tuple[int, int]]] = {}
        self._counts["ticks"] += 1
        for source in self.sources:
            name = source.name
            result = results.get(name)
            if result is not None:
                self._count(name, result)
                if at is not None:
                    result.read_ns = at(result.read_ns)
                    result.rows_ns = [(at(when), count) for when, count in result.rows_ns]
                if name in self._cadence and result.failure is None:
                    self._last[name] = taking.clock_ns, result
            else:
                result = self._last[name][1]
            for part, failure in result.failures.items():
                failures[f"{name}/{part}"] = failure
            if result.failure is not None:
                failures[name] = result.failure
                continue
            values[name] = result.value
            read_ns[name] = result.read_ns
            if isinstance(source, PerProcess):
                rows_ns[name] = result.rows_ns
        return Snapshot(
            seq=taking.tick,
            time=taking.wall_ns / 1e9,
            monotonic_ns=taking.clock_ns,
            host=self._reader.host,
            values=values,
            failures=failures,
            read_ns=read_ns,
            rows_ns=rows_ns,
            interval=taking.interval,
        )

    def _count(self, name: str, result: Result) -> None:
        times = self._times[name]
        times.reads += 1
        times.last_ns = result.took_ns
        times.total_ns += result.took_ns
        times.longest_ns = max(times.longest_ns, result.took_ns)
        if result.failure is not None:
            self._failures[result.failure.reason] += 1
        for failure in result.failures.values():
            self._failures[failure.reason] += failure.count

    # The schedule.

    def _schedule(self, interval: Seconds, align: bool) -> Schedule:
        key = (max(1, round(seconds_of(interval, "the interval") * 1e9)), align)
        with self._reader.lock:
            schedule = self._schedules.get(key)
            if schedule is None:
                while len(self._schedules) >= 16:
                    # A bound on memory. Streams that still follow the oldest keep it; only newcomers do not join them.
                    del self._schedules[next(iter(self._schedules))]
                schedule = self._schedules[key] = Schedule(*key, self._clock)
            return schedule

    async def _take(self, schedule: Schedule, tick: int, seen: int) -> Snapshot:
        """The sample of a tick. Whoever comes first begins it, and all who wait for it work on it."""
        reader = self._reader
        while True:
            with reader.lock:
                if schedule.tick >= tick and schedule.latest is not None:
                    return schedule.latest
                taking = schedule.taking
                if taking is None or not reader.join(taking.round):
                    taking = schedule.taking = self._begin(schedule.interval_ns / 1e9, tick)
                    taking.seen, taking.late_ns = seen, taking.clock_ns - schedule.due_ns(tick)
            results = await reader.finish(taking.round)
            with reader.lock:
                if schedule.taking is taking:  # else another who waited was quicker
                    schedule.taking = None
                    self._keep(schedule, taking, results)

    def _keep(self, schedule: Schedule, taking: Taking, results: dict[str, Result]) -> None:
        """The sample of a tick is complete."""
        snapshot = self._snapshot(taking, results)
        tick, seen = taking.tick, taking.seen
        followed = seen == schedule.tick
        if followed and seen >= 0:
            self._counts["missed"] += tick - seen - 1
        self._counts["late"] += taking.late_ns > schedule.interval_ns // 10
        schedule.previous = schedule.latest if followed or tick - schedule.tick <= 1 else None
        schedule.tick, schedule.latest = tick, snapshot
        schedule.realign(self._clock)

    async def _compare(self, schedule: Schedule) -> Delta | None:
        """The newest delta of a schedule; None while there is one sample only. All who wait for it work on it."""
        while True:
            with self._reader.lock:
                tick, previous, latest = schedule.tick, schedule.previous, schedule.latest
                if schedule.delta[0] == tick:
                    return schedule.delta[1]
                if schedule.comparing is None or schedule.comparing[0] != tick:
                    schedule.comparing = tick, schedule.comparer.steps(previous, latest)
                try:
                    next(schedule.comparing[1])
                except StopIteration as stop:
                    schedule.delta, schedule.comparing = (tick, stop.value), None
                    continue
                except BaseException:
                    schedule.comparing = None
                    raise
            await checkpoint()


class Stream:
    """An endless iterator of snapshots. A call that is cancelled loses nothing; the next one goes on.

    There is nothing that has to be closed; `aclose` ends it for those who do.
    """

    def __init__(self, sampler: Sampler, schedule: Schedule):
        self._sampler = sampler
        self._schedule = schedule
        self._seen = -1
        self._closed = False

    def __aiter__(self) -> "Stream":
        return self

    async def aclose(self) -> None:
        """End it: it has no next snapshot any more."""
        self._closed = True

    async def __anext__(self) -> Snapshot:
        """The next snapshot.

        Raises:
            StopAsyncIteration: it was closed.
            RuntimeError: the sampler is closed, or read before a fork.
        """
        if self._closed:
            raise StopAsyncIteration
        sampler, schedule = self._sampler, self._schedule
        clock = sampler._clock
        sampler._reader.check()
        with sampler._reader.lock:
            latest, newest = schedule.latest, schedule.tick
        now = clock.monotonic_ns()
        if latest is not None and newest > self._seen and now - latest.monotonic_ns < schedule.interval_ns:
            self._seen = newest
            await checkpoint()
            return latest
        tick = schedule.next_tick(max(self._seen, newest if latest is not None else -1), now)
        due_ns = schedule.due_ns(tick)
        if due_ns <= now:  # who is late at every tick must not keep others on the loop from their turn
            await checkpoint()
        await clock.sleep_until(due_ns)
        snapshot = await sampler._take(schedule, tick, self._seen)
        self._seen = snapshot.seq
        return snapshot


class Deltas:
    """An endless iterator of deltas. A call that is cancelled loses nothing; the next one goes on.

    There is nothing that has to be closed; `aclose` ends it for those who do.
    """

    def __init__(self, sampler: Sampler, schedule: Schedule):
        self._sampler = sampler
        self._schedule = schedule
        self._stream = Stream(sampler, schedule)

    def __aiter__(self) -> "Deltas":
        return self

    async def aclose(self) -> None:
        """End it: it has no next delta any more."""
        await self._stream.aclose()

    async def __anext__(self) -> Delta:
        """The next delta.

        Raises:
            StopAsyncIteration: it was closed.
            RuntimeError: the sampler is closed, or read before a fork.
        """
        while True:
            await self._stream.__anext__()
            delta = await self._sampler._compare(self._schedule)
            if delta is not None:
                return delta


async def read(source: Source[T], *, roots: Roots | None = None, deadline: float = DEADLINE) -> T:
    """The value of one source, now.

    Raises:
        Unavailable: there is none; carries the reason.
    """
    reader = Reader(Roots() if roots is None else roots)
    try:
        results = await reader.read(_checked([source]), lambda _: deadline)
    finally:
        reader.close()
    return _value(source, results)


def read_sync(source: Source[T], *, roots: Roots | None = None, deadline: float = DEADLINE) -> T:
    """The value of one source, now, where no event loop runs: in scripts, in the REPL.

    Raises:
        Unavailable: there is none; carries the reason.
    """
    reader = Reader(Roots() if roots is None else roots)
    try:
        results = reader.read_sync(_checked([source]), lambda _: deadline)
    finally:
        reader.close()
    return _value(source, results)


def _value(source: Source[T], results: dict[str, Result]) -> T:
    result = results[source.name]
    if result.failure is not None:
        raise Unavailable(source.name, result.failure)
    value: T = result.value
    return value


def _checked(sources: Iterable[Source[Any]]) -> tuple[Source[Any], ...]:
    if isinstance(sources, Source | str):
        raise TypeError(f"pass a list of sources, not {sources!r}")
    found: dict[str, Source[Any]] = {}
    for source in sources:
        if not isinstance(source, Source):
            raise TypeError(f"not a source: {source!r}; pass values such as procpulse.sources.MEMINFO")
        if found.setdefault(source.name, source) is not source:
            raise ValueError(f"two sources are called {source.name!r}")
    return tuple(found.values())


def _seconds(
    what: str, given: Mapping[Source[Any], Seconds] | None, sources: tuple[Source[Any], ...]
) -> dict[str, float]:
    checked = {}
    for source, seconds in (given or {}).items():
        if source not in sources:
            raise ValueError(f"a {what} for {source!r}, which is not sampled")
        checked[source.name] = seconds_of(seconds, f"the {what} of {source.name}", math.inf)
    return checked
