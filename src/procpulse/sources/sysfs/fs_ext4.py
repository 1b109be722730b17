"""/sys/fs/ext4/*: errors that each mounted ext4 file system met, and how much was written to it.

    errors_count: 2, first_error_func: ext4_lookup, lifetime_write_kbytes: 5874085

The errors are kept on the disk: they stay until the file system is checked.

https://docs.kernel.org/admin-guide/abi-testing.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import amount
from procpulse.tree import Folder, Tree


class Ext4Error(msgspec.Struct, frozen=True, gc=False):
    """The first or the last error that was found."""

    time: Annotated[int, info("When, in seconds since 1970.")]
    function: Annotated[str | None, info("Function of the kernel that found it.")] = None
    line: Annotated[int | None, info("Line of the kernel's source.")] = None
    inode: Annotated[int | None, info("Inode that was looked at; None for none.")] = None
    block: Annotated[int | None, info("Block that was looked at; None for none.")] = None
    code: Annotated[int | None, info("Kind of error, as ext4 numbers it; 0 for not known (Linux 5.6).")] = None


class Ext4(msgspec.Struct, frozen=True, gc=False):
    """One mounted ext4 file system."""

    device: Annotated[str, label("Name of the device that it is on, such as sda1.")]
    errors: Annotated[int | None, counter("Errors found since the last check of the file system.", bits=32)] = None
    warnings: Annotated[int | None, counter("Warnings since it was mounted (Linux 5.0).", bits=32)] = None
    messages: Annotated[
        int | None, counter("Messages in the kernel's log since it was mounted (Linux 5.0).", bits=32)
    ] = None
    first_error: Annotated[Ext4Error | None, group("The first of the errors; None for none.")] = None
    last_error: Annotated[Ext4Error | None, group("The last of the errors; None for none.")] = None
    session_written_bytes: Annotated[
        int | None, counter("Bytes written since it was mounted.", bits="long", scale=512)
    ] = None
    lifetime_written_bytes: Annotated[int | None, counter("Bytes written since it was made.")] = None
    delayed_allocation_blocks: Annotated[
        int | None, gauge("Blocks written to memory that have no place on the disk yet.")
    ] = None
    reserved_clusters: Annotated[int | None, gauge("Clusters kept back so that delayed blocks find room.")] = None
    sra_exceeded_retry_limit: Annotated[
        int | None, counter("Allocations that gave up waiting for room to be freed (Linux 5.10).")
    ] = None
    journal_task: Annotated[int | None, info("Process that writes the journal; None for none.")] = None


def _kib(data: bytes) -> int | None:
    return amount(data, 1024)


def _error(folder: Folder, which: str) -> Ext4Error | None:
    time = folder.number(f"{which}_error_time")
    if not time:
        return None
    return Ext4Error(
        time,
        folder.text(f"{which}_error_func"),
        folder.number(f"{which}_error_line"),
        folder.number(f"{which}_error_ino") or None,
        folder.number(f"{which}_error_block") or None,
        folder.number(f"{which}_error_errcode"),
    )


def parse(folder: Folder) -> Ext4 | None:
    if not folder.entries:  # the directory of the features that this kernel knows
        return None
    task = folder.text("journal_task")
    return Ext4(
        folder.name,
        folder.number("errors_count"),
        folder.number("warning_count"),
        folder.number("msg_count"),
        _error(folder, "first"),
        _error(folder, "last"),
        folder.parsed("session_write_kbytes", _kib),
        folder.parsed("lifetime_write_kbytes", _kib),
        folder.number("delayed_allocation_blocks"),
        folder.number("reserved_clusters"),
        folder.number("sra_exceeded_retry_limit"),
        None if task in (None, "<none>") else folder.number("journal_task"),
    )


FILES = (
    "errors_count", "warning_count", "msg_count", "session_write_kbytes", "lifetime_write_kbytes",
    "delayed_allocation_blocks", "reserved_clusters", "sra_exceeded_retry_limit", "journal_task",
    *(f"{w}_error_{what}" for w in ("first", "last") for what in ("time", "func", "line", "ino", "block", "errcode")),
)  # fmt: skip
FS_EXT4 = Tree("fs_ext4", "/sys/fs/ext4/*", FILES, Ext4, parse)
