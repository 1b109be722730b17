"""/sys/devices/system/cpu/online and beside it: which CPUs there are, and which of them work.

    online: 0-5,7, offline: 6, possible: 0-7, kernel_max: 8191

https://docs.kernel.org/admin-guide/cputopology.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import info
from procpulse.text import span
from procpulse.tree import Bundle, Folder


class CpuOnline(msgspec.Struct, frozen=True, gc=False):
    """The CPUs of the host, by number."""

    online: Annotated[list[int] | None, info("CPUs that work.")] = None
    offline: Annotated[list[int] | None, info("CPUs that could work and do not, and those that could be added.")] = None
    present: Annotated[list[int] | None, info("CPUs that are plugged in.")] = None
    possible: Annotated[list[int] | None, info("CPUs that are plugged in or could be while the host runs.")] = None
    kernel_max: Annotated[int | None, info("Highest number that this kernel allows.")] = None
    smt_active: Annotated[bool | None, info("Whether cores run more than one thread (Linux 4.19).")] = None
    smt_control: Annotated[
        str | None, info("Whether they may: on, off, forceoff, notsupported or notimplemented (Linux 4.19).")
    ] = None


def cpus(folder: Folder, name: str) -> list[int] | None:
    """The CPUs that a file lists: none where it is empty, or says (null) since nothing was ever set."""
    data = folder.raw(name)
    return [] if data is not None and data.strip() in (b"", b"(null)") else folder.parsed(name, span)


def parse(folder: Folder) -> CpuOnline:
    return CpuOnline(
        cpus(folder, "online"),
        cpus(folder, "offline"),
        cpus(folder, "present"),
        cpus(folder, "possible"),
        folder.number("kernel_max"),
        folder.flag("smt/active"),
        folder.text("smt/control"),
    )


FILES = ("online", "offline", "present", "possible", "kernel_max", "smt/active", "smt/control")
CPU_ONLINE = Bundle("cpu_online", "/sys/devices/system/cpu", FILES, CpuOnline, parse)
