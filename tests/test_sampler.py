"""The schedule: on time, shared, never harmed by the one next to it. Everything runs on a clock of its own."""

import asyncio
import itertools
import os
import random
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest

from procpulse import Delta, Sampler, Snapshot, read, read_sync
from procpulse.source import Failure, Reason, Request
from procpulse.sources import CLASS_NET, LOADAVG, MEMINFO, STAT, processes
from tests.conftest import Clock, Count, settle


async def collect(stream: AsyncIterator[Any], into: list[Any], count: int = 10**9) -> None:
    async for item in stream:
        into.append(item)
        if len(into) >= count:
            return


@pytest.fixture
def count() -> Count:
    return Count()


@pytest.fixture
def sampler(clock: Clock, count: Count) -> Sampler:
    return Sampler([count], clock=clock)


def times(snaps: list[Snapshot], clock_start_ns: int = 1_000_000_000_000) -> list[float]:
    return [round((snap.monotonic_ns - clock_start_ns) / 1e9, 6) for snap in snaps]


async def test_ticks_are_multiples_of_the_interval(sampler: Sampler, clock: Clock) -> None:
    snaps: list[Snapshot] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect, sampler.stream(0.1), snaps)
        for _ in range(50):
            await clock.advance(0.0201)
        tasks.cancel_scope.cancel()
    assert [snap.seq for snap in snaps] == list(range(11))
    assert times(snaps) == [round(k * 0.1, 6) for k in range(11)], "no drift"
    assert sampler.statistics().missed == sampler.statistics().late == 0


async def test_everybody_of_one_interval_shares_a_sample(sampler: Sampler, clock: Clock, count: Count) -> None:
    seen: list[list[Snapshot]] = [[] for _ in range(20)]
    async with anyio.create_task_group() as tasks:
        for snaps in seen:
            tasks.start_soon(collect, sampler.stream(1), snaps)
        await clock.advance(3)
        tasks.cancel_scope.cancel()
    assert count.reads == 4
    for snaps in seen:
        assert len(snaps) == 4
        assert all(mine is first for mine, first in zip(snaps, seen[0], strict=True))


async def test_intervals_have_schedules_of_their_own(sampler: Sampler, clock: Clock) -> None:
    fast: list[Snapshot] = []
    slow: list[Snapshot] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect, sampler.stream(1), fast)
        tasks.start_soon(collect, sampler.stream(5), slow)
        await clock.advance(10)
        tasks.cancel_scope.cancel()
    assert times(fast) == [float(k) for k in range(11)]
    assert times(slow) == [0.0, 5.0, 10.0]


async def test_a_newcomer_gets_the_newest_at_once_if_it_is_young(sampler: Sampler, clock: Clock, count: Count) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect, sampler.stream(1), [])
        await clock.advance(2.6)
        late: list[Snapshot] = []
        tasks.start_soon(collect, sampler.stream(1), late)
        await settle()
        assert [snap.seq for snap in late] == [2], "first paint, without a read"
        assert count.reads == 3
        await clock.advance(1)
        assert [snap.seq for snap in late] == [2, 3]
        tasks.cancel_scope.cancel()


async def test_a_newcomer_after_a_silence_reads_anew(sampler: Sampler, clock: Clock) -> None:
    first = await anext(sampler.stream(1))
    await clock.advance(100.2)
    snaps: list[Snapshot] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect, sampler.stream(1), snaps)
        await clock.advance(1)
        tasks.cancel_scope.cancel()
    assert first.seq == 0
    assert [snap.seq for snap in snaps] == [100, 101], "on the schedule that was there"
    assert sampler.statistics().missed == 0, "nobody was there to miss it"


async def test_a_slow_consumer_sees_the_newest_and_a_gap(sampler: Sampler, clock: Clock) -> None:
    quick: list[Snapshot] = []
    slow = sampler.stream(1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect, sampler.stream(1), quick)
        await clock.advance(0)
        assert (await anext(slow)).seq == 0
        await clock.advance(4.5)
        snap = await anext(slow)
        tasks.cancel_scope.cancel()
    assert snap.seq == 4
    assert snap is quick[4]
    assert [s.seq for s in quick] == [0, 1, 2, 3, 4], "the quick one was not held up"


async def test_late_ticks_are_skipped_and_never_bunched(sampler: Sampler, clock: Clock) -> None:
    stream = sampler.stream(1)
    snaps = [await anext(stream)]
    for busy in (0.2, 1.7, 3.4, 0.1, 2.55):
        clock.jump(busy)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(collect, stream, snaps, len(snaps) + 1)
            await clock.advance(1.0)
    gaps = [after.monotonic_ns - before.monotonic_ns for before, after in itertools.pairwise(snaps)]
    assert all(gap >= 0.5e9 for gap in gaps), f"never closer than half an interval: {gaps}"
    assert [snap.seq for snap in snaps] == sorted({snap.seq for snap in snaps})
    missed = snaps[-1].seq - len(snaps) + 1
    assert missed > 0
    assert sampler.statistics().missed == missed


async def test_a_tick_that_is_a_little_late_is_taken_and_counted(sampler: Sampler, clock: Clock) -> None:
    stream = sampler.stream(1)
    await anext(stream)
    clock.jump(1.3)
    snap = await anext(stream)
    assert snap.seq == 1
    assert sampler.statistics().late == 1
    assert sampler.statistics().missed == 0


async def test_align_puts_ticks_on_the_wall_clock(sampler: Sampler, clock: Clock) -> None:
    snaps: list[Snapshot] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect, sampler.stream(10, align=True), snaps)
        await clock.advance(35)
        tasks.cancel_scope.cancel()
    assert len(snaps) == 3
    assert all(snap.time % 10 == 0 for snap in snaps)


@pytest.mark.parametrize("step", [3600, -3600, -86400, 0.3, -0.4], ids=str)
async def test_a_step_of_the_wall_clock_costs_no_tick(sampler: Sampler, clock: Clock, step: float) -> None:
    plain: list[Snapshot] = []
    aligned: list[Snapshot] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect, sampler.stream(1), plain)
        tasks.start_soon(collect, sampler.stream(1, align=True), aligned)
        await clock.advance(5.9)
        clock.wall_ns += round(step * 1e9)
        await clock.advance(5)
        tasks.cancel_scope.cancel()
    assert times(plain) == [float(k) for k in range(11)], "the schedule is on the monotonic clock"
    assert [s.seq for s in aligned] == list(range(len(aligned)))
    gaps = [b.monotonic_ns - a.monotonic_ns for a, b in itertools.pairwise(aligned)]
    assert all(0.5e9 <= gap <= 1.5e9 for gap in gaps)
    assert aligned[-1].time % 1 == pytest.approx(0, abs=0.002), "and finds back to whole seconds"


async def test_cancelling_the_one_who_reads_hands_the_work_on(sampler: Sampler, clock: Clock, count: Count) -> None:
    count.turns = 30
    snaps: list[Snapshot] = []
    async with anyio.create_task_group() as tasks:
        reader = anyio.CancelScope()

        async def first() -> None:
            with reader:
                await anext(sampler.stream(1))

        tasks.start_soon(first)
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        assert count.reads == 1
        tasks.start_soon(collect, sampler.stream(1), snaps, 1)
        await anyio.lowlevel.checkpoint()
        reader.cancel()
        await settle()
    assert len(snaps) == 1
    assert count.ended == count.reads, "what was begun was ended"


@pytest.mark.parametrize("seed", range(20))
async def test_cancelling_at_any_await_harms_nobody(clock: Clock, seed: int) -> None:
    """Twelve consumers of streams and deltas; one after the other is cancelled at a random moment."""
    dice = random.Random(seed)
    source = Count(turns=7)
    sampler = Sampler([source], clock=clock)
    results: list[list[Snapshot | Delta]] = [[] for _ in range(12)]
    scopes = [anyio.CancelScope() for _ in results]

    async def consumer(i: int) -> None:
        with scopes[i]:
            stream = sampler.stream(1) if i % 3 else sampler.deltas(1)
            while True:
                results[i].append(await anext(stream))
                for _ in range(dice.randrange(4)):
                    await anyio.lowlevel.checkpoint()

    doomed = dice.sample(range(1, 12), 6)
    async with anyio.create_task_group() as tasks:
        for i in range(12):
            tasks.start_soon(consumer, i)
        for i in doomed:
            clock.now_ns += dice.randrange(3) * 300_000_000
            for _ in range(dice.randrange(40)):
                await anyio.lowlevel.checkpoint()
            scopes[i].cancel()
        await clock.advance(6)
        tasks.cancel_scope.cancel()
    for i, got in enumerate(results):
        if i not in doomed:
            seqs = [item.seq for item in got]
            assert seqs == sorted(set(seqs)), "in order, none twice"
            assert len(seqs) >= 3
    assert source.ended == source.reads
    assert sampler._reader._engine.flights == {}


async def test_a_call_that_times_out_loses_nothing(sampler: Sampler, clock: Clock) -> None:
    stream = sampler.stream(1)
    assert (await anext(stream)).seq == 0
    task = asyncio.ensure_future(anext(stream))
    await settle()
    task.cancel()
    await settle()
    task = asyncio.ensure_future(anext(stream))
    await clock.advance(1)
    assert (await task).seq == 1


async def test_sources_with_a_cadence_carry_their_last_value(clock: Clock) -> None:
    often, seldom = Count("often"), Count("seldom")
    sampler = Sampler([often, seldom], cadence={seldom: 5}, clock=clock)
    snaps: list[Snapshot] = []
    for _ in range(11):
        snaps.append(await sampler.sample())
        clock.jump(1)
    assert [snap[often] for snap in snaps] == list(range(1, 12))
    assert [snap[seldom] for snap in snaps] == [1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3]
    assert snaps[1].read_ns["seldom"] == snaps[4].read_ns["seldom"]


async def test_until(sampler: Sampler, clock: Clock, count: Count) -> None:
    task = asyncio.ensure_future(sampler.until(lambda snap: snap[count] >= 4, interval=1))
    await clock.advance(10)
    assert (await task)[count] == 4


async def test_until_passes_on_what_the_predicate_raises(sampler: Sampler) -> None:
    def broken(snap: Snapshot) -> bool:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await sampler.until(broken)


async def test_deltas_start_with_the_second_sample_and_are_shared(clock: Clock) -> None:
    sampler = Sampler([STAT], clock=clock)
    one: list[Delta] = []
    two: list[Delta] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect, sampler.deltas(1), one)
        tasks.start_soon(collect, sampler.deltas(1), two)
        await clock.advance(3)
        tasks.cancel_scope.cancel()
    assert [delta.seq for delta in one] == [1, 2, 3]
    assert all(a is b for a, b in zip(one, two, strict=True)), "computed once"


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf")])
async def test_an_interval_that_makes_no_sense(sampler: Sampler, interval: Any) -> None:
    with pytest.raises(ValueError, match="above 0"):
        sampler.stream(interval)
    with pytest.raises(ValueError, match="above 0"):
        sampler.deltas(interval)


def test_things_that_are_no_sources() -> None:
    for wrong in ("meminfo", [MEMINFO, "stat"], MEMINFO, [None]):
        with pytest.raises(TypeError, match=r"not a source|pass a list"):
            Sampler(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="two sources are called 'count'"):
        Sampler([Count(), Count()])
    with pytest.raises(ValueError, match="not sampled"):
        Sampler([STAT], cadence={MEMINFO: 5})
    with pytest.raises(ValueError, match="above 0"):
        Sampler([STAT], deadlines={STAT: 0})


async def test_a_closed_sampler_says_so(sampler: Sampler, clock: Clock) -> None:
    stream = sampler.stream(1)
    async with sampler:
        await anext(stream)
    sampler.close()
    for use in (sampler.sample, stream.__anext__, sampler.deltas, sampler.__aenter__):
        with pytest.raises(RuntimeError, match="closed"):
            await use()  # type: ignore[misc]
    with pytest.raises(RuntimeError, match="closed"):
        sampler.sample_sync()


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8])
async def test_closed_in_the_middle_of_a_read(turns: int) -> None:
    """Whoever waits is told at once; what was not read is never shown as a value."""
    held, slow, table = threading.Event(), anyio.Event(), processes("status")
    sampler = Sampler([LOADAVG, STAT, CLASS_NET, table], deadlines={CLASS_NET: 30, table: 30})
    loop = asyncio.get_running_loop()

    def hang(request: Request) -> Any:
        loop.call_soon_threadsafe(slow.set)
        held.wait(30)
        return Failure(Reason.MISSING, request.path, "ENOENT")

    sampler._reader.pool._perform = hang
    waiting = [asyncio.ensure_future(sampler.sample()) for _ in range(2)]
    waiting += [asyncio.ensure_future(sampler.stream(60).__anext__()) for _ in range(2)]
    waiting += [asyncio.ensure_future(sampler.deltas(60).__anext__())]  # type: ignore[list-item]
    try:
        if turns:
            for _ in range(turns):
                await asyncio.sleep(0)
        else:
            await slow.wait()
            await asyncio.sleep(0.01)
        started = time.monotonic()
        sampler.close()
        ends = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 10)
        assert time.monotonic() - started < 5
    finally:
        held.set()
    assert [str(end) for end in ends] == ["this sampler is closed"] * len(ends)
    assert all(type(end) is RuntimeError for end in ends)
    assert sampler.statistics().ticks == 0
    assert sampler.statistics().descriptors == 0


async def test_closed_between_two_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same where nothing is slow but there is a lot of it."""
    monkeypatch.setattr("procpulse.reader.engine.SLICE_NS", 0)
    monkeypatch.setattr("procpulse.reader.processes.SLICE_NS", 0)
    for sources in ([LOADAVG, STAT, MEMINFO], [processes()]):
        for turns in range(5):
            sampler = Sampler(sources)
            waiting = asyncio.ensure_future(sampler.sample())
            for _ in range(turns):
                await asyncio.sleep(0)
            assert not waiting.done()
            sampler.close()
            with pytest.raises(RuntimeError, match="closed"):
                await waiting


def test_a_forked_child_says_so() -> None:
    sampler = Sampler([LOADAVG])
    sampler.sample_sync()
    read_end, write_end = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            sampler.sample_sync()
            os.write(write_end, b"no error")
        except RuntimeError as error:
            os.write(write_end, str(error).encode())
            sampler.close()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(write_end)
    assert b"fork" in os.read(read_end, 1000)
    os.close(read_end)
    assert sampler.sample_sync()[LOADAVG]
    sampler.close()


async def test_one_shots() -> None:
    snap = await Sampler([STAT, MEMINFO]).sample()
    assert snap[MEMINFO].mem_total_bytes > 0
    assert (await read(MEMINFO)).mem_total_bytes == snap[MEMINFO].mem_total_bytes
    assert snap.host.boot_id
    assert snap.host.name == os.uname().nodename


def test_one_shot_without_a_loop() -> None:
    assert read_sync(MEMINFO).mem_total_bytes > 0


def run(code: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("backend", ["asyncio", "uvloop", "trio"])
def test_works_on_every_loop(backend: str) -> None:
    result = run(f"""
        import anyio
        from procpulse import Sampler
        from procpulse.sources import STAT, CLASS_NET, STATFS, processes

        async def main():
            async with Sampler([STAT, CLASS_NET, STATFS, processes("io", "cmdline")]) as sampler:
                async with anyio.create_task_group() as tasks:
                    async def consumer():
                        seen = 0
                        async for delta in sampler.deltas(0.05):
                            assert delta[STAT]
                            seen += 1
                            if seen == 5:
                                break
                    for _ in range(3):
                        tasks.start_soon(consumer)
                assert sampler.statistics().failures.get("bug", 0) == 0

        name = {backend!r}
        options = {{"use_uvloop": True}} if name == "uvloop" else {{}}
        anyio.run(main, backend="asyncio" if name == "uvloop" else name, backend_options=options)
        print("done")
    """)
    assert result.stdout == "done\n", result.stderr


def test_importing_is_light() -> None:
    result = run("""
        import sys
        import procpulse
        heavy = "starlette fastapi uvicorn websockets httptools rich textual aiofiles prometheus_client asyncio argparse psutil trio".split()
        print([name for name in heavy if name in sys.modules])
    """)
    assert result.stdout == "[]\n", result.stdout + result.stderr


# Time, and turns.


async def test_who_is_late_at_every_tick_leaves_others_their_turn() -> None:
    sampler = Sampler([LOADAVG])
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.ensure_future(other())
    ticks = 0
    async for _ in sampler.stream(0.001):
        end = time.monotonic() + 0.003  # more than the interval: it never has to wait for the next tick
        while time.monotonic() < end:
            pass
        ticks += 1
        if ticks == 30:
            break
    assert turns >= 30, "a turn per tick at least"
    task.cancel()
    sampler.close()


@pytest.mark.parametrize("interval", [60.0, 0.5])
async def test_read_times_are_those_of_the_clock_of_the_schedule(clock: Clock, interval: float) -> None:
    """A clock that stands still while files are read: rates are over the time that it tells."""
    table = processes()
    sampler = Sampler([STAT, LOADAVG, table], clock=clock, deadlines={table: 60})
    deltas: list[Delta] = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(collect, sampler.deltas(interval), deltas, 3)
        for _ in range(4):
            await _read_on(sampler, clock)
            await clock.advance(interval)
    for delta in deltas:
        assert delta.seconds(STAT) == interval
        assert {elapsed / 1e9 for elapsed in delta.rows_elapsed_ns["processes"].values()} == {interval}
    sampler.close()


async def _read_on(sampler: Sampler, clock: Clock) -> None:
    """Let a read of real files come to its end."""
    for _ in range(200):
        await settle()
        if all(schedule.taking is None for schedule in sampler._schedules.values()):
            return
        await asyncio.sleep(0.01)


async def test_a_clock_that_runs_at_another_speed(clock: Clock) -> None:
    class Fast(Clock):
        def monotonic_ns(self) -> int:
            return 1000 + time.monotonic_ns() * 10

    count = Count(turns=50)
    snapshot = await Sampler([LOADAVG, count], clock=Fast()).sample()
    now = Fast().monotonic_ns()
    assert snapshot.monotonic_ns <= snapshot.read_ns["loadavg"] <= snapshot.read_ns["count"] <= now


async def test_what_has_no_turn_says_so_and_is_the_first_of_the_next_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host so slow that a tick's time is over before every source had its turn."""

    class Slow(Count):
        def steps(self, reading: Any) -> Any:
            yield ()
            end = time.monotonic() + 0.03
            while time.monotonic() < end:
                pass
            self.reads += 1
            return self.reads

    monkeypatch.setattr("procpulse.sampler.DEADLINE", 0.1)
    sources = [Slow(f"slow{i}") for i in range(12)]
    sampler = Sampler(sources)
    untried: list[set[str]] = []
    async for snapshot in sampler.stream(0.1):
        missing = {failure.detail for failure in snapshot.failures.values()}
        assert all("not tried" in detail for detail in missing), missing
        assert snapshot.values.keys() | snapshot.failures.keys() == {source.name for source in sources}
        if untried:
            assert untried[-1] - snapshot.failures.keys() or not untried[-1], "some of them got their turn first"
        untried.append(set(snapshot.failures))
        if len(untried) == 12:
            break
    assert any(untried), "it was not slow enough to tell anything"
    assert min(source.reads for source in sources) >= 2, "everybody has had turns"
    found = await sampler.sample()
    assert not found.failures, "a sample by itself tries everything"
    sampler.close()


async def test_a_deadline_counts_what_a_source_itself_takes() -> None:
    """Many sources, each within its deadline: together they take longer than any of them may."""

    class Slow(Count):
        def steps(self, reading: Any) -> Any:
            for _ in range(2):
                [found] = yield [Request_(f"/proc/{self.name}", slow=True)]
                assert not isinstance(found, Failure), found
            return 1

    from procpulse.source import Read as Request_

    sources = [Slow(f"slow{i}") for i in range(20)]
    sampler = Sampler(sources, deadlines=dict.fromkeys(sources, 0.3))

    def perform(request: Request) -> Any:
        time.sleep(0.02)
        return b"1\n" if request.path.startswith("/proc/slow") else Failure(Reason.MISSING, request.path)

    sampler._reader.pool._perform = perform
    began = time.monotonic()
    snapshot = await sampler.sample()
    assert time.monotonic() - began > 0.3, "it took longer than each may"
    assert not snapshot.failures
    sampler.close()


async def test_streams_can_be_closed() -> None:
    import contextlib

    async with Sampler([LOADAVG]) as sampler:
        for make in (sampler.stream, sampler.deltas):
            async with contextlib.aclosing(make(0.01)) as items:
                assert (await anext(items)).interval == 0.01
            with pytest.raises(StopAsyncIteration):
                await anext(items)


async def test_intervals_of_every_kind() -> None:
    from datetime import timedelta
    from decimal import Decimal
    from fractions import Fraction

    async with Sampler([LOADAVG]) as sampler:
        for interval in (Decimal("0.5"), Fraction(1, 2), timedelta(milliseconds=500), 0.5):
            assert (await anext(sampler.stream(interval))).interval == 0.5
        for nonsense in (1e300, 10**400, float("nan"), float("inf"), -1, 0, Decimal(0), timedelta(0)):
            with pytest.raises(ValueError, match="above 0 seconds and at most 1000000000"):
                sampler.stream(nonsense)
        for other in ("1s", b"1", None, True, [1]):
            with pytest.raises(TypeError, match="number of seconds or a timedelta"):
                sampler.stream(other)  # type: ignore[arg-type]
