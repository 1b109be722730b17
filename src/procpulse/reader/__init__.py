"""The reader pool: the only room that opens kernel files.

`files` opens and reads them, `pool` holds the threads for what may block, `engine` runs many sources together,
`processes` walks the process table. `Reader` is what the sampler sees of them.
"""

import math
import os
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic_ns
from typing import Any

import anyio
import anyio.lowlevel

from procpulse import text
from procpulse.process import PerProcess
from procpulse.reader.engine import Engine, Flight, Result
from procpulse.reader.files import Budget, Files
from procpulse.reader.pool import Pool
from procpulse.reader.processes import ProcessTable
from procpulse.source import Host, Read, Reading, Request, Roots, Source, Steps

__all__ = ["Reader", "Result", "checkpoint", "sleep"]


class Reader:
    """Reads sources, from an event loop or without one. Belongs to one loop or thread at a time.

    Args:
        roots: Where /proc, /sys and / are.
        descriptors: How many files may stay open; by default half of RLIMIT_NOFILE.
        observe: Told of every request for a file and its answer, from any thread.
    """

    def __init__(
        self, roots: Roots, descriptors: int | None = None, observe: Callable[[Request, Any], None] | None = None
    ):
        self.roots = roots
        self.budget = Budget(descriptors)
        self.files = Files(roots, self.budget, observe)
        self.pool = Pool(self.files.perform_once)
        self._engine = Engine(self.files, self.pool)
        self.host = Host()
        """The machine that is read; known after the first read."""
        self._met = False
        self._memory: dict[str, dict[Any, Any]] = {}
        self._tables: dict[str, ProcessTable] = {}
        self._quick: dict[str, tuple[Source[Any], Reading]] = {}
        """The sources that are read at once, each with its own state; looked up anew now and then."""
        self._driving = False
        self._turns: anyio.Event | None = None
        self._pid = os.getpid()
        self.closed = False

    def check(self) -> None:
        """Raise if this reader cannot be used here.

        Raises:
            RuntimeError: it is closed, or this is a child of the process that made it.
        """
        if self.closed:
            raise RuntimeError("this sampler is closed")
        if os.getpid() != self._pid:
            raise RuntimeError(
                "this sampler was made before a fork, and its threads did not survive it: make a new one in the child"
            )

    async def read(
        self, sources: Iterable[Source[Any]], deadlines: Callable[[Source[Any]], float]
    ) -> dict[str, Result]:
        """Read sources together; each has its result within its deadline (in seconds).

        Whoever awaits first does the work for all who wait for the same sources; if it is cancelled, another goes on.

        Raises:
            RuntimeError: it is closed, before or meanwhile, or this is a child of the process that made it.
        """
        self.check()
        if not self._met:
            await self._collect(*self._start([_HOST], deadlines))
        return await self._collect(*self._start(sources, deadlines))

    def read_sync(self, sources: Iterable[Source[Any]], deadlines: Callable[[Source[Any]], float]) -> dict[str, Result]:
        """The same without an event loop."""
        self.check()
        if not self._met:
            self._collect_sync(*self._start([_HOST], deadlines))
        return self._collect_sync(*self._start(sources, deadlines))

    @property
    def descriptors(self) -> int:
        """How many files are open now."""
        return self.budget.used

    @property
    def visibility(self) -> str:
        """`partial` where the process table hides processes, else `whole`."""
        return "partial" if any(table.partial for table in self._tables.values()) else "whole"

    def close(self) -> None:
        """Close every file and let the threads go; never waits for a hung read."""
        self.closed = True
        if os.getpid() == self._pid:
            self._engine.close()
            self.pool.close()
        for table in self._tables.values():
            table.close()
        self.files.release()

    def _start(
        self, sources: Iterable[Source[Any]], deadlines: Callable[[Source[Any]], float]
    ) -> tuple[list[Flight], dict[str, Result]]:
        """Begin to read sources: what is under way, and where the results come of what is read at once."""
        now = monotonic_ns()
        if self.budget.over:
            self.files.release()
        if self.files.sweep():
            self._quick.clear()
        engine, plain = self._engine, not self.files.kernel
        quick: list[tuple[Source[Any], Reading]] = []
        others: list[tuple[Source[Any], Reading]] = []
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
        results: dict[str, Result] = {}
        flights = [engine.start_group(quick, results)] if quick else []
        for source, reading in others:
            limit = deadlines(source)
            due = now + (int(limit * 1e9) if math.isfinite(limit) else 1 << 62)
            flights.append(engine.start(source, self._steps(source), reading, due))
        for flight in flights:
            flight.wanted += 1
        return flights, results

    async def _collect(self, flights: list[Flight], results: dict[str, Result]) -> dict[str, Result]:
        try:
            while not all(flight.done for flight in flights):
                if self._driving:
                    if self._turns is None:
                        self._turns = anyio.Event()
                    await self._turns.wait()
                    continue
                self._driving = True
                try:
                    await self._turn()
                finally:
                    self._driving = False
                    if self._turns is not None:
                        self._turns.set()
                        self._turns = None
        finally:
            self._leave(flights)
        self.check()  # it may have been closed meanwhile, and what was abandoned then has neither value nor failure
        return self._results(flights, results)

    def _collect_sync(self, flights: list[Flight], results: dict[str, Result]) -> dict[str, Result]:
        engine = self._engine
        try:
            while not all(flight.done for flight in flights):
                if engine.step():
                    continue
                patience_ns = engine.patience_ns()
                if patience_ns is not None:
                    landed = threading.Event()
                    engine.wake = landed.set
                    if not engine.landed:
                        landed.wait(patience_ns / 1e9)
                    engine.look_after()
        finally:
            self._leave(flights)
        self.check()
        return self._results(flights, results)

    def _results(self, flights: list[Flight], results: dict[str, Result]) -> dict[str, Result]:
        for flight in flights:
            if not flight.group:
                results[flight.key] = Result(
                    flight.value, flight.failure, flight.reading, flight.read_ns, flight.took_ns
                )
            if flight.key == _HOST.name and flight.value is not None:
                self.host, self._met = flight.value, True
                self._quick.clear()
        return results

    def _steps(self, source: Source[Any]) -> Callable[[Reading], Steps[Any]]:
        if not isinstance(source, PerProcess):
            return source.steps
        table = self._tables.get(source.name)
        if table is None:
            table = self._tables[source.name] = ProcessTable(source, self.files, self.budget)
        return table.steps

    def _leave(self, flights: list[Flight]) -> None:
        for flight in flights:
            flight.wanted -= 1
            if not flight.done and not flight.wanted:
                self._engine.abandon(flight)

    async def _turn(self) -> None:
        """Work a slice, or sleep until there is an answer to work on."""
        engine = self._engine
        if engine.step():
            await checkpoint()
            return
        patience_ns = engine.patience_ns()
        if patience_ns is None:
            return
        landed = anyio.Event()
        engine.wake = _caller(landed.set)
        if not engine.landed:
            with anyio.move_on_after(patience_ns / 1e9):
                await landed.wait()
        engine.look_after()


class _HostSource(Source[Host]):
    """What identifies the machine, read once before everything else."""

    def __init__(self) -> None:
        super().__init__("*host", "/proc", Host, lambda file: file.host)

    def steps(self, reading: Reading) -> Steps[Host]:
        names = ("sys/kernel/hostname", "sys/kernel/random/boot_id", "sys/kernel/osrelease", "stat")
        answers = yield [Read(f"/proc/{name}") for name in names]
        name, boot_id, kernel, stat = (answer if isinstance(answer, bytes) else b"" for answer in answers)
        booted = next((row[6:] for row in stat.split(b"\n") if row.startswith(b"btime ")), b"")
        return Host(
            name=text.inert(name.strip()),
            boot_id=text.inert(boot_id.strip()),
            kernel=text.inert(kernel.strip()),
            boot_time=int(booted) if booted.isdigit() and len(booted) < 15 else None,
            page_size=os.sysconf("SC_PAGE_SIZE"),
            ticks_per_second=os.sysconf("SC_CLK_TCK"),
            little_endian=sys.byteorder == "little",
        )


_HOST = _HostSource()


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


def _caller(function: Callable[[], None]) -> Callable[[], None]:
    """Make a function callable from other threads: it runs on the loop that runs now."""
    loop = _asyncio_loop()
    if loop is not None:
        schedule: Any = loop.call_soon_threadsafe
    else:
        import trio  # the only other backend of anyio; it is running, so it is there

        schedule = trio.lowlevel.current_trio_token().run_sync_soon

    def call() -> None:
        with suppress(RuntimeError):  # the loop was closed while a read was under way: nobody waits for it
            schedule(function)

    return call
