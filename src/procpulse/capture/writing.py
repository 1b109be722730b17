"""Writes a captured tree by descriptors: through no link, over no file, and with no link that leads out of it."""

import errno
import os
import posixpath

from procpulse.private_files import make_directory

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_LINKS = 40


class TreeWriter:
    """Writes files, directories and links below one directory, which is new, or empty and in nobody else's hands.

    Whoever can read a file of /proc or /sys is decided by the kernel; the copies are for their owner alone (0600, and
    0700 for directories). Paths are relative to the directory. Those that lead through a link that was written before
    go to where it leads; that is decided here, from what was written, and never by the file system.

    Args:
        folder: The directory.

    Raises:
        FileExistsError: there is something in it.
        OSError: it cannot be made, or others have a hand in it.
    """

    def __init__(self, folder: str | os.PathLike[str]):
        self._root = make_directory(folder)
        self._links: dict[str, str] = {}
        """Where the links lead that were written, as paths from the root."""
        self._there: set[str] = {""}
        """Directories that were made."""
        self.written: set[str] = set()
        """Files and links that were written, where they are in the end."""

    def close(self) -> None:
        """Let go of the directory."""
        os.close(self._root)

    def resolve(self, path: str, last: bool = False) -> str:
        """Where a path leads once the links on the way are followed, and with `last` one at its end."""
        done: list[str] = []
        todo = [piece for piece in path.split("/") if piece not in ("", ".")]
        links = 0
        while todo:
            piece = todo.pop(0)
            if piece == "..":
                del done[-1:]
                continue
            done.append(piece)
            target = self._links.get("/".join(done)) if todo or last else None
            if target is not None and links < _MOST_LINKS:
                links += 1
                done, todo = [], target.split("/") + todo
        return "/".join(done)

    def is_directory(self, path: str) -> bool:
        """Whether a directory was made here."""
        return self.resolve(path, last=True) in self._there

    def directory(self, path: str) -> None:
        """Make a directory, and those above it."""
        os.close(self._open(self.resolve(path, last=True)))

    def file(self, path: str, data: bytes) -> bool:
        """Write a file; return False where something is there already.

        Raises:
            NotADirectoryError: what was written above it is no directory.
            OSError: it cannot be written.
        """
        place = self.resolve(path)
        if place in self.written or place in self._there:
            return False
        folder, _, name = place.rpartition("/")
        parent = self._open(folder)
        try:
            fd = os.open(name, _FILE, 0o600, dir_fd=parent)
        finally:
            os.close(parent)
        with open(fd, "wb") as file:
            file.write(data)
        self.written.add(place)
        return True

    def link(self, path: str, target: str) -> bool:
        """Write a link; return False where something is there already.

        A target that is absolute or leads out of the tree is written as a file that holds it, as tools do that know
        no links: it says the same, and nobody can follow it.
        """
        place = self.resolve(path)
        folder, _, name = place.rpartition("/")
        end = posixpath.normpath(posixpath.join(folder, target))
        if target.startswith("/") or end == ".." or end.startswith("../") or not target:
            return self.file(path, os.fsencode(target))
        if place in self.written or place in self._there:
            return False
        parent = self._open(folder)
        try:
            os.symlink(target, name, dir_fd=parent)
        finally:
            os.close(parent)
        self._links[place] = end
        self.written.add(place)
        return True

    def _open(self, folder: str) -> int:
        """A directory, step by step from the root; what is missing is made."""
        fd = os.open(".", _FOLDER, dir_fd=self._root)
        done = ""
        for piece in folder.split("/") if folder else ():
            done = f"{done}/{piece}" if done else piece
            try:
                if done not in self._there:
                    os.mkdir(piece, 0o700, dir_fd=fd)
                    self._there.add(done)
                inner = os.open(piece, _FOLDER, dir_fd=fd)
            except FileExistsError:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), done) from None
            finally:
                os.close(fd)
            fd = inner
        return fd
