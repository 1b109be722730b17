import pytest

from procpulse.source import Malformed
from procpulse.sources import VMSTAT
from procpulse.sources.proc.vmstat import Vmstat
from tests.cases import parse

CASES = [
    pytest.param(
        "nr_free_pages 6013123\nnr_zone_inactive_anon 10\nnuma_hit 91\nworkingset_nodes 5\nworkingset_refault 7\n"
        "nr_dirtied 8\nnr_written 9\nnr_dirty_threshold 11\nnr_vmscan_write 12\npgfault 91233\nnr_tlb_remote_flush 13\n"
        "nr_unstable 0\n",
        Vmstat(
            {
                "nr_free_pages": 6013123, "nr_zone_inactive_anon": 10, "workingset_nodes": 5,
                "nr_dirty_threshold": 11, "nr_unstable": 0,
            },
            {
                "numa_hit": 91, "workingset_refault": 7, "nr_dirtied": 8, "nr_written": 9, "nr_vmscan_write": 12,
                "pgfault": 91233, "nr_tlb_remote_flush": 13,
            },
        ),
        id="pages and events, kernel 4.18",
    ),
    pytest.param(
        "nr_free_pages 1\nnr_free_pages_blocks 2\nworkingset_refault_anon 3\nworkingset_nodereclaim 4\n"
        "nr_throttled_written 5\nnr_kernel_misc_reclaimable 6\nnr_foll_pin_acquired 7\nnr_foll_pin_released 8\n"
        "pgpromote_success 9\npgdemote_kswapd 10\nnr_hugetlb 11\nnr_memmap_pages 12\ndrop_pagecache 13\nzswpin 14\n",
        Vmstat(
            {
                "nr_free_pages": 1, "nr_free_pages_blocks": 2, "nr_kernel_misc_reclaimable": 6, "nr_hugetlb": 11,
                "nr_memmap_pages": 12,
            },
            {
                "workingset_refault_anon": 3, "workingset_nodereclaim": 4, "nr_throttled_written": 5,
                "nr_foll_pin_acquired": 7, "nr_foll_pin_released": 8, "pgpromote_success": 9, "pgdemote_kswapd": 10,
                "drop_pagecache": 13, "zswpin": 14,
            },
        ),
        id="newer rows, kernel 6.18",
    ),
    pytest.param(
        "nr_free_pages 18446744073709551615\npgfault -1\n",
        Vmstat({"nr_free_pages": 18446744073709551615}, {"pgfault": -1}),
        id="the ends of 64 bits",
    ),
    pytest.param("  pgfault\t7\r\n\n pgmajfault  8\n", Vmstat({}, {"pgfault": 7, "pgmajfault": 8}), id="odd blanks"),
    pytest.param(b"pg\x1bfault 7\n", Vmstat({}, {"pg\\x1bfault": 7}), id="a hostile name"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_vmstat(text: str | bytes, expected: Vmstat) -> None:
    assert parse(VMSTAT, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "pgfault\n",
        "pgfault many\n",
        "pgfault 1 2\n",
        "pgfault 1.5\n",
        "pgfault 18446744073709551616\n",
        "7\n",
    ],
    ids=["empty", "blank", "no value", "no number", "two values", "a fraction", "over 64 bits", "no name"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(VMSTAT, text)
