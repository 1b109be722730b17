"""/proc/[pid]/root: the directory that a process takes for /. Needs its user, or CAP_SYS_PTRACE.

    root -> /

https://man7.org/linux/man-pages/man5/proc_pid_root.5.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part
from procpulse.sources.proc.pid_exe import target
from procpulse.tree import Folder


class PidRoot(msgspec.Struct, frozen=True, gc=False):
    """The root directory of a process."""

    path: Annotated[str, info("Path of the directory, as seen from the root of the reader; / unless it was changed.")]
    deleted: Annotated[bool, info("Whether the directory has been removed.")] = False


def parse(folder: Folder) -> PidRoot:
    return PidRoot(*target(folder, "root"))


PID_ROOT = Part("root", ("root@",), PidRoot, parse, program=True)
