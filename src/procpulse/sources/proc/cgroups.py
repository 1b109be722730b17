"""/proc/cgroups: the controllers of control groups that the kernel has.

    #subsys_name	hierarchy	num_cgroups	enabled
    cpuset	0	211	1

https://docs.kernel.org/admin-guide/cgroup-v1/cgroups.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.source import File, Source
from procpulse.text import inert, lines, number, words


class CgroupSubsystem(msgspec.Struct, frozen=True, gc=False):
    """One controller."""

    name: Annotated[str, label("Name of the controller, such as memory.")]
    hierarchy: Annotated[int, info("Number of the version 1 hierarchy that it is mounted in; 0 in version 2 or none.")]
    cgroups: Annotated[int, gauge("Control groups that it looks after.")]
    enabled: Annotated[bool, info("Whether it may be used; one can be disabled at boot.")]


def parse(file: File) -> list[CgroupSubsystem]:
    rows = [words(line, 4) for line in lines(file.data) if not line.startswith(b"#")]
    return [CgroupSubsystem(inert(row[0]), number(row[1]), number(row[2]), number(row[3]) != 0) for row in rows]


CGROUPS = Source("cgroups", "/proc/cgroups", list[CgroupSubsystem], parse, whole=True, rows=0)
