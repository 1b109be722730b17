from procpulse import Reason
from procpulse.sources import NODE_VMSTAT
from procpulse.sources.sysfs.node_vmstat import NodeVmstat
from tests.cases import failure, read, reading

N = "/sys/devices/system/node"


def test_states_and_events_apart_on_each_node() -> None:
    files = {
        f"{N}/node10/vmstat": "nr_free_pages 7\nnuma_miss 18446744073709551615\n",
        f"{N}/node2/vmstat": "nr_free_pages 301822\nnr_dirtied 90\nnr_dirty 3\nnuma_hit 71\nworkingset_nodes 2\n"
        "workingset_refault_file 5\npgpromote_success 1\n",
        f"{N}/possible": "0-10\n",
    }
    assert read(NODE_VMSTAT, files) == [
        NodeVmstat(
            2,
            {"nr_free_pages": 301822, "nr_dirty": 3, "workingset_nodes": 2},
            {"nr_dirtied": 90, "numa_hit": 71, "workingset_refault_file": 5, "pgpromote_success": 1},
        ),
        NodeVmstat(10, {"nr_free_pages": 7}, {"numa_miss": 18446744073709551615}),
    ]


def test_garbage_costs_its_own_row() -> None:
    files = {f"{N}/node0/vmstat": "nr_free_pages many\n", f"{N}/node1/vmstat": "nr_free_pages 1\n"}
    rows, this = reading(NODE_VMSTAT, files)
    assert rows == [NodeVmstat(1, {"nr_free_pages": 1}, {})]
    assert this.failures["vmstat"].reason is Reason.MALFORMED


def test_a_node_that_says_nothing_is_no_row() -> None:
    assert read(NODE_VMSTAT, {f"{N}/node0/vmstat": ""}) == []


def test_no_numa() -> None:
    assert failure(NODE_VMSTAT, {}).reason is Reason.MISSING
