"""/sys/devices/system/cpu/cpu*/topology: how CPUs form cores, dies and packages.

    physical_package_id: 0, core_id: 3, thread_siblings_list: 3,7

https://docs.kernel.org/admin-guide/cputopology.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import info, label
from procpulse.text import amount
from procpulse.tree import Folder, Tree


class CpuTopology(msgspec.Struct, frozen=True, gc=False):
    """Where one logical CPU sits. Offline CPUs have no topology."""

    cpu: Annotated[int, label("Number of the CPU.")]
    online: Annotated[bool | None, info("Whether it is online; None for a CPU that cannot be taken offline.")] = None
    core_id: Annotated[int | None, info("Core, unique within its package.")] = None
    physical_package_id: Annotated[int | None, info("Package, mostly a socket.")] = None
    die_id: Annotated[int | None, info("Die within the package (Linux 5.2).")] = None
    cluster_id: Annotated[int | None, info("Cluster within the die (Linux 5.16).")] = None
    thread_siblings_list: Annotated[str | None, info("CPUs of the same core, such as 0,4.")] = None
    core_siblings_list: Annotated[str | None, info("CPUs of the same package.")] = None
    core_cpus_list: Annotated[str | None, info("CPUs of the same core (Linux 5.3).")] = None
    package_cpus_list: Annotated[str | None, info("CPUs of the same package (Linux 5.3).")] = None
    die_cpus_list: Annotated[str | None, info("CPUs of the same die (Linux 5.3).")] = None
    cluster_cpus_list: Annotated[str | None, info("CPUs of the same cluster (Linux 5.16).")] = None
    cpu_capacity: Annotated[int | None, info("Capacity against the fastest CPU of the host, which has 1,024.")] = None


_NUMBERS = ("core_id", "physical_package_id", "die_id", "cluster_id")
_LISTS = (
    "thread_siblings_list", "core_siblings_list", "core_cpus_list", "package_cpus_list", "die_cpus_list",
    "cluster_cpus_list",
)  # fmt: skip


_NO_ID = frozenset((0xFFFF, 0xFFFF_FFFF))
"""What -1 is in 16 bits, in which x86 keeps these, and in 32."""


def _id(data: bytes) -> int | None:
    number = amount(data)
    return None if number in _NO_ID else number


def parse(folder: Folder) -> CpuTopology:
    values: dict[str, Any] = {name: folder.parsed(f"topology/{name}", _id) for name in _NUMBERS}
    values |= {name: folder.text(f"topology/{name}") for name in _LISTS}
    return CpuTopology(
        int(folder.name.removeprefix("cpu")),
        folder.flag("online"),
        cpu_capacity=folder.number("cpu_capacity"),
        **values,
    )


FILES = ("online", *(f"topology/{name}" for name in (*_NUMBERS, *_LISTS)), "cpu_capacity")
CPU_TOPOLOGY = Tree("cpu_topology", "/sys/devices/system/cpu/cpu[0-9]*", FILES, CpuTopology, parse)
