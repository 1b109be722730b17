"""/proc/mdstat: software RAID: which arrays there are, which of their disks failed, how far a recovery is.

    Personalities : [raid1] [raid6] [raid5] [raid4]
    md0 : active raid1 sdb1[2] sda1[0] sdc1[1](F)
          976630464 blocks super 1.2 [2/1] [U_]
          [==>..................]  recovery = 12.6% (123456512/976630464) finish=75.9min speed=187264K/sec
          bitmap: 3/8 pages [12KB], 65536KB chunk

    unused devices: <none>

https://docs.kernel.org/admin-guide/md.html
"""

import re
from typing import Annotated, Any

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.source import File, Source
from procpulse.text import decimal, inert, lines, number, shorten, sized, unescape


class MdDevice(msgspec.Struct, frozen=True, gc=False):
    """One disk or partition of an array."""

    device: Annotated[str, label("Name of the device, such as sda1.")]
    number: Annotated[int, label("Its number in the array.")]
    write_mostly: Annotated[bool, info("Whether it is read only where no other can be.")] = False
    journal: Annotated[bool, info("Whether it holds the journal of the array.")] = False
    faulty: Annotated[bool, info("Whether it failed.")] = False
    spare: Annotated[bool, info("Whether it stands by, without data of the array.")] = False
    replacement: Annotated[bool, info("Whether it takes the place of another that still works.")] = False


class MdSync(msgspec.Struct, frozen=True, gc=False):
    """The array's data being brought in line, checked or moved."""

    activity: Annotated[str, info("What is done: recovering, resyncing, checking or reshaping.")]
    phase: Annotated[
        str,
        info(
            "Where it is done: running; delayed behind another array; pending until a write; remote, by another host."
        ),
    ]
    done_percent: Annotated[float | None, gauge("Share that is done.")] = None
    done_bytes: Annotated[int | None, gauge("How much of each disk is done.")] = None
    size_bytes: Annotated[int | None, gauge("How much of each disk there is to do.")] = None
    finish_minutes: Annotated[float | None, gauge("When it will be done at this speed, from now.")] = None
    speed_bytes_per_second: Annotated[int | None, gauge("How fast it goes.")] = None


class MdBitmap(msgspec.Struct, frozen=True, gc=False):
    """The bitmap of places that may differ between disks after a crash."""

    used_pages: Annotated[int, gauge("Pages of memory that it takes up.")]
    size_pages: Annotated[int, gauge("Pages of memory that it could take up.")]
    used_bytes: Annotated[int, gauge("Memory that it takes up.")]
    chunk_bytes: Annotated[int, gauge("Data that one bit stands for.")]
    file: Annotated[str | None, info("File that it is kept in; None where it is on the disks of the array.")] = None


class MdArray(msgspec.Struct, frozen=True):
    """One array."""

    name: Annotated[str, label("Name of the array, such as md0.")]
    state: Annotated[str, info("State: active, inactive, or broken, where more disks failed than it can bear.")]
    devices: Annotated[list[MdDevice], group("The disks and partitions that it has, failed ones and spares too.")]
    disks_failed: Annotated[int, gauge("Disks that failed.")]
    disks_spare: Annotated[int, gauge("Disks that stand by.")]
    personality: Annotated[str | None, info("Kind of array, such as raid1; None while it is inactive.")] = None
    read_only: Annotated[
        str | None,
        info("How writing is held back: read-only, or auto-read-only until the first write; None for not at all."),
    ] = None
    disks: Annotated[int | None, gauge("Disks that it takes to be whole.")] = None
    disks_active: Annotated[int | None, gauge("Disks of these that are in step.")] = None
    disks_down: Annotated[int | None, gauge("Disks of these that are not.")] = None
    slots: Annotated[str | None, info("Each place in the array: U for a disk in step, _ for one that is not.")] = None
    size_bytes: Annotated[int | None, gauge("How much it holds; of an inactive one, the sum of its disks.")] = None
    metadata: Annotated[
        str | None, info("Format of its superblocks, such as 1.2, external:imsm or non-persistent; None for 0.90.")
    ] = None
    level: Annotated[int | None, info("Level of a raid4, raid5 or raid6.")] = None
    chunk_bytes: Annotated[int | None, gauge("How much goes to one disk before the next.")] = None
    algorithm: Annotated[int | None, info("Where a raid5 or raid6 puts its parity.")] = None
    layout: Annotated[str | None, info("What else the array says of its layout, such as 2 near-copies.")] = None
    sync: Annotated[MdSync | None, group("The recovery or check that is under way or waits.")] = None
    bitmap: Annotated[MdBitmap | None, group("The bitmap of places that may differ.")] = None


class Mdstat(msgspec.Struct, frozen=True):
    """All software RAID of the host."""

    personalities: Annotated[list[str], info("Kinds of arrays that the kernel knows now.")]
    arrays: Annotated[list[MdArray], group("The arrays.")]
    unused: Annotated[list[str], info("Devices with superblocks that are in no array.")]


def parse(file: File) -> Mdstat:
    personalities: list[str] = []
    unused: list[str] = []
    arrays: list[list[bytes]] = []
    rows = lines(file.data)
    for row in rows:
        if row[:1] in b" \t":
            if arrays:
                arrays[-1].append(row.strip())
            else:
                file.lose("arrays", ValueError(f"a line of no array: {shorten(row)}"))
        elif row.startswith(b"Personalities :"):
            personalities = [inert(name.strip(b"[]")) for name in row.partition(b":")[2].split()]
        elif row.startswith(b"unused devices:"):
            unused = [inert(name) for name in row.partition(b":")[2].split() if name != b"<none>"]
        else:
            arrays.append([row])
    found = [_array(file, header, more) for header, *more in arrays]
    known = [array for array in found if array is not None]
    if not rows or (file.failures and not (personalities or known)):
        raise ValueError("no arrays")
    return Mdstat(personalities, known, unused)


# The members of these kinds have no places that could be empty.
_WITHOUT_SPARES = ("raid0", "linear")
_DEVICE = re.compile(rb"(.+)\[(-?[0-9]{1,10})\]((?:\([A-Z]\))*)")
_FLAGS = {b"W": "write_mostly", b"J": "journal", b"F": "faulty", b"S": "spare", b"R": "replacement"}


def _array(file: File, header: bytes, more: list[bytes]) -> MdArray | None:
    """One array; None for lines that are none. A line of it that makes no sense costs itself only."""
    name, separator, rest = header.partition(b" : ")
    if not (separator and rest.strip()):
        file.lose("arrays", ValueError(f"not an array: {shorten(header)}"))
        return None
    state, *words = rest.split()
    read_only = personality = None
    devices = []
    for word in words:
        device = _DEVICE.fullmatch(word)
        if device:
            flags: Any = {_FLAGS[flag]: True for flag in device[3].strip(b"()").split(b")(") if flag in _FLAGS}
            devices.append(MdDevice(inert(device[1]), number(device[2]), **flags))
        elif word.startswith(b"("):
            read_only = inert(word.strip(b"()"))
        elif b"[" in word:
            file.lose("devices", ValueError(f"not a device: {shorten(word)}"))
        else:
            personality = inert(word)
    values: dict[str, Any] = {}
    for row in more:
        if row[:1].isdigit() and b" blocks" in row:
            if values.keys() & {"size_bytes", "disks"}:  # the first line of the next array is missing
                file.lose("arrays", ValueError(f"a line of no array: {shorten(row)}"))
                break
            values |= file.parsed("status", _status, row) or {}
        elif row.startswith(b"bitmap:"):
            values["bitmap"] = file.parsed("bitmap", _bitmap, row)
        elif b"=" in row:
            values["sync"] = file.parsed("sync", _sync, row)
    if personality in _WITHOUT_SPARES and state != b"inactive":
        values["disks"] = values["disks_active"] = sum(not (d.faulty or d.spare) for d in devices)
        values["disks_down"] = 0
    return MdArray(
        inert(name.strip()),
        inert(state),
        devices,
        sum(device.faulty for device in devices),
        sum(device.spare for device in devices),
        personality,
        read_only,
        **values,
    )


_STATUS = re.compile(
    rb"(?P<blocks>[0-9]{1,20}) blocks"
    rb"(?: super (?P<metadata>\S+))?"
    rb"(?: level (?P<level>[0-9]{1,4}),)?"
    rb"(?: (?P<chunk>[0-9]{1,20})[kK] chunks?,?)?"
    rb"(?: algorithm (?P<algorithm>[0-9]{1,4}))?"
    rb"(?P<layout>.*?)"
    rb"(?: \[(?P<disks>[0-9]{1,10})/(?P<active>[0-9]{1,10})\])?"
    rb"(?: \[(?P<slots>[U_]+)\])?"
)


def _status(row: bytes) -> dict[str, Any]:
    """The line `976630464 blocks super 1.2 [2/1] [U_]`, as fields of `MdArray`."""
    found = _STATUS.fullmatch(row)
    if not found:
        raise ValueError(f"not the status of an array: {shorten(row)}")
    slots, chunk = found["slots"], found["chunk"]
    return {
        "size_bytes": sized(number(found["blocks"]), 1024),
        "metadata": _text(found["metadata"]),
        "level": _number(found["level"]),
        "chunk_bytes": None if chunk is None else sized(number(chunk), 1024),
        "algorithm": _number(found["algorithm"]),
        "layout": _text(found["layout"].strip()),
        "disks": _number(found["disks"]),
        "disks_active": _number(found["active"]),
        "disks_down": None if slots is None else slots.count(b"_"),
        "slots": _text(slots),
    }


def _number(token: bytes | None) -> int | None:
    return None if token is None else number(token)


def _text(token: bytes | None) -> str | None:
    return inert(token) if token else None


_ACTIVITIES = {
    b"recovery": "recovering", b"recover": "recovering", b"resync": "resyncing", b"check": "checking",
    b"reshape": "reshaping",
}  # fmt: skip
_WAITING = re.compile(rb"([a-z]+)=([A-Z]+)")
_RUNNING = re.compile(
    rb"(?:\[=*>?\.*\] *)?([a-z]+) *= *([0-9.]{1,20})% \(([0-9]{1,20})/([0-9]{1,20})\)"
    rb"(?: finish=([0-9.]{1,30})min)?(?: speed=([0-9]{1,20})K/sec)?"
)


def _sync(row: bytes) -> MdSync | None:
    waiting = _WAITING.fullmatch(row)
    if waiting:
        return MdSync(_ACTIVITIES[waiting[1]], inert(waiting[2].lower()))
    running = _RUNNING.fullmatch(row)
    if not running:
        raise ValueError(f"not the progress of an array: {shorten(row)}")
    activity, share, done, size, finish, speed = running.groups()
    return MdSync(
        _ACTIVITIES[activity],
        "running",
        decimal(share),
        sized(number(done), 1024),
        sized(number(size), 1024),
        None if finish is None else decimal(finish),
        None if speed is None else sized(number(speed), 1024),
    )


_BITMAP = re.compile(
    rb"bitmap: ([0-9]{1,20})/([0-9]{1,20}) pages \[([0-9]{1,20})KB\], ([0-9]{1,20})(KB|B) chunk(?:, file: (\S+))?"
)


def _bitmap(row: bytes) -> MdBitmap:
    found = _BITMAP.fullmatch(row)
    if not found:
        raise ValueError(f"not a bitmap: {shorten(row)}")
    used, size, kib, chunk, unit, file = found.groups()
    return MdBitmap(
        number(used),
        number(size),
        sized(number(kib), 1024),
        sized(number(chunk), 1024 if unit == b"KB" else 1),
        None if file is None else inert(unescape(file)),
    )


MDSTAT = Source("mdstat", "/proc/mdstat", Mdstat, parse)
