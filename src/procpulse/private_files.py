"""Opens files and directories in which nobody else can have a hand: for recordings, captured trees and secrets.

Whoever may write to a directory can put a link, or another file, where a program is about to write. So what is written
goes into directories that only their owner can write to, by descriptors, and through no link.
"""

import errno
import grp
import os
import pwd
import select
import stat
import time
from pathlib import Path

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40
_PIPE_SECONDS = 5.0
_MOST_SECRET = 4096


def shared(found: os.stat_result, descriptor: int | None = None) -> str:
    """Why a file or directory is not in the hands of this user alone; empty where it is.

    Args:
        found: Its status.
        descriptor: It, opened, to see whether it has an access control list.
    """
    if found.st_uid != os.geteuid():
        return "it belongs to somebody else"
    return _writable(found, descriptor)


def _writable(found: os.stat_result, descriptor: int | None) -> str:
    """Which others may write to it, whoever owns it."""
    if found.st_mode & stat.S_IWOTH:
        return "everybody may write to it"
    if found.st_mode & stat.S_IWGRP and not _group_of_one(found.st_gid, descriptor):
        return "its group may write to it"
    return ""


def _group_of_one(group: int, descriptor: int | None) -> bool:
    """Whether a group is that of this user alone, as many systems make one for each user and let it write.

    The mode of what has an access control list does not say who may write to it.
    """
    user = os.geteuid()
    if not user or descriptor is None:
        return False
    try:
        entry, name = grp.getgrgid(group), pwd.getpwuid(user).pw_name
    except KeyError:
        return False
    try:
        os.getxattr(descriptor, "system.posix_acl_access")
    except OSError as error:
        without = error.errno in (errno.ENODATA, errno.EOPNOTSUPP)
        return without and entry.gr_name == name and set(entry.gr_mem) <= {name}
    return False


def open_directory(path: str | os.PathLike[str]) -> int:
    """A descriptor of a directory that belongs to this user and that nobody else may write to, or of a sticky one.

    In a sticky directory such as /tmp, which has to be root's, others can make files but not touch ours.

    Raises:
        PermissionError: others may write to it; says how.
        OSError: it cannot be opened.
    """
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    found = os.fstat(fd)
    why = shared(found, fd)
    if why and found.st_mode & stat.S_ISVTX and (not found.st_uid or found.st_uid == os.geteuid()):
        why = ""
    if why:
        os.close(fd)
        raise PermissionError(errno.EPERM, f"not a safe directory to write to: {why}", os.fspath(path))
    return fd


def make_directory(path: str | os.PathLike[str]) -> int:
    """A descriptor of a new directory for this user alone (0700), or of one that is there, if it is empty and safe.

    The way to it may lead through directories of others, since nothing is written but in what the descriptor stands
    for; but through no link of theirs, and through no directory in which everybody can exchange what is in it.

    Raises:
        FileExistsError: there is something in it.
        PermissionError: it is in the hands of others, or the way to it is; says how.
        OSError: it cannot be opened or made.
    """
    fd = _walk(Path(os.path.abspath(path)))
    try:
        why = shared(os.fstat(fd), fd)
        if why:
            raise PermissionError(errno.EPERM, f"not a safe directory to write to: {why}", os.fspath(path))
        if os.listdir(fd):
            raise FileExistsError(errno.EEXIST, "is not empty", os.fspath(path))
    except OSError:
        os.close(fd)
        raise
    return fd


def _walk(path: Path) -> int:
    """Open a directory step by step, making what is missing; links are followed where they are root's or ours."""
    todo = list(path.parts[1:])
    fds = [os.open("/", _DIRECTORY)]
    links = 0
    try:
        while todo:
            name = todo.pop(0)
            if name == "..":
                if len(fds) > 1:
                    os.close(fds.pop())
                continue
            fds.append(_step(fds[-1], name))
            found = os.fstat(fds[-1])
            if stat.S_ISLNK(found.st_mode):
                links += 1
                if not todo or found.st_uid not in (0, os.geteuid()) or links > _MOST_LINKS:
                    raise PermissionError(errno.ELOOP, f"{name} is a link, which is not followed here", os.fspath(path))
                target = os.readlink("", dir_fd=fds[-1])
                os.close(fds.pop())
                if target.startswith("/"):
                    while len(fds) > 1:
                        os.close(fds.pop())
                todo = [piece for piece in target.split("/") if piece not in ("", ".")] + todo
            elif not stat.S_ISDIR(found.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path))
            elif todo and not found.st_mode & stat.S_ISVTX and _writable(found, None).startswith("everybody"):
                raise PermissionError(
                    errno.EPERM, f"everybody may exchange what is in {name}, on the way to it", os.fspath(path)
                )
        return os.open(".", _DIRECTORY, dir_fd=fds[-1])
    finally:
        for fd in fds:
            os.close(fd)


def _step(folder: int, name: str) -> int:
    """What has this name in a directory, opened as a place; a directory is made where there is nothing."""
    flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(name, flags, dir_fd=folder)
    except FileNotFoundError:
        os.mkdir(name, 0o700, dir_fd=folder)
    return os.open(name, flags, dir_fd=folder)


def read_secret(path: str | os.PathLike[str], most: int = _MOST_SECRET) -> str:
    """The text of a file that holds a secret, without blanks around it.

    Args:
        path: The file.
        most: Bytes that are read of it at most.

    Raises:
        PermissionError: somebody else may read or write it.
        OSError: it cannot be read, or is neither a file nor a descriptor that the shell made (`<(...)`).
        ValueError: it is no UTF-8.
    """
    return read_file(path, most, secret=True).decode().strip()


def read_file(path: str | os.PathLike[str], most: int, *, secret: bool = False, pipes: bool = True) -> bytes:
    """The bytes of a file, which can hold up nobody: a regular one, or a pipe from which all of it comes soon.

    Args:
        path: The file.
        most: Bytes that are read of it at most.
        secret: Whether a file that others may read or have written is refused.
        pipes: Whether it may be a pipe, such as the shell makes for `<(...)`.

    Raises:
        PermissionError: somebody else may read or write a file that is secret.
        OSError: it cannot be read, or is neither a file nor such a pipe.
    """
    # A pipe that nobody writes to would hold up the program for ever; one that a shell made has its writer already.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        pipe = pipes and stat.S_ISFIFO(found.st_mode)
        if stat.S_ISREG(found.st_mode):
            why = (
                ""
                if not secret
                else "it belongs to somebody else"
                if found.st_uid not in (0, os.geteuid())
                else "others than its owner may read it: chmod 600"
                if found.st_mode & 0o077
                else ""
            )
            if why:
                raise PermissionError(errno.EPERM, f"no place for a secret: {why}", os.fspath(path))
        elif not pipe:
            raise OSError(errno.EINVAL, "no regular file", os.fspath(path))
        data, end = bytearray(), time.monotonic() + _PIPE_SECONDS
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        while len(data) < most:
            if pipe and not poll.poll(max(0.0, end - time.monotonic()) * 1000):
                raise OSError(errno.EAGAIN, "nothing comes from this pipe", os.fspath(path))
            try:
                piece = os.read(fd, min(most - len(data), 1 << 16))
            except BlockingIOError:
                continue
            if not piece:
                break
            data += piece
    finally:
        os.close(fd)
    if pipe and not data.strip():
        raise OSError(errno.ENODATA, "nothing comes from this pipe", os.fspath(path))
    return bytes(data)
