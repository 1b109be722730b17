r"""/proc/[pid]/environ: the environment that a process was started with. Needs its user, or CAP_SYS_PTRACE.

    PATH=/usr/bin:/bin\0HOME=/root\0

It may hold passwords and tokens, so it is read only where it is named.

https://man7.org/linux/man-pages/man5/proc_pid_environ.5.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part, ProcessFile
from procpulse.text import inert

CAP = 1 << 17


class PidEnviron(msgspec.Struct, frozen=True, gc=False):
    """The environment of a process, as it was at the start, or what the process has put in its place."""

    variables: Annotated[list[str], info("Variables, each as NAME=value.")]
    truncated: Annotated[bool, info("Whether there is more than the 131,072 bytes that are read.")] = False


def parse(file: ProcessFile) -> PidEnviron:
    data = file.data[:CAP]
    return PidEnviron([inert(variable) for variable in data.split(b"\0") if variable], len(file.data) > CAP)


PID_ENVIRON = Part(
    "environ", "environ", PidEnviron, parse,
    slow=True, again=60, secret=True, program=True, cap=CAP + 1, clip=True, newline=False,
)  # fmt: skip
