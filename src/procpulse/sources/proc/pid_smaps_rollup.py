"""/proc/[pid]/smaps_rollup: the memory of a process, all mappings together. Needs its user, or CAP_SYS_PTRACE.

    55d1c0a00000-7ffc4a9f2000 ---p 00000000 00:00 0                          [rollup]
    Rss:                8804 kB
    Pss:                3120 kB

Reading it walks the page tables of the process and holds its memory lock meanwhile. Where it is missing, `smaps` is
added up.

https://docs.kernel.org/filesystems/proc.html#process-specific-subdirectories
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge
from procpulse.process import Part, ProcessFile
from procpulse.sources.proc.pid_maps import RSS_LIMIT_BYTES
from procpulse.text import kib, within_64_bits


class PidSmapsRollup(msgspec.Struct, frozen=True, gc=False):
    """Memory of a process."""

    rss_bytes: Annotated[int | None, gauge("Resident memory.")]
    pss_bytes: Annotated[int | None, gauge("Resident memory, pages divided by how many processes share them.")]
    shared_clean_bytes: Annotated[int | None, gauge("Shared pages like on disk.")] = None
    shared_dirty_bytes: Annotated[int | None, gauge("Shared pages that were written to.")] = None
    private_clean_bytes: Annotated[int | None, gauge("Its own pages like on disk.")] = None
    private_dirty_bytes: Annotated[int | None, gauge("Its own pages that were written to.")] = None
    referenced_bytes: Annotated[int | None, gauge("Pages that were accessed lately.")] = None
    anonymous_bytes: Annotated[int | None, gauge("Memory that belongs to no file.")] = None
    lazy_free_bytes: Annotated[int | None, gauge("Memory given back with MADV_FREE that is still there.")] = None
    anon_huge_pages_bytes: Annotated[int | None, gauge("Anonymous memory in huge pages.")] = None
    shmem_pmd_mapped_bytes: Annotated[int | None, gauge("Shared memory in huge pages.")] = None
    file_pmd_mapped_bytes: Annotated[int | None, gauge("Files in huge pages (Linux 5.4).")] = None
    shared_hugetlb_bytes: Annotated[int | None, gauge("Shared huge pages of the pool; not part of the others.")] = None
    private_hugetlb_bytes: Annotated[int | None, gauge("Own huge pages of the pool; not part of the others.")] = None
    swap_bytes: Annotated[int | None, gauge("Anonymous memory in swap.")] = None
    swap_pss_bytes: Annotated[int | None, gauge("The same, divided by how many processes share it.")] = None
    locked_bytes: Annotated[int | None, gauge("Locked memory, divided by how many processes share it.")] = None
    pss_dirty_bytes: Annotated[int | None, gauge("What of `pss_bytes` was written to (Linux 6.0).")] = None
    pss_anon_bytes: Annotated[int | None, gauge("What of `pss_bytes` is anonymous (Linux 5.4).")] = None
    pss_file_bytes: Annotated[int | None, gauge("What of `pss_bytes` are files (Linux 5.4).")] = None
    pss_shmem_bytes: Annotated[int | None, gauge("What of `pss_bytes` is shared memory (Linux 5.4).")] = None
    ksm_bytes: Annotated[int | None, gauge("Pages that were merged with equal ones (Linux 6.7).")] = None


_FIELDS = {
    b"Rss": "rss_bytes",
    b"Pss": "pss_bytes",
    b"Shared_Clean": "shared_clean_bytes",
    b"Shared_Dirty": "shared_dirty_bytes",
    b"Private_Clean": "private_clean_bytes",
    b"Private_Dirty": "private_dirty_bytes",
    b"Referenced": "referenced_bytes",
    b"Anonymous": "anonymous_bytes",
    b"LazyFree": "lazy_free_bytes",
    b"AnonHugePages": "anon_huge_pages_bytes",
    b"ShmemPmdMapped": "shmem_pmd_mapped_bytes",
    b"FilePmdMapped": "file_pmd_mapped_bytes",
    b"Shared_Hugetlb": "shared_hugetlb_bytes",
    b"Private_Hugetlb": "private_hugetlb_bytes",
    b"Swap": "swap_bytes",
    b"SwapPss": "swap_pss_bytes",
    b"Locked": "locked_bytes",
    b"Pss_Dirty": "pss_dirty_bytes",
    b"Pss_Anon": "pss_anon_bytes",
    b"Pss_File": "pss_file_bytes",
    b"Pss_Shmem": "pss_shmem_bytes",
    b"KSM": "ksm_bytes",
}


def parse(file: ProcessFile) -> PidSmapsRollup:
    if not file.data.endswith(b"\n"):
        raise ValueError("cut short: a sum of less would be wrong")
    sums: dict[str, int] = {}
    for line in file.data.split(b"\n"):
        # The row of a mapping has its first colon in its device number, after blanks.
        key, colon, value = line.partition(b":")
        field = _FIELDS.get(key)
        if field is not None and colon:
            try:
                sums[field] = within_64_bits(sums.get(field, 0) + kib(value.strip()))
            except ValueError as error:  # a sum of the others would be wrong
                file.lose(field, error)
    known = {field: total for field, total in sums.items() if not (file.failures and field in file.failures)}
    if not known:
        raise ValueError("no rows")
    return PidSmapsRollup(known.pop("rss_bytes", None), known.pop("pss_bytes", None), **known)


PID_SMAPS_ROLLUP = Part(
    "smaps_rollup", "smaps_rollup", PidSmapsRollup, parse,
    slow=True, cap=1 << 26, newline=False, program=True, rss_limit_bytes=RSS_LIMIT_BYTES, fallback="smaps",
)  # fmt: skip
