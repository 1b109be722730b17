"""/proc/[pid]/status: a process in words: ids, memory, signals, capabilities, namespaces, context switches.

    Name:	vim
    State:	R (running)
    VmRSS:	    6716 kB
    voluntary_ctxt_switches:	4742839

https://docs.kernel.org/filesystems/proc.html#process-specific-subdirectories
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from procpulse.fields import counter, gauge, info
from procpulse.process import Part, ProcessFile
from procpulse.text import hexadecimal, inert, kib, number, span


class PidStatus(msgspec.Struct, frozen=True, gc=False):
    """What the kernel says of a process, by name. Kernel threads and zombies have no memory."""

    name: Annotated[str, info("Name of the process.")]
    state: Annotated[str, info("State, such as R (running).")]
    tgid: Annotated[int, info("Pid of the process, for threads too.")]
    pid: Annotated[int, info("Pid of the thread.")]
    ppid: Annotated[int, info("Pid of the parent.")]
    tracer_pid: Annotated[int, info("Pid of the process that traces it; 0 for none.")]
    uid: Annotated[int, info("Real user id.")]
    euid: Annotated[int, info("Effective user id.")]
    suid: Annotated[int, info("Saved user id.")]
    fsuid: Annotated[int, info("User id for file access.")]
    gid: Annotated[int, info("Real group id.")]
    egid: Annotated[int, info("Effective group id.")]
    sgid: Annotated[int, info("Saved group id.")]
    fsgid: Annotated[int, info("Group id for file access.")]
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
    voluntary_ctxt_switches: Annotated[int | None, counter("Times it gave up the CPU of its own accord.")] = None
    nonvoluntary_ctxt_switches: Annotated[int | None, counter("Times the CPU was taken from it.")] = None

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


@lru_cache(64)
def _list(value: bytes) -> list[int]:
    """A list such as `0-3,7`. Nearly all processes of a host have the same, and share it."""
    return span(value)


_FIELDS: dict[str, tuple[bytes, Callable[[bytes], Any]]] = {
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
    "sig_pending": (b"SigPnd", hexadecimal),
    "shd_pending": (b"ShdPnd", hexadecimal),
    "sig_blocked": (b"SigBlk", hexadecimal),
    "sig_ignored": (b"SigIgn", hexadecimal),
    "sig_caught": (b"SigCgt", hexadecimal),
    "cap_inh": (b"CapInh", hexadecimal),
    "cap_prm": (b"CapPrm", hexadecimal),
    "cap_eff": (b"CapEff", hexadecimal),
    "cap_bnd": (b"CapBnd", hexadecimal),
    "cap_amb": (b"CapAmb", hexadecimal),
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


_CACHED: dict[Any, Callable[[bytes], Any]] = {
    parse: lru_cache(4096)(parse) for parse in (kib, hexadecimal, inert, _octal)
}
"""Of all processes, most have the same masks, limits and zeros."""

_PLAN: list[tuple[str, bytes, Callable[[bytes], Any]]] = [
    (field, key, _CACHED.get(parse, parse)) for field, (key, parse) in _FIELDS.items()
]
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
    # The name is the first line; the kernel escapes the newlines and backslashes in it, and nothing else.
    rows = _rows(file.data)
    uids, gids = _ids(rows[b"Uid"]), _ids(rows[b"Gid"])
    first, colon, name = file.data.lstrip(b"\n").partition(b"\n")[0].partition(b":")
    if first != b"Name" or not colon:
        raise ValueError("it does not begin with a name")
    # After one tab the name may begin with blanks of its own; where an editor made blanks of the tab, it cannot.
    name = name[1:] if name[:1] == b"\t" else name.strip()
    if b"\\" in name:
        name = _ESCAPED.sub(lambda match: b"\n" if match[1] == b"n" else b"\\", name)
    queued, _, limit = rows.get(b"SigQ", b"").partition(b"/")
    rest = {field: parse(found) for field, key, parse in _PLAN if (found := rows.get(key)) is not None}
    return PidStatus(
        inert(name), _CACHED[inert](rows[b"State"]), number(rows[b"Tgid"]), number(rows[b"Pid"]), number(rows[b"PPid"]),
        number(rows[b"TracerPid"]), uids[0], uids[1], uids[2], uids[3], gids[0], gids[1], gids[2], gids[3],
        _ids(rows.get(b"Groups", b"")),
        sig_queued=number(queued) if queued else None,
        sig_queue_limit=number(limit) if limit else None,
        **rest,
    )  # fmt: skip


PID_STATUS = Part("status", "status", PidStatus, parse, rows=0)
