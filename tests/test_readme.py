"""What README shows runs as it is written, one snippet after the other, as somebody does who pastes them into a REPL.

Only what never ends is cut short: a stream after two ticks, a wait after one look at its condition.
"""

import ast
import asyncio
import inspect
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette

from procpulse import Delta, Sampler, Snapshot

README = Path(__file__).parent.parent / "README.md"


def snippets() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.M | re.S)


@pytest.fixture
def shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams of two ticks, as quick as they may be, and conditions that are looked at once."""
    stream, changes = Sampler.stream, Sampler.deltas

    async def two(ticks: AsyncIterator[Any]) -> AsyncGenerator[Any, None]:
        seen = 0
        async for tick in ticks:
            yield tick
            seen += 1
            if seen == 2:
                return

    def quick_stream(self: Sampler, interval: float = 1.0, *, align: bool = False) -> AsyncGenerator[Snapshot, None]:
        return two(stream(self, 0.05))

    def quick_deltas(self: Sampler, interval: float = 1.0, *, align: bool = False) -> AsyncGenerator[Delta, None]:
        return two(changes(self, 0.05))

    async def until(self: Sampler, predicate: Callable[[Snapshot], bool]) -> Snapshot:
        snapshot = await self.sample()
        assert predicate(snapshot) in (True, False)
        return snapshot

    monkeypatch.setattr(Sampler, "stream", quick_stream)
    monkeypatch.setattr(Sampler, "deltas", quick_deltas)
    monkeypatch.setattr(Sampler, "until", until)


def test_snippets_run_as_they_are_written(shortened: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"app": Starlette()}
    found = snippets()
    assert len(found) > 5
    for snippet in found:
        code = compile(snippet, "README.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(code, names)
        if inspect.iscoroutine(result):
            asyncio.run(result)
    assert (tmp_path / "night.ppr").stat().st_size
    assert [route.path for route in names["app"].routes] == ["/pulse"]
