"""What a tick asks of the kernel: how many system calls, and no file twice. Counted, not timed."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import pytest

from procpulse import Roots, Sampler, catalog
from procpulse.catalog import default_sources
from procpulse.reader import Reader
from procpulse.source import Read, Request, Source
from procpulse.sources import processes
from tests.conftest import program

PROGRAM = """
import os, sys
from procpulse import Sampler
from procpulse.sources import PROCESSES
sampler = Sampler([PROCESSES] if sys.argv[2] == "processes" else None)
for tick in range(int(sys.argv[1])):
    rows = sampler.sample_sync()
print(len(rows.values.get("processes", ())))
os._exit(0)
"""


def calls(tmp_path: Path, ticks: int, what: str) -> tuple[Counter[str], int]:
    """System calls of a program that takes so many samples, by name; and how many processes it saw."""
    counts = tmp_path / f"{ticks}"
    command = [
        program("strace"),
        "-f",
        "-qq",
        "-c",
        "-U",
        "name,calls",
        "-o",
        str(counts),
        sys.executable,
        "-c",
        PROGRAM,
    ]
    done = subprocess.run([*command, str(ticks), what], capture_output=True, text=True, check=True)
    table = [line.split() for line in counts.read_text().splitlines()]
    found = {row[0]: int(row[1]) for row in table if len(row) == 2 and row[1].isdigit() and row[0] != "total"}
    return Counter(found), int(done.stdout)


def a_tick(tmp_path: Path, what: str) -> tuple[dict[str, float], int]:
    """System calls of one more tick: the difference of two runs of other length."""
    few, _ = calls(tmp_path, 5, what)
    many, rows = calls(tmp_path, 45, what)
    return {name: (many[name] - few[name]) / 40 for name in many.keys() | few.keys()}, rows


def test_a_tick_reads_each_process_once(tmp_path: Path) -> None:
    each, rows = a_tick(tmp_path, "processes")
    assert rows * 0.9 <= each["pread64"] <= rows * 1.3 + 10, each
    rest = sum(count for name, count in each.items() if name not in ("pread64", "openat", "close"))
    assert rest <= 30, each  # to count and to list them
    assert each.get("openat", 0) <= 0.3 * rows, each  # those that came meanwhile


def test_a_tick_of_the_whole_host_opens_next_to_nothing(tmp_path: Path) -> None:
    each, _ = a_tick(tmp_path, "host")
    files = Sampler()
    files.sample_sync()
    before = files.statistics().files
    files.sample_sync()
    read = files.statistics().files - before
    files.close()
    assert read <= each["pread64"] <= 2.5 * read, each
    assert each.get("openat", 0) <= 0.2 * read, each
    assert sum(each.values()) <= 4 * read, each


def test_no_file_is_read_twice_a_tick() -> None:
    asked: list[Request] = []
    reader = Reader(Roots(), observe=lambda request, answer: asked.append(request))

    def paths(*sources: Source[Any]) -> Counter[str]:
        asked.clear()
        reader.read_sync(sources, lambda source: 2.0)
        return Counter(request.path for request in asked if isinstance(request, Read))

    paths(*default_sources())  # the first time the host is met, too
    together = paths(*default_sources())
    assert len(together) > 20
    assert set(together.values()) == {1}
    for name, source in catalog.sources().items():
        if name != "processes":
            twice = [path for path, count in paths(source).items() if count > 1]
            assert not twice, name
    reader.close()


def test_no_file_is_opened_twice_a_tick_by_all_sources_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some of them read the same file: its descriptor is theirs together."""
    opened: Counter[Any] = Counter()
    plain = os.open

    def counting(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        fd = plain(path, flags, mode, dir_fd=dir_fd)
        if not S_ISDIR(os.fstat(fd).st_mode):
            opened[path] += 1
        return fd

    monkeypatch.setattr(os, "open", counting)
    sampler = Sampler(list(catalog.sources().values()))
    for _ in range(3):
        opened.clear()
        sampler.sample_sync()
        assert {path: count for path, count in opened.items() if count > 1} == {}
    sampler.close()


def test_no_file_of_a_process_is_opened_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: Counter[Any] = Counter()
    plain = os.open

    def counting(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        opened[path] += 1
        return plain(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", counting)
    sampler = Sampler([processes("io", "status")])
    pid = os.getpid()
    for tick in range(3):
        sampler.sample_sync()
        mine = {path: count for path, count in opened.items() if str(path).startswith(f"{pid}/")}
        assert set(mine) == {f"{pid}/stat", f"{pid}/io", f"{pid}/status"}
        assert set(mine.values()) == {1}, f"{tick}: kept open from then on"
    sampler.close()
