"""/sys/devices/system/node/node*/vmstat: pages by use, and what the memory management did, on each NUMA node.

    nr_free_pages 1530021
    numa_hit 98217721

https://docs.kernel.org/admin-guide/abi-stable.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import Unit, counter, gauge, label
from procpulse.sources.proc.vmstat import is_state
from procpulse.tree import Folder, Tree


class NodeVmstat(msgspec.Struct, frozen=True, gc=False):
    """Memory management of one node in numbers, under the kernel's own names."""

    node: Annotated[int, label("Number of the node.")]
    pages: Annotated[dict[str, int], gauge("Pages by use, such as nr_free_pages.", Unit.PAGES)]
    events: Annotated[dict[str, int], counter("Events since boot, such as numa_miss.", bits="long", falls=True)]


def parse(folder: Folder) -> NodeVmstat | None:
    rows = folder.mapping("vmstat")
    if rows is None:
        return None
    pages: dict[str, int] = {}
    events: dict[str, int] = {}
    for key, value in rows.items():
        (pages if is_state(key) else events)[key] = value
    return NodeVmstat(int(folder.name.removeprefix("node")), pages, events)


NODE_VMSTAT = Tree("node_vmstat", "/sys/devices/system/node/node[0-9]*", ("vmstat",), NodeVmstat, parse)
