"""/proc/[pid]/fdinfo: the state of each open file of a process. Needs its user, or CAP_SYS_PTRACE.

    pos:    0
    flags:  02004000
    mnt_id: 16
    inotify wd:1 ino:2e05 sdev:800002 mask:3c6 ignored_mask:0 fhandle-bytes:8

https://docs.kernel.org/filesystems/proc.html#proc-pid-fdinfo-fd-information-about-opened-file
"""

import re
from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.process import Part
from procpulse.source import PARSE_ERRORS
from procpulse.text import hexadecimal, inert, mask, number, scaled, shorten
from procpulse.tree import Folder

T = TypeVar("T")


class InotifyWatch(msgspec.Struct, frozen=True, gc=False):
    """One watch of an inotify instance."""

    wd: Annotated[int, label("Number of the watch.")]
    inode: Annotated[int, info("Inode of the file or directory.")]
    device: Annotated[
        int, info("Number of the file's device in the kernel: major in the upper bits, 20 for the minor.")
    ]
    mask: Annotated[int, info("Mask of the events that are watched for.")]


class FdInfo(msgspec.Struct, frozen=True, gc=False):
    """One open file."""

    fd: Annotated[int, label("Number of the descriptor.")]
    pos: Annotated[
        int | None, gauge("Where in the file the next read or write begins; None in sandboxes that do not tell.")
    ]
    flags: Annotated[str | None, info("How it was opened and how it is set, in octal, as in open(2).")]
    mnt_id: Annotated[int | None, info("Number of the mount that the file is on, as in `mountinfo`.")] = None
    inode: Annotated[int | None, info("Inode of the file (Linux 5.14).")] = None
    locks: Annotated[int, gauge("Locks and leases that were taken through it.")] = 0
    inotify: Annotated[list[InotifyWatch], group("Watches of an inotify instance.")] = []
    fanotify_marks: Annotated[int | None, gauge("Marks of a fanotify group that has any.")] = None
    epoll_targets: Annotated[int | None, gauge("Files that an epoll instance waits for, where there are any.")] = None
    eventfd_count: Annotated[int | None, gauge("What is in the counter of an eventfd.")] = None
    signal_mask: Annotated[
        int | None, info("Mask of the signals that a signalfd takes; None for one of over 64 bits.")
    ] = None
    timer_clock_id: Annotated[int | None, info("Clock of a timerfd, such as 0 for real time, 1 monotonic.")] = None
    timer_expirations: Annotated[int | None, gauge("Times that a timerfd ran out since it was last read.")] = None
    timer_remaining_ns: Annotated[int | None, gauge("Time until a timerfd runs out next; 0 if it is not set.")] = None
    timer_interval_ns: Annotated[int | None, gauge("Time between the ends of a timerfd; 0 if it ends once.")] = None
    pid: Annotated[int | None, info("Process that a pidfd stands for; -1 once it is gone.")] = None


class PidFdinfo(msgspec.Struct, frozen=True, gc=False):
    """Open files of a process."""

    files: Annotated[list[FdInfo], group("Each of them.")]

    @property
    def inotify_watches(self) -> int:
        """Inotify watches of all its instances, which count against the limit of its user."""
        return sum(len(file.inotify) for file in self.files)


_INOTIFY = re.compile(rb"inotify wd:([0-9a-f]{1,8}) ino:([0-9a-f]{1,16}) sdev:([0-9a-f]{1,8}) mask:([0-9a-f]{1,8})\b")
_TIME = re.compile(rb"\(([0-9]{1,10}), ([0-9]{1,9})\)")
_COUNTED = {
    b"lock": "locks",
    b"tfd": "epoll_targets",
    b"fanotify ino": "fanotify_marks",
    b"fanotify sdev": "fanotify_marks",
    b"fanotify mnt_id": "fanotify_marks",
}


def parse(folder: Folder) -> PidFdinfo:
    files = []
    for name in folder.found("fdinfo/[0-9]*"):
        found = _file(folder, name)
        if found is not None:
            files.append(found)
    return PidFdinfo(files)


def _flags(flags: bytes) -> str:
    if not flags or flags.strip(b"01234567"):
        raise ValueError(f"not an octal number: {shorten(flags)}")
    return inert(flags)


def _file(folder: Folder, name: str) -> FdInfo | None:
    """One file; a row of it that makes no sense costs itself only."""
    data = folder.raw(name)
    if not data:
        return None
    # What a driver appends comes after what the kernel itself tells, and never replaces it.
    rows: dict[bytes, bytes] = {}
    counts: dict[str, int] = {}
    watches = []

    def row(key: bytes, parse: Callable[[bytes], T]) -> T | None:
        try:
            return parse(rows[key]) if key in rows else None
        except PARSE_ERRORS as error:
            folder.lose(name, error)
            return None

    for line in data.split(b"\n"):
        if line.startswith(b"inotify "):
            try:
                watches.append(_watch(line))
            except ValueError as error:
                folder.lose(name, error)
            continue
        key, colon, value = line.partition(b":")
        field = _COUNTED.get(key)
        if field is not None:
            counts[field] = counts.get(field, 0) + 1
        elif colon:
            rows.setdefault(key, value.strip())
    if not (rows or watches or counts):
        folder.lose(name, ValueError(f"no rows: {shorten(data)}"))
        return None
    return FdInfo(
        number(name[7:].encode("utf-8", "replace")),
        row(b"pos", number),
        row(b"flags", _flags),
        row(b"mnt_id", number),
        row(b"ino", number),
        inotify=watches,
        eventfd_count=row(b"eventfd-count", hexadecimal),
        signal_mask=row(b"sigmask", mask),
        timer_clock_id=row(b"clockid", number),
        timer_expirations=row(b"ticks", number),
        timer_remaining_ns=row(b"it_value", _time),
        timer_interval_ns=row(b"it_interval", _time),
        pid=row(b"Pid", number),
        **counts,
    )


def _watch(line: bytes) -> InotifyWatch:
    match = _INOTIFY.match(line)
    if match is None:
        raise ValueError(f"no inotify watch: {shorten(line)}")
    return InotifyWatch(*(int(column, 16) for column in match.groups()))


def _time(text: bytes) -> int:
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"no time: {shorten(text)}")
    return scaled(number(match[1]) * 1_000_000_000 + number(match[2]), 1)


PID_FDINFO = Part("fdinfo", ("fdinfo/", "fdinfo/[0-9]*"), PidFdinfo, parse, cap=1 << 23, program=True)
