import pytest
from msgspec.structs import replace

from procpulse.sources import ZONEINFO
from procpulse.sources.proc.zoneinfo import Pageset, Zone, ZoneinfoNode
from tests.cases import parse, spoiled

OLD = """\
Node 0, zone      DMA
  per-node stats
      nr_inactive_anon 230981
      workingset_nodes 11627
      workingset_refault 466886
      nr_vmscan_write 12950
      nr_dirtied   8007423
  pages free     3952
        min      33
        low      41
        high     49
        spanned  4095
        present  3975
        managed  3956
        protection: (0, 2877, 7826)
      nr_free_pages 3952
      nr_mlock     2
      numa_hit     1
      numa_other   0
  pagesets
    cpu: 0
              count: 5
              high:  6
              batch: 1
  vm stats threshold: 8
    cpu: 1
              count: 0
              high:  378
              batch: 63
  vm stats threshold: 24
  node_unreclaimable:  1
  start_pfn:           1
Node 0, zone  Movable
  pages free     0
        min      0
        low      0
        high     0
        spanned  0
        present  0
        managed  0
        protection: (0, 0, 0)
"""
NEW = """\
Node 1, zone   Normal
  per-node stats
      nr_active_anon 391
      pgpromote_success 7
  pages free     57710
        boost    4096
        min      5680
        low      7184
        high     8688
        promo    10192
        spanned  524288
        present  524288
        managed  393259
        cma      256
        protection: (0, 0, 0, 0, 0)
      nr_free_pages 57710
      nr_free_pages_blocks 3584
      numa_local   18446744073709551615
  pagesets
    cpu: 0
              count:    312
              high:     1500
              batch:    63
              high_min: 1500
              high_max: 12289
  vm stats threshold: 20
  node_unreclaimable:  0
  start_pfn:           1048576
"""
OLD_NODE = ZoneinfoNode(
    0,
    [
        Zone(
            "DMA", 3952, 33, 41, 49, 4095, 3975, 3956, [0, 2877, 7826], {"nr_free_pages": 3952, "nr_mlock": 2},
            {"numa_hit": 1, "numa_other": 0}, [Pageset(0, 5, 6, 1, None, None, 8), Pageset(1, 0, 378, 63, None, None, 24)],
            start_pfn=1,
        ),
        Zone("Movable", 0, 0, 0, 0, 0, 0, 0, [0, 0, 0], {}, {}, []),
    ],
    {"nr_inactive_anon": 230981, "workingset_nodes": 11627},
    {"workingset_refault": 466886, "nr_vmscan_write": 12950, "nr_dirtied": 8007423},
    True,
)  # fmt: skip
NEW_NODE = ZoneinfoNode(
    1,
    [
        Zone(
            "Normal", 57710, 5680, 7184, 8688, 524288, 524288, 393259, [0, 0, 0, 0, 0],
            {"nr_free_pages": 57710, "nr_free_pages_blocks": 3584}, {"numa_local": 18446744073709551615},
            [Pageset(0, 312, 1500, 63, 1500, 12289, 20)], boost_pages=4096, promo_pages=10192, cma_pages=256,
            start_pfn=1048576,
        )
    ],
    {"nr_active_anon": 391},
    {"pgpromote_success": 7},
    False,
)  # fmt: skip

CASES = [
    pytest.param(OLD, [OLD_NODE], id="an empty zone, kernel 4.18"),
    pytest.param(NEW, [NEW_NODE], id="marks and page sets of kernel 6.18; a number that a float would round"),
    pytest.param(OLD + NEW, [OLD_NODE, NEW_NODE], id="two nodes"),
    pytest.param(
        "Node 0, zone  Normal\n  pages free 5\n min 1\n low 2\n high 3\n scanned 9\n spanned 4\n present 4\n managed 4\n"
        "        protection: (0)\n      nr_new_kind 6\n      odd_events 7\n",
        [
            ZoneinfoNode(
                0, [Zone("Normal", 5, 1, 2, 3, 4, 4, 4, [0], {"nr_new_kind": 6}, {"odd_events": 7}, [])], {}, {}
            )
        ],
        id="rows that are not known",
    ),
    pytest.param(
        OLD.replace("DMA", "D\x1bMA"),
        [replace(OLD_NODE, zones=[replace(OLD_NODE.zones[0], zone="D\\x1bMA"), OLD_NODE.zones[1]])],
        id="a hostile name",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_zoneinfo(text: str, expected: list[ZoneinfoNode]) -> None:
    assert parse(ZONEINFO, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "zoneinfo\n",
        OLD.replace("3975", "many"),
        OLD.replace("count: 5", "count: x"),
        OLD.replace("(0, 2877", "(0, a few"),
        OLD.replace("Node 0", "Node x"),
        OLD.replace("nr_mlock     2", "nr_mlock     18446744073709551616"),
    ],
    ids=[
        "empty", "no zones", "a mark that is no number", "a page set of no number", "a protection that is no number", "a node that is no number", "over 64 bits",
    ],
)  # fmt: skip
def test_malformed(text: str) -> None:
    assert spoiled(ZONEINFO, text)
