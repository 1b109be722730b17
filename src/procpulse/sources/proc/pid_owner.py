"""/proc/[pid]/status: as which user and group a process runs, and nothing else of that file.

    Uid:	1000	1000	1000	1000
    Gid:	1000	1000	1000	1000

A process hardly ever changes these: they are read again when it changed its name, as it does when it becomes another
program, and every ten seconds. For all that the file says there is the part `status`.

https://docs.kernel.org/filesystems/proc.html#process-specific-subdirectories
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.process import Part, ProcessFile
from procpulse.text import number


class PidOwner(msgspec.Struct, frozen=True, gc=False):
    """As whom a process runs."""

    uid: Annotated[int, info("Real user id.")]
    euid: Annotated[int, info("Effective user id: whose rights it has.")]
    gid: Annotated[int, info("Real group id.")]
    egid: Annotated[int, info("Effective group id.")]


def _two(data: bytes, key: bytes) -> tuple[int, int]:
    """The real and the effective id of a row.

    Raises:
        ValueError: there is no such row, or it has fewer than four ids.
    """
    found = next((line for line in data.split(b"\n") if line.startswith(key)), None)
    if found is None:
        raise ValueError(f"no {key.decode()}")
    ids = found[len(key) :].split()
    if len(ids) < 4:
        raise ValueError(f"fewer than four ids after {key.decode()}")
    return number(ids[0]), number(ids[1])


def parse(file: ProcessFile) -> PidOwner:
    return PidOwner(*_two(file.data, b"Uid:"), *_two(file.data, b"Gid:"))


PID_OWNER = Part("owner", "status", PidOwner, parse, again=10.0)
