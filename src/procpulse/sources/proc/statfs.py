"""statvfs() of every mount: size and use of the file systems.

The mounts are those of /proc/self/mountinfo; of several on one mount point the last is seen. A dead network file
system costs its own row only.

https://man7.org/linux/man-pages/man3/statvfs.3.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import gauge, info, label
from procpulse.source import PARSE_ERRORS, Failure, Read, Reading, Reason, Source, Statvfs, Steps, Unreadable, explain
from procpulse.sources.proc.mountinfo import Mount, rows
from procpulse.sources.proc.mountinfo import mount as parse_mount
from procpulse.text import number, unescape

# Asking one of these would mount something, or asks a program.
_SKIPPED = frozenset(("autofs",))


class FileSystem(msgspec.Struct, frozen=True, gc=False):
    """One mounted file system."""

    mount_point: Annotated[str, label("Where it is mounted.")]
    source: Annotated[str, info("Device, or another name of what is mounted.")]
    fs_type: Annotated[str, info("Type of the file system, such as ext4.")]
    read_only: Annotated[bool, info("Whether it is mounted read-only.")]
    size_bytes: Annotated[int | None, gauge("Its size; None where it did not answer.")] = None
    free_bytes: Annotated[int | None, gauge("Space that nobody uses.")] = None
    available_bytes: Annotated[int | None, gauge("Space that users without privileges may still use.")] = None
    block_size_bytes: Annotated[int | None, gauge("Its fragment size, the unit that it counts space in.")] = None
    files: Annotated[int | None, gauge("Inodes that it has.")] = None
    files_free: Annotated[int | None, gauge("Inodes that nobody uses.")] = None
    name_max: Annotated[int | None, info("Longest name of a file, in bytes.")] = None


class _StatfsSource(Source[list[FileSystem]]):
    """The mounts, and what each of them answers."""

    def steps(self, reading: Reading) -> Steps[list[FileSystem]]:
        """Ask every mount that the kernel knows of."""
        [data] = yield [Read(self.path, cap=1 << 24)]
        if isinstance(data, Failure):
            raise Unreadable(data)
        mounts: list[Mount] = []
        raw: dict[int, str] = {}
        for line in rows(data[: data.rfind(b"\n") + 1]):
            try:
                mounts.append(parse_mount(line))
                raw.update((_raw(line),))
            except PARSE_ERRORS as error:
                reading.note("rows", Failure(Reason.MALFORMED, self.path, explain(error)))
        lost = reading.failures.get("rows")
        if lost is not None and not mounts:
            raise Unreadable(lost)
        seen = {mount.mount_point: mount for mount in mounts if mount.fs_type not in _SKIPPED}
        answers = yield [Statvfs(raw[mount.mount_id]) for mount in seen.values()]
        found = []
        for mount, answer in zip(seen.values(), answers, strict=True):
            if isinstance(answer, Failure):
                reading.note(mount.fs_type, answer)
                if answer.reason is Reason.MISSING:
                    continue
            found.append(_row(mount, answer))
        if found and all(row.size_bytes is None for row in found) and isinstance(answers[0], Failure):
            raise Unreadable(answers[0])
        return found


def _raw(line: bytes) -> tuple[int, str]:
    """(number, mount point) of a line of mountinfo, the mount point as the kernel knows it."""
    columns = line.split(b" ", 5)
    return number(columns[0]), unescape(columns[4]).decode("utf-8", "surrogateescape")


def _row(mount: Mount, found: Any) -> FileSystem:
    read_only = "ro" in mount.options or "ro" in mount.super_options
    if isinstance(found, Failure):
        return FileSystem(mount.mount_point, mount.source, mount.fs_type, read_only)
    unit = found.f_frsize
    return FileSystem(
        mount.mount_point, mount.source, mount.fs_type, read_only,
        found.f_blocks * unit, found.f_bfree * unit, found.f_bavail * unit, unit,
        found.f_files, found.f_ffree, found.f_namemax,
    )  # fmt: skip


def _no_parse(file: Any) -> list[FileSystem]:
    raise TypeError("statfs is not one file")


STATFS = _StatfsSource("statfs", "/proc/self/mountinfo", list[FileSystem], _no_parse, slow=True)
