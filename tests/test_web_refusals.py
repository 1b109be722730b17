"""Refusals: what is told of them, and how they become slow."""

import asyncio

import pytest

from procpulse.web import refusals
from procpulse.web.refusals import Refusals


class _Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_line_per_minute_address_and_kind() -> None:
    clock, lines = _Clock(), list[str]()
    told = Refusals(clock, lines.append)
    for _ in range(100):
        told.note("10.0.0.7", "a wrong token")
    told.note("10.0.0.8", "a wrong token")
    told.note("10.0.0.7", "a page of another site")
    assert lines == [
        "refused 10.0.0.7: a wrong token",
        "refused 10.0.0.8: a wrong token",
        "refused 10.0.0.7: a page of another site",
    ]
    clock.now += 61
    told.flush()
    assert lines[3:] == ["refused 10.0.0.7: a wrong token, 99 times more within a minute"]
    clock.now += 61
    told.note("10.0.0.7", "a wrong token")
    assert lines[4:] == ["refused 10.0.0.7: a wrong token"]


async def test_what_was_counted_is_told_though_nobody_comes_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MINUTE", 0.05)
    lines: list[str] = []
    told = Refusals(tell=lines.append)
    for _ in range(7):
        told.note("a", "b")
    for _ in range(200):
        await asyncio.sleep(0.02)
        if len(lines) > 1:
            break
    assert lines == ["refused a: b", "refused a: b, 6 times more within a minute"]


def test_however_many_addresses_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_KINDS", 20)
    lines: list[str] = []
    told = Refusals(_Clock(), lines.append)
    for number in range(10_000):
        told.note(f"address {number}", "a wrong token")
    assert len(lines) < 25
    assert lines[-1].startswith("refused other addresses")
    assert len(told._told) < 25
    assert len(told._more) < 25


async def test_slower_and_slower_for_this_address_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = _Clock()
    slept: list[float] = []

    async def wait(self: Refusals, seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(Refusals, "_wait", wait)
    told = Refusals(clock, lambda line: None)
    for _ in range(14):
        assert await told.failed("one", "a wrong token")
    assert slept == [0.25, 0.5, 1, 2, 4, 8, 10, 10, 10]
    assert told.delay("one") == 10
    assert told.delay("two") == 0
    clock.now += 601
    assert told.delay("one") == 0
    assert await told.failed("one", "a wrong token")
    assert len(slept) == 9


async def test_bounded_addresses_and_bounded_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_ADDRESSES", 10)
    told = Refusals(_Clock(), lambda line: None)
    for number in range(1000):
        await told.failed(f"address {number}", "a wrong token")
    assert len(told._failures) == 10
    for _ in range(20):
        told._failures["one"] = (20, told._clock())
    tasks = [asyncio.create_task(told.failed("one", "a wrong token")) for _ in range(20)]
    await asyncio.sleep(0.05)
    assert [task.done() and task.result() is False for task in tasks] == [False] * 8 + [True] * 12
    assert told.busy("one")
    assert not told.busy("two")
    told.release()
    assert [await task for task in tasks] == [True] * 8 + [False] * 12, "the end lets those who wait have their answer"
    assert not told._waiting
