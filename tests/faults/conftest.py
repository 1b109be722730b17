"""Figures that tests of promises measure: shown at the end of a run, and kept in docs/promises.md by hand."""

from collections.abc import Callable
from typing import Any

import pytest

_FIGURES: list[str] = []


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, Any], None]:
    """Tell a figure that this test has measured, with the promise it belongs to."""

    def tell(what: str, value: Any) -> None:
        shown = f"{value:.4g}" if isinstance(value, float) else str(value)
        _FIGURES.append(f"{what}: {shown}  ({request.node.name})")

    return tell


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _FIGURES:
        terminalreporter.section("figures of promises")
        for line in _FIGURES:
            terminalreporter.line(line)
