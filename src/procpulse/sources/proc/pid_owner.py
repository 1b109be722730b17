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

    uid: Annotated[int | None, info("Real user id.")]
    euid: Annotated[int | None, info("Effective user id: whose rights it has.")]
    gid: Annotated[int | None, info("Real group id.")]
    egid: Annotated[int | None, info("Effective group id.")]


def _two(ids: bytes) -> tuple[int, int]:
    """The real and the effective of the four ids in a row.

    Raises:
        ValueError: there are others than four, or one is no number.
    """
    real, effective, _, _ = ids.split()
    return number(real), number(effective)


def parse(file: ProcessFile) -> PidOwner:
    rows = dict(line.split(b":", 1) for line in file.data.split(b"\n") if line.startswith((b"Uid:", b"Gid:")))
    if not rows:
        raise ValueError("neither Uid nor Gid")
    users = file.parsed("uid", _two, rows[b"Uid"]) if b"Uid" in rows else None
    groups = file.parsed("gid", _two, rows[b"Gid"]) if b"Gid" in rows else None
    uid, euid = users or (None, None)
    gid, egid = groups or (None, None)
    return PidOwner(uid=uid, euid=euid, gid=gid, egid=egid)


PID_OWNER = Part("owner", "status", PidOwner, parse, again=10.0)
