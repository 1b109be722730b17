"""Opens kernel files, keeps them open, reads them to their end, and turns every errno into a reason.

This module and `processes` beside it are the only ones that touch /proc and /sys.
"""

import errno
import os
import resource
import stat
from collections.abc import Callable
from contextlib import suppress
from itertools import repeat
from time import monotonic_ns
from typing import Any, NamedTuple

from procpulse.reader.confine import Root
from procpulse.source import Failure, Link, Names, Piece, Read, Reason, Request, Roots, Statvfs

_REASONS = {
    errno.ENOENT: Reason.MISSING,
    errno.ENOTDIR: Reason.MISSING,
    errno.ESRCH: Reason.MISSING,
    errno.ENODEV: Reason.MISSING,
    errno.ENXIO: Reason.MISSING,
    errno.EACCES: Reason.DENIED,
    errno.EPERM: Reason.DENIED,
    errno.EMFILE: Reason.EXHAUSTED,
    errno.ENFILE: Reason.EXHAUSTED,
    errno.ENOMEM: Reason.EXHAUSTED,
}
"""Every other errno (EINVAL, ENODATA, EOPNOTSUPP, EIO, EAGAIN, EBUSY, ESTALE ...) is `unsupported`."""

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK

_KERNEL = frozenset(
    [
        "proc",
        "sysfs",
        "cgroup",
        "cgroup2",
        "configfs",
        "debugfs",
        "tracefs",
        "securityfs",
        "selinuxfs",
        "bpf",
        "efivarfs",
        "fusectl",
        "binfmt_misc",
    ]
)
"""File systems whose files the kernel itself answers, from memory."""

_CHUNK = 65536

_ABSENT_NS = 5_000_000_000
"""For how long a file of /proc is taken to be missing still. It comes with a module, or never; asking costs an open."""

_ROUNDS = 64
"""After so many rounds of reads, what was not read in them belongs to what is gone."""


def failed(error: OSError, path: str) -> Failure:
    """The failure that an errno means."""
    code = error.errno or 0
    return Failure(_REASONS.get(code, Reason.UNSUPPORTED), path, errno.errorcode.get(code, str(code)))


def _lasts(path: str) -> bool:
    """Whether what is missing here is so for long: files of /proc, but for those of processes."""
    return path.startswith("/proc/") and not path[6:7].isdigit()


class Budget:
    """How many descriptors may be kept open: they belong to the application around us.

    Args:
        limit: The number; by default half of what RLIMIT_NOFILE allows.
    """

    def __init__(self, limit: int | None = None):
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        if soft == resource.RLIM_INFINITY:
            soft = 1 << 20
        self.limit = soft // 2 if limit is None else limit
        self.used = 0

    def take(self, share: float = 1.0) -> bool:
        """Whether one more may be kept, by a user who may fill only this share of the budget."""
        if self.used >= self.limit * share:
            return False
        self.used += 1
        return True

    def give(self) -> None:
        """One was closed."""
        self.used -= 1

    def shrink(self) -> None:
        """The application ran out of descriptors: keep a quarter fewer from now on."""
        self.limit = min(self.limit, self.used * 3 // 4)

    @property
    def over(self) -> bool:
        """Whether more is kept than may be, since the budget shrank."""
        return self.used > self.limit


class _Kept(NamedTuple):
    """A descriptor that stays open between reads."""

    fd: int
    identity: int


class Files:
    """Answers requests for files below the roots, with bytes or a `Failure`; never raises an OSError.

    Args:
        roots: Where /proc, /sys and / are.
        budget: How many descriptors may stay open.
        observe: Told of every request and its answer, from any thread; then processes are read file by file, too.
        for_everybody: Whether files and directories whose mode does not let every user read them are denied, to
            whoever we are. Of the files of processes the process table opens its own.
    """

    def __init__(
        self,
        roots: Roots,
        budget: Budget,
        observe: Callable[[Request, Any], None] | None = None,
        for_everybody: bool = False,
    ):
        self._for_everybody = for_everybody
        self.roots = roots
        self.budget = budget
        self.observe = observe
        self.reads = 0
        """Files read so far."""
        self._kept: dict[str, _Kept] = {}
        self._pieces: dict[str, int] = {}
        """Files that are being read piece by piece in other threads, one at a time each."""
        self._stale: dict[str, _Kept] = {}
        """Those that were not read since the last sweep."""
        self._absent: dict[str, tuple[int, Failure]] = {}
        """Files of /proc that this kernel does not have, and when to look again."""
        self._rounds = 0
        self._mounts = _mount_points()
        self._proc = self._root(roots.proc, "/proc")
        self._sys = self._root(roots.sys, "/sys")
        self._init = not self._proc.own and self._proc.kind == "proc"
        self.kernel = self._proc.kind == "proc" and self._sys.kind == "sysfs"
        """Whether the roots are a real procfs and sysfs."""
        self._trusted: dict[str, bool] = {}
        self._trusted_before: dict[str, bool] = {}
        self._answers: dict[type, Callable[[Any], Any]] = {
            Read: self._read,
            Piece: self._piece,
            Names: self._names,
            Link: self._link,
            Statvfs: self._statvfs,
        }
        self._answers_once = self._answers | {Read: self._read_once, Piece: self._piece_once}

    def _root(self, path: str, usual: str) -> Root:
        path = os.path.abspath(path)
        root = Root(path, path == usual)
        if root.own:
            root.kind = self._type(path)
            if root.kind not in _KERNEL:
                with suppress(OSError):  # then each request will say why
                    root.fd  # noqa: B018
        return root

    def perform(self, request: Request) -> Any:
        """Answer one request at once, through a kept descriptor where there is one. For one thread only."""
        if type(request) is Read and self.observe is None:
            # The short way: nearly every file of every tick is one that is kept, and comes in one piece.
            kept = self._kept.get(request.path)
            if kept is None:
                absent = self._absent.get(request.path)
                if absent is not None and monotonic_ns() < absent[0]:
                    return absent[1]
            elif request.whole and kept.identity == request.identity:
                try:
                    data = os.pread(kept.fd, min(_CHUNK, request.cap + 1), 0)
                except OSError:
                    data = b""
                if data and len(data) < _CHUNK and len(data) <= request.cap:
                    self.reads += 1
                    return data
        answer = self._perform(request, self._answers)
        if type(answer) is Failure and answer.detail == "ENOENT" and _lasts(request.path):
            self._absent[request.path] = monotonic_ns() + _ABSENT_NS, answer
        return answer

    def perform_once(self, request: Request) -> Any:
        """Answer one request and keep nothing open, from any thread. May block where the file does."""
        return self._perform(request, self._answers_once)

    def _perform(self, request: Request, answers: dict[type, Callable[[Any], Any]]) -> Any:
        try:
            answer = answers[type(request)](request)
        except OSError as error:
            if error.errno == errno.EMFILE:
                self.budget.shrink()
            answer = failed(error, request.path)
        except ValueError as error:  # a NUL in a path
            answer = Failure(Reason.MISSING, request.path, str(error))
        if self.observe is not None:
            self.observe(request, answer)
        return answer

    def blocks(self, request: Request) -> bool:
        """Whether a request must not be answered on the event loop."""
        if request.slow:
            return True
        trusted = self._trusted.get(request.path)
        if trusted is None:
            trusted = self._trusted_before.get(request.path)
            if trusted is None:
                trusted = self._is_trusted(request.path)
            if len(self._trusted) > 65536:
                self._trusted.clear()
            self._trusted[request.path] = trusted
        return not trusted

    def _is_trusted(self, path: str) -> bool:
        """Whether a path is in a file system of the kernel's own. What a root is, the root itself says; what is mounted
        below it, the mount table. The text of a path is what that is looked up by, so no link may be on the way."""
        root, _ = self._located(path)
        if not root.own and not (root.straight and root.kind):
            return False
        return self._type(self.place(path)) in _KERNEL

    def place(self, path: str) -> str:
        """Where a path below /proc or /sys is, as text."""
        root, relative = self._located(path)
        return f"{root.path}/{relative}" if relative else root.path

    def _located(self, path: str) -> tuple[Root, str]:
        """The root that a path is below, and the path from there.

        Under another root /proc/net and /proc/self would speak of our own process there, or of nobody;
        what is asked for is the host's, so they are those of its first process.
        """
        if not path.startswith("/proc"):
            return self._sys, path[5:]
        rest = path[6:]
        if self._init and rest.startswith(("net/", "self/")):
            rest = rest.replace("net/", "1/net/", 1) if rest[0] == "n" else rest.replace("self/", "1/", 1)
        return self._proc, rest

    def open(self, path: str) -> int:
        """Open a file below the roots for reading. Outside a kernel file system only regular files are opened.

        Raises:
            OSError: with the kernel's errno.
        """
        root, relative = self._located(path)
        if self.blocks(Read(path)):
            return self._checked(root.open_file(relative, _FLAGS), path)
        if root.own:
            return self._checked(os.open(path, _FLAGS), path)
        return self._checked(os.open(relative or ".", _FLAGS, dir_fd=root.fd), path)

    def _checked(self, fd: int, path: str) -> int:
        """The descriptor, if every user may read what it stands for, or that does not matter."""
        if self._for_everybody and not os.fstat(fd).st_mode & stat.S_IROTH:
            os.close(fd)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return fd

    def open_folder(self, path: str) -> int:
        """Open a directory below the roots.

        Raises:
            OSError: with the kernel's errno.
        """
        root, relative = self._located(path)
        if self.blocks(Names(path)):
            return self._checked(root.open(relative, _FLAGS | os.O_DIRECTORY), path)
        if root.own:
            return self._checked(os.open(path, _FLAGS | os.O_DIRECTORY), path)
        return self._checked(os.open(relative or ".", _FLAGS | os.O_DIRECTORY, dir_fd=root.fd), path)

    def _type(self, place: str) -> str:
        """The type of the file system that a path is on, as far as its mount points tell."""
        return next((kind for point, kind, _ in self._mounts if place == point or place.startswith(point + "/")), "")

    @property
    def _proc_options(self) -> dict[str, str]:
        options: list[str] = next((options for point, _, options in self._mounts if point == self._proc.path), [])
        return {name: value for name, _, value in (option.partition("=") for option in options)}

    @property
    def hides_from_others(self) -> bool:
        """Whether the mount of /proc hides processes of a user from others (hidepid), whoever we are."""
        return self._proc_options.get("hidepid", "0") not in ("0", "off")

    @property
    def hides(self) -> bool:
        """Whether the mount of /proc hides processes of others from us (hidepid), as far as its options tell."""
        if not self.hides_from_others or not os.geteuid():
            return False
        given = self._proc_options
        return given.get("gid", "0") not in {str(group) for group in (os.getegid(), *os.getgroups())}

    # Reading.

    def _read(self, request: Read) -> bytes | Failure:
        kept = self._kept.get(request.path) or self._revived(request.path)
        if kept is not None:
            if kept.identity == request.identity:
                try:
                    return self.content(kept.fd, request)
                except OSError:
                    # Each file system has an errno of its own for what is gone, procfs EIO where a module was unloaded:
                    # whatever it says, there may be another file of this name by now.
                    self._drop(request.path)
            else:
                self._drop(request.path)
        fd = self._open_somehow(request.path)
        try:
            data = self.content(fd, request)
        except OSError:
            os.close(fd)
            raise
        if self.budget.take(0.25 if request.identity else 0.9):
            self._kept[request.path] = _Kept(fd, request.identity)
        else:
            os.close(fd)
        return data

    def _read_once(self, request: Read) -> bytes | Failure:
        if request.whole and self.blocks(request._replace(slow=False)):
            request = request._replace(whole=False)  # only the kernel's own files come in one piece
        fd = self.open(request.path)
        try:
            return self.content(fd, request)
        finally:
            os.close(fd)

    def _open_somehow(self, path: str) -> int:
        """Open a file; if the application has no descriptor left, give back all of ours first."""
        try:
            return self.open(path)
        except OSError as error:
            if error.errno != errno.EMFILE or not self.kept:
                raise
        self.budget.shrink()
        self.release()
        return self.open(path)

    def content(self, fd: int, request: Read) -> bytes | Failure:
        """The whole of an open file.

        Raises:
            OSError: with the kernel's errno.
        """
        self.reads += 1
        data = os.pread(fd, min(_CHUNK, request.cap + 1), 0)
        if not data or (request.whole and len(data) < _CHUNK and len(data) <= request.cap):
            return data
        pieces = [data]
        size = len(data)
        while size <= request.cap:
            data = os.pread(fd, _CHUNK, size)
            if not data:
                return pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.append(data)
            size += len(data)
        if request.clip:
            return b"".join(pieces)[: request.cap]
        return Failure(Reason.MALFORMED, request.path, f"over {request.cap} bytes")

    def _piece(self, request: Piece) -> bytes:
        """The next bytes. The file stays open to its end, whatever the budget: else the kernel counts its rows anew."""
        kept = self._kept.get(request.path) or self._revived(request.path)
        known = kept is not None
        if kept is None:
            kept = self._kept[request.path] = _Kept(self._open_somehow(request.path), 0)
            self.budget.used += 1
        try:
            data = os.pread(kept.fd, _CHUNK, request.offset)
        except OSError:
            self._drop(request.path)
            if known and not request.offset:  # there may be another file of this name by now
                return self._piece(request)
            raise
        if not data:
            self.reads += 1
            if self.budget.over:
                self._drop(request.path)
        return data

    def _piece_once(self, request: Piece) -> bytes:
        """The next bytes, from the descriptor that gave the ones before.

        A table that changes has other rows at this offset when it is opened anew, and the halves of two lines would make
        a number that is in neither.
        """
        fd = self._pieces.pop(request.path, -1)
        if fd >= 0 and not request.offset:  # left over from a read that was given up
            os.close(fd)
            fd = -1
        if fd < 0:
            fd = self.open(request.path)
        try:
            data = os.pread(fd, _CHUNK, request.offset)
        except OSError:
            os.close(fd)
            raise
        if data:
            self._pieces[request.path] = fd
        else:
            os.close(fd)
        return data

    def _names(self, request: Names) -> list[tuple[str, int]]:
        root, _ = self._located(request.path)
        if root.own and not self._for_everybody and not self.blocks(request):
            return _entries(request.path, request)
        fd = self.open_folder(request.path)
        try:
            return _entries(fd, request)
        finally:
            os.close(fd)

    def _link(self, request: Link) -> bytes:
        root, relative = self._located(request.path)
        if self.blocks(request._replace(slow=False)):
            return root.readlink(relative)
        if root.own:
            return os.fsencode(os.readlink(request.path))
        return os.fsencode(os.readlink(relative, dir_fd=root.fd))

    def _statvfs(self, request: Statvfs) -> os.statvfs_result | Failure:
        root = "" if self.roots.own and self.roots.root is None else self.roots.root
        if root is None:
            return Failure(Reason.UNSUPPORTED, request.path, "needs Roots(root=...) to reach the host's mounts")
        return os.statvfs(root.rstrip("/") + request.path)

    # Keeping.

    def sweep(self) -> bool:
        """A round of reads begins: now and then, forget the files that nobody reads any more; return whether this is such.

        Devices come and go under ever new names; what is kept of those that are gone would fill the budget.
        """
        self._rounds += 1
        if self._rounds < _ROUNDS:
            return False
        self._rounds = 0
        self._let_go(self._stale)
        self._stale, self._kept = self._kept, {}
        self._trusted_before, self._trusted = self._trusted, {}
        self._absent.clear()
        return True

    def _revived(self, path: str) -> _Kept | None:
        """A file that was not read since the last sweep, and is now."""
        kept = self._stale.pop(path, None)
        if kept is not None:
            self._kept[path] = kept
        return kept

    def _drop(self, path: str) -> None:
        kept = self._kept.pop(path)
        self.budget.give()
        os.close(kept.fd)

    def _let_go(self, kept: dict[str, _Kept]) -> None:
        while kept:
            self.budget.give()
            os.close(kept.popitem()[1].fd)

    def release(self) -> None:
        """Close what is kept."""
        self._let_go(self._kept)
        self._let_go(self._stale)
        while self._pieces:
            os.close(self._pieces.popitem()[1])

    @property
    def kept(self) -> int:
        """How many files are open now."""
        return len(self._kept) + len(self._stale)


def _entries(place: str | int, request: Names) -> list[tuple[str, int]]:
    if request.bare:
        return list(zip(sorted(os.listdir(place)), repeat(0)))
    with os.scandir(place) as found:
        return sorted(
            (entry.name, entry.inode()) for entry in found if not request.folders or entry.is_dir(follow_symlinks=False)
        )


def _mount_points() -> list[tuple[str, str, list[str]]]:
    """(mount point, file system type, its options) of our own mount namespace, deepest and latest first."""
    try:
        with open("/proc/self/mountinfo", "rb") as file:
            data = file.read()
    except OSError:
        return []
    points: list[tuple[str, str, list[str]]] = []
    for line in data.splitlines():
        left, _, right = line.partition(b" - ")
        point = os.fsdecode(left.split(b" ")[4])
        kind, _, rest = right.partition(b" ")
        options = os.fsdecode(rest.rpartition(b" ")[2]).split(",")
        points.append(("" if point == "/" else point, os.fsdecode(kind), options))
    points.reverse()
    return sorted(points, key=lambda item: -len(item[0]))
