import pytest

from procpulse import Reason
from procpulse.sources import FS_SELINUX_AVC
from procpulse.sources.sysfs.fs_selinux_avc import AvcCpu, SelinuxAvc
from tests.cases import failure, read, reading

A = "/sys/fs/selinux/avc"
FILES = {
    f"{A}/cache_stats": "lookups hits misses allocations reclaims frees\n910408 910322 86 87 64 69\n"
    "0 0 0 0 0 0\n10 8 2 2 1 1\n",
    f"{A}/hash_stats": "entries: 412\nbuckets used: 231/512\nlongest chain: 6\n",
    f"{A}/cache_threshold": "512",
}
CPUS = [AvcCpu(0, 910408, 910322, 86, 87, 64, 69), AvcCpu(1, 0, 0, 0, 0, 0, 0), AvcCpu(2, 10, 8, 2, 2, 1, 1)]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            FILES, SelinuxAvc(910418, 910330, 88, 89, 65, 70, 412, 231, 512, 6, 512, CPUS), id="three processors"
        ),
        pytest.param(
            {f"{A}/cache_threshold": "512"}, SelinuxAvc(cache_threshold=512), id="built without its statistics"
        ),
        pytest.param(
            {f"{A}/hash_stats": "entries: 0\nbuckets used: 0/512\nlongest chain: 0\n"},
            SelinuxAvc(entries=0, buckets_used=0, buckets=512, longest_chain=0),
            id="empty",
        ),
    ],
)
def test_cache(files: dict[str, str], expected: SelinuxAvc) -> None:
    assert read(FS_SELINUX_AVC, files) == expected


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cache_stats", "lookups misses hits allocations reclaims frees\n1 1 1 1 1 1\n"),
        ("cache_stats", "lookups hits misses allocations reclaims frees\n1 1 1\n"),
        ("cache_stats", "\n\n"),
        ("hash_stats", "chains: 1\n"),
        ("hash_stats", "entries: 1\nbuckets used: 512\nlongest chain: 1\n"),
    ],
)
def test_garbage_costs_its_own_part(name: str, data: str) -> None:
    value, this = reading(FS_SELINUX_AVC, FILES | {f"{A}/{name}": data})
    assert value.cache_threshold == 512
    assert [f.reason for f in this.failures.values()] == ([Reason.MALFORMED] if data.strip() else [])


def test_one_missing_row_costs_itself_only() -> None:
    value, this = reading(FS_SELINUX_AVC, FILES | {f"{A}/hash_stats": "entries: 1\nlongest chain: 9\n"})
    assert (value.entries, value.buckets_used, value.buckets, value.longest_chain) == (1, None, None, 9)
    assert this.failures == {}


def test_rows_are_of_the_cpus_that_the_host_may_have() -> None:
    rows = "lookups hits misses allocations reclaims frees\n" + "1 1 1 1 1 1\n2 2 2 2 2 2\n"
    for listed, expected in (("0,8\n", [0, 8]), ("0-3\n", [0, 1]), ("\n", [0, 1])):
        files = FILES | {f"{A}/cache_stats": rows, "/sys/devices/system/cpu/possible": listed}
        assert [row.cpu for row in read(FS_SELINUX_AVC, files).cpus] == expected


def test_no_selinux() -> None:
    assert failure(FS_SELINUX_AVC, {}).reason is Reason.MISSING
