"""Saves the files that sources read as a plain tree, with what could identify the host or its users replaced.

Whatever the sources ask for is saved, and nothing else: a new source is captured without a line here. `scrubber` says
what becomes of it, `writing` how it gets to the disk.
"""

import os
import posixpath
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import anyio.to_thread

from procpulse.capture.scrubber import Scrubber
from procpulse.capture.writing import TreeWriter
from procpulse.reader import Reader
from procpulse.source import Failure, Link, Names, Piece, Read, Request, Roots, Source

__all__ = ["Scrubber", "capture"]

DEADLINE = 30.0
"""Seconds that a file may take: it is read once, and what is not there in time is not in the tree."""


async def capture(
    folder: str | os.PathLike[str], sources: Iterable[Source[Any]], pids: Iterable[int] = (), roots: Roots | None = None
) -> int:
    """Save the files of these sources under `folder`/proc and `folder`/sys, scrubbed; return how many.

    Args:
        folder: Made if it does not exist; if it does, it must be empty, belong to this user and be writable by nobody
            else. Files in it are for this user alone (0600), whatever they are in /proc.
        sources: What to read.
        pids: Whose files to save, of processes; this one and the first two of the host by default.
        roots: Where to read; this host by default.

    Raises:
        FileExistsError: there is something in the folder.
        OSError: it cannot be written, or others have a hand in it.
    """
    writer = await anyio.to_thread.run_sync(TreeWriter, folder)
    try:
        seen: dict[Request, Any] = {}
        chosen = frozenset(pids) or frozenset((1, 2, os.getpid()))
        reader = Reader(Roots() if roots is None else roots, descriptors=0, observe=seen.__setitem__)
        try:
            await reader.read(list(sources), lambda source: DEADLINE)
            scrubber = Scrubber(reader.host.name)
        finally:
            reader.close()
        await anyio.to_thread.run_sync(_save_all, writer, scrubber, seen, chosen)
    finally:
        writer.close()
    return len(writer.written)


def _save_all(writer: TreeWriter, scrubber: Scrubber, seen: dict[Request, Any], chosen: frozenset[int]) -> None:
    """Save what was asked for and answered, of these processes and of everything else."""
    seen = seen | _joined(seen)
    folders = {posixpath.dirname(request.path) for request in seen}
    # What was asked of /proc/self goes to the first process, if it is saved, so that both are one in the tree.
    both = 1 in chosen and any(request.path.startswith("/proc/1/") for request in seen)
    for request, answer in sorted(seen.items(), key=lambda item: _order(item[0])):
        process = re.match(r"/proc/([0-9]+)(?:/|\Z)", request.path)
        if not isinstance(answer, Failure) and (process is None or int(process[1]) in chosen):
            with suppress(NotADirectoryError):  # below what is a file here: a tree may change while it is read
                _save(writer, request, answer, scrubber, request.path in folders, both)
    if both and writer.is_directory("proc/1"):
        writer.link("proc/self", "1")


def _joined(seen: dict[Request, Any]) -> dict[Request, Any]:
    """The files that were read piece by piece to their end, as if they had been read whole."""
    files: dict[Request, Any] = {}
    for first in [request for request in seen if isinstance(request, Piece) and not request.offset]:
        data, piece = b"", seen[first]
        while isinstance(piece, bytes) and piece:
            data += piece
            piece = seen.get(first._replace(offset=len(data)))
        if piece == b"":
            files[Read(first.path)] = data
    return files


def _order(request: Request) -> tuple[bool, int, str, str]:
    """Names last, the deepest first, so that what holds other files is a directory before it is one of the names."""
    listed = isinstance(request, Names)
    return listed, -request.path.count("/") * listed, request.path, type(request).__name__


def _save(writer: TreeWriter, request: Request, answer: Any, scrubber: Scrubber, holds: bool, both: bool) -> None:
    """Save one answer. A link that holds other files leads to a directory, which is made at its end."""
    place = scrubber.place(request.path).lstrip("/")
    if both and place.startswith("proc/self/"):
        place = place.replace("self", "1", 1)
    if isinstance(request, Read):
        writer.file(place, scrubber.file(request.path, answer))
    elif isinstance(request, Link):
        target = os.fsdecode(scrubber.link(request.path, answer))
        if not holds:
            writer.link(place, target)
            return
        end = posixpath.normpath(posixpath.join(posixpath.dirname(request.path), target))
        if not target.startswith("/") and end.startswith(("/sys/", "/proc/")):
            writer.directory(end)
            writer.link(place, target)
        # Of any other, its files make a directory.
    elif isinstance(request, Names) and request.wanted:
        writer.directory(place)
        if re.fullmatch(r"/proc/[0-9]+/(task|fd|fdinfo|ns)", request.path):
            return  # what is in these is saved for itself
        for name in (os.fsdecode(scrubber.text(os.fsencode(name))) for name, _ in answer):
            if not writer.is_directory(f"{place}/{name}"):
                writer.file(f"{place}/{name}", b"")
