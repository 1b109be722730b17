import pytest

from procpulse import Reason
from procpulse.sources import CPU_ISOLATED
from procpulse.sources.sysfs.cpu_isolated import CpuIsolated
from tests.cases import failure, read, reading

C = "/sys/devices/system/cpu"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"isolated": "2-4,7\n", "nohz_full": "2-4\n"}, CpuIsolated([2, 3, 4, 7], [2, 3, 4]), id="both"),
        pytest.param({"isolated": "\n", "nohz_full": "\n"}, CpuIsolated([], []), id="none"),
        pytest.param({"isolated": "\n", "nohz_full": "(null)\n"}, CpuIsolated([], []), id="never set"),
        pytest.param({"isolated": "\n", "nohz_full": "  (null)\n"}, CpuIsolated([], []), id="never set, kernel 4.18"),
        pytest.param({"isolated": "1"}, CpuIsolated([1]), id="a kernel that always ticks"),
        pytest.param({"isolated": ""}, CpuIsolated([]), id="empty"),
    ],
)
def test_cpus(files: dict[str, str], expected: CpuIsolated) -> None:
    assert read(CPU_ISOLATED, {f"{C}/{name}": data for name, data in files.items()}) == expected


def test_garbage_costs_its_own_field() -> None:
    row, this = reading(CPU_ISOLATED, {f"{C}/isolated": "some\n", f"{C}/nohz_full": "3\n"})
    assert row == CpuIsolated(None, [3])
    assert this.failures["isolated"].reason is Reason.MALFORMED


def test_neither() -> None:
    assert failure(CPU_ISOLATED, {}).reason is Reason.MISSING
