"""/proc/[pid]/status: a process in words: ids, memory, signals, capabilities, namespaces, context switches.

    Name:	vim
    State:	R (running)
    VmRSS:	    6716 kB
    voluntary_ctxt_switches:	4742839

https://docs.kernel.org/filesystems/proc.html#process-specific-subdirectories
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from procpulse.fields import counter, gauge, info
from procpulse.process import Part, ProcessFile
from procpulse.source import PARSE_ERRORS
from procpulse.text import inert, kib, mask, number, shorten, span


class PidStatus(msgspec.Struct, frozen=True, gc=False):
    """What the kernel says of a process, by name. Kernel threads and zombies have no memory.

    Linux writes the rows from `name` to `groups` for every process; kernels of sandboxes leave some of them out. A mask
    is None where the kernel's own has a bit beyond the 64th, as sets of signals can have on MIPS.
    """

    name: Annotated[str | None, info("Name of the process.")]
    state: Annotated[str | None, info("State, such as R (running).")]
    tgid: Annotated[int | None, info("Pid of the process, for threads too.")]
    pid: Annotated[int | None, info("Pid of the thread.")]
    ppid: Annotated[int | None, info("Pid of the parent.")]
    tracer_pid: Annotated[int | None, info("Pid of the process that traces it; 0 for none.")]
    uid: Annotated[int | None, info("Real user id.")]
    euid: Annotated[int | None, info("Effective user id.")]
    suid: Annotated[int | None, info("Saved user id.")]
    fsuid: Annotated[int | None, info("User id for file access.")]
    gid: Annotated[int | None, info("Real group id.")]
    egid: Annotated[int | None, info("Effective group id.")]
    sgid: Annotated[int | None, info("Saved group id.")]
    fsgid: Annotated[int | None, info("Group id for file access.")]
    groups: Annotated[list[int], info("Supplementary groups.")]
    umask: Annotated[int | None, info("Mode bits that new files do not get.")] = None
    ngid: Annotated[int | None, info("NUMA group; 0 for none.")] = None
    fd_size: Annotated[int | None, gauge("Slots for file descriptors.")] = None
    ns_tgids: Annotated[list[int] | None, info("Pid in each pid namespace that it is in, ours first.")] = None
    ns_pids: Annotated[list[int] | None, info("Thread id in each pid namespace.")] = None
    ns_pgids: Annotated[list[int] | None, info("Process group in each pid namespace.")] = None
    ns_sids: Annotated[list[int] | None, info("Session in each pid namespace.")] = None
    kthread: Annotated[int | None, info("1 for a thread of the kernel (Linux 6.8).")] = None
    vm_peak_bytes: Annotated[int | None, gauge("Most virtual memory that it had.")] = None
    vm_size_bytes: Annotated[int | None, gauge("Virtual memory.")] = None
    vm_lck_bytes: Annotated[int | None, gauge("Locked memory.")] = None
    vm_pin_bytes: Annotated[int | None, gauge("Pinned memory.")] = None
    vm_hwm_bytes: Annotated[int | None, gauge("Most resident memory that it had.")] = None
    vm_rss_bytes: Annotated[int | None, gauge("Resident memory.")] = None
    rss_anon_bytes: Annotated[int | None, gauge("Resident anonymous memory.")] = None
    rss_file_bytes: Annotated[int | None, gauge("Resident memory of files.")] = None
    rss_shmem_bytes: Annotated[int | None, gauge("Resident shared memory.")] = None
    vm_data_bytes: Annotated[int | None, gauge("Private data.")] = None
    vm_stk_bytes: Annotated[int | None, gauge("Stack.")] = None
    vm_exe_bytes: Annotated[int | None, gauge("Code of the program.")] = None
    vm_lib_bytes: Annotated[int | None, gauge("Code of libraries.")] = None
    vm_pte_bytes: Annotated[int | None, gauge("Page tables.")] = None
    vm_pmd_bytes: Annotated[int | None, gauge("Second-level page tables; gone since Linux 4.15.")] = None
    vm_swap_bytes: Annotated[int | None, gauge("Anonymous memory in swap.")] = None
    hugetlb_pages_bytes: Annotated[int | None, gauge("Memory in huge pages of the pool.")] = None
    core_dumping: Annotated[int | None, info("1 while its core is dumped.")] = None
    thp_enabled: Annotated[int | None, info("Whether it may get transparent huge pages (Linux 5.0).")] = None
    threads: Annotated[int | None, gauge("Threads.")] = None
    sig_queued: Annotated[int | None, gauge("Signals queued for its user.")] = None
    sig_queue_limit: Annotated[int | None, info("Most signals that may be queued.")] = None
    sig_pending: Annotated[int | None, info("Mask of the signals pending for the thread.")] = None
    shd_pending: Annotated[int | None, info("Mask of the signals pending for the process.")] = None
    sig_blocked: Annotated[int | None, info("Mask of the signals blocked.")] = None
    sig_ignored: Annotated[int | None, info("Mask of the signals ignored.")] = None
    sig_caught: Annotated[int | None, info("Mask of the signals with a handler.")] = None
    cap_inh: Annotated[int | None, info("Mask of the inheritable capabilities.")] = None
    cap_prm: Annotated[int | None, info("Mask of the permitted capabilities.")] = None
    cap_eff: Annotated[int | None, info("Mask of the effective capabilities.")] = None
    cap_bnd: Annotated[int | None, info("Mask of the capabilities that it may ever get.")] = None
    cap_amb: Annotated[int | None, info("Mask of the ambient capabilities.")] = None
    no_new_privs: Annotated[int | None, info("1 if it can never gain privileges.")] = None
    seccomp: Annotated[int | None, info("Seccomp mode: 0 off, 1 strict, 2 filter.")] = None
    seccomp_filters: Annotated[int | None, info("Seccomp filters (Linux 5.9).")] = None
    speculation_store_bypass: Annotated[str | None, info("Protection against speculative store bypass.")] = None
    speculation_indirect_branch: Annotated[
        str | None, info("Protection against indirect branch speculation (Linux 5.16).")
    ] = None
    cpus_allowed_list: Annotated[list[int] | None, info("CPUs that it may run on.")] = None
    mems_allowed_list: Annotated[list[int] | None, info("NUMA nodes that it may use.")] = None
    voluntary_ctxt_switches: Annotated[
        int | None, counter("Times it gave up the CPU of its own accord.", bits="long", falls=True)
    ] = None
    nonvoluntary_ctxt_switches: Annotated[
        int | None, counter("Times the CPU was taken from it.", bits="long", falls=True)
    ] = None

    @property
    def ctxt_switches(self) -> int | None:
        """Context switches of both kinds."""
        if self.voluntary_ctxt_switches is None or self.nonvoluntary_ctxt_switches is None:
            return None
        return self.voluntary_ctxt_switches + self.nonvoluntary_ctxt_switches


def _octal(value: bytes) -> int | None:
    """A mode in octal; None for anything else, which costs no other field."""
    return int(value, 8) if value and len(value) < 22 and not value.strip(b"01234567") else None


def _ids(value: bytes) -> list[int]:
    return [number(word) for word in value.split()]


def _four(value: bytes) -> Sequence[int | None]:
    """The ids of a user or a group: real, effective, saved, for files."""
    ids = _ids(value)
    if len(ids) < 4:
        raise ValueError(f"fewer than four ids: {shorten(value)}")
    return ids


_UNKNOWN: Sequence[int | None] = (None,) * 4


@lru_cache(64)
def _list(value: bytes) -> list[int]:
    """A list such as `0-3,7`. Nearly all processes of a host have the same, and share it."""
    return span(value)


_FIELDS: dict[str, tuple[bytes, Callable[[bytes], Any]]] = {
    "state": (b"State", inert),
    "tgid": (b"Tgid", number),
    "pid": (b"Pid", number),
    "ppid": (b"PPid", number),
    "tracer_pid": (b"TracerPid", number),
    "umask": (b"Umask", _octal),
    "ngid": (b"Ngid", number),
    "fd_size": (b"FDSize", number),
    "ns_tgids": (b"NStgid", _ids),
    "ns_pids": (b"NSpid", _ids),
    "ns_pgids": (b"NSpgid", _ids),
    "ns_sids": (b"NSsid", _ids),
    "kthread": (b"Kthread", number),
    "vm_peak_bytes": (b"VmPeak", kib),
    "vm_size_bytes": (b"VmSize", kib),
    "vm_lck_bytes": (b"VmLck", kib),
    "vm_pin_bytes": (b"VmPin", kib),
    "vm_hwm_bytes": (b"VmHWM", kib),
    "vm_rss_bytes": (b"VmRSS", kib),
    "rss_anon_bytes": (b"RssAnon", kib),
    "rss_file_bytes": (b"RssFile", kib),
    "rss_shmem_bytes": (b"RssShmem", kib),
    "vm_data_bytes": (b"VmData", kib),
    "vm_stk_bytes": (b"VmStk", kib),
    "vm_exe_bytes": (b"VmExe", kib),
    "vm_lib_bytes": (b"VmLib", kib),
    "vm_pte_bytes": (b"VmPTE", kib),
    "vm_pmd_bytes": (b"VmPMD", kib),
    "vm_swap_bytes": (b"VmSwap", kib),
    "hugetlb_pages_bytes": (b"HugetlbPages", kib),
    "core_dumping": (b"CoreDumping", number),
    "thp_enabled": (b"THP_enabled", number),
    "threads": (b"Threads", number),
    "sig_pending": (b"SigPnd", mask),
    "shd_pending": (b"ShdPnd", mask),
    "sig_blocked": (b"SigBlk", mask),
    "sig_ignored": (b"SigIgn", mask),
    "sig_caught": (b"SigCgt", mask),
    "cap_inh": (b"CapInh", mask),
    "cap_prm": (b"CapPrm", mask),
    "cap_eff": (b"CapEff", mask),
    "cap_bnd": (b"CapBnd", mask),
    "cap_amb": (b"CapAmb", mask),
    "no_new_privs": (b"NoNewPrivs", number),
    "seccomp": (b"Seccomp", number),
    "seccomp_filters": (b"Seccomp_filters", number),
    "speculation_store_bypass": (b"Speculation_Store_Bypass", inert),
    "speculation_indirect_branch": (b"SpeculationIndirectBranch", inert),
    "cpus_allowed_list": (b"Cpus_allowed_list", _list),
    "mems_allowed_list": (b"Mems_allowed_list", _list),
    "voluntary_ctxt_switches": (b"voluntary_ctxt_switches", number),
    "nonvoluntary_ctxt_switches": (b"nonvoluntary_ctxt_switches", number),
}


_CACHED: dict[Any, Callable[[bytes], Any]] = {parse: lru_cache(4096)(parse) for parse in (kib, mask, inert, _octal)}
"""Of all processes, most have the same masks, limits and zeros."""

_PLAN: list[tuple[str, bytes, Callable[[bytes], Any]]] = [
    (field, key, _CACHED.get(parse, parse)) for field, (key, parse) in _FIELDS.items()
]
_KEYS = frozenset((b"Name", b"Uid", b"Gid", b"Groups", *(key for key, _ in _FIELDS.values())))
_ESCAPED = re.compile(rb"\\([n\\])")


def _rows(data: bytes) -> dict[bytes, bytes]:
    """The values by key; of a key that is there twice, the first."""
    flat = data.replace(b":\t", b"\n").split(b"\n")
    rows = dict(zip(flat[::2], flat[1::2], strict=False))
    if data.count(b":\t") == data.count(b"\n") == len(rows):
        return rows
    rows = {}
    for line in data.split(b"\n"):
        key, colon, value = line.partition(b":")
        if colon:
            rows.setdefault(key, value.strip())
    return rows


def parse(file: ProcessFile) -> PidStatus:
    rows = _rows(file.data)
    if rows.keys().isdisjoint(_KEYS):
        raise ValueError(f"no rows: {shorten(file.data)}")
    try:
        rest = {field: parse(found) for field, key, parse in _PLAN if (found := rows.get(key)) is not None}
    except PARSE_ERRORS:  # each by itself: one that makes no sense costs no other
        rest = {field: file.parsed(field, parse, rows[key]) for field, key, parse in _PLAN if key in rows}
    uids = _UNKNOWN if b"Uid" not in rows else file.parsed("uid", _four, rows[b"Uid"]) or _UNKNOWN
    gids = _UNKNOWN if b"Gid" not in rows else file.parsed("gid", _four, rows[b"Gid"]) or _UNKNOWN
    queued, _, limit = rows.get(b"SigQ", b"").partition(b"/")
    return PidStatus(
        _name(file.data), rest.pop("state", None), rest.pop("tgid", None), rest.pop("pid", None),
        rest.pop("ppid", None), rest.pop("tracer_pid", None),
        uids[0], uids[1], uids[2], uids[3], gids[0], gids[1], gids[2], gids[3],
        file.parsed("groups", _ids, rows.get(b"Groups", b"")) or [],
        sig_queued=file.parsed("sig_queued", number, queued) if queued else None,
        sig_queue_limit=file.parsed("sig_queue_limit", number, limit) if limit else None,
        **rest,
    )  # fmt: skip


def _name(data: bytes) -> str | None:
    """The name, which has a line to itself; the kernel escapes the newlines and backslashes in it, and nothing else."""
    _, found, rest = (b"\n" + data).partition(b"\nName:")
    if not found:
        return None
    name = rest.partition(b"\n")[0]
    # After one tab the name may begin with blanks of its own; where an editor made blanks of the tab, it cannot.
    name = name[1:] if name[:1] == b"\t" else name.strip()
    if b"\\" in name:
        name = _ESCAPED.sub(lambda match: b"\n" if match[1] == b"n" else b"\\", name)
    return inert(name)


PID_STATUS = Part("status", "status", PidStatus, parse, rows=0)
