"""Opens files of trees that are no kernel file system: nothing outside the tree, and nothing that is not a file.

A captured tree, a FUSE mount or somebody's archive may hold links that lead out of it, FIFOs and devices.
"""

import errno
import os
from functools import cache
from typing import Any

_OPENAT2 = 437  # the same on every architecture
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08


def beneath(root: str, place: str, flags: int) -> int:
    """Open `place`, which starts with `root`, without ever leaving `root`.

    Where the tree was stored by tools that cannot hold links, a link is a small file with the target as its text;
    such a file in the middle of a path is followed as the link that it was, and at its end where a directory is meant.

    Raises:
        OSError: with the kernel's errno; ELOOP or EXDEV for a path that leaves the tree.
    """
    relative = os.path.relpath(place, root)
    try:
        return _open(root, relative, flags)
    except OSError as error:
        if error.errno != errno.ENOTDIR:
            raise
    return _open(root, _followed(root, relative, bool(flags & os.O_DIRECTORY)), flags)


def _open(root: str, relative: str, flags: int) -> int:
    fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        openat2 = _openat2()
        if openat2 is not None:
            opened: int = openat2(fd, relative, flags)
            return opened
        opened = os.open(relative, flags, dir_fd=fd)
        inside = os.path.realpath(root) + "/"
        if not (os.readlink(f"/proc/self/fd/{opened}") + "/").startswith(inside):
            os.close(opened)
            raise OSError(errno.EXDEV, "leads out of the tree")
        return opened
    finally:
        os.close(fd)


def _followed(root: str, relative: str, last: bool) -> str:
    """The path with the files that stand for links replaced by their targets."""
    done: list[str] = []
    todo = relative.split("/")
    for _ in range(256):
        if not todo:
            break
        piece = todo.pop(0)
        if piece == ".." and done:
            done.pop()
        elif piece not in ("", ".", ".."):
            done.append(piece)
            known = (todo or last) and _is_file(root, "/".join(done))
            target = _target(root, "/".join(done)) if known else None
            if target is not None:
                done.pop()
                todo = target.split("/") + todo
    else:
        raise OSError(errno.ELOOP, "too many links")
    return "/".join(done) or "."


def _is_file(root: str, relative: str) -> bool:
    try:
        return os.path.isfile(os.path.join(root, relative))
    except ValueError:
        return False


def _target(root: str, relative: str) -> str | None:
    """What a file that stands for a link says, if it looks like one."""
    fd = _open(root, relative, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        data = os.pread(fd, 1025, 0)
    finally:
        os.close(fd)
    if not data or len(data) > 1024 or b"\n" in data or b"\0" in data or data.startswith(b"/"):
        return None
    return os.fsdecode(data)


@cache
def _openat2() -> Any:
    """openat2(2) through libc's syscall(), which Python does not offer; None where the kernel lacks it (before 5.6)."""
    try:
        import ctypes  # only here: most programs read the real /proc and never need it
    except ImportError:
        return None  # a program that changed its user or its root since it started may not find it any more

    libc = ctypes.CDLL(None, use_errno=True)

    class How(ctypes.Structure):
        _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]

    def openat2(directory: int, relative: str, flags: int) -> int:
        how = How(flags, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
        fd: int = libc.syscall(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(directory),
            ctypes.c_char_p(os.fsencode(relative)),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if fd < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code))
        return fd

    probe = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        os.close(openat2(probe, ".", os.O_PATH | os.O_CLOEXEC))
    except OSError:
        return None
    finally:
        os.close(probe)
    return openat2
