import pytest

from procpulse.sources import FS_XFS_STAT
from procpulse.sources.proc.fs_xfs_stat import (
    XfsAttributes,
    XfsBlockMap,
    XfsBtree,
    XfsBuffers,
    XfsCalls,
    XfsDirectories,
    XfsExtents,
    XfsInodeClusters,
    XfsInodes,
    XfsLog,
    XfsOldBtree,
    XfsPushAil,
    XfsQuota,
    XfsStats,
    XfsStrategy,
    XfsTransactions,
    XfsVnodes,
    XfsZones,
    parse_stats,
)
from tests.cases import parse, spoiled

OLD = """\
extent_alloc 1 2 3 4
abt 0 0 0 0
blk_map 5 6 7 8 9 10 11
bmbt 0 0 0 0
dir 12 13 14 15
trans 16 17 18
ig 19 20 21 22 23 24 25
log 26 27 28 29 30
push_ail 31 32 33 34 35 36 37 38 39 40
xstrat 41 42
rw 43 44
attr 45 46 47 48
icluster 49 50 51
vnodes 52 0 0 0 53 54 55 0
buf 56 57 58 59 60 61 62 63 64
abtb2 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
fibt2 0 0 0 0 0 0 0 0 0 0 0 0 0 0 4294967295
qm 65 66 67 68 69 70 71 72
xpc 9007199254740993 18446744073709551615 73
debug 0
"""
EXPECTED = XfsStats(
    XfsExtents(1, 2, 3, 4),
    abt=XfsOldBtree(0, 0, 0, 0),
    blk_map=XfsBlockMap(5, 6, 7, 8, 9, 10, 11),
    bmbt=XfsOldBtree(0, 0, 0, 0),
    dir=XfsDirectories(12, 13, 14, 15),
    trans=XfsTransactions(16, 17, 18),
    ig=XfsInodes(19, 20, 21, 22, 23, 24, 25),
    log=XfsLog(26, 27, 28, 29, 30),
    push_ail=XfsPushAil(31, 32, 33, 34, 35, 36, 37, 38, 39, 40),
    xstrat=XfsStrategy(41, 42),
    rw=XfsCalls(43, 44),
    attr=XfsAttributes(45, 46, 47, 48),
    icluster=XfsInodeClusters(49, 50, 51),
    vnodes=XfsVnodes(52, 0, 0, 0, 53, 54, 55, 0),
    buf=XfsBuffers(56, 57, 58, 59, 60, 61, 62, 63, 64),
    abtb2=XfsBtree(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    fibt2=XfsBtree(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4294967295),
    qm=XfsQuota(65, 66, 67, 68, 69, 70, 71, 72),
    flushed_bytes=9007199254740993,
    written_bytes=18446744073709551615,
    read_bytes=73,
    debug=False,
)
TREE = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"
BTREE = XfsBtree(*range(1, 16))

CASES = [
    pytest.param(OLD, EXPECTED, id="every kind of row, kernel 4.18"),
    pytest.param(
        f"extent_alloc 1 2 3 4\nrmapbt {TREE}\nrefcntbt {TREE}\nrmapbt_mem {TREE}\nrcbagbt {TREE}\n"
        f"rtrmapbt {TREE}\nrtrmapbt_mem {TREE}\nrtrefcntbt {TREE}\ndefer_relog 214\ndebug 1\n",
        XfsStats(
            XfsExtents(1, 2, 3, 4), rmapbt=BTREE, refcntbt=BTREE, rmapbt_mem=BTREE, rcbagbt=BTREE, rtrmapbt=BTREE,
            rtrmapbt_mem=BTREE, rtrefcntbt=BTREE, relogs=214, debug=True,
        ),
        id="trees of the realtime device, kernel 6.14",
    ),
    pytest.param(
        "extent_alloc 1 2 3 4\nzoned 5 6 7\nmetafile 8\nxpc 1 2 3\ngc xpc 8809021440\n",
        XfsStats(
            XfsExtents(1, 2, 3, 4), zoned=XfsZones(5, 6, 7), metafiles=8, flushed_bytes=1, written_bytes=2,
            read_bytes=3, gc_written_bytes=8809021440,
        ),
        id="zoned disks, kernel 7.0",
    ),
    pytest.param(
        b"extent_alloc 1 2 3 4 5 6\nattr 1 2 3 4 5\nquux 1 x\n\xff\x1b 1\n\n",
        XfsStats(XfsExtents(1, 2, 3, 4), attr=XfsAttributes(1, 2, 3, 4)),
        id="columns and rows of a kernel to come are ignored",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_fs_xfs_stat(text: str | bytes, expected: XfsStats) -> None:
    assert parse(FS_XFS_STAT, text) == expected


def test_one_file_system_is_read_alike() -> None:
    lost: list[str] = []
    assert parse_stats(OLD.encode(), lambda row, error: lost.append(row)) == EXPECTED
    assert lost == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "extent_alloc 1 2 3\n",
        "extent_alloc 1 2 3 4\ntrans 16 17\n",
        "extent_alloc 1 2 3 4\nxpc 1 2\n",
        "extent_alloc 1 2 3 4\ndebug\n",
        "extent_alloc 1 2 x 4\n",
        "extent_alloc 1 2 3 18446744073709551616\n",
    ],
)
def test_malformed(text: str) -> None:
    assert spoiled(FS_XFS_STAT, text)
