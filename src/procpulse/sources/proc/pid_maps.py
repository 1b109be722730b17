r"""/proc/[pid]/maps: what a process has mapped into its memory. Needs its user, or CAP_SYS_PTRACE.

    55d1c0a00000-55d1c0a2c000 r-xp 00002000 fe:01 393449                     /usr/bin/vim

Reading it holds the memory lock of the process. Addresses (ASLR) are not exported: rows come in their order, with sizes.

https://docs.kernel.org/filesystems/proc.html#process-specific-subdirectories
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.process import Part, ProcessFile
from procpulse.sources.proc.pid_exe import path_of
from procpulse.text import hexadecimal, inert, number

RSS_LIMIT_BYTES = 8 << 30


class Mapping(msgspec.Struct, frozen=True, gc=False):
    """One mapping."""

    index: Annotated[int, label("Place in the address space, 0 for the lowest.")]
    size_bytes: Annotated[int, gauge("Virtual memory that it takes.")]
    permissions: Annotated[str, info("May be read (r), written (w), executed (x); private (p) or shared (s).")]
    offset_bytes: Annotated[int, gauge("Where in the file it begins.")]
    device: Annotated[int, info("Device number of the file, as `st_dev` of stat(2); 0 for none.")]
    inode: Annotated[int, info("Inode of the file; 0 for none.")]
    path: Annotated[str, info("Path of the file, or what it is, such as [heap]; empty for anonymous memory.")] = ""
    deleted: Annotated[bool, info("Whether the file has been removed, or replaced as an upgrade does.")] = False


class PidMaps(msgspec.Struct, frozen=True, gc=False):
    """Mappings of a process."""

    mappings: Annotated[list[Mapping], group("One row a mapping.")]


def parse(file: ProcessFile) -> PidMaps:
    rows: list[Mapping] = []
    for line in file.data.split(b"\n"):
        if not line:
            continue
        span, permissions, offset, device, inode, *rest = line.split(None, 5)
        first, dash, last = span.partition(b"-")
        size = hexadecimal(last) - hexadecimal(first)
        if not dash or size < 0 or len(permissions) != 4:
            raise ValueError("a row without a span or permissions")
        path, deleted = path_of(rest[0].replace(b"\\012", b"\n")) if rest else ("", False)
        row = Mapping(
            len(rows), size, inert(permissions), hexadecimal(offset), st_dev(device), number(inode), path, deleted
        )
        rows.append(row)
    return PidMaps(rows)


def st_dev(device: bytes) -> int:
    """A device number printed in hexadecimal, `fe:01`, as programs know it.

    Raises:
        ValueError: it is not that.
    """
    first, _, last = device.partition(b":")
    major, minor = hexadecimal(first), hexadecimal(last)
    if major >> 12 or minor >> 20:
        raise ValueError("no device number")
    return major << 8 | minor & 0xFF | (minor >> 8) << 20


PID_MAPS = Part(
    "maps", "maps", PidMaps, parse, slow=True, cap=1 << 25, program=True, rss_limit_bytes=RSS_LIMIT_BYTES, rows=0)  # fmt: skip
