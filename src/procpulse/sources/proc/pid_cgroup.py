"""/proc/[pid]/cgroup: the control groups that a process is in.

    12:pids:/user.slice/user-1000.slice
    0::/user.slice/user-1000.slice/session-1.scope

https://docs.kernel.org/admin-guide/cgroup-v2.html#processes
"""

from typing import Annotated

import msgspec

from procpulse.fields import group, info, label
from procpulse.process import Part, ProcessFile
from procpulse.sources.sysfs._cgroup_names import NOTHING, CgroupNames, names
from procpulse.text import inert, number


class CgroupMembership(msgspec.Struct, frozen=True, gc=False):
    """The place of a process in one hierarchy of control groups."""

    hierarchy_id: Annotated[int, label("Number of the hierarchy; 0 for cgroup v2.")]
    controllers: Annotated[list[str], info("Controllers of the hierarchy; empty for cgroup v2.")]
    path: Annotated[str, info("Path of the control group, from the root of the hierarchy.")]


class PidCgroup(msgspec.Struct, frozen=True, gc=False):
    """The control groups of a process."""

    hierarchies: Annotated[list[CgroupMembership], group("One row a hierarchy.")]

    @property
    def unified(self) -> str | None:
        """The path in the cgroup v2 hierarchy; None where there is none."""
        return next((row.path for row in self.hierarchies if row.hierarchy_id == 0), None)

    @property
    def names(self) -> CgroupNames:
        """The unit, user, container or pod that the process belongs to, as far as its paths tell.

        Where version 1 is in use the path of version 2 may be the root only, and the names are in another hierarchy.
        """
        paths = sorted(self.hierarchies, key=lambda row: (row.hierarchy_id != 0, "name=systemd" not in row.controllers))
        found = [names(row.path.removesuffix(" (deleted)")) for row in paths]
        return next((known for known in found if known != NOTHING), NOTHING)


def parse(file: ProcessFile) -> PidCgroup:
    return PidCgroup([membership(line) for line in file.data.split(b"\n") if line])


def membership(line: bytes) -> CgroupMembership:
    """One line, for one hierarchy.

    Raises:
        ValueError: it does not have three columns, or no number for the hierarchy.
    """
    hierarchy, controllers, path = line.split(b":", 2)
    return CgroupMembership(number(hierarchy), [inert(name) for name in controllers.split(b",") if name], inert(path))


PID_CGROUP = Part("cgroup", "cgroup", PidCgroup, parse, rows=0)
