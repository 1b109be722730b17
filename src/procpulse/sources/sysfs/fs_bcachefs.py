"""/sys/fs/bcachefs/*: what each mounted bcachefs file system did, and its devices.

    btree_cache_size: 1.5G
    counters/btree_node_read: since mount: 123
    compression_stats: lz4: 1.0G 2.0G 4.0k
    dev-0/io_done: read: btree: 411097088

Sizes are rounded by the kernel, `1.5G`. The file system was part of the kernel from Linux 6.7 to 6.17, and is a module
of its own since.

https://docs.kernel.org/filesystems/bcachefs/index.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import Unit, counter, gauge, group, info, label
from procpulse.text import inert, keyed, lines, number, rounded, rounded_amount, words
from procpulse.tree import Folder, Tree


class BcachefsCompression(msgspec.Struct, frozen=True, gc=False):
    """Data that one algorithm has compressed."""

    algorithm: Annotated[str, label("Name of the algorithm, such as lz4 or zstd.")]
    compressed_bytes: Annotated[int, gauge("Its size on the devices.")]
    uncompressed_bytes: Annotated[int, gauge("Its size as programs see it.")]
    average_extent_size_bytes: Annotated[int | None, gauge("Size of a piece as programs see it, on average.")] = None


class BcachefsError(msgspec.Struct, frozen=True, gc=False):
    """Errors of one kind."""

    error: Annotated[str, label("Kind of error, such as btree_node_read_err.")]
    count: Annotated[int, counter("How many there were.")]
    time: Annotated[int | None, info("When the last was, in seconds since 1970.")] = None


class BcachefsBtreeWrites(msgspec.Struct, frozen=True, gc=False):
    """Writes of the index for one reason."""

    reason: Annotated[str, label("Why: initial, init_next_bset, cache_reclaim, journal_reclaim or interior.")]
    writes: Annotated[int, counter("How many there were.")]
    average_size_bytes: Annotated[int, gauge("Size of one, on average, as the kernel prints it.")]


class BcachefsDevice(msgspec.Struct, frozen=True, gc=False):
    """A device of the file system."""

    device: Annotated[int, label("Number of the device.")]
    block: Annotated[str | None, info("Name of the device, such as sda.")] = None
    label: Annotated[str | None, info("Its label, such as ssd.fast.")] = None
    state: Annotated[str | None, info("State: rw, ro, evacuating, failed or spare.")] = None
    bucket_size_bytes: Annotated[int | None, gauge("Size of a bucket.")] = None
    nbuckets: Annotated[int | None, gauge("Buckets that it is divided into.")] = None
    durability: Annotated[int | None, gauge("For how many copies one on this device counts.")] = None
    read_bytes: Annotated[dict[str, int] | None, counter("Bytes read, by what they were.", Unit.BYTES)] = None
    written_bytes: Annotated[dict[str, int] | None, counter("Bytes written, by what they were.", Unit.BYTES)] = None
    errors: Annotated[dict[str, int] | None, counter("Errors since the file system was made, by kind.")] = None


class Bcachefs(msgspec.Struct, frozen=True, gc=False):
    """One mounted bcachefs file system."""

    uuid: Annotated[str, label("Id of the file system.")]
    btree_cache_size_bytes: Annotated[int | None, gauge("Memory that holds the index, rounded.")] = None
    counters_since_mount: Annotated[
        dict[str, int] | None, counter("What happened since it was mounted; bytes are rounded.")
    ] = None
    counters_since_creation: Annotated[
        dict[str, int] | None, counter("What happened since it was made; bytes are rounded.")
    ] = None
    compression: Annotated[list[BcachefsCompression], group("Data that is compressed, by algorithm.")] = []
    errors: Annotated[list[BcachefsError], group("Errors, by kind.")] = []
    btree_writes: Annotated[list[BcachefsBtreeWrites], group("Writes of the index, by reason.")] = []
    devices: Annotated[list[BcachefsDevice], group("Its devices.")] = []


def _since(data: bytes) -> tuple[int | None, int | None]:
    rows = dict(keyed(data))
    mount, creation = (rows.get(key) for key in (b"since mount", b"since filesystem creation"))
    if mount is None and creation is None:
        raise ValueError("neither since mount nor since filesystem creation")
    return None if mount is None else rounded(mount), None if creation is None else rounded(creation)


def _compression(data: bytes) -> list[BcachefsCompression]:
    rows = [words(line, 3) for line in lines(data)[1:]]
    return [
        BcachefsCompression(
            inert(name.rstrip(b":")), rounded(small), rounded(large), rounded(more[0]) if more else None
        )
        for name, small, large, *more in rows
    ]


def _errors(data: bytes) -> list[BcachefsError]:
    rows = [words(line, 2) for line in lines(data)]
    return [BcachefsError(inert(name), number(count), number(more[0]) if more else None) for name, count, *more in rows]


def _writes(data: bytes) -> list[BcachefsBtreeWrites]:
    rows = [words(line, 3) for line in lines(data)[1:]]
    return [
        BcachefsBtreeWrites(inert(name.rstrip(b":")), number(count), rounded(size)) for name, count, size, *_ in rows
    ]


def _done(data: bytes) -> dict[str, dict[str, int]]:
    """Bytes by kind, by direction: `read:` and `write:` stand on rows of their own."""
    done: dict[str, dict[str, int]] = {}
    current: dict[str, int] = {}
    for key, value in keyed(data):
        if value:
            current[inert(key)] = rounded(value)
        else:
            current = done.setdefault(inert(key), {})
    return done


def _io_errors(data: bytes) -> dict[str, int]:
    """The first part; the second is since the errors were last reset."""
    first, *rows = lines(data)
    if not first.startswith(b"IO errors since filesystem creation"):
        raise ValueError("not the head of io_errors")
    end = next((i for i, row in enumerate(rows) if row.startswith(b"IO errors")), len(rows))
    return {inert(key): number(value) for key, value in keyed(b"\n".join(rows[:end]))}


def _state(folder: Folder) -> str | None:
    words = (folder.text("state") or "").split()
    chosen = next((word for word in words if word.startswith("[")), words[0] if words else None)
    return chosen.strip("[]") if chosen else None


def _device(folder: Folder) -> BcachefsDevice:
    done = folder.parsed("io_done", _done) or {}
    return BcachefsDevice(
        int(folder.name.removeprefix("dev-")), folder.target("block@"), folder.text("label"), _state(folder),
        folder.parsed("bucket_size", rounded_amount), folder.number("nbuckets"), folder.number("durability"),
        done.get("read"), done.get("write"), folder.parsed("io_errors", _io_errors),
    )  # fmt: skip


def parse(folder: Folder) -> Bcachefs:
    names = list(folder.found("counters/*"))
    since = {name.removeprefix("counters/"): folder.parsed(name, _since) or (None, None) for name in names}
    shown = {inert(name.encode("utf-8", "surrogateescape")): both for name, both in since.items()}
    return Bcachefs(
        folder.name,
        folder.parsed("btree_cache_size", rounded_amount),
        {name: mount for name, (mount, _) in shown.items() if mount is not None} or None,
        {name: creation for name, (_, creation) in shown.items() if creation is not None} or None,
        folder.parsed("compression_stats", _compression) or [],
        folder.parsed("errors", _errors) or [],
        folder.parsed("btree_write_stats", _writes) or [],
        [_device(device) for device in folder.folders("dev-[0-9]+")],
    )


_DEVICE = ("block@", "label", "state", "bucket_size", "nbuckets", "durability", "io_done", "io_errors")
FILES = (
    "btree_cache_size", "counters/*", "compression_stats", "errors", "btree_write_stats",
    *(f"dev-[0-9]+/{name}" for name in _DEVICE),
)  # fmt: skip
FS_BCACHEFS = Tree("fs_bcachefs", "/sys/fs/bcachefs/*-*", FILES, Bcachefs, parse, slow=True)
