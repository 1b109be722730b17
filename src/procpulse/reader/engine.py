"""Runs the reads of many sources together: what is quick at once and in short slices, what may block in the pool.

Nothing here knows of an event loop. `step()` works for a slice of time at most; between steps the caller lets
others run, and sleeps where there is nothing to do until a worker has an answer.
"""

import traceback
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic_ns, process_time_ns
from typing import Any

import msgspec

from procpulse.reader.files import Files
from procpulse.reader.pool import PATIENCE_NS, Batch, Pool
from procpulse.source import SLICE_NS, TURN, Failure, Host, Piece, Reading, Reason, Request, Source, Steps, Unreadable

NEVER_NS = 1 << 62
"""A time that does not come."""
UNTRIED = "not tried: the sources before it took all the time of this tick"
"""What is said of a source that did not get its turn; it is the first in line at the next tick."""
INTERRUPTED = "interrupted"
GRANTS = 4
"""How many times its own limit a read may be granted on a machine that is busy."""
PATIENT_NS = 1_000_000_000
MOMENT_NS = 1_000_000
"""The shortest sleep: what is due sooner can wait as long, and a timer that is overdue must not spin."""


class Result:
    """What came of reading one source once."""

    __slots__ = ("failure", "failures", "read_ns", "rows_ns", "took_ns", "value")

    def __init__(self, value: Any, failure: Failure | None, reading: Reading, read_ns: int, took_ns: int):
        self.value = value
        self.failure = failure
        """Why there is no value."""
        self.failures = reading.failures
        """What is missing from the value."""
        self.read_ns = read_ns
        self.rows_ns = reading.rows_ns
        """(when, how many) for rows that were not all read at once, in the order of the rows."""
        self.took_ns = took_ns


class Flight:
    """One source being read, once for everybody who wants it; or many that are answered at once."""

    __slots__ = (
        "answers",
        "batch",
        "begin_by_ns",
        "cpu_ns",
        "done",
        "failure",
        "granted_ns",
        "group",
        "index",
        "key",
        "limit_ns",
        "parked",
        "path",
        "places",
        "read_ns",
        "reading",
        "requests",
        "spent_ns",
        "started_ns",
        "steps",
        "submitted_ns",
        "took_ns",
        "value",
        "wanted",
    )

    def __init__(
        self, key: str, path: str, steps: Steps[Any], reading: Reading, limit_ns: int, begin_by_ns: int = NEVER_NS
    ):
        self.key = key
        self.path = path
        """What a bug in it is reported for."""
        self.steps = steps
        self.reading = reading
        self.limit_ns = limit_ns
        """How long its reads may take, not counting the time in which it waits for those of other sources."""
        self.spent_ns = 0
        """How long they took so far, but for the batch that is under way."""
        self.granted_ns = 0
        """How much longer they may take since nobody here got a turn meanwhile."""
        self.begin_by_ns = begin_by_ns
        """When it is too late to begin with it at all."""
        self.submitted_ns = 0
        """When its batch was given to the pool."""
        self.cpu_ns = 0
        """The CPU time that this process had used by then."""
        self.started_ns = 0
        """When it was begun; 0 while it waits for its first turn."""
        self.read_ns = 0
        """When its bytes were read, on the monotonic clock."""
        self.took_ns = 0
        self.group = False
        """Whether it is many sources, and gives its results away itself."""
        self.wanted = 0
        """How many are waiting for it."""
        self.done = False
        self.value: Any = None
        self.failure: Failure | None = None
        self.requests: Sequence[Request] = ()
        self.answers: list[Any] | None = None
        self.index = 0
        self.parked = False
        """Whether it is out of the queue until its batch lands."""
        self.batch: Batch | None = None
        self.places: dict[int, Request] = {}
        """The requests that may block, by their place among all of them, in order: those of the batch."""

    def due_ns(self) -> int:
        """When the batch that is under way has to be answered; never, while the pool has not begun with it."""
        batch = self.batch
        if batch is None or not batch.started_ns:
            return NEVER_NS
        return batch.started_ns + self.limit_ns + self.granted_ns - self.spent_ns


class Engine:
    """Reads sources, each in one flight at a time.

    Args:
        files: Answers requests.
        pool: Answers those that may block.
    """

    def __init__(self, files: Files, pool: Pool):
        self.files = files
        self.pool = pool
        self.flights: dict[str, Flight] = {}
        self.landed: deque[Batch] = deque()
        """Batches that the pool has finished; appended to by its threads."""
        self.wake: Callable[[], None] = lambda: None
        """Called from any thread when a batch has landed."""
        self._ready: deque[Flight] = deque()
        self._waiting: dict[int, Flight] = {}
        self._groups = 0

    def start(
        self,
        source: Source[Any],
        steps: Callable[[Reading], Steps[Any]],
        reading: Reading,
        limit_ns: int,
        begin_by_ns: int = NEVER_NS,
    ) -> Flight:
        """Begin to read a source, or join the read that is under way."""
        flight = self.flights.get(source.name)
        return flight or self._take_off(
            Flight(source.name, source.path, steps(reading), reading, limit_ns, begin_by_ns)
        )

    def at_once(self, source: Source[Any]) -> bool:
        """Whether a source is one file that the kernel answers from memory, as most are."""
        return source.single and not self.files.blocks(source.request)

    def start_group(
        self, group: list[tuple[Source[Any], Reading]], results: dict[str, Result], begin_by_ns: int = NEVER_NS
    ) -> Flight:
        """Begin to read such sources together, into `results`. What is as quick as this is not shared."""
        self._groups += 1
        steps = self._read_group(group, results, begin_by_ns)
        flight = Flight(f"*{self._groups}", "/proc", steps, Reading(Host()), NEVER_NS)
        flight.group = True
        return self._take_off(flight)

    def _take_off(self, flight: Flight) -> Flight:
        self.flights[flight.key] = flight
        self._ready.append(flight)
        return flight

    def step(self) -> bool:
        """Work for a slice of time; return whether there is more to do at once."""
        until = monotonic_ns() + SLICE_NS
        while self.landed:
            batch = self.landed.popleft()
            flight = self._waiting.pop(id(batch), None)
            if flight is None:
                continue
            answers: Any = flight.answers
            for place, answer in zip(flight.places, batch.answers, strict=True):
                answers[place] = answer
            flight.read_ns = batch.started_ns or flight.read_ns
            flight.started_ns = flight.started_ns or flight.read_ns
            if batch.started_ns:
                flight.spent_ns += batch.ended_ns - batch.started_ns
            flight.batch = None
            if flight.parked:
                flight.parked = False
                self._ready.append(flight)
        while self._ready:
            flight = self._ready[0]
            now = monotonic_ns()
            if flight.answers is None and now >= flight.begin_by_ns:
                self._ready.popleft()
                self._land(flight, None, untried(flight.path))
                flight.steps.close()
                continue
            try:
                waits = self._go_on(flight, until)
            except BaseException:  # Ctrl-C, of which those who wait for the same read in other threads know nothing
                self._ready.popleft()
                self.abandon(flight, Failure(Reason.TIMEOUT, flight.path, INTERRUPTED))
                raise
            flight.spent_ns += monotonic_ns() - now
            if waits:
                self._ready.popleft()
            elif flight.requests is TURN:  # it worked for a slice itself
                break
            if monotonic_ns() >= until:
                break
        return bool(self._ready or self.landed)

    def _read_group(
        self, group: list[tuple[Source[Any], Reading]], results: dict[str, Result], begin_by_ns: int
    ) -> Steps[None]:
        perform, kernel = self.files.perform, self.files.kernel
        now = monotonic_ns()
        until = now + SLICE_NS
        for source, reading in group:
            value = failure = None
            reading.failures = {}
            if now >= begin_by_ns:
                results[source.name] = Result(None, untried(source.path), reading, now, 0)
                continue
            try:
                value = source.answered(perform(source.request), reading)
            except Exception as error:
                failure = _failure(error, source.path)
            else:
                if not kernel:
                    failure = _unfit(value, source.path)
            end = monotonic_ns()
            results[source.name] = Result(value, failure, reading, now, end - now)
            now = end
            if now >= until:
                yield TURN
                now = monotonic_ns()
                until = now + SLICE_NS

    def _go_on(self, flight: Flight, until: int) -> bool:
        """Answer what can be answered at once; return whether the flight has to wait, or has ended."""
        requests = flight.requests
        begins = flight.answers is None
        answers: Any = flight.answers
        perform, blocked = self.files.perform, flight.places
        index, end, begun = flight.index, len(requests), monotonic_ns()
        if not index:
            flight.read_ns = monotonic_ns()
            if not begins and (not end or len(blocked) < end):  # else the pool begins with it, later
                flight.started_ns = flight.started_ns or flight.read_ns
        while index < end:
            request = requests[index]
            if not blocked or index not in blocked:
                if type(request) is Piece and flight.spent_ns + monotonic_ns() - begun >= flight.limit_ns:
                    answers[index] = Failure(Reason.TIMEOUT, request.path, f"still at byte {request.offset}")
                else:
                    answers[index] = perform(request)
                if monotonic_ns() >= until:
                    flight.index = index + 1
                    return False
            index += 1
        flight.index = end
        flight.parked = flight.batch is not None
        return flight.parked or self._send(flight)

    def _send(self, flight: Flight) -> bool:
        """Give the source its answers and take its next requests; return whether that was the end."""
        answers: Any = flight.answers
        try:
            requests = flight.steps.send(answers)
        except StopIteration as stop:
            self._land(flight, stop.value, None)
            return True
        except Exception as error:
            self._land(flight, None, _failure(error, flight.path))
            return True
        flight.requests, flight.answers, flight.index = requests, [None] * len(requests), 0
        blocks = self.files.blocks
        flight.places = {i: request for i, request in enumerate(requests) if blocks(request)}
        if flight.places:
            blocking = list(flight.places.values())
            if flight.spent_ns >= flight.limit_ns:
                for i in flight.places:
                    flight.answers[i] = Failure(Reason.TIMEOUT, requests[i].path, "no time left")
            else:
                batch = self.pool.submit(blocking, self._landed)
                flight.batch, flight.submitted_ns, flight.cpu_ns = batch, monotonic_ns(), process_time_ns()
                self._waiting[id(batch)] = flight
        return False

    def _landed(self, batch: Batch) -> None:
        self.landed.append(batch)
        self.wake()

    def _land(self, flight: Flight, value: Any, failure: Failure | None) -> None:
        flight.value, flight.failure = value, failure
        if failure is None and not self.files.kernel:
            flight.failure = _unfit(value, flight.path)
        flight.done = True
        flight.took_ns = monotonic_ns() - flight.started_ns if flight.started_ns else 0
        self.flights.pop(flight.key, None)

    def pause_ns(self) -> int | None:
        """For how long there is nothing to do, if no answer comes before: then the pool wants to be looked after.

        0 where there is more to do at once, None where nothing is under way.
        """
        if self._ready or self.landed:
            return 0
        if not self._waiting:
            return None
        nearest = min(min(flight.due_ns(), flight.begin_by_ns) for flight in self._waiting.values())
        return max(MOMENT_NS, min(PATIENCE_NS, nearest - monotonic_ns()))

    def look_after(self, late_ns: int = 0) -> None:
        """Write off what hangs, and end what has used up its time, or cannot be begun in time.

        Args:
            late_ns: How much later this is called than was meant. The threads of the pool have had no turn then, either,
                so that time does not count, up to a few times what is allowed.
        """
        now = monotonic_ns()
        if late_ns > 0:
            for flight in self._waiting.values():
                more_ns = min(late_ns, GRANTS * flight.limit_ns - flight.granted_ns)
                flight.granted_ns += more_ns
                flight.begin_by_ns += more_ns
        for flight in list(self._waiting.values()):
            batch = flight.batch
            if batch is None:
                continue
            if now >= flight.due_ns():
                if not _starved(flight, now):
                    self.pool.expire(batch)
            elif not batch.started_ns and (
                now >= flight.begin_by_ns
                or (now - flight.submitted_ns >= flight.limit_ns - flight.spent_ns and self.pool.full)
            ):
                self.pool.expire(batch, None if self.pool.full else UNTRIED)
        if self._waiting:
            self.pool.watch()

    def abandon(self, flight: Flight, failure: Failure | None = None) -> None:
        """Nobody wants this read any more, or it cannot go on."""
        if flight.done:
            return
        flight.done = True
        flight.failure = failure
        self.flights.pop(flight.key, None)
        if flight in self._ready:
            self._ready.remove(flight)
        if flight.batch is not None:
            self._waiting.pop(id(flight.batch), None)
            self.pool.expire(flight.batch)
        flight.steps.close()

    def close(self) -> None:
        """Abandon everything, and wake who sleeps until an answer comes."""
        for flight in list(self.flights.values()):
            self.abandon(flight)
        self.wake()


def _starved(flight: Flight, now: int) -> bool:
    """Whether other threads of this program had the interpreter while the pool wanted it: then a read may take a second
    in all, since a file that hangs cannot be told from a thread that gets no turn."""
    more_ns = PATIENT_NS - flight.limit_ns - flight.granted_ns
    if more_ns <= 0 or process_time_ns() - flight.cpu_ns < (now - flight.submitted_ns) // 2:
        return False
    flight.granted_ns += more_ns
    return True


def untried(path: str) -> Failure:
    """The failure of a source that did not get its turn."""
    return Failure(Reason.TIMEOUT, path, UNTRIED)


def _failure(error: Exception, path: str) -> Failure:
    """Why a source has no value."""
    if isinstance(error, Unreadable):
        return error.failure
    return Failure(Reason.BUG, path, "".join(traceback.format_exception(error)))


def _unfit(value: Any, path: str) -> Failure | None:
    """Why a value cannot be sent anywhere: a number of more than 64 bits. Only a file that is no kernel's has one."""
    try:
        msgspec.msgpack.encode(value)
    except (OverflowError, UnicodeEncodeError) as error:
        return Failure(Reason.MALFORMED, path, str(error))
    return None
