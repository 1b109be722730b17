"""/proc/net/rpc/nfsd: what the NFS server of this host has been asked, by operation.

    rc 0 118 904215
    io 73400320 1048576
    th 16 0 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000
    proc4ops 76 0 0 0 2210 431 12 ...

https://docs.kernel.org/filesystems/nfs/index.html
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group
from procpulse.source import File, Source
from procpulse.sources.proc.net_rpc_nfs import V2, V3, RpcMessages, called, counted, rows
from procpulse.text import integers, number, shorten, words


class NfsReplyCache(msgspec.Struct, frozen=True, gc=False):
    """Answers that are kept, for calls that come again."""

    hits: Annotated[int, counter("Calls that came again, and were answered from the cache.", bits=32)]
    misses: Annotated[int, counter("Calls whose answers were put into the cache.", bits=32)]
    bypasses: Annotated[int, counter("Calls that need no cache, since it does no harm to repeat them.", bits=32)]


class NfsFileHandles(msgspec.Struct, frozen=True, gc=False):
    """Lookups of file handles. All but the first are always 0 on the kernels supported."""

    stale: Annotated[int, counter("Handles of files that are gone.", bits=32)]
    lookups: Annotated[int, counter("Handles looked up.", bits=32)]
    anonymous: Annotated[int, counter("Handles found without the name of the file.", bits=32)]
    directory_misses: Annotated[int, counter("Handles of directories that were not in the cache.", bits=32)]
    file_misses: Annotated[int, counter("Handles of other files that were not in the cache.", bits=32)]


class NfsReadAhead(msgspec.Struct, frozen=True, gc=False):
    """What was remembered of files that are read from start to end; all 0 since Linux 5.4."""

    entries: Annotated[int, gauge("Files that can be remembered.")]
    hits: Annotated[dict[int, int], counter("Files found, by how far they were down the list, in percent.", bits=32)]
    misses: Annotated[int, counter("Files not found.", bits=32)]


class RpcServer(msgspec.Struct, frozen=True, gc=False):
    """Remote calls, as who answers them sees them."""

    calls: Annotated[int, counter("Calls received.", bits=32)]
    bad_calls: Annotated[int, counter("Calls refused, for any of the reasons that follow.", bits=32)]
    bad_format: Annotated[int, counter("Calls refused, since they made no sense.", bits=32)]
    bad_auth: Annotated[int, counter("Calls refused for their credentials.", bits=32)]
    bad_client: Annotated[int, counter("Calls refused, since the client is not known.", bits=32)]


class NetRpcNfsd(msgspec.Struct, frozen=True, gc=False):
    """The NFS server. Calls by name as in the protocol; one that has no name here yet is `op` and its number."""

    reply_cache: Annotated[NfsReplyCache | None, group("Answers that are kept, for calls that come again.")]
    file_handles: Annotated[NfsFileHandles | None, group("Lookups of file handles.")]
    read_bytes: Annotated[int | None, counter("Bytes that clients read.", bits=32)]
    written_bytes: Annotated[int | None, counter("Bytes that clients wrote.", bits=32)]
    threads: Annotated[int | None, gauge("Threads of the server.")]
    threads_full: Annotated[
        int | None, counter("Times that all threads were busy; always 0 on the kernels supported.", bits=32)
    ]
    net: Annotated[RpcMessages | None, group("Messages received.")]
    rpc: Annotated[RpcServer | None, group("Remote calls.")]
    v2: Annotated[dict[str, int], counter("Calls of NFS version 2, such as getattr.", bits=32)]
    v3: Annotated[dict[str, int], counter("Calls of NFS version 3, such as readdirplus.", bits=32)]
    v4: Annotated[dict[str, int], counter("Calls of NFS version 4: null, or a compound of operations.", bits=32)]
    v4_operations: Annotated[
        dict[str, int], counter("Operations in the compounds of version 4, such as open.", bits=32)
    ]
    write_delegation_getattrs: Annotated[
        int | None, counter("Requests for the attributes of a file that another client may write alone (Linux 6.7).")
    ] = None
    read_ahead: Annotated[NfsReadAhead | None, group("Files that are read from start to end.")] = None


V4 = ("null", "compound")

V4_OPERATIONS = (
    "op0", "op1", "op2", "access", "close", "commit", "create", "delegpurge", "delegreturn", "getattr", "getfh",
    "link", "lock", "lockt", "locku", "lookup", "lookupp", "nverify", "open", "openattr", "open_confirm",
    "open_downgrade", "putfh", "putpubfh", "putrootfh", "read", "readdir", "readlink", "remove", "rename", "renew",
    "restorefh", "savefh", "secinfo", "setattr", "setclientid", "setclientid_confirm", "verify", "write",
    "release_lockowner", "backchannel_ctl", "bind_conn_to_session", "exchange_id", "create_session",
    "destroy_session", "free_stateid", "get_dir_delegation", "getdeviceinfo", "getdevicelist", "layoutcommit",
    "layoutget", "layoutreturn", "secinfo_no_name", "sequence", "set_ssv", "test_stateid", "want_delegation",
    "destroy_clientid", "reclaim_complete", "allocate", "copy", "copy_notify", "deallocate", "io_advise",
    "layouterror", "layoutstats", "offload_cancel", "offload_status", "read_plus", "seek", "write_same", "clone",
    "getxattr", "setxattr", "listxattrs", "removexattr",
)  # fmt: skip


_KEYS = ("rc", "fh", "io", "th", "net", "rpc", "proc2", "proc3", "proc4", "proc4ops")


def parse(file: File) -> NetRpcNfsd:
    found = rows(file.data)
    if found.keys().isdisjoint(_KEYS):
        raise ValueError(f"no rows: {shorten(file.data)}")
    nothing: Sequence[int | None] = (None, None)
    read, written = file.parsed("io", _two, found["io"]) or nothing if "io" in found else nothing
    threads, full = file.parsed("th", _threads, found["th"]) or nothing if "th" in found else nothing
    delegations = found.get("wdeleg_getattr")
    return NetRpcNfsd(
        counted(file, found, "rc", NfsReplyCache),
        counted(file, found, "fh", NfsFileHandles),
        read,
        written,
        threads,
        full,
        counted(file, found, "net", RpcMessages),
        counted(file, found, "rpc", RpcServer),
        called(file, found, "proc2", V2),
        called(file, found, "proc3", V3),
        called(file, found, "proc4", V4),
        called(file, found, "proc4ops", V4_OPERATIONS),
        file.parsed("wdeleg_getattr", lambda row: integers(row, 1)[0], delegations) if delegations else None,
        file.parsed("ra", _read_ahead, found["ra"]) if "ra" in found else None,
    )


def _two(row: bytes) -> Sequence[int]:
    return integers(row, 2)[:2]


def _threads(row: bytes) -> Sequence[int]:
    return [number(word) for word in words(row, 2)[:2]]


def _read_ahead(row: bytes) -> NfsReadAhead:
    entries, *hits, misses = integers(row, 12)[:12]
    return NfsReadAhead(entries, {tenth * 10: count for tenth, count in enumerate(hits, 1)}, misses)


NET_RPC_NFSD = Source("net_rpc_nfsd", "/proc/net/rpc/nfsd", NetRpcNfsd, parse)
