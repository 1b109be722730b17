"""/proc/diskstats: what each block device did since boot.

     254       0 vda 5083 1131 262098 1030 822 622 31090 552 0 1072 1723 301 0 91 93 93 46

https://docs.kernel.org/admin-guide/iostats.html
"""

from functools import lru_cache
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.source import File, Source
from procpulse.text import inert, integers, lines, number, sized, words

_SECTOR = 512  # bytes, whatever the device's own sector is


class Disk(msgspec.Struct, frozen=True, gc=False):
    """One disk, partition or other block device."""

    device: Annotated[str, label("Name of the device, such as sda1.")]
    major: Annotated[int, info("Major number.")]
    minor: Annotated[int, info("Minor number.")]
    columns: Annotated[int, info("Columns that this kernel has: 14, from Linux 4.18 on 18, from Linux 5.5 on 20.")]
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


def parse(file: File) -> list[Disk]:
    return [_known(line) if len(line) < _LONG else _disk(line) for line in lines(file.data)]


def _disk(line: bytes) -> Disk:
    major, minor, device, *rest = words(line, 14)
    v = integers(b" ".join(rest[:17]), 11)
    return Disk(
        inert(device), number(major), number(minor), len(rest) + 3,
        v[0], v[1], sized(v[2], _SECTOR), v[3], v[4], v[5], sized(v[6], _SECTOR), *v[7:11],
        *((v[11], v[12], sized(v[13], _SECTOR), *v[14:]) if len(v) > 14 else ()),
    )  # fmt: skip


_LONG = 1024  # no kernel's line is as long; longer ones are not kept
# Most disks of most hosts do nothing most of the time: loops, partitions, spares.
_known = lru_cache(256)(_disk)

DISKSTATS = Source("diskstats", "/proc/diskstats", list[Disk], parse, rows=0)
