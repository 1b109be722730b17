"""The engine: requests answered at once and by the pool, in slices, each source's steps taken once."""

import time
from collections.abc import Callable
from typing import Any

from procpulse.reader import engine as module
from procpulse.reader.engine import Engine
from procpulse.reader.pool import Batch
from procpulse.source import Host, Read, Reading, Request, Source, Steps


class Disk:
    """Answers at once; what is slow goes to the pool."""

    kernel = True

    def __init__(self, costs_ns: int = 0):
        self.costs_ns = costs_ns

    def blocks(self, request: Request) -> bool:
        return request.slow

    def perform(self, request: Request) -> Any:
        end = time.monotonic_ns() + self.costs_ns
        while time.monotonic_ns() < end:
            pass
        return request.path.encode()


class Later:
    """A pool that answers when it is told to."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def submit(self, requests: list[Request], landed: Callable[[Batch], None]) -> Batch:
        self.batches.append(Batch(requests, landed))
        return self.batches[-1]

    def answer(self) -> None:
        for batch in self.batches:
            for i, request in enumerate(batch.requests):
                batch.put(i, request.path.encode())


class Two(Source[int]):
    """A source of two rounds, of which the first has a slow file and a quick one."""

    def __init__(self) -> None:
        super().__init__("two", "/proc/two", int, lambda file: 0)

    def steps(self, reading: Reading) -> Steps[int]:
        first = yield [Read("/slow", slow=True), Read("/quick")]
        second = yield [Read("/other")]
        return len(first) + len(second)


def test_a_batch_that_lands_while_the_slice_ends_is_taken_once() -> None:
    """The last quick file uses up the slice, and the slow one answers before the next: the value must not get lost."""
    pool = Later()
    engine = Engine(Disk(costs_ns=module.SLICE_NS), pool)  # type: ignore[arg-type]
    source = Two()
    flight = engine.start(source, source.steps, Reading(Host()), 1 << 62)
    while not flight.done:
        engine.step()
        pool.answer()
    for _ in range(3):
        engine.step()
    assert (flight.value, flight.failure) == (3, None)
