r"""/proc/[pid]/cmdline: the arguments that a process was started with, or what it has put in their place.

    vim\0test.go\0+10\0

A process that overwrites its arguments without a final NUL makes the kernel append its environment. Where `stat` shows
how long the arguments were, what follows is cut off, since an environment may hold secrets.

https://man7.org/linux/man-pages/man5/proc_pid_cmdline.5.html
"""

from functools import partial
from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part, ProcessFile
from procpulse.redact import Arguments, shown
from procpulse.text import inert, number

CAP = 4096


class PidCmdline(msgspec.Struct, frozen=True, gc=False):
    """The command line of a process; empty for kernel threads and zombies."""

    arguments: Annotated[list[str], info("The arguments, the name of the program first.")]
    truncated: Annotated[bool, info("Whether there is more than the 4,096 bytes that are read.")] = False
    rewritten: Annotated[bool, info("Whether the process seems to have written something else over them.")] = False


def parse(file: ProcessFile) -> PidCmdline:
    data = file.data
    truncated = len(data) > CAP
    data = data[:CAP]
    rewritten = not truncated and bool(data) and not data.endswith(b"\0")
    length = _length(file.stat)
    if length and len(data) > length:
        data, rewritten = data[:length], True
    return PidCmdline([inert(word) for word in _arguments(data)], truncated, rewritten)


def _arguments(data: bytes) -> list[bytes]:
    """The arguments: each ends in a NUL, and the last ones may be empty.

    A title that a process wrote over its arguments, `nginx: worker process`, is filled up with NULs to the length that
    the arguments had. It is told by its blank, or by its brackets: no name of a program stands before nothing but empty
    arguments with these.
    """
    if not data:
        return []
    title = data.rstrip(b"\0")
    if data.endswith(b"\0\0") and b"\0" not in title and (b" " in title or title[:1] in (b"(", b"[")):
        return [title]
    return data.removesuffix(b"\0").split(b"\0")


def _length(stat: bytes) -> int:
    """Length of the arguments in the memory of the process; 0 where it is hidden."""
    columns = stat[stat.rfind(b")") + 2 :].split()
    if len(columns) < 47:
        return 0
    return max(0, number(columns[46]) - number(columns[45]))


def as_shown(found: PidCmdline, how: Arguments) -> PidCmdline:
    """A command line as it may be shown."""
    arguments = shown(found.arguments, how, cut=found.truncated, rewritten=found.rewritten)
    return found if arguments == found.arguments else msgspec.structs.replace(found, arguments=arguments)


def _parse_as(how: Arguments, file: ProcessFile) -> PidCmdline:
    return as_shown(parse(file), how)


def _part(how: Arguments) -> Part[PidCmdline]:
    read = parse if how is Arguments.RAW else partial(_parse_as, how)
    return Part("cmdline", "cmdline", PidCmdline, read, slow=True, again=60, cap=CAP + 1, clip=True, newline=False)


SHOWN = {how: _part(how) for how in Arguments}
"""The part, by how much of the arguments it shows; what it does not show never leaves the parser."""
PID_CMDLINE = SHOWN[Arguments.RAW]
