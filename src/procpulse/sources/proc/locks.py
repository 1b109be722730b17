"""/proc/locks: locks on files, and who waits for them.

    1: POSIX  ADVISORY  WRITE 2711 08:02:1311 128 255
    1: -> POSIX  ADVISORY  READ 3054 08:02:1311 128 128
    2: FLOCK  ADVISORY  WRITE 901 00:19:774 0 EOF

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.source import File, Source
from procpulse.text import hexadecimal, inert, lines, number


class Lock(msgspec.Struct, frozen=True, gc=False):
    """One lock, or one that waits for it. Numbers are places in the list: they change as locks come and go."""

    id: Annotated[int, label("Number of the lock.")]
    waiter: Annotated[int, label("0 for the lock itself; 1 and up for those that wait for it.")]
    waits: Annotated[bool, info("Whether it waits.")]
    type: Annotated[str, info("POSIX, OFDLCK (of an open file), FLOCK, LEASE, DELEG or ACCESS.")]
    mode: Annotated[str, info("ADVISORY or MANDATORY; of a lease ACTIVE, BREAKING or BREAKER.")]
    access: Annotated[str, info("READ, WRITE or UNLCK.")]
    pid: Annotated[int, info("Process that made it; -1 where it belongs to an open file, 0 for one out of sight.")]
    device: Annotated[str | None, info("Device number of the file, as major:minor in decimal, as in mountinfo.")] = None
    inode: Annotated[int | None, info("Inode of the file.")] = None
    start: Annotated[int, info("First byte of the file that it covers.")] = 0
    end: Annotated[int | None, info("Last byte that it covers; None for all that follow.")] = None


def parse(file: File) -> list[Lock]:
    locks = []
    seen: dict[int, int] = {}
    # A file server has many locks, of few kinds on few devices.
    names: dict[bytes, str] = {}
    devices: dict[bytes, str | None] = {b"<none>": None}
    for line in lines(file.data):
        name, *rest = line.split()
        identity = number(name.removesuffix(b":"))
        waits = rest[0] == b"->"
        kind, mode, access, pid, place, start, end = rest[waits : waits + 7]
        for word in (kind, mode, access):
            if word not in names:
                names[word] = inert(word)
        device, _, inode = place.rpartition(b":")
        if device not in devices:
            devices[device] = _decimal(device)
        waiter = seen[identity] = seen.get(identity, -1) + 1
        where = devices[device]
        locks.append(
            Lock(
                identity,
                waiter,
                waits,
                names[kind],
                names[mode],
                names[access],
                number(pid),
                where,
                None if where is None else number(inode),
                number(start),
                None if end == b"EOF" else number(end),
            )
        )
    return locks


def _decimal(device: bytes) -> str:
    """A device number, which is hexadecimal here, as it is everywhere else."""
    major, minor = device.split(b":")
    return f"{hexadecimal(major)}:{hexadecimal(minor)}"


LOCKS = Source("locks", "/proc/locks", list[Lock], parse, cap=1 << 24, rows=0)
