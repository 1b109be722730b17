"""/proc/net/rpc/nfs: what the NFS client has asked of its servers, by operation.

    net 0 0 0 0
    rpc 52011 3 52014
    proc3 22 1 40112 170 5090 2214 0 3101 980 ...

https://docs.kernel.org/filesystems/nfs/index.html
"""

from collections.abc import Sequence
from typing import Annotated, TypeVar

import msgspec

from procpulse.fields import counter, group
from procpulse.source import File, Source
from procpulse.text import inert, integers, lines, shorten

R = TypeVar("R", bound=msgspec.Struct)


class RpcMessages(msgspec.Struct, frozen=True, gc=False):
    """Messages of remote calls, by the protocol that carried them."""

    packets: Annotated[int, counter("Messages received; a client may leave all four at 0.", bits=32)]
    udp_packets: Annotated[int, counter("Messages received over UDP.", bits=32)]
    tcp_packets: Annotated[int, counter("Messages received over TCP.", bits=32)]
    tcp_connections: Annotated[int, counter("TCP connections accepted.", bits=32)]


class RpcClient(msgspec.Struct, frozen=True, gc=False):
    """Remote calls, as who makes them sees them."""

    calls: Annotated[int, counter("Calls made.", bits=32)]
    retransmissions: Annotated[int, counter("Calls sent again, since no answer came in time.", bits=32)]
    auth_refreshes: Annotated[int, counter("Times that credentials were looked at, or made anew.", bits=32)]


class NetRpcNfs(msgspec.Struct, frozen=True, gc=False):
    """The NFS client. Calls by name as in the protocol; one that has no name here yet is `op` and its number."""

    net: Annotated[RpcMessages | None, group("Messages received.")]
    rpc: Annotated[RpcClient | None, group("Remote calls.")]
    v2: Annotated[dict[str, int], counter("Calls of NFS version 2, such as getattr.", bits=32)]
    v3: Annotated[dict[str, int], counter("Calls of NFS version 3, such as readdirplus.", bits=32)]
    v4: Annotated[dict[str, int], counter("Calls of NFS version 4 in all its minor versions, such as open.", bits=32)]


V2 = (
    "null", "getattr", "setattr", "root", "lookup", "readlink", "read", "writecache", "write", "create", "remove",
    "rename", "link", "symlink", "mkdir", "rmdir", "readdir", "statfs",
)  # fmt: skip

V3 = (
    "null", "getattr", "setattr", "lookup", "access", "readlink", "read", "write", "create", "mkdir", "symlink",
    "mknod", "remove", "rmdir", "rename", "link", "readdir", "readdirplus", "fsstat", "fsinfo", "pathconf", "commit",
)  # fmt: skip

_V4 = (
    "null", "read", "write", "commit", "open", "open_confirm", "open_noattr", "open_downgrade", "close", "setattr",
    "fsinfo", "renew", "setclientid", "setclientid_confirm", "lock", "lockt", "locku", "access", "getattr", "lookup",
    "lookup_root", "remove", "rename", "link", "symlink", "create", "pathconf", "statfs", "readlink", "readdir",
    "server_caps", "delegreturn", "getacl", "setacl", "fs_locations", "release_lockowner", "secinfo", "fsid_present",
    "exchange_id", "create_session", "destroy_session", "sequence", "get_lease_time", "reclaim_complete", "layoutget",
    "getdeviceinfo", "layoutcommit", "layoutreturn", "secinfo_no_name", "test_stateid", "free_stateid",
    "getdevicelist", "bind_conn_to_session", "destroy_clientid", "seek", "allocate", "deallocate", "zero_range",
    "layoutstats", "clone", "copy", "offload_cancel", "lookupp", "layouterror", "copy_notify", "getxattr", "setxattr",
    "listxattrs", "removexattr", "read_plus", "offload_status",
)  # fmt: skip

# Two operations were put in the middle of the list, not at its end: how many there are tells whether they are there.
_INSERTED = {"offload_cancel": 62, "zero_range": 71}


def v4(count: int) -> Sequence[str]:
    """The operations of a version 4 client that has so many, in the kernel's order."""
    return [name for name in _V4 if count >= _INSERTED.get(name, 0)]


def parse(file: File) -> NetRpcNfs:
    found = rows(file.data)
    if found.keys().isdisjoint(("net", "rpc", "proc2", "proc3", "proc4")):
        raise ValueError(f"no rows: {shorten(file.data)}")
    calls = found.get("proc4")
    return NetRpcNfs(
        counted(file, found, "net", RpcMessages),
        counted(file, found, "rpc", RpcClient),
        called(file, found, "proc2", V2),
        called(file, found, "proc3", V3),
        called(file, found, "proc4", v4(len(calls.split()) - 1 if calls else 0)),
    )


def counted(file: File, rows: dict[str, bytes], key: str, record: type[R]) -> R | None:
    """A row of counters as a record; None where it is missing or makes no sense, which is told."""
    width = len(record.__struct_fields__)
    return file.parsed(key, lambda row: record(*integers(row, width)[:width]), rows[key]) if key in rows else None


def called(file: File, rows: dict[str, bytes], key: str, names: Sequence[str]) -> dict[str, int]:
    """A row of operations by name; nothing where it is missing, or makes no sense, which is told."""
    return file.parsed(key, lambda row: operations(row, names), rows[key]) or {} if key in rows else {}


def rows(data: bytes) -> dict[str, bytes]:
    """The numbers of each row, by the word before them."""
    return {inert(key): numbers for key, _, numbers in (line.partition(b" ") for line in lines(data))}


def operations(row: bytes, names: Sequence[str]) -> dict[str, int]:
    """A row of operations, by name.

    Raises:
        ValueError: there are not as many as the row says.
    """
    said, *counts = integers(row, 1)
    if said != len(counts):
        raise ValueError(f"{said} operations announced, {len(counts)} there")
    return {names[i] if i < len(names) else f"op{i}": count for i, count in enumerate(counts)}


NET_RPC_NFS = Source("net_rpc_nfs", "/proc/net/rpc/nfs", NetRpcNfs, parse)
