from procpulse import Reason
from procpulse.sources import FS_XFS
from procpulse.sources.proc.fs_xfs_stat import XfsCalls, XfsExtents, XfsStats
from procpulse.sources.sysfs.fs_xfs import Xfs
from tests.cases import failure, read, reading

SDA = "/sys/fs/xfs/sda1/stats/stats"
ALL = {"/sys/fs/xfs/stats/stats": "extent_alloc 9 9 9 9\n"}


def test_each_file_system_and_not_their_sum() -> None:
    files = {
        SDA: "extent_alloc 8120 31077 5209 20011\nrw 902 40119\nxpc 901775360 46093312 15728640\nlater 1 2\n",
        "/sys/fs/xfs/dm-2/stats/stats": "extent_alloc 1 2 3 4\n",
        "/sys/fs/xfs/dm-2/stats/stats_clear": "never opened",
    }
    assert read(FS_XFS, files | ALL) == [
        Xfs("dm-2", XfsStats(XfsExtents(1, 2, 3, 4))),
        Xfs(
            "sda1",
            XfsStats(
                XfsExtents(8120, 31077, 5209, 20011),
                rw=XfsCalls(902, 40119),
                flushed_bytes=901775360,
                written_bytes=46093312,
                read_bytes=15728640,
            ),
        ),
    ]


def test_garbage_costs_its_own_file_system() -> None:
    rows, this = reading(FS_XFS, {SDA: "extent_alloc 1 2\n", "/sys/fs/xfs/sdb/stats/stats": "extent_alloc 1 2 3 4\n"})
    assert rows == [Xfs("sda1"), Xfs("sdb", XfsStats(XfsExtents(1, 2, 3, 4)))]
    assert this.failures["stats/stats"].reason is Reason.MALFORMED


def test_none() -> None:
    assert read(FS_XFS, ALL) == []
    assert failure(FS_XFS, {}).reason is Reason.MISSING
