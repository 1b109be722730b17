"""/sys/fs/btrfs/*: how each mounted btrfs file system spends its space, on which devices, and their errors.

    label: photos, allocation/data/raid1/used_bytes: 808189952, allocation/data/disk_used: 1616379904
    commit_stats: commits 258051, devinfo/1/error_stats: write_errs 0

https://docs.kernel.org/filesystems/btrfs.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import amount, mapping, words
from procpulse.tree import Folder, Tree

_SECTOR = 512  # bytes, whatever the device's own sector is


class BtrfsProfile(msgspec.Struct, frozen=True, gc=False):
    """The part of a kind of space that is stored in one way."""

    profile: Annotated[str, label("How it is stored: single, dup, raid0, raid1, raid1c3, raid10, raid5 and so on.")]
    total_bytes: Annotated[int | None, gauge("Space set aside, as programs see it.")] = None
    used_bytes: Annotated[int | None, gauge("Space in use, as programs see it.")] = None
    disk_ratio: Annotated[
        float | None, gauge("Bytes on the devices for each byte stored; None for a profile that is not known.")
    ] = None


class BtrfsSpace(msgspec.Struct, frozen=True, gc=False):
    """One kind of space."""

    kind: Annotated[str, label("What is stored: data, metadata, system, or mixed for data with metadata.")]
    total_bytes: Annotated[int | None, gauge("Space set aside, as programs see it.")] = None
    used_bytes: Annotated[int | None, gauge("Space in use, as programs see it.")] = None
    disk_total_bytes: Annotated[int | None, gauge("Space set aside on the devices.")] = None
    disk_used_bytes: Annotated[int | None, gauge("Space in use on the devices.")] = None
    may_use_bytes: Annotated[int | None, gauge("Space promised to what is not written yet.")] = None
    pinned_bytes: Annotated[int | None, gauge("Space that becomes free with the next commit.")] = None
    total_pinned_bytes: Annotated[
        int | None, gauge("Space that becomes free with the next commit, changes under way included; before Linux 5.9.")
    ] = None
    readonly_bytes: Annotated[int | None, gauge("Free space in parts that may only be read.")] = None
    reserved_bytes: Annotated[int | None, gauge("Space given to writes that are under way.")] = None
    zone_unusable_bytes: Annotated[
        int | None, gauge("Space of zoned devices that has to be cleaned up first (Linux 5.12).")
    ] = None
    chunk_size_bytes: Annotated[int | None, gauge("Most that is set aside at once (Linux 6.0).")] = None
    flags: Annotated[int | None, info("The kind as the kernel's bits: 1 data, 2 system, 4 metadata.")] = None
    profiles: Annotated[list[BtrfsProfile], group("How it is stored.")] = []


class BtrfsDevice(msgspec.Struct, frozen=True, gc=False):
    """A device of the file system."""

    device: Annotated[str, label("Name of the device, such as sda1.")]
    size_bytes: Annotated[int | None, gauge("Its size.")] = None


class BtrfsMember(msgspec.Struct, frozen=True, gc=False):
    """What btrfs knows of a device; it goes by number, and may have no name while the device is missing."""

    devid: Annotated[int, label("Number of the device in the file system.")]
    in_metadata: Annotated[bool | None, info("Whether the file system counts on it (Linux 5.6).")] = None
    missing: Annotated[bool | None, info("Whether it is not there (Linux 5.6).")] = None
    replace_target: Annotated[bool | None, info("Whether it is to replace another (Linux 5.6).")] = None
    writeable: Annotated[bool | None, info("Whether it can be written (Linux 5.6).")] = None
    write_errors: Annotated[int | None, counter("Writes that failed (Linux 5.14).", bits=32, falls=True)] = None
    read_errors: Annotated[int | None, counter("Reads that failed (Linux 5.14).", bits=32, falls=True)] = None
    flush_errors: Annotated[int | None, counter("Flushes that failed (Linux 5.14).", bits=32, falls=True)] = None
    corruption_errors: Annotated[
        int | None, counter("Blocks with a wrong checksum (Linux 5.14).", bits=32, falls=True)
    ] = None
    generation_errors: Annotated[
        int | None, counter("Blocks that are older than they should be (Linux 5.14).", bits=32, falls=True)
    ] = None


class BtrfsCommits(msgspec.Struct, frozen=True, gc=False):
    """Commits: points in time at which everything is on the devices."""

    commits: Annotated[int, counter("Commits made.")]
    last_commit_ms: Annotated[int, gauge("Time that the last one took.")]
    max_commit_ms: Annotated[int, gauge("Longest time that one took.")]
    total_commit_ms: Annotated[int, counter("Time that all of them took.")]


class Btrfs(msgspec.Struct, frozen=True, gc=False):
    """One mounted btrfs file system."""

    uuid: Annotated[str, label("Id of the file system.")]
    label: Annotated[str | None, info("Its name, where somebody gave it one.")] = None
    metadata_uuid: Annotated[str | None, info("The id that it was made with (Linux 5.0).")] = None
    features: Annotated[list[str] | None, info("Features that it uses.")] = None
    checksum: Annotated[str | None, info("How its data is summed up, such as crc32c (Linux 5.5).")] = None
    exclusive_operation: Annotated[
        str | None, info("What is going on that excludes all else, such as balance; none for nothing (Linux 5.10).")
    ] = None
    node_size_bytes: Annotated[int | None, gauge("Size of a block of metadata.")] = None
    sector_size_bytes: Annotated[int | None, gauge("Size of a block of data.")] = None
    clone_alignment_bytes: Annotated[int | None, gauge("What clones have to begin and end at.")] = None
    quota_override: Annotated[bool | None, info("Whether root may exceed quotas.")] = None
    generation: Annotated[int | None, gauge("Number of the current transaction (Linux 5.11).")] = None
    global_reserve_bytes: Annotated[int | None, gauge("Space kept back for emergencies.")] = None
    global_reserve_reserved_bytes: Annotated[int | None, gauge("How much of it is there.")] = None
    commit_stats: Annotated[BtrfsCommits | None, group("Its commits (Linux 6.0).")] = None
    spaces: Annotated[list[BtrfsSpace], group("Its space by what is stored there.")] = []
    devices: Annotated[list[BtrfsDevice], group("Its devices.")] = []
    members: Annotated[list[BtrfsMember], group("Its devices by number (Linux 5.6).")] = []


_COPIES = {"single": 1, "raid0": 1, "dup": 2, "raid1": 2, "raid10": 2, "raid1c3": 3, "raid1c4": 4}
_PARITIES = {"raid5": 1, "raid6": 2}


def _ratio(profile: str, devices: int) -> float | None:
    """Bytes on the devices for each byte, with stripes over all of them."""
    parities = _PARITIES.get(profile)
    if parities is None:
        copies = _COPIES.get(profile)
        return None if copies is None else float(copies)
    return devices / (devices - parities) if devices > parities else None


def _space(folder: Folder, devices: int) -> BtrfsSpace:
    number = folder.number
    profiles = [
        BtrfsProfile(
            profile.name, profile.number("total_bytes"), profile.number("used_bytes"), _ratio(profile.name, devices)
        )
        for profile in folder.folders("[a-z0-9]+")
    ]
    return BtrfsSpace(
        folder.name, number("total_bytes"), number("bytes_used"), number("disk_total"), number("disk_used"),
        number("bytes_may_use"), number("bytes_pinned"), number("total_bytes_pinned"), number("bytes_readonly"),
        number("bytes_reserved"), number("bytes_zone_unusable"), number("chunk_size"), number("flags"), profiles,
    )  # fmt: skip


def _member(folder: Folder) -> BtrfsMember:
    errors = folder.mapping("error_stats") or {}
    return BtrfsMember(
        int(folder.name), folder.flag("in_fs_metadata"), folder.flag("missing"), folder.flag("replace_target"),
        folder.flag("writeable"),
        *(errors.get(f"{kind}_errs") for kind in ("write", "read", "flush", "corruption", "generation")),
    )  # fmt: skip


def _commits(data: bytes) -> BtrfsCommits:
    rows = mapping(data)
    return BtrfsCommits(rows["commits"], rows["last_commit_ms"], rows["max_commit_ms"], rows["total_commit_ms"])


def _generation(data: bytes) -> int | None:
    return amount(words(data, 1)[0])


def _sectors(data: bytes) -> int | None:
    return amount(data, _SECTOR)


def parse(folder: Folder) -> Btrfs:
    text, number = folder.text, folder.number
    names = folder.names("devices/") or []
    return Btrfs(
        folder.name, text("label"), text("metadata_uuid"), folder.names("features/"), text("checksum"),
        text("exclusive_operation"), number("nodesize"), number("sectorsize"), number("clone_alignment"),
        folder.flag("quota_override"), folder.parsed("generation", _generation),
        number("allocation/global_rsv_size"), number("allocation/global_rsv_reserved"),
        folder.parsed("commit_stats", _commits),
        [_space(space, len(names)) for space in folder.folders("allocation/[a-z]+")],
        [BtrfsDevice(name, folder.parsed(f"devices/{name}/size", _sectors)) for name in names],
        [_member(member) for member in folder.folders("devinfo/[0-9]+")],
    )  # fmt: skip


_SPACE = (
    "total_bytes", "bytes_used", "disk_total", "disk_used", "bytes_may_use", "bytes_pinned", "total_bytes_pinned",
    "bytes_readonly", "bytes_reserved", "bytes_zone_unusable", "chunk_size", "flags",
)  # fmt: skip
_KINDS = ("data", "metadata", "system", "mixed")
FILES = (
    "label", "metadata_uuid", "features/", "checksum", "exclusive_operation", "nodesize", "sectorsize",
    "clone_alignment", "quota_override", "generation", "commit_stats", "devices/", "devices/*/size",
    "allocation/global_rsv_size", "allocation/global_rsv_reserved",
    *(f"allocation/{kind}/{name}" for kind in _KINDS for name in _SPACE),
    *(f"allocation/{kind}/[a-z0-9]+/{name}" for kind in _KINDS for name in ("total_bytes", "used_bytes")),
    *(f"devinfo/[0-9]+/{name}" for name in ("in_fs_metadata", "missing", "replace_target", "writeable", "error_stats")),
)  # fmt: skip
FS_BTRFS = Tree("fs_btrfs", "/sys/fs/btrfs/*-*", FILES, Btrfs, parse)
