"""One sampler from many threads and event loops at a time: everybody is answered, nothing spins, nothing hangs."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from procpulse import Roots, Sampler, Snapshot
from procpulse.sources import CLASS_NET, LOADAVG, MEMINFO, NET_DEV, STAT, processes
from tests.conftest import FIXTURES, Count, roots

PATIENCE = 60.0
"""Seconds that a busy machine may need; nothing here takes a second by itself."""
PROCESSES = processes("statm")
SOURCES = [STAT, MEMINFO, NET_DEV, CLASS_NET, PROCESSES]


def sampler(*sources: Any, **options: Any) -> Sampler:
    deadlines = dict.fromkeys([s for s in sources or SOURCES if s in (CLASS_NET, PROCESSES)], 30.0)
    return Sampler(sources or SOURCES, deadlines=deadlines, **options)


class Loop(threading.Thread):
    """An event loop in a thread of its own, until the coroutine ends."""

    def __init__(self, main: Callable[[], Coroutine[Any, Any, Any]]):
        super().__init__(daemon=True)
        self.main = main
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            asyncio.run(self.main())
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        self.join(PATIENCE)
        assert not self.is_alive(), "it hangs"
        if self.error is not None:
            raise self.error


class Thread(Loop):
    """A thread without an event loop. It is a daemon: one that spins must not keep the tests from their end."""

    def __init__(self, main: Callable[[], None]):
        super().__init__(main)  # type: ignore[arg-type]

    def run(self) -> None:
        try:
            self.main()
        except BaseException as error:
            self.error = error


@pytest.fixture
def churn() -> Any:
    """Processes that come and go."""
    stopped = threading.Event()

    def fork() -> None:
        while not stopped.wait(0.005):
            subprocess.run(["true"], check=False)

    thread = threading.Thread(target=fork, daemon=True)
    thread.start()
    yield
    stopped.set()
    thread.join(10)


def whole(snapshot: Snapshot) -> None:
    assert not [name for name, failure in snapshot.failures.items() if "/" not in name], snapshot.failures
    assert snapshot[STAT].cpus
    assert snapshot[MEMINFO].mem_total_bytes
    assert os.getpid() in snapshot[PROCESSES]


def test_eight_threads_beside_streams_in_two_loops_and_churn(churn: None) -> None:
    """8 threads x 500 samples, a stream in one loop, deltas and samples in another, processes that come and go."""
    shared = sampler()
    over = threading.Event()
    ticks: list[int] = []
    deltas: list[float] = []

    async def stream() -> None:
        async for snapshot in shared.stream(0.05):
            whole(snapshot)
            ticks.append(snapshot.seq)
            if over.is_set() and len(ticks) > 5:
                return

    async def compare() -> None:
        async for delta in shared.deltas(0.05):
            assert delta[STAT].cpu is not None
            deltas.append(delta.seconds(STAT))
            whole(await shared.sample())
            if over.is_set() and len(deltas) > 5:
                return

    loops = [Loop(stream), Loop(compare)]
    seqs: list[int] = []

    def ask() -> None:
        for _ in range(500):
            snapshot = shared.sample_sync()
            whole(snapshot)
            seqs.append(snapshot.seq)

    for thread in [Thread(ask) for _ in range(8)]:
        thread.end()
    over.set()
    for loop in loops:
        loop.end()
    assert len(set(seqs)) == len(seqs) == 4000, "each has a number of its own"
    assert ticks == sorted(set(ticks))
    assert all(seconds > 0 for seconds in deltas)
    statistics = shared.statistics()
    assert "bug" not in statistics.failures, statistics.failures
    assert statistics.threads <= 10
    assert not shared._reader._engine.flights, "nothing is left under way"
    shared.close()


def test_two_loops_get_every_tick_of_one_stream() -> None:
    shared = sampler(STAT, LOADAVG)
    got: list[list[int]] = [[], []]

    async def follow(mine: list[int]) -> None:
        async for snapshot in shared.stream(0.1):
            mine.append(snapshot.seq)
            if len(mine) == 15:
                return

    for loop in [Loop(lambda: follow(got[0])), Loop(lambda: follow(got[1]))]:
        loop.end()
    for mine in got:
        assert mine == sorted(set(mine))
    common = set(got[0]) & set(got[1])
    assert len(common) >= 10, got
    shared.close()


@pytest.mark.parametrize("how", ["sync", "loop"])
def test_a_loop_that_is_stopped_in_the_middle_of_a_read_does_not_hold_up_others(how: str) -> None:
    slow = Count(turns=10_000)
    shared = sampler(STAT, slow)
    loop = asyncio.new_event_loop()
    task = loop.create_task(shared.sample())
    loop.run_until_complete(asyncio.sleep(0.01))
    assert not task.done(), "it is in the middle of it"

    began = time.monotonic()
    if how == "sync":
        found = shared.sample_sync()
    else:
        answers: list[Snapshot] = []

        async def ask() -> None:
            answers.append(await shared.sample())

        Loop(ask).end()
        [found] = answers
    assert found[slow] == 1, "the read that was under way was taken over"
    assert time.monotonic() - began < PATIENCE
    assert loop.run_until_complete(task)[slow] == 1, "whoever began it goes on as if nothing had been"
    loop.close()
    shared.close()


def test_a_stream_goes_on_where_the_loop_that_took_its_tick_is_stopped() -> None:
    slow = Count(turns=2_000)
    shared = sampler(slow)
    loop = asyncio.new_event_loop()
    first = shared.stream(0.05)
    assert loop.run_until_complete(anext(first)).seq == 0
    task = loop.create_task(anext(first))
    while shared._schedules[50_000_000, False].taking is None:
        loop.run_until_complete(asyncio.sleep(0.005))
    seqs: list[int] = []

    async def follow() -> None:
        async for snapshot in shared.stream(0.05):
            seqs.append(snapshot.seq)
            if len(seqs) == 5:
                return

    Loop(follow).end()
    assert seqs == sorted(set(seqs))
    assert loop.run_until_complete(task).seq >= 1
    loop.close()
    shared.close()


def test_a_sampler_first_under_asyncio_then_under_trio_then_without_a_loop() -> None:
    trio = pytest.importorskip("trio")
    shared = sampler()

    async def three() -> None:
        stream = shared.stream(0.05)
        for _ in range(3):
            whole(await anext(stream))

    asyncio.run(three())
    trio.run(three)
    whole(shared.sample_sync())
    asyncio.run(three())
    shared.close()


def test_closing_in_the_middle_tells_everybody_in_every_thread() -> None:
    shared = sampler(Count(turns=100_000))
    errors: list[str] = []

    def ask() -> None:
        try:
            while True:
                shared.sample_sync()
        except RuntimeError as error:
            errors.append(str(error))

    async def follow() -> None:
        try:
            async for _ in shared.stream(0.02):
                pass
        except RuntimeError as error:
            errors.append(str(error))

    threads = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    loop = Loop(follow)
    time.sleep(0.2)
    shared.close()
    for thread in [*threads, loop]:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert errors == ["this sampler is closed"] * 5


def test_files_that_may_block_from_many_threads() -> None:
    """A tree of plain files goes through the pool's threads."""
    shared = Sampler([STAT, LOADAVG, MEMINFO], roots=roots(FIXTURES / "vm-6.18-later"))
    expected = shared.sample_sync()

    def ask() -> None:
        for _ in range(50):
            found = shared.sample_sync()
            assert not found.failures
            assert found.values == expected.values

    for thread in [Thread(ask) for _ in range(8)]:
        thread.end()
    shared.close()


def test_reading_from_within_a_read_is_an_error_and_not_the_end() -> None:
    told: list[str] = []

    def observe(request: Any, answer: Any) -> None:
        if request.path == "/proc/loadavg" and not told:
            try:
                shared.sample_sync()
            except RuntimeError as error:
                told.append(str(error))

    shared = Sampler([LOADAVG, STAT], observe=observe)
    assert shared.sample_sync()[STAT].cpus
    assert "in the middle of a read" in told[0]
    assert shared.sample_sync()[LOADAVG]
    shared.close()


def run(code: str, timeout: float = PATIENCE) -> str:
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_sampler_that_was_not_used_goes_along_with_a_fork() -> None:
    assert "01" in run(
        """
        import asyncio, os, sys, threading
        from procpulse import Sampler
        from procpulse.sources import CLASS_NET, STAT
        sampler = Sampler([STAT, CLASS_NET], deadlines={CLASS_NET: 30})
        threading.Thread(target=lambda: sampler._reader.lock.acquire(), daemon=True).start()   # a lock held at the fork
        for turn in range(2):
            child = os.fork()
            if not child:
                assert sampler.sample_sync()[CLASS_NET] is not None
                async def main():
                    async for snapshot in sampler.stream(0.01):
                        assert snapshot[STAT].cpus
                        if snapshot.seq > 3: return
                asyncio.run(main())
                os._exit(0)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            print(turn, end="")
        os._exit(0) if sys.stdout.flush() is None else None
        """
    )


def test_nobody_uses_the_processor_while_it_waits_for_a_hung_file(tmp_path: Path) -> None:
    """Threads and loops that wait for one file that does not answer sleep."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "sys").mkdir()
    (tmp_path / "proc/loadavg").write_text("0.1 0.2 0.3 1/2 3\n")
    shared = Sampler([LOADAVG], roots=Roots(str(tmp_path / "proc"), str(tmp_path / "sys")), deadlines={LOADAVG: 1.5})
    shared.sample_sync()
    answer = threading.Event()
    perform = shared._reader.pool._perform

    def hang(request: Any) -> Any:
        answer.wait(20)
        return perform(request)

    shared._reader.pool._perform = hang
    before = time.process_time()

    async def wait() -> None:
        assert (await shared.sample()).failures["loadavg"].reason == "timeout"

    def ask() -> None:
        assert shared.sample_sync().failures["loadavg"].reason == "timeout"

    for waiting in [Loop(wait), Loop(wait), *(Thread(ask) for _ in range(4))]:
        waiting.end()
    assert time.process_time() - before < 0.75, "half a core at least, had one of them not slept"
    answer.set()
    shared.close()


def test_no_file_of_another_root_is_absent_while_threads_keep_the_interpreter_busy() -> None:
    """Threads of the pool get a turn now and then only; what is there is read all the same, at a rate of 20 Hz."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            sum(range(1000))

    async def follow() -> None:
        async with Sampler([STAT, LOADAVG, MEMINFO], roots=roots(FIXTURES / "vm-6.18")) as shared:
            async for snapshot in shared.stream(0.05):
                assert not snapshot.failures
                if snapshot.monotonic_ns > end:
                    return

    threads = [threading.Thread(target=work, daemon=True) for _ in range(6)]
    for thread in threads:
        thread.start()
    end = time.monotonic_ns() + 5_000_000_000
    try:
        Loop(follow).end()
    finally:
        over.set()
