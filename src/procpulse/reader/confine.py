"""The directories that stand for /proc and /sys: whether they are what they should be, and how to stay in them.

A root that is no kernel file system may hold anything: a captured tree, a FUSE mount or somebody's archive has links
that lead out of it, FIFOs, devices. So may the way to a root that somebody else controls: what is below `/proc/PID/root`
begins with /proc/, and is what the owner of a container put there.
"""

import errno
import os
import posixpath
import re
import stat
import sys
from functools import cache
from typing import Any

_OPENAT2 = 437  # the same on every architecture
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08
_RESOLVE_IN_ROOT = 0x10

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40

_MAGIC = {0x9FA0: "proc", 0x62656572: "sysfs"}
"""What statfs(2) calls the file systems that roots should be."""
_ELSEWHERE = re.compile(r"(/proc/(?:[1-9][0-9]*|self|thread-self)/(?:task/[0-9]+/)?(?:root|cwd))(?:/(.*))?", re.DOTALL)
"""Paths into the root of another process, by the links that the kernel itself follows."""


class Root:
    """A directory that stands for /proc or /sys.

    It is opened once, and everything below it by its descriptor: whoever controls the way to it cannot put another in
    its place later. /proc and /sys themselves are ours to begin with, and not opened unless they turn out to be no
    kernel file systems.

    Args:
        path: The directory, absolute.
        own: Whether it is /proc or /sys itself.

    Attributes:
        kind: What the file system says that it is: "proc", "sysfs", or "" for anything else.
        straight: Whether no link is on the way to it.
    """

    def __init__(self, path: str, own: bool):
        self.path = path
        self.own = own
        self.kind = ""
        self.straight = own
        self._fd = -1
        if not own:
            try:
                fd = self.fd
            except (OSError, ValueError):
                return  # each request will say why
            self.kind = _file_system(fd)
            self.straight = _is_straight(path)

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            os.close(self._fd)

    @property
    def fd(self) -> int:
        """Its descriptor, which stays open as long as this object lives.

        Raises:
            OSError: with the kernel's errno.
        """
        if self._fd < 0:
            self._fd = _open_root(self.path)
        return self._fd

    def open(self, relative: str, flags: int) -> int:
        """Open what is below the root, without ever leaving it.

        Where the tree was stored by tools that cannot hold links, a link is a small file with the target as its text;
        such a file in the middle of a path is followed as the link that it was, and at its end where a directory is
        meant.

        Raises:
            OSError: with the kernel's errno; ELOOP or EXDEV for a path that leaves the tree.
        """
        relative = posixpath.normpath(relative)
        try:
            return _open(self.fd, relative, flags)
        except OSError as error:
            if error.errno != errno.ENOTDIR:
                raise
        return _open(self.fd, self._followed(relative, bool(flags & os.O_DIRECTORY)), flags)

    def open_file(self, relative: str, flags: int) -> int:
        """Open a regular file below the root. Nothing else is opened to see what it is: a device may act when it is.

        Raises:
            OSError: with the kernel's errno, or EISDIR, EOPNOTSUPP or ENOENT for what is no such file.
        """
        for opening in (os.O_PATH | os.O_CLOEXEC, flags):
            fd = self.open(relative, opening)
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                os.close(fd)
                if stat.S_ISCHR(found.st_mode) and found.st_rdev == os.makedev(1, 3):
                    raise OSError(errno.ENOENT, "masked by /dev/null")
                raise OSError(errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EOPNOTSUPP, "not a regular file")
            if opening is not flags:
                os.close(fd)
        return fd

    def readlink(self, relative: str) -> bytes:
        """What a link below the root says, or a file in place of one. It is not followed.

        Raises:
            OSError: with the kernel's errno; EINVAL for what is neither.
        """
        fd = self.open(relative, _PLACE)
        try:
            mode = os.fstat(fd).st_mode
            if stat.S_ISLNK(mode):
                return os.fsencode(os.readlink("", dir_fd=fd))
        finally:
            os.close(fd)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "neither a link nor a file")
        fd = self.open_file(relative, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            return os.pread(fd, 4096, 0)
        finally:
            os.close(fd)

    def _followed(self, relative: str, last: bool) -> str:
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
                target = self._target("/".join(done)) if todo or last else None
                if target is not None:
                    done.pop()
                    todo = target.split("/") + todo
        else:
            raise OSError(errno.ELOOP, "too many links")
        return "/".join(done) or "."

    def _target(self, relative: str) -> str | None:
        """What a file that stands for a link says; None for what does not look like one."""
        try:
            fd = _open(self.fd, relative, os.O_PATH | os.O_CLOEXEC)
            try:
                if not stat.S_ISREG(os.fstat(fd).st_mode):
                    return None
            finally:
                os.close(fd)
            fd = _open(self.fd, relative, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return None  # who opens the whole path will be told
        try:
            data = os.pread(fd, 1025, 0)
        finally:
            os.close(fd)
        if not data or len(data) > 1024 or b"\n" in data or b"\0" in data or data.startswith(b"/"):
            return None
        return os.fsdecode(data)


def _open_root(path: str) -> int:
    """Open a root. What is below the root of another process is looked up as that process would, so that links in it
    lead to what they mean there, and not to ours."""
    elsewhere = _ELSEWHERE.fullmatch(path)
    if elsewhere is None or not elsewhere[2]:
        return os.open(path, _FOLDER)
    base = os.open(elsewhere[1], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _open(base, elsewhere[2], _FOLDER, in_root=True)
    finally:
        os.close(base)


def _is_straight(path: str) -> bool:
    """Whether no link of any kind is on the way to a directory, or is that directory."""
    fd = os.open("/", os.O_PATH | os.O_CLOEXEC)
    try:
        for piece in path.split("/")[1:]:
            inner = os.open(piece or ".", _PLACE, dir_fd=fd)
            os.close(fd)
            fd = inner
            if stat.S_ISLNK(os.fstat(fd).st_mode):
                return False
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _open(root: int, relative: str, flags: int, in_root: bool = False) -> int:
    """Open what is below a directory.

    Args:
        root: The directory.
        relative: A path from it.
        flags: As for open(2).
        in_root: Whether absolute links, and those that lead above the directory, end in it, as after chroot(2);
            otherwise they are errors.

    Raises:
        OSError: with the kernel's errno.
    """
    openat2 = _openat2()
    if openat2 is None:
        return _walk(root, relative, flags, in_root)
    resolve = (_RESOLVE_IN_ROOT if in_root else _RESOLVE_BENEATH) | _RESOLVE_NO_MAGICLINKS
    for _ in range(16):
        try:
            opened: int = openat2(root, relative, flags, resolve)
            return opened
        except OSError as error:
            if error.errno != errno.EAGAIN:  # something was renamed on the way: the kernel could not be sure
                raise
    return _walk(root, relative, flags, in_root)


def _walk(root: int, relative: str, flags: int, in_root: bool) -> int:
    """The same where the kernel cannot do it, step by step."""
    todo = [piece for piece in relative.split("/") if piece not in ("", ".")]
    above = [os.dup(root)]
    links = 0
    try:
        while todo:
            name = todo.pop(0)
            if name == "..":
                if len(above) > 1:
                    os.close(above.pop())
                elif not in_root:
                    raise OSError(errno.EXDEV, "leads out of the tree")
                continue
            fd = os.open(name, _PLACE, dir_fd=above[-1])
            mode = os.fstat(fd).st_mode
            if stat.S_ISLNK(mode) and (todo or not flags & os.O_NOFOLLOW):
                try:
                    target = os.readlink("", dir_fd=fd)
                finally:
                    os.close(fd)
                links += 1
                if links > _MOST_LINKS or (not target.startswith("/") and _is_magic(above[-1], name)):
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                if target.startswith("/"):
                    if not in_root or _is_magic(above[-1], name):
                        raise OSError(errno.EXDEV, "leads out of the tree")
                    while len(above) > 1:
                        os.close(above.pop())
                todo = [piece for piece in target.split("/") if piece not in ("", ".")] + todo
            elif todo or flags & os.O_DIRECTORY:
                above.append(fd)
                if not stat.S_ISDIR(mode):
                    raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            else:
                os.close(fd)
                return os.open(name, flags | os.O_NOFOLLOW, dir_fd=above[-1])
        return os.open(".", flags & ~os.O_NOFOLLOW, dir_fd=above[-1])
    finally:
        for fd in above:
            os.close(fd)


def _is_magic(folder: int, name: str) -> bool:
    """Whether a link may be one that the kernel follows to where its text does not lead: those of a procfs."""
    return _file_system(folder) == "proc" and name not in ("self", "thread-self", "mounts", "net")


def _file_system(fd: int) -> str:
    """What kind of file system a directory is on: "proc", "sysfs", or "" for any other."""
    if _libc() is None:
        return ""
    ctypes, libc = _libc()
    buffer = ctypes.create_string_buffer(512)
    if libc.fstatfs(ctypes.c_int(fd), buffer):
        return ""
    # f_type comes first: a long, but on s390 an unsigned int.
    short = sys.byteorder == "little" or os.uname().machine.startswith("s390")
    size = 4 if short else ctypes.sizeof(ctypes.c_long)
    return _MAGIC.get(int.from_bytes(buffer.raw[:size], sys.byteorder) & 0xFFFFFFFF, "")


@cache
def _libc() -> Any:
    """ctypes and the C library; None where they cannot be loaded."""
    try:
        import ctypes  # only here: most programs read the real /proc and never need it
    except ImportError:
        return None  # a program that changed its user or its root since it started may not find it any more
    return ctypes, ctypes.CDLL(None, use_errno=True)


@cache
def _openat2() -> Any:
    """openat2(2) through libc's syscall(), which Python does not offer; None where the kernel lacks it (before 5.6)."""
    if _libc() is None:
        return None
    ctypes, libc = _libc()

    class How(ctypes.Structure):  # type: ignore[misc, name-defined]
        _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]

    def openat2(directory: int, relative: str, flags: int, resolve: int) -> int:
        how = How(flags, 0, resolve)
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
        os.close(openat2(probe, ".", os.O_PATH | os.O_CLOEXEC, _RESOLVE_BENEATH))
    except OSError:
        return None
    finally:
        os.close(probe)
    return openat2
