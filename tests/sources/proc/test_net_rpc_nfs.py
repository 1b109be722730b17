import pytest

from procpulse.sources import NET_RPC_NFS
from procpulse.sources.proc.net_rpc_nfs import NetRpcNfs, RpcClient, RpcMessages
from tests.cases import parse, spoiled

HEAD = "net 0 0 0 0\nrpc 812 3 815\n"


def client(**calls: dict[str, int]) -> NetRpcNfs:
    known: dict[str, dict[str, int]] = {"v2": {}, "v3": {}, "v4": {}} | calls
    return NetRpcNfs(RpcMessages(0, 0, 0, 0), RpcClient(812, 3, 815), **known)


def of_version_4(count: int) -> dict[str, int]:
    """What is understood of a version 4 client with so many operations, each with its place in the list."""
    row = " ".join(str(i) for i in range(count))
    return parse(NET_RPC_NFS, f"{HEAD}proc4 {count} {row}\n").v4


CASES = [
    pytest.param(
        HEAD + "proc2 18 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n",
        client(
            v2={
                "null": 1, "getattr": 2, "setattr": 3, "root": 4, "lookup": 5, "readlink": 6, "read": 7,
                "writecache": 8, "write": 9, "create": 10, "remove": 11, "rename": 12, "link": 13, "symlink": 14,
                "mkdir": 15, "rmdir": 16, "readdir": 17, "statfs": 18,
            },
        ),
        id="version 2 alone",
    ),
    pytest.param(
        HEAD + "proc3 22 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 4294967295\n",
        client(
            v3={
                "null": 1, "getattr": 2, "setattr": 3, "lookup": 4, "access": 5, "readlink": 6, "read": 7, "write": 8,
                "create": 9, "mkdir": 10, "symlink": 11, "mknod": 12, "remove": 13, "rmdir": 14, "rename": 15,
                "link": 16, "readdir": 17, "readdirplus": 18, "fsstat": 19, "fsinfo": 20, "pathconf": 21,
                "commit": 4294967295,
            },
        ),
        id="version 3 alone, a counter about to wrap",
    ),
    pytest.param(HEAD + "proc4 2 7 9\n", client(v4={"null": 7, "read": 9}), id="version 4, the first two operations"),
    pytest.param(HEAD, client(), id="a client that speaks no version"),
    pytest.param(HEAD + "what is this\nproc9 1 1\n", client(), id="rows of a kernel to come are ignored"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_rpc_nfs(text: str, expected: NetRpcNfs) -> None:
    assert parse(NET_RPC_NFS, text) == expected


def test_messages_of_an_old_client() -> None:
    found = parse(NET_RPC_NFS, "net 31 1 30 2 99\nrpc 30 0 30 99\n")
    assert found.net == RpcMessages(31, 1, 30, 2)
    assert found.rpc == RpcClient(30, 0, 30)


@pytest.mark.parametrize(
    ("count", "places"),
    [
        pytest.param(61, {"deallocate": 56, "layoutstats": 57, "copy": 59, "lookupp": 60}, id="kernel 4.18"),
        pytest.param(62, {"copy": 59, "offload_cancel": 60, "lookupp": 61}, id="offload_cancel, kernel 4.19"),
        pytest.param(64, {"lookupp": 61, "layouterror": 62, "copy_notify": 63}, id="copy_notify, kernel 5.6"),
        pytest.param(69, {"getxattr": 64, "removexattr": 67, "read_plus": 68}, id="read_plus, kernel 5.10"),
        pytest.param(70, {"layoutstats": 57, "read_plus": 68, "offload_status": 69}, id="offload_status, kernel 6.15"),
        pytest.param(
            71, {"zero_range": 57, "layoutstats": 58, "offload_status": 70}, id="zero_range in between, kernel 6.16"
        ),
        pytest.param(73, {"offload_status": 70, "op71": 71, "op72": 72}, id="operations of a kernel to come"),
    ],
)
def test_operations_of_version_4(count: int, places: dict[str, int]) -> None:
    found = of_version_4(count)
    assert len(found) == count
    assert found | places == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "net 0 0 0\nrpc 812 3 815\n",
        "net 0 0 0 0\nrpc 812 3\n",
        "net 0 0 0 0\nrpc 812 3 x\n",
        HEAD + "proc3\n",
        HEAD + "proc3 22 1 2 3\n",
        HEAD + "proc4 2 7 18446744073709551616\n",
    ],
)
def test_malformed(text: str) -> None:
    assert spoiled(NET_RPC_NFS, text)
