"""/proc/[pid]/ns: the namespaces that a process is in. Needs its user, or CAP_SYS_PTRACE.

    net -> net:[4026531840], pid_for_children -> pid:[4026531836]

https://man7.org/linux/man-pages/man7/namespaces.7.html
"""

import re
from typing import Annotated

import msgspec

from procpulse.fields import group, info, label
from procpulse.process import Part
from procpulse.text import inert, number
from procpulse.tree import Folder


class Namespace(msgspec.Struct, frozen=True, gc=False):
    """One namespace of a process."""

    name: Annotated[str, label("What it is for, such as net, pid or pid_for_children.")]
    type: Annotated[str, info("Type of the namespace, such as net or pid.")]
    inode: Annotated[int, info("Inode of the namespace: processes with the same one are in it together.")]


class PidNs(msgspec.Struct, frozen=True, gc=False):
    """Namespaces of a process."""

    namespaces: Annotated[list[Namespace], group("One row a link.")]

    def inode(self, name: str) -> int | None:
        """The inode of the namespace of this name, such as `net`; None if there is none."""
        return next((row.inode for row in self.namespaces if row.name == name), None)


_TARGET = re.compile(rb"([a-z_]{1,32}):\[([0-9]{1,20})\]\n?")


def parse(folder: Folder) -> PidNs:
    rows = []
    for link in folder.found("ns/*@"):
        match = _TARGET.fullmatch(folder.raw(link) or b"")
        if match is None:
            raise ValueError("a link that is no namespace")
        name = inert(link[3:-1].encode("utf-8", "surrogateescape"))
        rows.append(Namespace(name, inert(match[1]), number(match[2])))
    return PidNs(rows)


PID_NS = Part("ns", ("ns/*@",), PidNs, parse)
