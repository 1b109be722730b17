"""/proc/sys/fs: open files, inodes, directory entries, asynchronous I/O, and their limits.

    file-nr: 305	0	2466177

https://docs.kernel.org/admin-guide/sysctl/fs.html
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from procpulse.fields import gauge
from procpulse.text import integers
from procpulse.tree import Bundle, Folder


class SysFs(msgspec.Struct, frozen=True, gc=False):
    """The file layer of the kernel."""

    files_allocated: Annotated[int | None, gauge("Open files of the whole host (file-nr).")]
    files_unused: Annotated[int | None, gauge("Allocated but unused file handles; always 0 (file-nr).")]
    files_max: Annotated[int | None, gauge("Most files that may be open (file-nr).")]
    nr_open: Annotated[int | None, gauge("Most files that a process may open, whatever its limit.")] = None
    inodes: Annotated[int | None, gauge("Inodes in memory (inode-state).")] = None
    inodes_free: Annotated[int | None, gauge("Inodes in memory that nobody uses (inode-state).")] = None
    dentries: Annotated[int | None, gauge("Directory entries in memory (dentry-state).")] = None
    dentries_unused: Annotated[int | None, gauge("Directory entries in memory that nobody uses (dentry-state).")] = None
    dentries_negative: Annotated[int | None, gauge("Unused entries for files that do not exist (Linux 5.0).")] = None
    aio_nr: Annotated[int | None, gauge("Asynchronous requests that programs have reserved.")] = None
    aio_max_nr: Annotated[int | None, gauge("Most asynchronous requests that programs may reserve.")] = None
    inotify_max_queued_events: Annotated[int | None, gauge("Most events that may wait in an inotify queue.")] = None
    inotify_max_user_instances: Annotated[int | None, gauge("Most inotify queues of a user.")] = None
    inotify_max_user_watches: Annotated[int | None, gauge("Most inotify watches of a user.")] = None
    epoll_max_user_watches: Annotated[int | None, gauge("Most epoll watches of a user.")] = None
    pipe_max_size_bytes: Annotated[int | None, gauge("Most that a user without privileges may make a pipe hold.")] = (
        None
    )
    pipe_user_pages_hard_pages: Annotated[
        int | None, gauge("Pages that a user's pipes may have at most; 0 for no limit.")
    ] = None
    pipe_user_pages_soft_pages: Annotated[
        int | None, gauge("Pages after which a user's new pipes are small; 0 for no limit.")
    ] = None


def parse(folder: Folder) -> SysFs:
    files: Sequence[int | None] = folder.parsed("file-nr", lambda data: integers(data, 3)) or (None,) * 3
    inodes: Sequence[int | None] = folder.parsed("inode-state", lambda data: integers(data, 2)) or (None,) * 2
    dentries: Sequence[int | None] = folder.parsed("dentry-state", lambda data: integers(data, 5)) or (None,) * 5
    return SysFs(
        files[0],
        files[1],
        files[2],
        folder.number("nr_open"),
        inodes[0],
        inodes[1],
        dentries[0],
        dentries[1],
        dentries[4] if folder.host.at_least(5, 0) else None,  # a dummy 0 before
        *[folder.number(name) for name in FILES[4:]],
    )


FILES = (
    "file-nr", "nr_open", "inode-state", "dentry-state", "aio-nr", "aio-max-nr", "inotify/max_queued_events",
    "inotify/max_user_instances", "inotify/max_user_watches", "epoll/max_user_watches", "pipe-max-size",
    "pipe-user-pages-hard", "pipe-user-pages-soft",
)  # fmt: skip
SYS_FS = Bundle("sys_fs", "/proc/sys/fs", FILES, SysFs, parse, cadence=1.0)
