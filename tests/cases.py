"""How table tests read: bytes in, record out, without a file."""

import os
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

from procpulse import Host, Part, Source
from procpulse.source import (
    Failure,
    Fold,
    Link,
    Malformed,
    Names,
    Piece,
    Read,
    Reading,
    Reason,
    Request,
    Statvfs,
    Unreadable,
)
from procpulse.tree import Folder

T = TypeVar("T")

Files = Mapping[str, str | bytes | Failure]
Mounts = Mapping[str, os.statvfs_result | Failure]

_PIECE = 100  # bytes that a long file is handed out in, to split its lines in many places

HOST = Host(name="host", boot_id="boot", kernel="6.18.4", boot_time=1_700_000_000)


def parse(source: Source[T] | Part[T], text: str | bytes, host: Host = HOST) -> T:
    """What a source of one file, or a part of a process, understands from these bytes."""
    data = text.encode() if isinstance(text, str) else text
    return source.understand(data, host)


def partly(source: Source[T] | Part[T], text: str | bytes, host: Host = HOST) -> tuple[T, dict[str, str]]:
    """What a source of one file, or a part of a process, understands of these bytes, and the parts that it cannot."""
    data = text.encode() if isinstance(text, str) else text
    lost: dict[str, str] = {}
    if isinstance(source, Part):
        value = source.understand(data, host, lost=lost)
        assert value is not None
        return value, lost
    if isinstance(source, Fold):
        value, this = reading(source, {source.path: data}, host)
    else:
        this = Reading(host)
        value = source.answered(data, this)
    return value, {part: failure.detail for part, failure in this.failures.items()}


def spoiled(source: Source[Any] | Part[Any], text: str | bytes) -> list[str]:
    """What is told of text that makes no sense, as a whole or in part: why; nothing where all of it does."""
    try:
        return list(partly(source, text)[1].values())
    except Malformed as error:
        return [str(error)]
    except Unreadable as error:
        return [error.failure.detail]


def read(source: Source[T], files: Files, host: Host = HOST, mounts: Mounts | None = None) -> T:
    """What a source reads from a tree that exists in memory only.

    Keys are whole paths; a key that ends in `@` is a link, with its target. A directory is there if something is in it;
    a key that ends in a slash is a directory that cannot be listed.
    `mounts` says what statvfs() answers, by mount point.

    Raises:
        Unreadable: there is no value.
    """
    return reading(source, files, host, mounts)[0]


def reading(source: Source[T], files: Files, host: Host = HOST, mounts: Mounts | None = None) -> tuple[T, Reading]:
    """The value of a source, and the reading with what failed inside it."""
    known: dict[str, Any] = {path: data.encode() if isinstance(data, str) else data for path, data in files.items()}
    this = Reading(host)
    steps: Generator[Any, Any, T] = source.steps(this)
    try:
        requests = next(steps)
        while True:
            requests = steps.send([answer(known, mounts or {}, request) for request in requests])
    except StopIteration as stop:
        value: T = stop.value
        return value, this


def failure(source: Source[Any], files: Files, mounts: Mounts | None = None) -> Failure:
    """Why a source has no value for these files."""
    try:
        value = read(source, files, mounts=mounts)
    except Unreadable as error:
        return error.failure
    raise AssertionError(f"it has one: {value}")


def folder(path: str, entries: Mapping[str, str | bytes | list[str]], host: Host = HOST) -> Folder:
    """A folder as a parser gets it: content by relative path, lists of names, targets of links."""
    return Folder(
        path, {name: data.encode() if isinstance(data, str) else data for name, data in entries.items()}, host
    )


def answer(files: Mapping[str, Any], mounts: Mounts, request: Request) -> Any:
    if isinstance(request, Statvfs):
        return mounts.get(request.path, Failure(Reason.MISSING, request.path, "ENOENT"))
    if isinstance(request, Read | Link):
        found = files.get(request.path + "@" * isinstance(request, Link))
        return Failure(Reason.MISSING, request.path, "ENOENT") if found is None else found
    if isinstance(request, Piece):
        found = files.get(request.path)
        if isinstance(found, bytes):
            return found[request.offset : request.offset + _PIECE]
        return found or Failure(Reason.MISSING, request.path, "ENOENT")
    if isinstance(request, Names):
        inside = request.path.rstrip("/") + "/"
        if isinstance(files.get(inside), Failure):
            return files[inside]
        below = [path.removeprefix(inside) for path in files if path.startswith(inside)]
        if not below:
            return Failure(Reason.MISSING, request.path, "ENOENT")
        names = {path.rstrip("@").split("/")[0] for path in below if "/" in path or not request.folders}
        return [(name, hash(inside + name)) for name in sorted(names)]
    raise AssertionError(f"no answer to {request}")
