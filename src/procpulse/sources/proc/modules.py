"""/proc/modules: modules that are loaded, and which need which.

    xfs 2445312 2 - Live 0x0000000000000000
    drm 786432 9 amdgpu,ttm, Live 0x0000000000000000
    vendor 61440 0 - Live 0x0000000000000000 (POE)

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.source import File, Source
from procpulse.text import inert, lines, number, words


class Module(msgspec.Struct, frozen=True, gc=False):
    """One module. Where it lies in memory is left out."""

    name: Annotated[str, label("Name of the module.")]
    size_bytes: Annotated[int, gauge("Memory that it takes.")]
    refcount: Annotated[int | None, gauge("How often it is in use; None on a kernel that cannot unload modules.")] = (
        None
    )
    used_by: Annotated[list[str], info("Modules that need it.")] = []
    permanent: Annotated[bool, info("Whether it cannot be unloaded.")] = False
    state: Annotated[str, info("Live, Loading or Unloading.")] = ""
    taints: Annotated[
        str, info("How it taints the kernel, a letter each: P proprietary, O from elsewhere, E unsigned, and so on.")
    ] = ""


def parse(file: File) -> list[Module]:
    return [_module(words(line, 6)) for line in lines(file.data)]


def _module(columns: list[bytes]) -> Module:
    name, size, refcount, users, state, _ = columns[:6]
    needed = [inert(user) for user in users.split(b",") if user not in (b"", b"-", b"[permanent]")]
    taints = columns[6].strip(b"()+-") if len(columns) > 6 else b""
    return Module(
        inert(name),
        number(size),
        None if refcount == b"-" else number(refcount),
        needed,
        b"[permanent]" in users,
        inert(state),
        inert(taints),
    )


MODULES = Source("modules", "/proc/modules", list[Module], parse, rows=0)
