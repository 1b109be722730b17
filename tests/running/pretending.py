"""A clock that a test moves, and plain trees that answer as the kernel's own file systems do."""

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import procpulse.reader.confine
import procpulse.reader.entries
import procpulse.reader.files
import procpulse.reader.processes
from procpulse import Sampler
from procpulse.reader import Reader


class Time:
    """The clocks of this machine, ahead by as much as the test says; for a sampler, and for readers as well."""

    def __init__(self) -> None:
        self.ahead_ns = 0

    def jump(self, seconds: float) -> None:
        self.ahead_ns += int(seconds * 1e9)

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() + self.ahead_ns

    def time_ns(self) -> int:
        return time.time_ns() + self.ahead_ns

    async def sleep_until(self, monotonic_ns: int) -> None:
        self.ahead_ns += max(0, monotonic_ns - self.monotonic_ns())


@contextmanager
def moving_time() -> Iterator[Time]:
    """A clock that readers go by, too, as long as this lasts."""
    clock = Time()
    with pytest.MonkeyPatch.context() as patch:
        for name, module in list(sys.modules.items()):
            if name.startswith("procpulse.reader") and hasattr(module, "monotonic_ns"):
                patch.setattr(module, "monotonic_ns", clock.monotonic_ns)
        yield clock


class _System:
    """The module `os`, where the file systems of a tree are as large as their mount points are long."""

    def __init__(self, tree: Path, clock: Time):
        self._tree = str(tree)
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def statvfs(self, path: str) -> os.statvfs_result:
        blocks, used = 1000 * len(path), self._clock.ahead_ns // 10**9 % 1000
        return os.statvfs_result((4096, 4096, blocks, blocks - used, blocks - used, 500, 500 - used % 7, 490, 0, 255))


class _Kernel(_System):
    """The same, whose descriptors answer as those of procfs and sysfs do once their file is gone."""

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        if not os.fstat(fd).st_nlink:
            path = os.readlink(f"/proc/self/fd/{fd}").removeprefix(self._tree)
            if path.startswith("/proc/sys/"):
                code = errno.ENOENT
            elif path.startswith("/proc/"):
                code = errno.ESRCH if path[6:7].isdigit() else errno.EIO
            else:
                code = errno.ENODEV
            raise OSError(code, os.strerror(code))
        return os.pread(fd, size, offset)


@contextmanager
def as_files(tree: Path, clock: Time) -> Iterator[None]:
    """Readers take the tree for the plain files that it is: they may hang, so they are read by threads, and none is kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(procpulse.reader.files, "os", _System(tree, clock))
        yield


@contextmanager
def as_kernel(tree: Path, clock: Time) -> Iterator[None]:
    """Readers take the tree for a procfs and a sysfs: they answer at once, and descriptors of theirs are kept."""
    files = procpulse.reader.files
    real = files._mount_points()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            files, "_mount_points", lambda: [(f"{tree}/proc", "proc", []), (f"{tree}/sys", "sysfs", []), *real]
        )
        patch.setattr(procpulse.reader.confine, "_file_system", partial(_kind, tree))
        for module in (files, procpulse.reader.entries, procpulse.reader.processes):
            patch.setattr(module, "os", _Kernel(tree, clock))
        yield


def _kind(tree: Path, fd: int) -> str:
    """What the file system of a root is taken for."""
    return {f"{tree}/proc": "proc", f"{tree}/sys": "sysfs"}.get(os.readlink(f"/proc/self/fd/{fd}"), "")


LANES = {"plain": as_files, "kernel": as_kernel}


def as_it_is(sampler: Sampler) -> Sampler:
    """Let a sampler find `/proc/net` and `/proc/self` where a tree has them, whatever it is taken for."""
    reader_as_it_is(sampler._reader)
    return sampler


def reader_as_it_is(reader: Reader) -> Reader:
    """The same for a reader."""
    reader.files._init = False
    return reader
