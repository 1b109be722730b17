"""/sys/block/*: what each block device is, how its queue is set up, and what it did.

    size: 524288, ro: 0, stat: 5083 1131 262098 1030 822 622 31090 552 0 1072 1723

https://docs.kernel.org/block/stat.html, https://docs.kernel.org/block/queue-sysfs.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.source import Reading, Steps
from procpulse.text import amount, inert, integers, sized
from procpulse.tree import Folder, Tree, natural

_SECTOR = 512  # bytes, whatever the device's own sector is


class BlockStat(msgspec.Struct, frozen=True, gc=False):
    """What a block device did since it appeared."""

    columns: Annotated[int, info("Counters that this kernel has: 11, from Linux 4.18 on 15, from Linux 5.5 on 17.")]
    reads: Annotated[int, counter("Reads completed.", bits="long")]
    reads_merged: Annotated[int, counter("Reads merged with a neighbour before they were issued.", bits="long")]
    read_bytes: Annotated[int, counter("Bytes read.", bits="long", scale=512)]
    read_ms: Annotated[int, counter("Time that reads took, summed over all of them.", bits=32)]
    writes: Annotated[int, counter("Writes completed.", bits="long")]
    writes_merged: Annotated[int, counter("Writes merged with a neighbour before they were issued.", bits="long")]
    written_bytes: Annotated[int, counter("Bytes written.", bits="long", scale=512)]
    write_ms: Annotated[int, counter("Time that writes took, summed over all of them.", bits=32)]
    in_flight: Annotated[int, gauge("Requests issued and not completed yet.")]
    io_ms: Annotated[int, counter("Time during which any request was in flight.", bits=32)]
    weighted_io_ms: Annotated[int, counter("Time in flight, summed over all requests.", bits=32)]
    discards: Annotated[int | None, counter("Discards completed (Linux 4.18).", bits="long")] = None
    discards_merged: Annotated[int | None, counter("Discards merged with a neighbour (Linux 4.18).", bits="long")] = (
        None
    )
    discarded_bytes: Annotated[int | None, counter("Bytes discarded (Linux 4.18).", bits="long", scale=512)] = None
    discard_ms: Annotated[int | None, counter("Time that discards took, summed (Linux 4.18).", bits=32)] = None
    flushes: Annotated[int | None, counter("Flushes completed (Linux 5.5).", bits="long")] = None
    flush_ms: Annotated[int | None, counter("Time that flushes took, summed (Linux 5.5).", bits=32)] = None


class BlockQueue(msgspec.Struct, frozen=True, gc=False):
    """How the queue of a block device is set up."""

    add_random: Annotated[bool | None, info("Whether the device adds to the kernel's entropy.")] = None
    chunk_sectors_bytes: Annotated[
        int | None, gauge("What requests should not cross: a chunk of a RAID, a zone; 0 for none.")
    ] = None
    dax: Annotated[bool | None, info("Whether its memory can be accessed directly.")] = None
    discard_granularity_bytes: Annotated[int | None, gauge("Smallest piece that can be discarded.")] = None
    discard_max_hw_bytes: Annotated[
        int | None, gauge("Most that the hardware discards at once; 0 for none at all.")
    ] = None
    discard_max_bytes: Annotated[int | None, gauge("Most that is discarded at once.")] = None
    dma_alignment_bytes: Annotated[int | None, gauge("What buffers have to begin at, less one (Linux 5.19).")] = None
    fua: Annotated[bool | None, info("Whether it can write past its own cache.")] = None
    hw_sector_size_bytes: Annotated[int | None, gauge("Sector size of the hardware.")] = None
    io_poll: Annotated[bool | None, info("Whether completions can be polled for.")] = None
    io_poll_delay: Annotated[
        int | None, info("How polling waits: -1 busy, 0 hybrid, above 0 so many microseconds.")
    ] = None
    io_timeout_ms: Annotated[int | None, gauge("Time after which a request counts as hung (Linux 4.20).")] = None
    iostats: Annotated[bool | None, info("Whether the device keeps statistics.")] = None
    logical_block_size_bytes: Annotated[int | None, gauge("Smallest piece that can be addressed.")] = None
    max_active_zones: Annotated[
        int | None, gauge("Most zones that may be open or closed; 0 for no limit (Linux 5.9).")
    ] = None
    max_discard_segments: Annotated[int | None, gauge("Most pieces in one discard.")] = None
    max_hw_sectors_bytes: Annotated[int | None, gauge("Most that the hardware moves in one request.")] = None
    max_integrity_segments: Annotated[int | None, gauge("Most integrity pieces in one request.")] = None
    max_open_zones: Annotated[int | None, gauge("Most zones that may be open; 0 for no limit (Linux 5.9).")] = None
    max_sectors_bytes: Annotated[int | None, gauge("Most that is moved in one request.")] = None
    max_segments: Annotated[int | None, gauge("Most pieces in one request.")] = None
    max_segment_size_bytes: Annotated[int | None, gauge("Most that one piece may have.")] = None
    minimum_io_size_bytes: Annotated[int | None, gauge("Smallest request that is efficient.")] = None
    nomerges: Annotated[int | None, info("Whether requests are merged: 0 yes, 1 simply, 2 no.")] = None
    nr_requests: Annotated[int | None, gauge("Requests that the queue holds.")] = None
    nr_zones: Annotated[int | None, gauge("Zones of a zoned device; 0 for others (Linux 4.20).")] = None
    optimal_io_size_bytes: Annotated[int | None, gauge("Request size that suits the device best; 0 for none.")] = None
    physical_block_size_bytes: Annotated[
        int | None, gauge("Smallest piece that it can write without reading first.")
    ] = None
    read_ahead_bytes: Annotated[int | None, gauge("How much is read ahead.")] = None
    rotational: Annotated[bool | None, info("Whether it is a spinning disk, as far as the kernel knows.")] = None
    rq_affinity: Annotated[
        int | None, info("Whether a request completes on the CPU that issued it: 0 no, 1 near, 2 there.")
    ] = None
    scheduler: Annotated[str | None, info("The I/O scheduler in use.")] = None
    schedulers: Annotated[list[str] | None, info("The I/O schedulers to choose from.")] = None
    stable_writes: Annotated[bool | None, info("Whether memory must not change while it is written (Linux 5.10).")] = (
        None
    )
    throttle_sample_time_ms: Annotated[int | None, gauge("Time that throttling by control groups looks back.")] = None
    wbt_lat_us: Annotated[int | None, gauge("Read latency that writeback is throttled for; 0 for no throttling.")] = (
        None
    )
    write_cache: Annotated[str | None, info("Whether it has a volatile write cache: write back or write through.")] = (
        None
    )
    write_same_max_bytes: Annotated[int | None, gauge("Most that one write-same command may have.")] = None
    write_zeroes_max_bytes: Annotated[int | None, gauge("Most that one write-zeroes command may have.")] = None
    zone_append_max_bytes: Annotated[int | None, gauge("Most that one zone-append command may have (Linux 5.8).")] = (
        None
    )
    zoned: Annotated[str | None, info("How a zoned device is written: none, host-aware or host-managed.")] = None


class DeviceMapper(msgspec.Struct, frozen=True, gc=False):
    """What the device mapper says of a device of its own."""

    name: Annotated[str | None, info("Name of the mapped device, such as vg0-root.")] = None
    uuid: Annotated[str | None, info("Id of the mapped device; what is before the first dash says who made it.")] = None
    suspended: Annotated[bool | None, info("Whether its requests wait.")] = None
    use_blk_mq: Annotated[bool | None, info("Whether it has more than one queue.")] = None
    rq_based_seq_io_merge_deadline_us: Annotated[
        int | None, gauge("How long sequential requests wait to be merged.")
    ] = None


class DevicePath(msgspec.Struct, frozen=True, gc=False):
    """A device below another, and its state."""

    device: Annotated[str, label("Name of the device.")]
    state: Annotated[str | None, info("State of the device, such as running or offline.")] = None


class BlockPartition(msgspec.Struct, frozen=True, gc=False):
    """A part of a block device."""

    name: Annotated[str, label("Name of the partition, such as sda1.")]
    partition: Annotated[int | None, info("Its number in the partition table.")] = None
    device: Annotated[str | None, info("Device number, as major:minor.")] = None
    start_bytes: Annotated[int | None, info("Where on the device it begins.")] = None
    size_bytes: Annotated[int | None, gauge("Its size.")] = None
    read_only: Annotated[bool | None, info("Whether it cannot be written.")] = None
    stat: Annotated[BlockStat | None, group("What it did.")] = None
    holders: Annotated[list[str] | None, info("Devices that are built on it.")] = None


class BlockDevice(msgspec.Struct, frozen=True, gc=False):
    """One block device."""

    name: Annotated[str, label("Name of the device, such as sda.")]
    diskseq: Annotated[
        int | None, label("Number of the device or its medium, never used again: names are (Linux 5.15).")
    ] = None
    device: Annotated[str | None, info("Device number, as major:minor.")] = None
    size_bytes: Annotated[int | None, gauge("Its size.")] = None
    read_only: Annotated[bool | None, info("Whether it cannot be written.")] = None
    removable: Annotated[bool | None, info("Whether its medium can be taken out.")] = None
    state: Annotated[str | None, info("State of a SCSI or NVMe device, such as running, offline or live.")] = None
    stat: Annotated[BlockStat | None, group("What it did.")] = None
    queue: Annotated[BlockQueue | None, group("How its queue is set up.")] = None
    scsi_requests: Annotated[int | None, counter("Requests that were given to a SCSI device.", bits=32)] = None
    scsi_completed: Annotated[int | None, counter("Requests that a SCSI device has completed.", bits=32)] = None
    scsi_errors: Annotated[int | None, counter("Requests that failed on a SCSI device.", bits=32)] = None
    scsi_timeouts: Annotated[int | None, counter("Requests that timed out on a SCSI device (Linux 5.16).", bits=32)] = (
        None
    )
    mapper: Annotated[DeviceMapper | None, group("The device mapper's own view.")] = None
    holders: Annotated[list[str] | None, info("Devices that are built on this one.")] = None
    paths: Annotated[
        list[DevicePath] | None, group("Devices that this one is built on; of a multipath device, its paths.")
    ] = None
    partitions: Annotated[list[BlockPartition], group("Its partitions.")] = []


def stat(data: bytes) -> BlockStat:
    """The counters of a device or partition.

    Raises:
        ValueError: there are fewer than eleven.
    """
    v = integers(data, 11)
    return BlockStat(
        len(v),
        v[0], v[1], sized(v[2], _SECTOR), v[3], v[4], v[5], sized(v[6], _SECTOR), *v[7:11],
        *((v[11], v[12], sized(v[13], _SECTOR), *v[14:17]) if len(v) > 14 else ()),
    )  # fmt: skip


def _sectors(data: bytes) -> int | None:
    return amount(data, _SECTOR)


def _kib(data: bytes) -> int | None:
    return amount(data, 1024)


def _queue(folder: Folder) -> BlockQueue | None:
    if not any(name.startswith("queue/") for name in folder.entries):
        return None
    n = folder.number
    schedulers = (folder.text("queue/scheduler") or "").split()
    chosen = next((name for name in schedulers if name.startswith("[")), schedulers[0] if schedulers else None)
    return BlockQueue(
        folder.flag("queue/add_random"), folder.parsed("queue/chunk_sectors", _sectors), folder.flag("queue/dax"),
        n("queue/discard_granularity"), n("queue/discard_max_hw_bytes"), n("queue/discard_max_bytes"),
        n("queue/dma_alignment"), folder.flag("queue/fua"), n("queue/hw_sector_size"),
        folder.flag("queue/io_poll"), folder.signed("queue/io_poll_delay"), n("queue/io_timeout"), folder.flag("queue/iostats"),
        n("queue/logical_block_size"), n("queue/max_active_zones"), n("queue/max_discard_segments"), folder.parsed("queue/max_hw_sectors_kb", _kib),
        n("queue/max_integrity_segments"), n("queue/max_open_zones"), folder.parsed("queue/max_sectors_kb", _kib), n("queue/max_segments"),
        n("queue/max_segment_size"), n("queue/minimum_io_size"), n("queue/nomerges"), n("queue/nr_requests"),
        n("queue/nr_zones"), n("queue/optimal_io_size"), n("queue/physical_block_size"),
        folder.parsed("queue/read_ahead_kb", _kib), folder.flag("queue/rotational"), n("queue/rq_affinity"),
        chosen.strip("[]") if chosen else None, [name.strip("[]") for name in schedulers] or None,
        folder.flag("queue/stable_writes"), n("queue/throttle_sample_time"), n("queue/wbt_lat_usec"), folder.text("queue/write_cache"), n("queue/write_same_max_bytes"),
        n("queue/write_zeroes_max_bytes"), n("queue/zone_append_max_bytes"), folder.text("queue/zoned"),
    )  # fmt: skip


def _mapper(folder: Folder) -> DeviceMapper | None:
    if not any(name.startswith("dm/") for name in folder.entries):
        return None
    return DeviceMapper(
        folder.text("dm/name"),
        folder.text("dm/uuid"),
        folder.flag("dm/suspended"),
        folder.flag("dm/use_blk_mq"),
        folder.number("dm/rq_based_seq_io_merge_deadline"),
    )


def _partition(folder: Folder, name: str) -> BlockPartition:
    return BlockPartition(
        inert(name.encode("utf-8", "surrogateescape")),
        folder.number(f"{name}/partition"),
        folder.text(f"{name}/dev"),
        folder.parsed(f"{name}/start", _sectors),
        folder.parsed(f"{name}/size", _sectors),
        folder.flag(f"{name}/ro"),
        folder.parsed(f"{name}/stat", stat),
        folder.names(f"{name}/holders/"),
    )


def _count(value: int | None) -> int | None:
    """A count of 32 bits, which the kernel prints as 64 with its sign."""
    return None if value is None else value & 0xFFFF_FFFF


def parse(folder: Folder) -> BlockDevice:
    slaves = folder.names("slaves/")
    partitions = [name.removesuffix("/partition") for name in folder.entries if name.endswith("/partition")]
    return BlockDevice(
        folder.name,
        folder.number("diskseq"),
        folder.text("dev"),
        folder.parsed("size", _sectors),
        folder.flag("ro"),
        folder.flag("removable"),
        folder.text("device/state"),
        folder.parsed("stat", stat),
        _queue(folder),
        _count(folder.hexadecimal("device/iorequest_cnt")),
        _count(folder.hexadecimal("device/iodone_cnt")),
        _count(folder.hexadecimal("device/ioerr_cnt")),
        _count(folder.hexadecimal("device/iotmo_cnt")),
        _mapper(folder),
        folder.names("holders/"),
        None if slaves is None else [DevicePath(slave) for slave in slaves],
        [_partition(folder, name) for name in sorted(partitions, key=natural)],
    )


class _Block(Tree[BlockDevice]):
    """The devices, and in each the state of those that it is built on."""

    def steps(self, reading: Reading) -> Steps[list[BlockDevice]]:
        """Read all devices, then join them."""
        devices = yield from super().steps(reading)
        states = {device.name: device.state for device in devices}
        return [
            msgspec.structs.replace(d, paths=[DevicePath(p.device, states.get(p.device)) for p in d.paths])
            if d.paths
            else d
            for d in devices
        ]


_QUEUE = (
    "add_random", "chunk_sectors", "dax", "discard_granularity", "discard_max_bytes", "discard_max_hw_bytes",
    "dma_alignment", "fua", "hw_sector_size", "io_poll", "io_poll_delay", "io_timeout", "iostats",
    "logical_block_size", "max_active_zones", "max_discard_segments", "max_hw_sectors_kb", "max_integrity_segments",
    "max_open_zones", "max_sectors_kb", "max_segments", "max_segment_size", "minimum_io_size", "nomerges",
    "nr_requests", "nr_zones", "optimal_io_size", "physical_block_size", "read_ahead_kb", "rotational", "rq_affinity",
    "scheduler", "stable_writes", "throttle_sample_time", "wbt_lat_usec", "write_cache", "write_same_max_bytes",
    "write_zeroes_max_bytes", "zone_append_max_bytes", "zoned",
)  # fmt: skip
FILES = (
    "diskseq", "dev", "size", "ro", "removable", "stat", "holders/", "slaves/", "dm/name", "dm/uuid", "dm/suspended",
    "dm/use_blk_mq", "dm/rq_based_seq_io_merge_deadline", "device/state", "device/iorequest_cnt",
    "device/iodone_cnt", "device/ioerr_cnt", "device/iotmo_cnt", *(f"queue/{name}" for name in _QUEUE),
    *(f"*[0-9]/{name}" for name in ("partition", "dev", "start", "size", "ro", "stat", "holders/")),
)  # fmt: skip
BLOCK = _Block("block", "/sys/block/*", FILES, BlockDevice, parse)
