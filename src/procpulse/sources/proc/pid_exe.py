"""/proc/[pid]/exe: the program that a process runs. Needs its user, or CAP_SYS_PTRACE.

    exe -> /usr/bin/vim

https://man7.org/linux/man-pages/man5/proc_pid_exe.5.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part
from procpulse.text import inert
from procpulse.tree import Folder


class PidExe(msgspec.Struct, frozen=True, gc=False):
    """The program of a process."""

    path: Annotated[str, info("Path of its file, as seen from the root of the reader.")]
    deleted: Annotated[bool, info("Whether the file has been removed, or replaced as an upgrade does.")] = False


_DELETED = b" (deleted)"


def path_of(target: bytes) -> tuple[str, bool]:
    """The path of a file, and whether the kernel says that it is no longer there."""
    return inert(target.removesuffix(_DELETED)), target.endswith(_DELETED)


def target(folder: Folder, name: str) -> tuple[str, bool]:
    """Where a link of a process points to, and whether that is no longer there.

    Raises:
        ValueError: it points nowhere.
    """
    data = folder.raw(f"{name}@")
    if not data:
        raise ValueError("a link to nothing")
    return path_of(data)


def parse(folder: Folder) -> PidExe:
    return PidExe(*target(folder, "exe"))


PID_EXE = Part("exe", ("exe@",), PidExe, parse, program=True)
