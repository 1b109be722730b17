"""/sys/class/scsi_tape/st*: tape drives, and what was done with them.

    stats/write_cnt: 41207, stats/write_byte_cnt: 10802167808, stats/write_ns: 6020447118338

Each drive has further names here (nst0, st0a and so on) with the same numbers; they are left out.

https://docs.kernel.org/scsi/st.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.tree import Folder, Tree


class ScsiTape(msgspec.Struct, frozen=True, gc=False):
    """One tape drive."""

    name: Annotated[str, label("Name of the drive, such as st0.")]
    device: Annotated[str | None, info("The SCSI device behind it, as host:channel:target:lun.")] = None
    in_flight: Annotated[int | None, gauge("Requests issued and not completed yet.")] = None
    reads: Annotated[int | None, counter("Requests to read.")] = None
    read_bytes: Annotated[int | None, counter("Bytes that were asked for.")] = None
    read_ns: Annotated[int | None, counter("Time spent waiting for reads.")] = None
    writes: Annotated[int | None, counter("Requests to write.")] = None
    written_bytes: Annotated[int | None, counter("Bytes written.")] = None
    write_ns: Annotated[int | None, counter("Time spent waiting for writes.")] = None
    others: Annotated[int | None, counter("Requests that neither read nor write, such as rewinding.")] = None
    io_ns: Annotated[int | None, counter("Time spent waiting for requests of any kind.")] = None
    residuals: Annotated[int | None, counter("Requests that moved less than was asked for.")] = None


_STATS = (
    "in_flight", "read_cnt", "read_byte_cnt", "read_ns", "write_cnt", "write_byte_cnt", "write_ns", "other_cnt",
    "io_ns", "resid_cnt",
)  # fmt: skip


def parse(folder: Folder) -> ScsiTape | None:
    if not folder.name.removeprefix("st").isdigit():
        return None
    return ScsiTape(folder.name, folder.target("device@"), *(folder.number(f"stats/{name}") for name in _STATS))


FILES = ("device@", *(f"stats/{name}" for name in _STATS))
CLASS_SCSI_TAPE = Tree("class_scsi_tape", "/sys/class/scsi_tape/st[0-9]*", FILES, ScsiTape, parse)
