import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_smaps_rollup import PID_SMAPS_ROLLUP, PidSmapsRollup
from tests.cases import parse, partly

K = 1024
CASES = [
    pytest.param(
        """\
5585f2a00000-7ffe2a0ef000 ---p 00000000 00:00 0                          [rollup]
Rss:                 100 kB
Pss:                  90 kB
Shared_Clean:          1 kB
Shared_Dirty:          2 kB
Private_Clean:         3 kB
Private_Dirty:         4 kB
Referenced:            5 kB
Anonymous:             6 kB
LazyFree:              7 kB
AnonHugePages:         8 kB
ShmemPmdMapped:        9 kB
Shared_Hugetlb:       10 kB
Private_Hugetlb:      11 kB
Swap:                 12 kB
SwapPss:              13 kB
Locked:               14 kB
""",
        PidSmapsRollup(
            100 * K, 90 * K, shared_clean_bytes=K, shared_dirty_bytes=2 * K, private_clean_bytes=3 * K,
            private_dirty_bytes=4 * K, referenced_bytes=5 * K, anonymous_bytes=6 * K, lazy_free_bytes=7 * K,
            anon_huge_pages_bytes=8 * K, shmem_pmd_mapped_bytes=9 * K, shared_hugetlb_bytes=10 * K,
            private_hugetlb_bytes=11 * K, swap_bytes=12 * K, swap_pss_bytes=13 * K, locked_bytes=14 * K,
        ),
        id="kernel 4.18",
    ),
    pytest.param(
        """\
5585f2a00000-7ffe2a0ef000 ---p 00000000 00:00 0                          [rollup]
Rss:                 100 kB
Pss:                  90 kB
Pss_Dirty:            80 kB
Pss_Anon:             70 kB
Pss_File:             60 kB
Pss_Shmem:            50 kB
KSM:                  40 kB
FilePmdMapped:        30 kB
Something_New:        20 kB
""",
        PidSmapsRollup(
            100 * K, 90 * K, pss_dirty_bytes=80 * K, pss_anon_bytes=70 * K, pss_file_bytes=60 * K,
            pss_shmem_bytes=50 * K, ksm_bytes=40 * K, file_pmd_mapped_bytes=30 * K,
        ),
        id="what was added until kernel 6.18, and after",
    ),
    pytest.param(
        """\
00400000-0041d000 r-xp 00000000 00:21 4417                               /opt/x/Rss: 4 kB
Size:                116 kB
KernelPageSize:        4 kB
Rss:                 104 kB
Pss:                  52 kB
Swap:                  1 kB
VmFlags: rd ex mr mw me
01d64000-02000000 rw-p 00000000 00:00 0                                  [heap]
Size:               2672 kB
Rss:                  10 kB
Pss:                  10 kB
Swap:                  2 kB
THPeligible:           1
""",
        PidSmapsRollup(114 * K, 62 * K, swap_bytes=3 * K),
        id="smaps: the mappings are added up",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_smaps_rollup(text: str, expected: PidSmapsRollup) -> None:
    assert parse(PID_SMAPS_ROLLUP, text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "lost"),
    [
        pytest.param("Rss: 4 kB\n", PidSmapsRollup(4 * K, None), [], id="no Pss"),
        pytest.param("Pss: 4 kB\nSwap: 1 kB\n", PidSmapsRollup(None, 4 * K, swap_bytes=K), [], id="no Rss"),
        pytest.param("Rss: 4 kB\nPss: x kB\n", PidSmapsRollup(4 * K, None), ["pss_bytes"], id="no number"),
        pytest.param(
            "Rss: 4 kB\nPss: 99999999999999999999 kB\n", PidSmapsRollup(4 * K, None), ["pss_bytes"], id="over 64 bits"
        ),
        pytest.param(
            "Rss: 18014398509481983 kB\nRss: 18014398509481983 kB\nPss: 4 kB\n",
            PidSmapsRollup(None, 4 * K),
            ["rss_bytes"],
            id="a sum over 64 bits",
        ),
    ],
)
def test_a_row_costs_itself_only(text: str, expected: PidSmapsRollup, lost: list[str]) -> None:
    value, failures = partly(PID_SMAPS_ROLLUP, text)
    assert (value, list(failures)) == (expected, lost)


@pytest.mark.parametrize("text", ["", "Rss: 4 kB\nSwap: 1", "Size: 4 kB\n"], ids=["empty", "cut short", "no rows"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_SMAPS_ROLLUP, text)
