"""/sys/block/md*/md: software RAID arrays, their disks, and how far a rebuild is.

    level: raid5, array_state: clean, degraded: 1, sync_action: recover, sync_completed: 5193728 / 19529728

https://docs.kernel.org/admin-guide/md.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import amount, number, shorten, sized
from procpulse.tree import Folder, Tree

_SECTOR = 512  # bytes


class MdComponent(msgspec.Struct, frozen=True, gc=False):
    """A disk or partition of an array."""

    device: Annotated[str, label("Name of the device, such as sda1.")]
    state: Annotated[list[str] | None, info("Its flags, such as in_sync, spare, faulty or write_mostly.")] = None
    slot: Annotated[int | None, info("Its place in the array, from 0; None for a spare or a faulty one.")] = None
    read_errors: Annotated[int | None, counter("Read errors that were corrected or ignored.", bits=32)] = None
    size_bytes: Annotated[int | None, gauge("How much of it the array may use.")] = None
    offset_bytes: Annotated[int | None, info("Where on it the data begins.")] = None


class MdRaid(msgspec.Struct, frozen=True, gc=False):
    """One array."""

    name: Annotated[str, label("Name of the array, such as md0.")]
    level: Annotated[str | None, info("Level, such as raid1, or container for what an outside program manages.")] = None
    array_state: Annotated[str | None, info("State, such as clean, active, readonly or inactive.")] = None
    metadata_version: Annotated[str | None, info("Format of the metadata, such as 1.2.")] = None
    uuid: Annotated[str | None, info("Id of the array, where the kernel knows and tells it (Linux 4.20).")] = None
    consistency_policy: Annotated[
        str | None, info("What keeps it right after a crash: none, resync, bitmap, journal or ppl.")
    ] = None
    raid_disks: Annotated[int | None, gauge("Disks that a whole array has, spares not counted.")] = None
    previous_raid_disks: Annotated[int | None, gauge("Disks that it had, while it is being reshaped.")] = None
    degraded_disks: Annotated[int | None, gauge("Disks that are missing.")] = None
    chunk_size_bytes: Annotated[int | None, gauge("Bytes on one disk before the next is used.")] = None
    component_size_bytes: Annotated[int | None, gauge("How much of each disk is used.")] = None
    sync_action: Annotated[
        str | None, info("What is going on: idle, resync, recover, check, repair, reshape or frozen.")
    ] = None
    last_sync_action: Annotated[str | None, info("What went on last.")] = None
    sync_completed_bytes: Annotated[int | None, gauge("How much of each disk that has done; None for nothing.")] = None
    sync_all_bytes: Annotated[int | None, gauge("How much of each disk there is to do.")] = None
    sync_completed_ratio: Annotated[float | None, gauge("How much of it is done, from 0 to 1.")] = None
    sync_speed_bytes_per_second: Annotated[int | None, gauge("Speed of it, averaged over half a minute.")] = None
    mismatch_bytes: Annotated[
        int | None, gauge("Data that did not agree between disks, in the last check or repair.")
    ] = None
    stripe_cache_size: Annotated[int | None, gauge("Stripes that are kept in memory, of raid4, 5 and 6.")] = None
    stripe_cache_active: Annotated[int | None, gauge("Stripes in memory that are in use.")] = None
    components: Annotated[list[MdComponent], group("Its disks and partitions.")] = []


def _new(data: bytes) -> int | None:
    """The first of `6 (5)`: while an array is reshaped, its new and its old value."""
    return amount(data.split()[0])


def _old(data: bytes) -> int | None:
    _, bracket, old = data.partition(b"(")
    return number(old.rstrip(b") ")) if bracket else None


def _completed(data: bytes) -> tuple[int, int] | None:
    """Done and to do; None for the words none and delayed."""
    if data in (b"none", b"delayed"):
        return None
    done, slash, everything = data.partition(b"/")
    if not slash:
        raise ValueError(f"no fraction: {shorten(data)}")
    return sized(number(done.strip()), _SECTOR), sized(number(everything.strip()), _SECTOR)


def _speed(data: bytes) -> int | None:
    return None if data == b"none" else amount(data, 1024)


def _slot(data: bytes) -> int | None:
    return None if data in (b"none", b"journal") else number(data)


def _kib(data: bytes) -> int | None:
    return amount(data, 1024)


def _sectors(data: bytes) -> int | None:
    return amount(data, _SECTOR)


def _component(folder: Folder) -> MdComponent:
    state = folder.text("state")
    return MdComponent(
        folder.name.removeprefix("dev-"),
        None if state is None else state.split(","),
        folder.parsed("slot", _slot),
        folder.number("errors"),
        folder.parsed("size", _kib),
        folder.parsed("offset", _sectors),
    )


def _level(folder: Folder) -> str | None:
    """The level. The kernel has none for a container, whose metadata an outside program keeps, as of DDF or IMSM.

    An array inside a container has metadata of its own: `external:/md127/0`.
    """
    level, metadata = folder.text("md/level"), folder.text("md/metadata_version") or ""
    container = (
        level is None and metadata.startswith("external:") and not metadata.startswith(("external:/", "external:-"))
    )
    return "container" if container else level


def _uuid(folder: Folder) -> str | None:
    """The id of the array; all zeros where an outside program keeps it, and the kernel never learned it."""
    uuid = folder.text("md/uuid")
    return uuid if uuid is not None and uuid.strip("0-") else None


def parse(folder: Folder) -> MdRaid | None:
    if not folder.entries:
        return None
    text, number, parsed = folder.text, folder.number, folder.parsed
    done, everything = parsed("md/sync_completed", _completed) or (None, None)
    return MdRaid(
        folder.name, _level(folder), text("md/array_state"), text("md/metadata_version"), _uuid(folder),
        text("md/consistency_policy"), parsed("md/raid_disks", _new), parsed("md/raid_disks", _old),
        number("md/degraded"), parsed("md/chunk_size", _new), parsed("md/component_size", _kib),
        text("md/sync_action"), text("md/last_sync_action"), done, everything,
        done / everything if done is not None and everything else None, parsed("md/sync_speed", _speed),
        parsed("md/mismatch_cnt", _sectors), number("md/stripe_cache_size"), number("md/stripe_cache_active"),
        [_component(component) for component in folder.folders("md/dev-*")],
    )  # fmt: skip


FILES = tuple(
    f"md/{name}"
    for name in (
        "level", "array_state", "metadata_version", "uuid", "consistency_policy", "raid_disks", "degraded",
        "chunk_size", "component_size", "sync_action", "last_sync_action", "sync_completed", "sync_speed",
        "mismatch_cnt", "stripe_cache_size", "stripe_cache_active", "dev-*/state", "dev-*/slot", "dev-*/errors",
        "dev-*/size", "dev-*/offset",
    )
)  # fmt: skip
MDRAID = Tree("mdraid", "/sys/block/md*", FILES, MdRaid, parse, inside="md")
