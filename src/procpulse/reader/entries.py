"""What is known of one process or thread from one pass over the table to the next, and small helpers of the passes."""

import os
from typing import Any

from procpulse.process import Part
from procpulse.source import Failure, Read, Reading, Reason

LOOK = 4
"""Processes between two looks at the clock."""
CHUNK = 256
"""Processes, or threads, whose slow parts are asked for together."""
SMALL_CHUNK = 16
"""The same where descriptors are short: each holds one for as long."""
PIECE = 4096
UNKNOWN = -1
"""The identity of a process whose `stat` was not read yet."""


class PartState:
    """What is known of one part of one process."""

    __slots__ = ("data", "denied", "fd", "lost", "next_ns", "value")

    def __init__(self) -> None:
        self.fd = -1
        self.data: Any = None
        self.value: Any = None
        self.lost: tuple[Failure, ...] = ()
        """What of the data makes no sense: told at every pass, as long as the data is the same."""
        self.next_ns = 0
        self.denied: Failure | None = None
        """Why it is not tried again before that time: told at every pass until then."""

    def clear(self) -> bool:
        """There is no such part, and nothing wrong with that; return whether there was one."""
        there = self.data is not None
        self.data = self.value = self.denied = None
        self.lost = ()
        return there

    def tell(self, part: str, reading: Reading) -> None:
        """Note what was wrong when it was read."""
        if self.denied is not None:
            reading.note(part, self.denied)
        for failure in self.lost:
            reading.note(part, failure)


class Entry:
    """One process, or one thread."""

    __slots__ = ("data", "fd", "identity", "inode", "kept", "path", "pid", "row", "stat", "states", "threads")

    def __init__(self, pid: int, path: str, parts: int):
        self.pid = pid
        self.path = path
        """Its directory below /proc."""
        self.fd = -1
        """Its `stat`, open for as long as it lives (`kept`), or for one pass where the budget is used up."""
        self.kept = False
        self.identity = UNKNOWN
        self.inode = 0
        self.data = b""
        self.stat: Any = None
        self.row: Any = None
        self.states = [PartState() for _ in range(parts)]
        self.threads: dict[int, Any] | None = None
        """The rows of its threads, where they are asked for and can be read."""


def the_same(before: dict[int, Any] | None, now: dict[int, Any] | None) -> bool:
    """Whether these are the same rows, unchanged."""
    if before is None or now is None:
        return before is now
    return len(before) == len(now) and all(before.get(tid) is row for tid, row in now.items())


def numbers(names: list[tuple[str, int]]) -> list[int]:
    """The names that are ids."""
    return sorted(int(name) for name, _ in names if name.isascii() and name.isdecimal() and len(name) < 19)


def request_of(part: Part[Any], path: str, file: str | None = None) -> Read:
    """The request for the file of a part; what is clipped comes in one piece."""
    return Read(f"{path}/{file or part.path}", part.cap, part.slow, part.clip, clip=part.clip)


def is_missing(answer: Any) -> bool:
    """Whether the answer is that there is no such file."""
    return isinstance(answer, Failure) and answer.reason is Reason.MISSING


def read_whole(fd: int, cap: int) -> bytes:
    """The content of a file that the kernel hands out in one piece; `cap` bytes of it if there is more."""
    size = min(PIECE, cap)
    data = os.pread(fd, size, 0)
    while len(data) == size and size < cap:
        size = min(size * 4, cap)
        data = os.pread(fd, size, 0)
    return data


def program_of(stat: bytes) -> tuple[bytes, list[bytes]]:
    """What of a `stat` changes when the process becomes another program: its name, and where its arguments are.

    The places are the last columns but one, and 0 for who may not see them.
    """
    return stat[: stat.rfind(b")")], stat.rsplit(b" ", 5)[1:5]
