r"""/proc/[pid]/mountstats: what is mounted where, with statistics of NFS.

    device /dev/sda1 mounted on / with fstype ext4
    device nas:/home mounted on /home with fstype nfs4 statvers=1.1
        opts:   rw,vers=4.2,rsize=1048576,proto=tcp
        bytes:  70188 4096 0 0 65536 4096 16 1
        xprt:   tcp 911 0 1 0 3 52 52 0 57 0 2 0 40
        READ:   12 12 0 2112 67104 1 30 33 0

https://man7.org/linux/man-pages/man5/proc_pid_mountstats.5.html
"""

import re
from functools import partial
from typing import Annotated, Any, TypeAlias

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.process import Part, ProcessFile
from procpulse.text import inert, integers, number, options, shorten, unescape, words


class NfsBytes(msgspec.Struct, frozen=True, gc=False):
    """What went through an NFS mount."""

    normal_read_bytes: Annotated[int, counter("Bytes that programs read, through the page cache.")]
    normal_written_bytes: Annotated[int, counter("Bytes that programs wrote, through the page cache.")]
    direct_read_bytes: Annotated[int, counter("Bytes that programs read with O_DIRECT.")]
    direct_written_bytes: Annotated[int, counter("Bytes that programs wrote with O_DIRECT.")]
    server_read_bytes: Annotated[int, counter("Bytes that the server sent.")]
    server_written_bytes: Annotated[int, counter("Bytes that were sent to the server.")]
    pages_read: Annotated[int, counter("Pages read, for mappings and by read-ahead.")]
    pages_written: Annotated[int, counter("Pages written back.")]


class NfsEvents(msgspec.Struct, frozen=True, gc=False):
    """What happened on an NFS mount."""

    inode_revalidates: Annotated[int, counter("Attributes of files that were checked with the server.", bits="long")]
    dentry_revalidates: Annotated[int, counter("Names that were checked with the server.", bits="long")]
    data_invalidates: Annotated[int, counter("Caches of a file's data that were dropped.", bits="long")]
    attr_invalidates: Annotated[int, counter("Caches of a file's attributes that were dropped.", bits="long")]
    vfs_opens: Annotated[int, counter("Files and directories opened.", bits="long")]
    vfs_lookups: Annotated[int, counter("Names looked up in a directory.", bits="long")]
    vfs_accesses: Annotated[int, counter("Permissions checked.", bits="long")]
    vfs_update_pages: Annotated[int, counter("Pages written to in the cache.", bits="long")]
    vfs_read_pages_single: Annotated[int, counter("Pages read one at a time.", bits="long")]
    vfs_read_pages: Annotated[int, counter("Groups of pages read.", bits="long")]
    vfs_write_pages_single: Annotated[int, counter("Pages written one at a time.", bits="long")]
    vfs_write_pages: Annotated[int, counter("Groups of pages written.", bits="long")]
    vfs_getdents: Annotated[int, counter("Reads of directories.", bits="long")]
    vfs_setattrs: Annotated[int, counter("Attributes set.", bits="long")]
    vfs_flushes: Annotated[int, counter("Files whose writes were sent to the server, as closing does.", bits="long")]
    vfs_fsyncs: Annotated[int, counter("Calls of fsync on files and directories.", bits="long")]
    vfs_locks: Annotated[int, counter("Files that were to be locked.", bits="long")]
    vfs_releases: Annotated[int, counter("Files closed by the last who had them open.", bits="long")]
    congestion_waits: Annotated[int, counter("Always 0.", bits="long")]
    truncations: Annotated[int, counter("Files truncated.", bits="long")]
    extending_writes: Annotated[int, counter("Writes beyond the end of a file.", bits="long")]
    silly_renames: Annotated[int, counter("Files removed while they were open here.", bits="long")]
    short_reads: Annotated[int, counter("Answers of the server with less than was asked for.", bits="long")]
    short_writes: Annotated[int, counter("Writes of which the server took only a part.", bits="long")]
    delays: Annotated[int, counter("Times that the server asked to come again later.", bits="long")]
    pnfs_reads: Annotated[
        int | None, counter("Reads past the server, from where pNFS keeps the data.", bits="long")
    ] = None
    pnfs_writes: Annotated[
        int | None, counter("Writes past the server, to where pNFS keeps the data.", bits="long")
    ] = None


class NfsFscache(msgspec.Struct, frozen=True, gc=False):
    """What the cache on disk of an NFS mount did; gone since Linux 6.4."""

    pages_read: Annotated[int, counter("Pages found in it.", bits="long")]
    pages_not_read: Annotated[int, counter("Pages not found in it.", bits="long")]
    pages_written: Annotated[int, counter("Pages put into it.", bits="long")]
    pages_not_written: Annotated[int, counter("Pages that could not be put into it.", bits="long")]
    pages_uncached: Annotated[int, counter("Pages dropped from it.", bits="long")]


class NfsRdma(msgspec.Struct, frozen=True, gc=False):
    """What RDMA has to tell of a connection."""

    read_chunks: Annotated[int, counter("Chunks that the server was to read.", bits="long")]
    write_chunks: Annotated[int, counter("Chunks that the server was to write.", bits="long")]
    reply_chunks: Annotated[int, counter("Chunks for long replies.", bits="long")]
    request_bytes: Annotated[int, counter("Bytes of requests that RDMA moved.", bits=64)]
    reply_bytes: Annotated[int, counter("Bytes of replies that RDMA moved.", bits=64)]
    pullup_bytes: Annotated[int, counter("Bytes of requests that had to be copied.", bits=64)]
    fixup_bytes: Annotated[int, counter("Bytes of replies that had to be copied.", bits=64)]
    hardway_registers: Annotated[int, counter("Buffers that had to be registered once more.", bits="long")]
    failed_marshals: Annotated[int, counter("Requests that could not be put together.", bits="long")]
    bad_replies: Annotated[int, counter("Replies that made no sense.", bits="long")]
    nomsg_calls: Annotated[int | None, counter("Requests too long to be sent in line.", bits="long")] = None
    mrs_recycled: Annotated[int | None, counter("Memory regions put to use again.", bits="long")] = None
    mrs_orphaned: Annotated[int | None, counter("Memory regions given up.", bits="long")] = None
    mrs_allocated: Annotated[int | None, counter("Memory regions set up.", bits="long")] = None
    local_invalidates: Annotated[
        int | None, counter("Memory regions that had to be invalidated here.", bits="long")
    ] = None
    empty_send_queues: Annotated[int | None, counter("Times that all send contexts were taken.", bits="long")] = None
    reply_waits_for_send: Annotated[
        int | None, counter("Replies that had to wait for the end of the send.", bits="long")
    ] = None


class NfsTransport(msgspec.Struct, frozen=True, gc=False):
    """One connection to the server. Each send adds to the four sums: divide their growth by that of `sends`."""

    index: Annotated[int, label("Which connection, 0 for the first: a mount may have several (nconnect).")]
    protocol: Annotated[str, info("Protocol: udp, tcp, rdma, or local for a socket of this host.")]
    port: Annotated[int | None, info("Port on this host; 0 for any.")] = None
    binds: Annotated[int | None, counter("Times the port of the server was asked for.", bits="long")] = None
    connects: Annotated[int | None, counter("Times it was connected.", bits="long")] = None
    connect_seconds: Annotated[int | None, counter("Time spent waiting for connections.", bits="long")] = None
    idle_seconds: Annotated[int | None, gauge("Time since it was used.")] = None
    sends: Annotated[int | None, counter("Requests sent.", bits="long")] = None
    receives: Annotated[int | None, counter("Replies received.", bits="long")] = None
    bad_xids: Annotated[int | None, counter("Replies to no request of ours.", bits="long")] = None
    in_flight_sum: Annotated[int | None, counter("Requests in flight, added up at each send.")] = None
    backlog_sum: Annotated[int | None, counter("Requests waiting for a slot, added up at each send.")] = None
    max_slots: Annotated[int | None, gauge("Most requests that were in flight together.")] = None
    sending_sum: Annotated[int | None, counter("Requests waiting to be sent, added up at each send.")] = None
    pending_sum: Annotated[int | None, counter("Requests waiting for a reply, added up at each send.")] = None
    rdma: Annotated[NfsRdma | None, group("What RDMA has to tell.")] = None


class NfsOperation(msgspec.Struct, frozen=True, gc=False):
    """One operation of the protocol. Divide the growth of a time by that of `requests` for the mean."""

    operation: Annotated[str, label("Name of the operation, such as READ.")]
    requests: Annotated[int, counter("Requests made.", bits="long")]
    transmissions: Annotated[
        int, counter("Times that one was sent; more than `requests` where some were repeated.", bits="long")
    ]
    major_timeouts: Annotated[int, counter("Requests that got no answer for long.", bits="long")]
    sent_bytes: Annotated[int, counter("Bytes sent, headers included.")]
    received_bytes: Annotated[int, counter("Bytes received, headers included.")]
    queue_ms: Annotated[int, counter("Time that requests waited to be sent.")]
    response_ms: Annotated[int, counter("Time from sending to the reply.")]
    execute_ms: Annotated[int, counter("Time from the request to its end, waiting included.")]
    errors: Annotated[int | None, counter("Requests that ended with an error (Linux 5.3).", bits="long")] = None


class NfsStatistics(msgspec.Struct, frozen=True, gc=False):
    """Statistics of an NFS mount."""

    version: Annotated[str, info("Version of these statistics, such as 1.1.")]
    options: Annotated[dict[str, str], info("Options of the mount.")] = {}
    age_seconds: Annotated[int | None, gauge("Time since it was mounted.")] = None
    implementation: Annotated[str | None, info("What an NFSv4.1 server says that it is.")] = None
    capabilities: Annotated[dict[str, str], info("What the server can do, and its sizes.")] = {}
    nfsv4: Annotated[dict[str, str], info("What NFSv4 adds to that, such as sessions, pnfs and the lease.")] = {}
    security: Annotated[dict[str, str], info("Security flavour, as numbers of RPC.")] = {}
    rpc_version: Annotated[str | None, info("Version of the statistics of RPC, such as 1.1.")] = None
    program: Annotated[str | None, info("Number and version of the RPC program, such as 100003/4.")] = None
    bytes: Annotated[NfsBytes | None, group("What went through.")] = None
    events: Annotated[NfsEvents | None, group("What happened.")] = None
    fscache: Annotated[NfsFscache | None, group("The cache on disk, where there is one.")] = None
    transports: Annotated[list[NfsTransport], group("Connections to the server.")] = []
    operations: Annotated[list[NfsOperation], group("Operations of the protocol.")] = []


class MountStatistics(msgspec.Struct, frozen=True, gc=False):
    """One mount."""

    mount_point: Annotated[str, label("Where it is mounted, below the root of the process.")]
    layer: Annotated[int, label("How many mounts are listed before it for the same place; 0 for the first.")]
    device: Annotated[str | None, info("Device, or another name of what is mounted; None for no device.")]
    fs_type: Annotated[str, info("Type of the file system, such as ext4.")]
    nfs: Annotated[NfsStatistics | None, group("Statistics, where it is NFS.")] = None


class PidMountstats(msgspec.Struct, frozen=True, gc=False):
    """Mounts that a process sees, with their statistics."""

    mounts: Annotated[list[MountStatistics], group("One row a mount.")]


def parse(file: ProcessFile) -> PidMountstats:
    mounts: list[MountStatistics] = []
    layers: dict[str, int] = {}
    for head, body in _blocks(file):
        name, point, fs_type, version = head
        place = inert(unescape(point))
        layer = layers.get(place, 0)
        layers[place] = layer + 1
        nfs = _statistics(file, inert(version), body) if version is not None else None
        device = None if name is None else inert(unescape(name))
        mounts.append(MountStatistics(place, layer, device, inert(unescape(fs_type)), nfs))
    return PidMountstats(mounts)


_Head: TypeAlias = tuple[bytes | None, bytes, bytes, bytes | None]
"""Device, mount point, type of the file system, and version of the statistics, of a line that begins a mount."""


def _head(line: bytes) -> _Head:
    # A name may be empty, so columns end at every single blank.
    left, found, right = line.partition(b" with fstype ")
    device, on, point = left.rpartition(b" mounted on ")
    fs_type, *more = right.split(b" ")
    if not (found and on and fs_type and (device == b"no device" or device.startswith(b"device "))):
        raise ValueError(f"no mount: {shorten(line)}")
    version = next((word[9:] for word in more if word.startswith(b"statvers=")), None)
    return None if device == b"no device" else device[7:], point, fs_type, version


_SERVER = b"\timpl_id:\t"
_SERVER_END = re.compile(rb"',date='[0-9]{1,20},[0-9]{1,10}'\Z")
_SERVER_LINES = 64


def _blocks(file: ProcessFile) -> list[tuple[_Head, list[bytes]]]:
    """Each line that begins a mount, with the indented lines that follow it.

    What a server says that it is goes out as the server sent it, with any line's ends that are in it: it goes on to
    the date, which the kernel writes. Any other line that makes no sense costs itself only.
    """
    blocks: list[tuple[_Head, list[bytes]]] = []
    lines = file.data.split(b"\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith(_SERVER) and not _SERVER_END.search(line):
            rest = lines[at : at + _SERVER_LINES]
            end = next((i for i, more in enumerate(rest) if _SERVER_END.search(more)), None)
            if end is not None:
                line = b"\n".join([line, *rest[: end + 1]])
                at += end + 1
        if line[:1] in (b"\t", b" "):
            if blocks and line.strip():
                blocks[-1][1].append(line.strip())
        elif line.strip(b"\r\0"):
            head = file.parsed("mounts", _head, line)
            if head is not None:
                blocks.append((head, []))
    if not blocks and file.failures:
        raise ValueError(file.failures["mounts"])
    return blocks


def _statistics(file: ProcessFile, version: str, body: list[bytes]) -> NfsStatistics:
    rows: dict[str, Any] = {}
    transports: list[NfsTransport] = []
    operations: list[NfsOperation] | None = None
    for line in body:
        key, _, rest = line.partition(b":")
        rest = rest.strip()
        if operations is not None:
            operation = file.parsed("operations", partial(_operation, key), rest)
            if operation is not None:
                operations.append(operation)
        elif line == b"per-op statistics":
            operations = []
        elif key == b"xprt":
            transport = file.parsed("xprt", partial(_transport, len(transports)), rest)
            transports.append(
                NfsTransport(len(transports), inert(rest.split(b" ")[0])) if transport is None else transport
            )
        elif key == b"RPC iostats version":
            rpc, _, program = rest.partition(b" ")
            rows["rpc_version"] = inert(rpc)
            rows["program"] = file.parsed("program", _program, program)
        elif key in _ROWS:
            field, understand = _ROWS[key]
            rows[field] = file.parsed(field, understand, rest)
    rows = {field: value for field, value in rows.items() if value is not None}
    return NfsStatistics(version, transports=transports, operations=operations or [], **rows)


def _program(text: bytes) -> str:
    """Number and version of `p/v: 100003/4 (nfs)`."""
    return inert(words(text.partition(b":")[2], 1)[0])


def _pairs(rest: bytes) -> dict[str, str]:
    """Words with commas between, each with a value after its equals sign or none."""
    return {key: value for key, _, value in (inert(word).partition("=") for word in options(rest) if word)}


def _operation(name: bytes, rest: bytes) -> NfsOperation:
    return NfsOperation(inert(name), *integers(rest, 8)[:9])


_TCP = ("port", "binds", "connects", "connect_seconds", "idle_seconds", "sends", "receives", "bad_xids",
        "in_flight_sum", "backlog_sum")  # fmt: skip
_UDP = ("port", "binds", "sends", "receives", "bad_xids", "in_flight_sum", "backlog_sum")
_QUEUES = ("max_slots", "sending_sum", "pending_sum")  # since version 1.1
_COLUMNS = {b"tcp": _TCP + _QUEUES, b"udp": _UDP + _QUEUES, b"local": _TCP[1:] + _QUEUES, b"rdma": _TCP}


def _transport(index: int, rest: bytes) -> NfsTransport:
    protocol, _, row = rest.partition(b" ")
    columns = _COLUMNS.get(protocol, ())
    least = len(columns) - (len(_QUEUES) if columns[-1:] == _QUEUES[-1:] else 0)
    values = integers(row, least) if columns else []
    rdma = NfsRdma(*_at_least(values[len(_TCP) :], 10)[:17]) if protocol == b"rdma" else None
    return NfsTransport(index, inert(protocol), rdma=rdma, **dict(zip(columns, values, strict=False)))


def _at_least(values: list[int], least: int) -> list[int]:
    if len(values) < least:
        raise ValueError(f"fewer than {least} columns")
    return values


_ROWS: dict[bytes, tuple[str, Any]] = {
    b"opts": ("options", _pairs),
    b"age": ("age_seconds", number),
    b"impl_id": ("implementation", inert),
    b"caps": ("capabilities", _pairs),
    b"nfsv4": ("nfsv4", _pairs),
    b"sec": ("security", _pairs),
    b"bytes": ("bytes", lambda rest: NfsBytes(*integers(rest, 8)[:8])),
    b"events": ("events", lambda rest: NfsEvents(*integers(rest, 25)[:27])),
    b"fsc": ("fscache", lambda rest: NfsFscache(*integers(rest, 5)[:5])),
}

PID_MOUNTSTATS = Part("mountstats", "mountstats", PidMountstats, parse, slow=True, cap=1 << 24, threads=False)
