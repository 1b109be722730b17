import pytest

from procpulse.sources import NET_RPC_NFSD
from procpulse.sources.proc.net_rpc_nfs import RpcMessages
from procpulse.sources.proc.net_rpc_nfsd import NetRpcNfsd, NfsFileHandles, NfsReadAhead, NfsReplyCache, RpcServer
from tests.cases import parse, spoiled

HEAD = """\
rc 12 118 904215
fh 5 0 0 0 0
io 734003200011 1048576007
th 16 0 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000
"""
TAIL = """\
net 904402 55 904347 31
rpc 904345 57 2 41 14
"""


def server(
    v3: dict[str, int] | None = None,
    v4: dict[str, int] | None = None,
    v4_operations: dict[str, int] | None = None,
    write_delegation_getattrs: int | None = None,
    read_ahead: NfsReadAhead | None = None,
) -> NetRpcNfsd:
    return NetRpcNfsd(
        NfsReplyCache(12, 118, 904215), NfsFileHandles(5, 0, 0, 0, 0), 734003200011, 1048576007, 16, 0,
        RpcMessages(904402, 55, 904347, 31), RpcServer(904345, 57, 2, 41, 14),
        {}, v3 or {}, v4 or {}, v4_operations or {}, write_delegation_getattrs, read_ahead,
    )  # fmt: skip


V3 = {
    "null": 3, "getattr": 70211, "setattr": 24, "lookup": 8809, "access": 4410, "readlink": 7, "read": 60031,
    "write": 5122, "create": 310, "mkdir": 18, "symlink": 2, "mknod": 0, "remove": 201, "rmdir": 11, "rename": 96,
    "link": 4, "readdir": 37, "readdirplus": 1093, "fsstat": 8, "fsinfo": 12, "pathconf": 6, "commit": 240,
}  # fmt: skip

CASES = [
    pytest.param(HEAD + TAIL, server(), id="a kernel that speaks no version"),
    pytest.param(
        HEAD + "ra 32 1 2 3 4 5 6 7 8 9 10 11\n" + TAIL,
        server(
            read_ahead=NfsReadAhead(32, {10: 1, 20: 2, 30: 3, 40: 4, 50: 5, 60: 6, 70: 7, 80: 8, 90: 9, 100: 10}, 11)
        ),
        id="read-ahead, before kernel 5.4",
    ),
    pytest.param(
        HEAD + TAIL + "proc3 22 3 70211 24 8809 4410 7 60031 5122 310 18 2 0 201 11 96 4 37 1093 8 12 6 240\n",
        server(V3),
        id="version 3",
    ),
    pytest.param(
        HEAD + TAIL + "proc4 2 9 410077\nproc4ops 5 0 0 0 2210 431\nwdeleg_getattr 21\n",
        server(
            v4={"null": 9, "compound": 410077},
            v4_operations={"op0": 0, "op1": 0, "op2": 0, "access": 2210, "close": 431},
            write_delegation_getattrs=21,
        ),
        id="version 4, kernel 6.7",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_rpc_nfsd(text: str, expected: NetRpcNfsd) -> None:
    assert parse(NET_RPC_NFSD, text) == expected


@pytest.mark.parametrize("count", [40, 59, 72, 76, 78])
def test_operations_are_numbered_by_the_protocol(count: int) -> None:
    """The numbers of RFC 7530, 8881, 7862 and 8276; the kernel appends."""
    row = " ".join(str(i) for i in range(count))
    found = parse(NET_RPC_NFSD, f"{HEAD}{TAIL}proc4ops {count} {row}\n").v4_operations
    numbers = {
        "access": 3, "open": 18, "write": 38, "release_lockowner": 39, "sequence": 53, "reclaim_complete": 58,
        "seek": 69, "clone": 71, "removexattr": 75, "op77": 77,
    }  # fmt: skip
    assert {name: found.get(name) for name in numbers} == {
        name: number if number < count else None for name, number in numbers.items()
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEAD.replace("rc 12 118 904215\n", "rc 12 118\n") + TAIL,
        HEAD.replace("th 16 0", "th many") + TAIL,
        HEAD + "ra 32 1 2\n" + TAIL,
        HEAD + TAIL + "proc4ops 76 0 0 0\n",
        HEAD + TAIL + "wdeleg_getattr x\n",
        HEAD + TAIL.replace("57", "18446744073709551616"),
    ],
)
def test_malformed(text: str) -> None:
    assert spoiled(NET_RPC_NFSD, text)
