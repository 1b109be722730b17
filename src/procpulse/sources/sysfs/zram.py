"""/sys/block/zram*: compressed block devices in memory, mostly used as swap space.

    mm_stat: 838356992 239161234 256274432 0 256962560 13371 0 1870 5205

https://docs.kernel.org/admin-guide/blockdev/zram.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.text import integers, sized
from procpulse.tree import Folder, Tree

_BLOCK = 4096  # bytes, whatever a page is


class Zram(msgspec.Struct, frozen=True, gc=False):
    """One compressed device. Before it has a size, only its setting is known."""

    name: Annotated[str, label("Name of the device, such as zram0.")]
    diskseq: Annotated[int | None, label("Number of the device, never used again: names are (Linux 5.15).")] = None
    initialized: Annotated[bool | None, info("Whether it has been given a size.")] = None
    disksize_bytes: Annotated[int | None, gauge("What it can hold, uncompressed.")] = None
    comp_algorithm: Annotated[str | None, info("The compression in use, such as zstd.")] = None
    comp_algorithms: Annotated[list[str] | None, info("Compressions to choose from.")] = None
    orig_data_bytes: Annotated[int | None, gauge("What it holds, uncompressed.")] = None
    compr_data_bytes: Annotated[int | None, gauge("What that is when compressed.")] = None
    mem_used_bytes: Annotated[int | None, gauge("Memory that it takes, losses and bookkeeping included.")] = None
    mem_limit_bytes: Annotated[int | None, gauge("Most memory that it may take; 0 for no limit.")] = None
    mem_used_max_bytes: Annotated[int | None, gauge("Most memory that it ever took.")] = None
    same_pages: Annotated[int | None, gauge("Pages of one repeated value, which take no memory.")] = None
    compacted_pages: Annotated[int | None, counter("Pages that were given back by tidying up.", bits="long")] = None
    huge_pages: Annotated[int | None, gauge("Pages that could not be compressed.")] = None
    huge_pages_since: Annotated[
        int | None, counter("Pages written so far that could not be compressed (Linux 5.11).")
    ] = None
    failed_reads: Annotated[int | None, counter("Reads that failed.")] = None
    failed_writes: Annotated[int | None, counter("Writes that failed.")] = None
    invalid_ios: Annotated[int | None, counter("Requests out of alignment.")] = None
    notify_frees: Annotated[int | None, counter("Pages freed since swap or a file system needed them no more.")] = None
    backing_dev: Annotated[str | None, info("Device that pages can be written back to; none for none.")] = None
    backed_bytes: Annotated[int | None, gauge("Pages on the backing device (Linux 5.0).")] = None
    backing_read_bytes: Annotated[int | None, counter("Read from the backing device (Linux 5.0).")] = None
    backing_written_bytes: Annotated[int | None, counter("Written to the backing device (Linux 5.0).")] = None


_MM_STAT = (
    "orig_data_bytes", "compr_data_bytes", "mem_used_bytes", "mem_limit_bytes", "mem_used_max_bytes", "same_pages",
    "compacted_pages", "huge_pages", "huge_pages_since",
)  # fmt: skip
_IO_STAT = ("failed_reads", "failed_writes", "invalid_ios", "notify_frees")
_BD_STAT = ("backed_bytes", "backing_read_bytes", "backing_written_bytes")


def _mm_stat(data: bytes) -> dict[str, int]:
    return dict(zip(_MM_STAT, integers(data, 7), strict=False))


def _io_stat(data: bytes) -> dict[str, int]:
    return dict(zip(_IO_STAT, integers(data, 4), strict=False))


def _bd_stat(data: bytes) -> dict[str, int]:
    return dict(zip(_BD_STAT, [sized(blocks, _BLOCK) for blocks in integers(data, 3)], strict=False))


def parse(folder: Folder) -> Zram:
    algorithms = (folder.text("comp_algorithm") or "").split()
    chosen = next((name for name in algorithms if name.startswith("[")), None)
    statistics: dict[str, Any] = {}
    for name, understand in (("mm_stat", _mm_stat), ("io_stat", _io_stat), ("bd_stat", _bd_stat)):
        statistics |= folder.parsed(name, understand) or {}
    return Zram(
        folder.name,
        folder.number("diskseq"),
        folder.flag("initstate"),
        folder.number("disksize"),
        chosen.strip("[]") if chosen else None,
        [name.strip("[]") for name in algorithms] or None,
        backing_dev=folder.text("backing_dev"),
        **statistics,
    )


FILES = ("diskseq", "initstate", "disksize", "comp_algorithm", "mm_stat", "io_stat", "backing_dev", "bd_stat")
ZRAM = Tree("zram", "/sys/block/zram[0-9]*", FILES, Zram, parse)
