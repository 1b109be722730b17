"""/proc/sysvipc: shared memory, message queues and semaphores of System V, as `ipcs` shows them.

           key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid ...
    1627390003          4  1600               4194304  1702  2950      2  1000  1000  1000  1000 ...

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.source import PARSE_ERRORS
from procpulse.text import inert, integers, lines
from procpulse.tree import Bundle, Folder

T = TypeVar("T")


class SharedMemory(msgspec.Struct, frozen=True, gc=False):
    """One segment of shared memory."""

    shmid: Annotated[int, label("Number of the segment.")]
    key: Annotated[int, info("Key that it was made with; 0 for a private one.")]
    perms: Annotated[int, info("Permissions, as in the mode of a file.")]
    removed: Annotated[bool, info("Whether it goes away when the last process lets go of it.")]
    locked: Annotated[bool, info("Whether it may not be swapped out.")]
    size_bytes: Annotated[int, gauge("Its size.")]
    rss_bytes: Annotated[int, gauge("How much of it is in memory.")]
    swap_bytes: Annotated[int, gauge("How much of it is swapped out.")]
    attachments: Annotated[int, gauge("How often it is attached to a process.")]
    cpid: Annotated[int, info("Process that made it.")]
    lpid: Annotated[int, info("Process that attached or detached it last.")]
    uid: Annotated[int, info("Owner.")]
    gid: Annotated[int, info("Group of the owner.")]
    cuid: Annotated[int, info("User who made it.")]
    cgid: Annotated[int, info("Group of the user who made it.")]
    atime: Annotated[int, info("When it was attached last, in seconds since 1970; 0 for never.")]
    dtime: Annotated[int, info("When it was detached last; 0 for never.")]
    ctime: Annotated[int, info("When it was made or changed.")]


class MessageQueue(msgspec.Struct, frozen=True, gc=False):
    """One queue of messages."""

    msqid: Annotated[int, label("Number of the queue.")]
    key: Annotated[int, info("Key that it was made with; 0 for a private one.")]
    perms: Annotated[int, info("Permissions, as in the mode of a file.")]
    queued_bytes: Annotated[int, gauge("Size of the messages that wait in it.")]
    messages: Annotated[int, gauge("Messages that wait in it.")]
    lspid: Annotated[int, info("Process that sent last.")]
    lrpid: Annotated[int, info("Process that received last.")]
    uid: Annotated[int, info("Owner.")]
    gid: Annotated[int, info("Group of the owner.")]
    cuid: Annotated[int, info("User who made it.")]
    cgid: Annotated[int, info("Group of the user who made it.")]
    stime: Annotated[int, info("When a message was sent last, in seconds since 1970; 0 for never.")]
    rtime: Annotated[int, info("When a message was received last; 0 for never.")]
    ctime: Annotated[int, info("When it was made or changed.")]


class SemaphoreSet(msgspec.Struct, frozen=True, gc=False):
    """One set of semaphores."""

    semid: Annotated[int, label("Number of the set.")]
    key: Annotated[int, info("Key that it was made with; 0 for a private one.")]
    perms: Annotated[int, info("Permissions, as in the mode of a file.")]
    semaphores: Annotated[int, gauge("Semaphores in the set.")]
    uid: Annotated[int, info("Owner.")]
    gid: Annotated[int, info("Group of the owner.")]
    cuid: Annotated[int, info("User who made it.")]
    cgid: Annotated[int, info("Group of the user who made it.")]
    otime: Annotated[int, info("When it was used last, in seconds since 1970; 0 for never.")]
    ctime: Annotated[int, info("When it was made or changed.")]


class Sysvipc(msgspec.Struct, frozen=True, gc=False):
    """What programs of our own IPC namespace share by way of System V."""

    shared_memory: Annotated[list[SharedMemory] | None, group("Segments of shared memory.")] = None
    message_queues: Annotated[list[MessageQueue] | None, group("Queues of messages.")] = None
    semaphore_sets: Annotated[list[SemaphoreSet] | None, group("Sets of semaphores.")] = None


_COLUMNS = {
    "size_bytes": "size", "rss_bytes": "rss", "swap_bytes": "swap", "attachments": "nattch", "queued_bytes": "cbytes",
    "messages": "qnum", "semaphores": "nsems",
}  # fmt: skip


def _shm(row: dict[str, int]) -> SharedMemory:
    removed, locked = bool(row["perms"] & 0o1000), bool(row["perms"] & 0o2000)
    row["perms"] &= 0o777
    return SharedMemory(**_named(SharedMemory, row), removed=removed, locked=locked)


def _msg(row: dict[str, int]) -> MessageQueue:
    return MessageQueue(**_named(MessageQueue, row))


def _sem(row: dict[str, int]) -> SemaphoreSet:
    return SemaphoreSet(**_named(SemaphoreSet, row))


def _table(folder: Folder, name: str, make: Callable[[dict[str, int]], T]) -> list[T] | None:
    """The rows under a line of headings; one that makes no sense costs itself only."""
    header, *rows = lines(folder.raw(name) or b"") or [b""]
    if not header:
        return None
    names = inert(header).split()
    found = []
    for line in rows:
        try:
            row = dict(zip(names, integers(line, len(names)), strict=False))
            row["perms"] = int(str(row["perms"]), 8)
            found.append(make(row))
        except PARSE_ERRORS as error:
            folder.lose(name, error)
    return found if found or "perms" in names else None


def _named(record: type[msgspec.Struct], row: dict[str, int]) -> dict[str, int]:
    """The columns that a record has, by the names of its fields."""
    names = record.__struct_fields__
    return {name: row[_COLUMNS.get(name, name)] for name in names if name not in ("removed", "locked")}


def parse(folder: Folder) -> Sysvipc:
    return Sysvipc(_table(folder, "shm", _shm), _table(folder, "msg", _msg), _table(folder, "sem", _sem))


FILES = ("shm", "msg", "sem")
SYSVIPC = Bundle("sysvipc", "/proc/sysvipc", FILES, Sysvipc, parse, cap=1 << 22)
