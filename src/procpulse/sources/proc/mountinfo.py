r"""/proc/self/mountinfo: what is mounted where, and how mounts hang together.

    36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue

https://docs.kernel.org/filesystems/proc.html#proc-pid-mountinfo-information-about-mounts
"""

from typing import Annotated

import msgspec

from procpulse.fields import info, label
from procpulse.source import File, Source
from procpulse.text import inert, number, options, unescape


class Mount(msgspec.Struct, frozen=True, gc=False):
    """One mount, in the mount namespace of this process (under another root, of the host's first process)."""

    mount_id: Annotated[int, label("Number of the mount; may be used again after unmounting.")]
    parent_id: Annotated[int, info("Number of the mount that this one is on; its own for the topmost.")]
    device: Annotated[str, info("Device number of its files, as major:minor.")]
    root: Annotated[str, info("Which directory of the file system is mounted.")]
    mount_point: Annotated[str, info("Where it is mounted, below the root of the process.")]
    options: Annotated[list[str], info("Options of the mount.")]
    optional_fields: Annotated[
        dict[str, str], info("How mounts propagate: shared, master, propagate_from, unbindable.")
    ]
    fs_type: Annotated[str, info("Type of the file system, such as ext4.")]
    source: Annotated[str, info("Device, or another name of what is mounted.")]
    super_options: Annotated[list[str], info("Options of the file system.")]


def parse(file: File) -> list[Mount]:
    return [mount(line) for line in rows(file.data)]


def rows(data: bytes) -> list[bytes]:
    """The lines of a table of mounts: of blanks the kernel escapes all but the carriage return, which ends nothing."""
    return [line.rstrip(b"\r\0") for line in data.split(b"\n") if line.strip(b" \t\r\0")]


def mount(line: bytes) -> Mount:
    """One line of mountinfo.

    Columns end at every single blank: a name may be empty, and then two blanks follow each other.

    Raises:
        ValueError: it has too few columns or no separator.
    """
    columns = line.split(b" ")
    end = columns.index(b"-", 6)
    identity, parent, device, root, point, own_options = columns[:6]
    fs_type, source, *super_options = columns[end + 1 :]
    return Mount(
        number(identity),
        number(parent),
        inert(device),
        inert(unescape(root)),
        inert(unescape(point)),
        mount_options(own_options, b""),
        {key: value for key, _, value in (inert(field).partition(":") for field in columns[6:end] if field)},
        inert(unescape(fs_type)),
        inert(unescape(source)),
        mount_options(super_options[0], fs_type) if super_options else [],
    )


def mount_options(column: bytes, fs_type: bytes) -> list[str]:
    """The options of a mount, each as it was given.

    btrfs writes the name of its subvolume last and leaves commas in it as they are: it goes to the end.
    """
    rest, subvolume, name = column.partition(b",subvol=/") if fs_type == b"btrfs" else (column, b"", b"")
    found = [inert(unescape(option)) for option in options(rest) if option]
    return [*found, inert(unescape(subvolume[1:] + name))] if subvolume else found


MOUNTINFO = Source("mountinfo", "/proc/self/mountinfo", list[Mount], parse, cap=1 << 24, rows=0)
