"""/proc/[pid]/fdinfo: the state of each open file of a process. Needs its user, or CAP_SYS_PTRACE.

    pos:    0
    flags:  02004000
    mnt_id: 16
    inotify wd:1 ino:2e05 sdev:800002 mask:3c6 ignored_mask:0 fhandle-bytes:8

https://docs.kernel.org/filesystems/proc.html#proc-pid-fdinfo-fd-information-about-opened-file
"""

import re
from functools import partial
from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.process import Part
from procpulse.text import hexadecimal, inert, number, scaled, shorten
from procpulse.tree import Folder


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
    pos: Annotated[int, gauge("Where in the file the next read or write begins.")]
    flags: Annotated[str | None, info("How it was opened and how it is set, in octal, as in open(2).")]
    mnt_id: Annotated[int | None, info("Number of the mount that the file is on, as in `mountinfo`.")] = None
    inode: Annotated[int | None, info("Inode of the file (Linux 5.14).")] = None
    locks: Annotated[int, gauge("Locks and leases that were taken through it.")] = 0
    inotify: Annotated[list[InotifyWatch], group("Watches of an inotify instance.")] = []
    fanotify_marks: Annotated[int | None, gauge("Marks of a fanotify group that has any.")] = None
    epoll_targets: Annotated[int | None, gauge("Files that an epoll instance waits for, where there are any.")] = None
    eventfd_count: Annotated[int | None, gauge("What is in the counter of an eventfd.")] = None
    signal_mask: Annotated[int | None, info("Mask of the signals that a signalfd takes.")] = None
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
_FLAGS = re.compile(rb"^flags:(.*)$", re.MULTILINE)
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
        fd = number(name[7:].encode("utf-8", "replace"))
        flags = folder.parsed(name, _flags)  # by itself, so that its fault is noted and costs nothing else
        found = folder.parsed(name, partial(_file, fd, flags))
        if found is not None:
            files.append(found)
    return PidFdinfo(files)


def _flags(data: bytes) -> str:
    found = _FLAGS.search(data)
    flags = found[1].strip() if found else b""
    if not flags or flags.strip(b"01234567"):
        raise ValueError(f"not an octal number: {shorten(flags)}")
    return inert(flags)


def _file(fd: int, flags: str | None, data: bytes) -> FdInfo:
    # What a driver appends comes after what the kernel itself tells, and never replaces it.
    rows: dict[bytes, bytes] = {}
    counts: dict[str, int] = {}
    watches = []
    for line in data.split(b"\n"):
        if line.startswith(b"inotify "):
            watches.append(_watch(line))
            continue
        key, _, value = line.partition(b":")
        field = _COUNTED.get(key)
        if field is None:
            rows.setdefault(key, value.strip())
        else:
            counts[field] = counts.get(field, 0) + 1
    if b"flags" not in rows:
        raise ValueError("no flags")
    return FdInfo(
        fd,
        number(rows[b"pos"]),
        flags,
        _optional(rows, b"mnt_id"),
        _optional(rows, b"ino"),
        inotify=watches,
        eventfd_count=hexadecimal(rows[b"eventfd-count"]) if b"eventfd-count" in rows else None,
        signal_mask=hexadecimal(rows[b"sigmask"]) if b"sigmask" in rows else None,
        timer_clock_id=_optional(rows, b"clockid"),
        timer_expirations=_optional(rows, b"ticks"),
        timer_remaining_ns=_time(rows, b"it_value"),
        timer_interval_ns=_time(rows, b"it_interval"),
        pid=_optional(rows, b"Pid"),
        **counts,
    )


def _watch(line: bytes) -> InotifyWatch:
    match = _INOTIFY.match(line)
    if match is None:
        raise ValueError(f"no inotify watch: {shorten(line)}")
    return InotifyWatch(*(int(column, 16) for column in match.groups()))


def _optional(rows: dict[bytes, bytes], key: bytes) -> int | None:
    return number(rows[key]) if key in rows else None


def _time(rows: dict[bytes, bytes], key: bytes) -> int | None:
    if key not in rows:
        return None
    match = _TIME.fullmatch(rows[key])
    if match is None:
        raise ValueError(f"no time: {shorten(rows[key])}")
    return scaled(number(match[1]) * 1_000_000_000 + number(match[2]), 1)


PID_FDINFO = Part("fdinfo", ("fdinfo/", "fdinfo/[0-9]*"), PidFdinfo, parse, cap=1 << 23, program=True)
