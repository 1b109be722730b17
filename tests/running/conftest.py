"""Where tests of trees that change have them, and how much they compared."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running.pairing import COMPARED


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A directory for a tree; in memory where that can be had, since thousands of files are written at each tick."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if COMPARED:
        terminalreporter.section("streams compared with new readers")
        terminalreporter.line(", ".join(f"{what}: {count}" for what, count in sorted(COMPARED.items())))
