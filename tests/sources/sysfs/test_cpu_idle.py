import pytest

from procpulse import Failure, Reason
from procpulse.sources import CPU_IDLE
from procpulse.sources.sysfs.cpu_idle import CpuIdle, CpuIdleStates, IdleState
from tests.cases import failure, read, reading

C = "/sys/devices/system/cpu"
S = f"{C}/cpu0/cpuidle"
HEAD = {f"{C}/cpuidle/current_driver": "intel_idle\n", f"{C}/cpuidle/current_governor_ro": "menu\n"}
OLD = HEAD | {
    f"{S}/state0/name": "POLL\n",
    f"{S}/state0/desc": "CPUIDLE CORE POLL IDLE\n",
    f"{S}/state0/latency": "0\n",
    f"{S}/state0/residency": "0\n",
    f"{S}/state0/power": "4294967295\n",
    f"{S}/state0/disable": "0\n",
    f"{S}/state0/usage": "4810\n",
    f"{S}/state0/time": "61204\n",
    f"{S}/state1/name": "C6\n",
    f"{S}/state1/desc": "MWAIT 0x20\n",
    f"{S}/state1/latency": "133\n",
    f"{S}/state1/residency": "600\n",
    f"{S}/state1/disable": "1\n",
    f"{S}/state1/usage": "18446744073709551615\n",
    f"{S}/state1/time": "9007199254740993\n",
}
NEW = OLD | {
    f"{C}/cpuidle/available_governors": "ladder menu teo \n",
    f"{S}/state1/above": "12\n",
    f"{S}/state1/below": "34\n",
    f"{S}/state1/rejected": "5\n",
    f"{S}/state1/default_status": "enabled\n",
    f"{S}/state1/s2idle/usage": "6\n",
    f"{S}/state1/s2idle/time": "7000\n",
}
POLL = IdleState(0, "POLL", "CPUIDLE CORE POLL IDLE", 0, 0, None, False, 4810, 61204)
C6 = IdleState(1, "C6", "MWAIT 0x20", 133, 600, None, True, 18446744073709551615, 9007199254740993)
NEW_C6 = IdleState(
    1, "C6", "MWAIT 0x20", 133, 600, "enabled", True, 18446744073709551615, 9007199254740993, 12, 34, 5, 6, 7000
)


def test_states_kernel_4_18() -> None:
    assert read(CPU_IDLE, OLD) == CpuIdle("intel_idle", "menu", None, [CpuIdleStates(0, [POLL, C6])])


def test_with_how_well_they_were_chosen_kernel_6_18() -> None:
    assert read(CPU_IDLE, NEW) == CpuIdle(
        "intel_idle", "menu", ["ladder", "menu", "teo"], [CpuIdleStates(0, [POLL, NEW_C6])]
    )


def test_cpus_in_their_order_and_an_offline_one_left_out() -> None:
    files = HEAD | {
        f"{C}/cpu10/cpuidle/state0/usage": "10\n",
        f"{C}/cpu2/cpuidle/state0/usage": "2\n",
        f"{C}/cpu3/online": "0\n",
    }
    assert read(CPU_IDLE, files).cpus == [
        CpuIdleStates(2, [IdleState(0, usages=2)]),
        CpuIdleStates(10, [IdleState(0, usages=10)]),
    ]


def test_no_driver() -> None:
    files = {f"{C}/cpuidle/current_driver": "none\n", f"{C}/cpu0/online": "1\n"}
    assert read(CPU_IDLE, files) == CpuIdle("none")


@pytest.mark.parametrize("garbage", ["often", "", "-", "1,2", "1 2", "18446744073709551616", "1e3", "\xff"])
def test_garbage_costs_its_own_field(garbage: str) -> None:
    row, this = reading(CPU_IDLE, NEW | {f"{S}/state1/time": garbage})
    changed = IdleState(
        1, "C6", "MWAIT 0x20", 133, 600, "enabled", True, 18446744073709551615, None, 12, 34, 5, 6, 7000
    )
    assert row.cpus == [CpuIdleStates(0, [POLL, changed])]
    assert [failed.reason for failed in this.failures.values()] == [Reason.MALFORMED] * bool(garbage)


def test_a_number_with_zeros_before_it_is_that_number() -> None:
    assert read(CPU_IDLE, NEW | {f"{S}/state1/rejected": "005\n"}).cpus == [CpuIdleStates(0, [POLL, NEW_C6])]


def test_a_governor_that_cannot_be_read() -> None:
    path = f"{C}/cpuidle/current_governor_ro"
    row, this = reading(CPU_IDLE, OLD | {path: Failure(Reason.DENIED, path, "EACCES")})
    assert row == CpuIdle("intel_idle", None, None, [CpuIdleStates(0, [POLL, C6])])
    assert this.failures == {"current_governor_ro": Failure(Reason.DENIED, path, "EACCES")}


def test_no_cpus() -> None:
    assert failure(CPU_IDLE, {}).reason is Reason.MISSING
