"""The slow lane: a file that hangs costs itself, and nothing waits for it."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from procpulse.reader import pool as module
from procpulse.reader.pool import PATIENCE_NS, Batch, Pool
from procpulse.source import Failure, Read, Reason, Request


class Disk:
    """Answers requests; some paths hang until they are released."""

    def __init__(self) -> None:
        self.hanging: dict[str, threading.Event] = {}
        self.asked: list[str] = []

    def hang(self, *paths: str) -> None:
        for path in paths:
            self.hanging[path] = threading.Event()

    def release(self, *paths: str) -> None:
        for path in paths:
            self.hanging.pop(path).set()

    def perform(self, request: Request) -> Any:
        self.asked.append(request.path)
        event = self.hanging.get(request.path)
        if event is not None:
            event.wait(30)
        return request.path.encode()


@pytest.fixture
def disk() -> Iterator[Disk]:
    disk = Disk()
    yield disk
    disk.release(*list(disk.hanging))


@pytest.fixture
def pool(disk: Disk) -> Iterator[Pool]:
    pool = Pool(disk.perform)
    yield pool
    pool.close()


def requests(*paths: str) -> list[Request]:
    return [Read(path) for path in paths]


class Waiter:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._landed = threading.Event()

    def start(self, *paths: str) -> Batch:
        return self._pool.submit(requests(*paths), lambda batch: self._landed.set())

    def wait(self, batch: Batch, deadline: float = 10.0) -> list[Any]:
        """Look after the pool as the engine does, until the batch has landed or its deadline has come."""
        end = time.monotonic() + deadline
        while not self._landed.wait(PATIENCE_NS / 1e9):
            if time.monotonic() >= end:
                self._pool.expire(batch)
                break
            self._pool.watch()
        self._landed.clear()
        return batch.answers

    def ask(self, *paths: str, deadline: float = 10.0) -> list[Any]:
        return self.wait(self.start(*paths), deadline)


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "never came true"
        time.sleep(0.005)


def test_answers_in_order(pool: Pool) -> None:
    paths = [f"/proc/{i}" for i in range(100)]
    assert Waiter(pool).ask(*paths) == [path.encode() for path in paths]
    assert pool.threads == 1, "one batch needs one thread"


def test_a_hung_file_costs_its_own_answer(disk: Disk, pool: Pool) -> None:
    disk.hang("/b")
    answers = Waiter(pool).ask("/a", "/b", "/c", "/d", deadline=0.3)
    assert [answers[0], *answers[2:]] == [b"/a", b"/c", b"/d"]
    assert answers[1].reason is Reason.TIMEOUT
    assert list(pool.stuck) == ["/b"]
    assert pool.threads <= 3


def test_a_slow_file_is_waited_for_while_others_go_on(disk: Disk, pool: Pool) -> None:
    disk.hang("/slow")
    waiter = Waiter(pool)
    batch = waiter.start("/slow", "/a")
    threading.Timer(0.2, lambda: disk.release("/slow")).start()
    assert waiter.wait(batch) == [b"/slow", b"/a"]
    assert pool.stuck == {}
    assert waiter.ask("/slow") == [b"/slow"], "it was slow, not hung: it is asked for again"


def test_a_slow_file_is_waited_for_by_all_who_ask_for_it(disk: Disk, pool: Pool) -> None:
    """Where one thread had no turn for a while, as on a busy machine, it is no hung file for another source."""
    waiters = [Waiter(pool) for _ in range(3)]
    disk.hang("/slow")
    batch = waiters[0].start("/slow")
    eventually(lambda: pool.watch() or "/slow" in pool.stuck)
    others = [waiter.start("/slow", "/other") for waiter in waiters[1:]]
    threading.Timer(0.2, lambda: disk.release("/slow")).start()
    assert waiters[0].wait(batch) == [b"/slow"]
    assert [waiter.wait(other) for waiter, other in zip(waiters[1:], others, strict=True)] == [
        [b"/slow", b"/other"]
    ] * 2
    assert disk.asked.count("/slow") == 3


def test_a_file_of_a_device_is_asked_for_when_another_source_has_had_its_answer(disk: Disk, pool: Pool) -> None:
    disk.hang("/sys/d/slow")
    one, other = Waiter(pool), Waiter(pool)
    batch = one.start("/sys/d/slow")
    eventually(lambda: pool.watch() or "/sys/d/slow" in pool.stuck)
    later = other.start("/sys/d/quick")
    threading.Timer(0.2, lambda: disk.release("/sys/d/slow")).start()
    started = time.monotonic()
    assert one.wait(batch) == [b"/sys/d/slow"]
    assert other.wait(later) == [b"/sys/d/quick"]
    assert time.monotonic() - started < 5, "not at its deadline"


def test_a_hung_file_is_asked_for_once(disk: Disk, pool: Pool) -> None:
    disk.hang("/b")
    waiter = Waiter(pool)
    for _ in range(20):
        started = time.monotonic()
        answers = waiter.ask("/a", "/b", deadline=0.2)
        assert answers[1].reason is Reason.TIMEOUT
    assert time.monotonic() - started < 0.1, "after the first time nobody waits for it"
    assert disk.asked.count("/b") == 1
    assert pool.threads <= 3


def test_it_recovers(disk: Disk, pool: Pool) -> None:
    disk.hang("/b")
    waiter = Waiter(pool)
    waiter.ask("/b", deadline=0.1)
    disk.release("/b")
    eventually(lambda: not pool.stuck)
    assert waiter.ask("/b") == [b"/b"], "at once after the first hang"


def test_a_file_that_hangs_again_and_again_is_left_alone_for_longer(disk: Disk, pool: Pool) -> None:
    waiter = Waiter(pool)
    for _ in range(2):
        disk.hang("/b")
        waiter.ask("/b", deadline=0.1)
        disk.release("/b")
        eventually(lambda: not pool.stuck)
    [answer] = waiter.ask("/b")
    assert isinstance(answer, Failure)
    assert answer.detail == "hung before; asked again later"


def test_files_that_hung_once_are_not_remembered_for_ever(
    disk: Disk, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of processes that are gone are never asked for again (F37)."""
    monkeypatch.setattr(module, "_REMEMBERED", 4)
    waiter = Waiter(pool)
    for i in range(8):
        disk.hang(f"/f{i}")
        waiter.ask(f"/f{i}", deadline=0.0)
        disk.release(f"/f{i}")
        eventually(lambda: not pool.stuck)
    assert len(pool._trouble) <= 4


CHIP = [f"/sys/class/hwmon/hwmon0/temp{i}_input" for i in range(1, 6)]
OTHER = "/sys/class/hwmon/hwmon1/temp1_input"


def test_a_device_that_answers_late_is_asked_one_thing_at_a_time(disk: Disk, pool: Pool) -> None:
    disk.hang(CHIP[1])
    waiter = Waiter(pool)
    batch = waiter.start(*CHIP, OTHER)
    deadline = time.monotonic() + 10
    while OTHER not in disk.asked and time.monotonic() < deadline:
        time.sleep(0.01)
        pool.watch()
    assert disk.asked == [CHIP[0], CHIP[1], OTHER], "another device does not wait, the rest of this one does"
    disk.release(CHIP[1])
    assert waiter.wait(batch) == [path.encode() for path in (*CHIP, OTHER)]
    assert disk.asked == [CHIP[0], CHIP[1], OTHER, *CHIP[2:]]


def test_a_file_that_hangs_for_good_costs_itself_only(disk: Disk, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_NS", 200_000_000)
    disk.hang(CHIP[1])
    waiter = Waiter(pool)
    answers = waiter.ask(*CHIP, OTHER, deadline=1.0)
    assert answers[1].reason is Reason.TIMEOUT
    assert [answers[0], *answers[2:]] == [path.encode() for path in (CHIP[0], *CHIP[2:], OTHER)]
    answers = waiter.ask(*CHIP, OTHER, deadline=5.0)
    assert answers[1].reason is Reason.TIMEOUT, "it is known to hang: nobody waits for it again"
    assert [answers[0], *answers[2:]] == [path.encode() for path in (CHIP[0], *CHIP[2:], OTHER)]
    assert disk.asked.count(CHIP[1]) == 1


def test_eight_hung_files_of_three_hundred(disk: Disk, pool: Pool) -> None:
    paths = [f"/f{i}" for i in range(300)]
    hung = paths[10:300:37]
    assert len(hung) == 8
    disk.hang(*hung)
    waiter = Waiter(pool)
    answers = waiter.ask(*paths, deadline=1.0)
    for path, answer in zip(paths, answers, strict=True):
        if path in hung:
            assert answer.reason is Reason.TIMEOUT
        else:
            assert answer == path.encode()
    assert pool.threads <= 10
    started = time.monotonic()
    answers = waiter.ask(*paths, deadline=1.0)
    assert time.monotonic() - started < 0.5
    assert sum(isinstance(answer, Failure) for answer in answers) == 8
    disk.release(*hung)
    eventually(lambda: not pool.stuck)
    assert all(isinstance(answer, bytes) for answer in waiter.ask(*paths))


def test_when_too_many_hang_the_lane_closes_and_says_so(disk: Disk, pool: Pool) -> None:
    hung = [f"/f{i}" for i in range(14)]
    disk.hang(*hung)
    waiter = Waiter(pool)
    answers = waiter.ask(*hung, "/fine", deadline=1.5)
    assert pool.threads == 10, "two at work and eight spare, and never more"
    assert answers[-1].reason is Reason.TIMEOUT
    assert "every reader is held up" in answers[-1].detail
    [answer] = waiter.ask("/fine", deadline=0.2)
    assert answer.reason is Reason.TIMEOUT
    disk.release(*hung)
    eventually(lambda: not pool.stuck)
    assert waiter.ask("/fine") == [b"/fine"], "and opens again"


def test_an_answer_that_comes_after_the_deadline_goes_nowhere(disk: Disk, pool: Pool) -> None:
    disk.hang("/b")
    waiter = Waiter(pool)
    batch = waiter.start("/b")
    [answer] = waiter.wait(batch, deadline=0.1)
    disk.release("/b")
    eventually(lambda: not pool.stuck)
    assert batch.answers == [answer]


def test_closing_waits_for_nobody(disk: Disk, pool: Pool) -> None:
    disk.hang("/b")
    batch = Waiter(pool).start("/b", "/c")
    eventually(lambda: bool(disk.asked))
    started = time.monotonic()
    pool.close()
    assert time.monotonic() - started < 0.1
    assert batch.left == 2
    disk.release("/b")
    eventually(lambda: pool.threads == 0)


def test_an_error_of_our_own_is_told_and_ends_no_worker() -> None:
    def perform(request: Request) -> Any:
        if request.path == "bad":
            raise TypeError("no such thing")
        return request.path.encode()

    pool = Pool(perform)
    [good, bad, more] = Waiter(pool).ask("a", "bad", "b")
    pool.close()
    assert (good, more) == (b"a", b"b")
    assert bad.reason is Reason.BUG
    assert "TypeError: no such thing" in bad.detail
