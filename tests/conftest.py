"""What tests share: fixture trees, a clock of their own, and marks for what a test needs of the machine."""

import heapq
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import anyio
import pytest

from procpulse import Roots
from procpulse.source import Reading, Source, Steps

FIXTURES = Path(__file__).parent.parent / "fixtures"
NEEDS = ("root", "server", "browser")

ALONE = re.compile(
    r"tests/(judges/|faults/test_(forks|devices|device_streams|confined|growth|hanging|crowds|pids)\.py"
    r"|test_(structure|web_load|processes\w*)\.py)"
)
"""What watches the host, counts or loads it: tests that run one after the other, with nothing beside them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if ALONE.match(item.path.relative_to(FIXTURES.parent).as_posix()):
            item.add_marker("alone")
        for kind in NEEDS:
            if item.get_closest_marker(kind):
                item.user_properties.append(("needs", kind))
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))


def program(name: str) -> str:
    """The path of a program that a test compares with; the test is skipped where it is not installed, never in CI."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed; .ci/run installs it")
        pytest.skip(f"{name} is not installed")
    return path


def trees() -> list[Path]:
    """Every fixture tree."""
    return sorted(path for path in FIXTURES.iterdir() if path.is_dir())


def roots(tree: Path) -> Roots:
    """The roots of a fixture tree."""
    return Roots(proc=str(tree / "proc"), sys=str(tree / "sys"))


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_ns = 1_000_000_000_000
        self.wall_ns = 1_800_000_000_250_000_000
        self._sleepers: list[tuple[int, int, anyio.Event]] = []
        self._count = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def time_ns(self) -> int:
        return self.wall_ns

    async def sleep_until(self, monotonic_ns: int) -> None:
        if monotonic_ns <= self.now_ns:
            await anyio.lowlevel.checkpoint()
            return
        event = anyio.Event()
        self._count += 1
        heapq.heappush(self._sleepers, (monotonic_ns, self._count, event))
        await event.wait()

    def jump(self, seconds: float) -> None:
        """Let time pass without waking anybody: the loop was busy."""
        self.now_ns += round(seconds * 1e9)
        self.wall_ns += round(seconds * 1e9)

    async def advance(self, seconds: float) -> None:
        """Let time pass; everybody whose time has come runs at their own moment."""
        await settle()
        end = self.now_ns + round(seconds * 1e9)
        while self._sleepers and self._sleepers[0][0] <= end:
            when, _, event = heapq.heappop(self._sleepers)
            if when > self.now_ns:
                self.wall_ns += when - self.now_ns
                self.now_ns = when
            event.set()
            await settle()
        self.wall_ns += end - self.now_ns
        self.now_ns = end
        await settle()


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(50):
        await anyio.lowlevel.checkpoint()


class Count(Source[int]):
    """A source without a file: how often it has been read. Its reads take some turns of the loop."""

    def __init__(self, name: str = "count", turns: int = 3):
        super().__init__(name, "/proc/count", int, lambda file: 0)
        self.reads = 0
        self.ended = 0
        self.turns = turns

    def steps(self, reading: Reading) -> Steps[int]:
        self.reads += 1
        try:
            for _ in range(self.turns):
                yield ()
        finally:
            self.ended += 1
        return self.reads


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """An empty tree, with proc and sys."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "sys").mkdir()
    return tmp_path


@contextmanager
def serving(command: list[str]) -> Iterator[str]:
    """Run a server on a free port of the loopback; yield its address once it answers. `{port}` stands for the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [word.format(port=port) for word in command],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        end = time.monotonic() + 20
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            assert process.poll() is None, process.communicate()[0].decode()
            assert time.monotonic() < end, "it did not start"
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
