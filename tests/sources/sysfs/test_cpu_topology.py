import pytest

from procpulse import Failure, Reason
from procpulse.sources import CPU_TOPOLOGY
from procpulse.sources.sysfs.cpu_topology import CpuTopology
from tests.cases import failure, read, reading

CPU = "/sys/devices/system/cpu"


def at(cpu: int, files: dict[str, str]) -> dict[str, str]:
    return {f"{CPU}/cpu{cpu}/{name}": text for name, text in files.items()}


OLD = {
    "topology/core_id": "3\n",
    "topology/physical_package_id": "0\n",
    "topology/thread_siblings_list": "3,7\n",
    "topology/core_siblings_list": "0-7\n",
}
NEW = OLD | {
    "online": "1\n",
    "topology/die_id": "0\n",
    "topology/cluster_id": "24\n",
    "topology/core_cpus_list": "3,7\n",
    "topology/package_cpus_list": "0-7\n",
    "topology/die_cpus_list": "0-7\n",
    "topology/cluster_cpus_list": "3,7\n",
    "cpu_capacity": "1024\n",
}

CASES = [
    pytest.param(
        at(3, OLD),
        [CpuTopology(3, None, 3, 0, thread_siblings_list="3,7", core_siblings_list="0-7")],
        id="before dies and clusters, kernel 4.18",
    ),
    pytest.param(
        at(3, NEW),
        [
            CpuTopology(
                3, online=True, core_id=3, physical_package_id=0, die_id=0, cluster_id=24, thread_siblings_list="3,7",
                core_siblings_list="0-7", core_cpus_list="3,7", package_cpus_list="0-7", die_cpus_list="0-7",
                cluster_cpus_list="3,7", cpu_capacity=1024,
            )
        ],
        id="everything, kernel 6.18",
    ),
    pytest.param(
        at(10, {"online": "0\n"}) | at(2, {"topology/core_id": "1\n", "topology/physical_package_id": "-1\n"}),
        [CpuTopology(2, None, 1, None), CpuTopology(10, False)],
        id="an offline CPU, an unknown package, in the order of numbers",
    ),
    pytest.param(
        {
            f"{CPU}/cpufreq/boost": "1\n", f"{CPU}/cpuidle/current_driver": "intel_idle\n", f"{CPU}/online": "0-3\n",
        } | at(0, {"topology/core_id": "0\n", "cpu0/topology/core_id": "9\n"}),
        [CpuTopology(0, None, 0)],
        id="what else lies there",
    ),
    pytest.param({f"{CPU}/online": "0-3\n"}, [], id="no CPUs"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), CASES)
def test_cpu_topology(files: dict[str, str], expected: list[CpuTopology]) -> None:
    assert read(CPU_TOPOLOGY, files) == expected


@pytest.mark.parametrize("text", ["x", "1.5", "18446744073709551616"], ids=["a word", "a fraction", "over 64 bits"])
def test_garbage_costs_its_own_field(text: str) -> None:
    rows, this = reading(CPU_TOPOLOGY, at(3, OLD | {"topology/core_id": text, "online": text}))
    assert rows == [CpuTopology(3, None, None, 0, thread_siblings_list="3,7", core_siblings_list="0-7")]
    assert {failure.reason for failure in this.failures.values()} == {Reason.MALFORMED}
    assert set(this.failures) == {"topology/core_id", "online"}


def test_no_sysfs() -> None:
    assert failure(CPU_TOPOLOGY, {}) == Failure(Reason.MISSING, CPU, "ENOENT")


@pytest.mark.parametrize("text", ["-1\n", "65535\n", "4294967295\n"])
def test_an_id_that_is_not_known(text: str) -> None:
    ids = {f"topology/{name}": text for name in ("core_id", "physical_package_id", "die_id", "cluster_id")}
    assert read(CPU_TOPOLOGY, at(4, ids)) == [CpuTopology(4)]
