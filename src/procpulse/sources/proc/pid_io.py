"""/proc/[pid]/io: what a process read and wrote. Needs its user, or CAP_SYS_PTRACE.

    rchar: 750339
    read_bytes: 1024
    cancelled_write_bytes: 0

https://docs.kernel.org/filesystems/proc.html#proc-pid-io-display-the-io-accounting-fields
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter
from procpulse.process import Part, ProcessFile
from procpulse.text import mapping, shorten


class PidIo(msgspec.Struct, frozen=True, gc=False):
    """Input and output of a process, of threads and waited-for children that are gone too.

    Linux writes all rows; kernels of sandboxes may leave some out.
    """

    rchar_bytes: Annotated[
        int | None, counter("Bytes read by system calls, from anything, the page cache included.", falls=True)
    ]
    wchar_bytes: Annotated[int | None, counter("Bytes written by system calls, to anything.", falls=True)]
    read_syscalls: Annotated[int | None, counter("System calls that read.", falls=True)]
    write_syscalls: Annotated[int | None, counter("System calls that wrote.", falls=True)]
    read_bytes: Annotated[int | None, counter("Bytes that had to come from a disk.", falls=True)]
    written_bytes: Annotated[int | None, counter("Bytes that were made to go to a disk.", falls=True)]
    cancelled_written_bytes: Annotated[
        int | None, counter("Bytes of those that never went, since the file was truncated.", falls=True)
    ]


_KEYS = ("rchar", "wchar", "syscr", "syscw", "read_bytes", "write_bytes", "cancelled_write_bytes")


def parse(file: ProcessFile) -> PidIo:
    rows = mapping(file.data.replace(b":", b""))
    try:
        return PidIo(*[rows[key] for key in _KEYS])
    except KeyError:
        if rows.keys().isdisjoint(_KEYS):
            raise ValueError(f"no rows: {shorten(file.data)}") from None
    return PidIo(*map(rows.get, _KEYS))


PID_IO = Part("io", "io", PidIo, parse, rows=0)
