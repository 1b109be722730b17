"""/proc/[pid]/cwd: the directory that a process is in. Needs its user, or CAP_SYS_PTRACE.

    cwd -> /home/ada

https://man7.org/linux/man-pages/man5/proc_pid_cwd.5.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part
from procpulse.sources.proc.pid_exe import target
from procpulse.tree import Folder


class PidCwd(msgspec.Struct, frozen=True, gc=False):
    """The current directory of a process."""

    path: Annotated[str, info("Path of the directory, as seen from the root of the reader.")]
    deleted: Annotated[bool, info("Whether the directory has been removed.")] = False


def parse(folder: Folder) -> PidCwd:
    return PidCwd(*target(folder, "cwd"))


PID_CWD = Part("cwd", ("cwd@",), PidCwd, parse, program=True)
