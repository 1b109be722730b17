from procpulse import Reason
from procpulse.sources import CPU_ONLINE
from procpulse.sources.sysfs.cpu_online import CpuOnline
from tests.cases import failure, read, reading

C = "/sys/devices/system/cpu"
OLD = {
    f"{C}/online": "0-2,5\n",
    f"{C}/offline": "3-4,6-7\n",
    f"{C}/present": "0-5\n",
    f"{C}/possible": "0-7\n",
    f"{C}/kernel_max": "8191\n",
}


def test_some_are_offline_kernel_4_18() -> None:
    assert read(CPU_ONLINE, OLD) == CpuOnline(
        [0, 1, 2, 5], [3, 4, 6, 7], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5, 6, 7], 8191
    )


def test_with_threads_kernel_4_19() -> None:
    files = {f"{C}/online": "0\n", f"{C}/offline": "\n", f"{C}/smt/active": "1\n", f"{C}/smt/control": "on\n"}
    assert read(CPU_ONLINE, files) == CpuOnline([0], [], smt_active=True, smt_control="on")


def test_without_final_newline() -> None:
    assert read(CPU_ONLINE, {f"{C}/online": "0-1"}) == CpuOnline([0, 1])


def test_garbage_costs_its_own_field() -> None:
    for garbage in ("all\n", "3-1\n", "0-99999999\n", "-1\n", "0x3\n"):
        row, this = reading(CPU_ONLINE, OLD | {f"{C}/possible": garbage})
        assert row.possible is None
        assert row.online == [0, 1, 2, 5]
        assert this.failures["possible"].reason is Reason.MALFORMED


def test_none() -> None:
    assert failure(CPU_ONLINE, {}).reason is Reason.MISSING
