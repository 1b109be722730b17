from procpulse import Reason
from procpulse.sources import CPU_THERMAL_THROTTLE
from procpulse.sources.sysfs.cpu_thermal_throttle import CpuThrottle
from tests.cases import failure, read, reading

C = "/sys/devices/system/cpu"
T = f"{C}/cpu0/thermal_throttle"
OLD = {f"{T}/core_throttle_count": "31\n", f"{T}/package_throttle_count": "2018\n"}
NEW = OLD | {
    f"{T}/core_throttle_total_time_ms": "402\n",
    f"{T}/core_throttle_max_time_ms": "88\n",
    f"{T}/package_throttle_total_time_ms": "90447\n",
    f"{T}/package_throttle_max_time_ms": "1033\n",
}
LIMITED = {f"{T}/core_power_limit_count": "7\n", f"{T}/package_power_limit_count": "18446744073709551615\n"}


def test_counts_only_kernel_4_18() -> None:
    assert read(CPU_THERMAL_THROTTLE, OLD) == [CpuThrottle(0, 31, package_throttles=2018)]


def test_with_times_kernel_5_5() -> None:
    assert read(CPU_THERMAL_THROTTLE, NEW) == [CpuThrottle(0, 31, 402, 88, None, 2018, 90447, 1033, None)]


def test_with_limits_of_power() -> None:
    assert read(CPU_THERMAL_THROTTLE, NEW | LIMITED) == [
        CpuThrottle(0, 31, 402, 88, 7, 2018, 90447, 1033, 18446744073709551615)
    ]


def test_cpus_in_their_order_and_an_offline_one_left_out() -> None:
    files = {
        f"{C}/cpu10/thermal_throttle/core_throttle_count": "10\n",
        f"{C}/cpu2/thermal_throttle/core_throttle_count": "2\n",
        f"{C}/cpu3/online": "0\n",
        f"{C}/cpufreq/boost": "1\n",
    }
    assert read(CPU_THERMAL_THROTTLE, files) == [CpuThrottle(2, 2), CpuThrottle(10, 10)]


def test_a_guest_without_the_counters() -> None:
    assert read(CPU_THERMAL_THROTTLE, {f"{C}/cpu0/topology/core_id": "0\n"}) == []


def test_garbage_costs_its_own_field() -> None:
    [row], this = reading(CPU_THERMAL_THROTTLE, OLD | {f"{T}/core_throttle_count": "hot\n"})
    assert row == CpuThrottle(0, None, package_throttles=2018)
    assert this.failures["thermal_throttle/core_throttle_count"].reason is Reason.MALFORMED


def test_no_cpus() -> None:
    assert failure(CPU_THERMAL_THROTTLE, {}).reason is Reason.MISSING
