"""/proc/[pid]/fd: the open files of a process, and what they are. Needs its user, or CAP_SYS_PTRACE.

    0 -> /dev/null, 3 -> socket:[18234]

https://docs.kernel.org/filesystems/proc.html#process-specific-subdirectories
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.process import Part
from procpulse.tree import Folder


class FileDescriptor(msgspec.Struct, frozen=True, gc=False):
    """One open file."""

    fd: Annotated[int, label("Number of the descriptor.")]
    target: Annotated[str | None, info("Path of the file, or its kind and inode, such as socket:[18234].")] = None


class PidFd(msgspec.Struct, frozen=True, gc=False):
    """Open files of a process."""

    count: Annotated[int, gauge("Open file descriptors.")]
    files: Annotated[list[FileDescriptor], group("Each of them.")]


def parse(folder: Folder) -> PidFd:
    names = folder.names("fd/")
    if names is None:
        raise ValueError("no directory")
    numbers = sorted(int(name) for name in names if name.isascii() and name.isdigit())
    return PidFd(len(numbers), [FileDescriptor(fd, folder.link(f"fd/{fd}@")) for fd in numbers])


PID_FD = Part("fd", ("fd/", "fd/[0-9]*@"), PidFd, parse, program=True)
