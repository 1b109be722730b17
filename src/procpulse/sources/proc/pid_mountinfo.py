r"""/proc/[pid]/mountinfo: what is mounted where, in the mount namespace of a process.

    36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue

https://docs.kernel.org/filesystems/proc.html#proc-pid-mountinfo-information-about-mounts
"""

from functools import lru_cache
from typing import Annotated

import msgspec

from procpulse.fields import group
from procpulse.process import Part, ProcessFile
from procpulse.sources.proc.mountinfo import Mount, mount, rows


class PidMountinfo(msgspec.Struct, frozen=True, gc=False):
    """Mounts that a process sees."""

    mounts: Annotated[list[Mount], group("One row a mount.")]


def parse(file: ProcessFile) -> PidMountinfo:
    return _mounts(file.data)


@lru_cache(maxsize=4)
def _mounts(data: bytes) -> PidMountinfo:
    """Nearly all processes of a host see the same mounts: understand them once."""
    return PidMountinfo([mount(line) for line in rows(data)])


PID_MOUNTINFO = Part("mountinfo", "mountinfo", PidMountinfo, parse, slow=True, cap=1 << 24, rows=0)
