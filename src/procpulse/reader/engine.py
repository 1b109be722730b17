"""Runs the reads of many sources together: what is quick at once and in short slices, what may block in the pool.

Nothing here knows of an event loop. `step()` works for a slice of time at most; between steps the caller lets
others run, and sleeps where there is nothing to do until a worker has an answer.
"""

import traceback
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import Any

import msgspec

from procpulse.reader.files import Files
from procpulse.reader.pool import PATIENCE_NS, Batch, Pool
from procpulse.source import SLICE_NS, TURN, Failure, Piece, Reading, Reason, Request, Source, Steps, Unreadable


class Flight:
    """One source being read, once for everybody who wants it."""

    __slots__ = (
        "answers",
        "batch",
        "deadline_ns",
        "done",
        "failure",
        "index",
        "parked",
        "places",
        "read_ns",
        "reading",
        "requests",
        "source",
        "started_ns",
        "steps",
        "took_ns",
        "value",
        "wanted",
    )

    def __init__(self, source: Source[Any], steps: Steps[Any], reading: Reading, deadline_ns: int):
        self.source = source
        self.steps = steps
        self.reading = reading
        self.deadline_ns = deadline_ns
        self.started_ns = 0
        self.read_ns = 0
        """When its bytes were read, on the monotonic clock."""
        self.took_ns = 0
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

    def start(
        self, source: Source[Any], steps: Callable[[Reading], Steps[Any]], reading: Reading, deadline_ns: int
    ) -> Flight:
        """Begin to read a source, or join the read that is under way."""
        flight = self.flights.get(source.name)
        if flight is None:
            flight = Flight(source, steps(reading), reading, deadline_ns)
            self.flights[source.name] = flight
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
            flight.batch = None
            if flight.parked:
                flight.parked = False
                self._ready.append(flight)
        while self._ready:
            flight = self._ready[0]
            if self._go_on(flight, until):
                self._ready.popleft()
            elif flight.requests is TURN:  # it worked for a slice itself
                break
            if monotonic_ns() >= until:
                break
        return bool(self._ready or self.landed)

    def _go_on(self, flight: Flight, until: int) -> bool:
        """Answer what can be answered at once; return whether the flight has to wait, or has ended."""
        requests = flight.requests
        answers: Any = flight.answers
        perform, blocked = self.files.perform, flight.places
        index, end = flight.index, len(requests)
        if not index:
            flight.read_ns = monotonic_ns()
            flight.started_ns = flight.started_ns or flight.read_ns
        while index < end:
            request = requests[index]
            if not blocked or index not in blocked:
                if type(request) is Piece and monotonic_ns() >= flight.deadline_ns:
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
        except Unreadable as error:
            self._land(flight, None, error.failure)
            return True
        except Exception as error:
            detail = "".join(traceback.format_exception(error))
            self._land(flight, None, Failure(Reason.BUG, flight.source.path, detail))
            return True
        flight.requests, flight.answers, flight.index = requests, [None] * len(requests), 0
        blocks = self.files.blocks
        flight.places = {i: request for i, request in enumerate(requests) if blocks(request)}
        if flight.places:
            blocking = list(flight.places.values())
            if monotonic_ns() >= flight.deadline_ns:
                for i in flight.places:
                    flight.answers[i] = Failure(Reason.TIMEOUT, requests[i].path, "no time left")
            else:
                batch = self.pool.submit(blocking, self._landed)
                flight.batch = batch
                self._waiting[id(batch)] = flight
        return False

    def _landed(self, batch: Batch) -> None:
        self.landed.append(batch)
        self.wake()

    def _land(self, flight: Flight, value: Any, failure: Failure | None) -> None:
        flight.value, flight.failure = value, failure
        if failure is None and not self.files.kernel:
            flight.failure = _unfit(value, flight.source.path)
        flight.done = True
        flight.took_ns = monotonic_ns() - flight.started_ns
        self.flights.pop(flight.source.name, None)

    def patience_ns(self) -> int | None:
        """How long to sleep for an answer before looking after the pool; None when nothing is awaited."""
        if not self._waiting:
            return None
        now = monotonic_ns()
        nearest = min(flight.deadline_ns for flight in self._waiting.values())
        return max(0, min(PATIENCE_NS, nearest - now))

    def look_after(self) -> None:
        """Write off what hangs, and end what has reached its deadline."""
        now = monotonic_ns()
        for flight in list(self._waiting.values()):
            if flight.batch is not None and now >= flight.deadline_ns:
                self.pool.expire(flight.batch)
        if self._waiting:
            self.pool.watch()

    def abandon(self, flight: Flight) -> None:
        """Nobody wants this read any more."""
        if flight.done:
            return
        flight.done = True
        self.flights.pop(flight.source.name, None)
        if flight in self._ready:
            self._ready.remove(flight)
        if flight.batch is not None:
            self._waiting.pop(id(flight.batch), None)
            self.pool.expire(flight.batch)
        flight.steps.close()

    def close(self) -> None:
        """Abandon everything."""
        for flight in list(self.flights.values()):
            self.abandon(flight)


def _unfit(value: Any, path: str) -> Failure | None:
    """Why a value cannot be sent anywhere: a number of more than 64 bits. Only a file that is no kernel's has one."""
    try:
        msgspec.msgpack.encode(value)
    except (OverflowError, UnicodeEncodeError) as error:
        return Failure(Reason.MALFORMED, path, str(error))
    return None
