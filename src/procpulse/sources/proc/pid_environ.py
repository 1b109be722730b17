r"""/proc/[pid]/environ: the environment that a process was started with. Needs its user, or CAP_SYS_PTRACE.

    PATH=/usr/bin:/bin\0HOME=/root\0

It may hold passwords and tokens, so it is read only where it is named.

https://man7.org/linux/man-pages/man5/proc_pid_environ.5.html
"""

from collections.abc import Callable
from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part, ProcessFile
from procpulse.redact import variables
from procpulse.text import inert

CAP = 1 << 17


class PidEnviron(msgspec.Struct, frozen=True, gc=False):
    """The environment of a process, as it was at the start, or what the process has put in its place."""

    variables: Annotated[list[str], info("Variables, each as NAME=value.")]
    truncated: Annotated[bool, info("Whether there is more than the 131,072 bytes that are read.")] = False


def parse(file: ProcessFile) -> PidEnviron:
    data = file.data[:CAP]
    return PidEnviron([inert(variable) for variable in data.split(b"\0") if variable], len(file.data) > CAP)


def as_names(found: PidEnviron) -> PidEnviron:
    """An environment without its values: each variable as `NAME=***`."""
    return PidEnviron(variables(found.variables), found.truncated)


def _parse_names(file: ProcessFile) -> PidEnviron:
    return as_names(parse(file))


def _part(read: Callable[[ProcessFile], PidEnviron]) -> Part[PidEnviron]:
    return Part(
        "environ", "environ", PidEnviron, read,
        slow=True, again=60, secret=True, program=True, cap=CAP + 1, clip=True, newline=False,
    )  # fmt: skip


NAMES = _part(_parse_names)
"""The names of variables alone."""
PID_ENVIRON = _part(parse)
