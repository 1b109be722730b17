from procpulse import Reason
from procpulse.sources import SYS_KERNEL_HUNG_TASK
from procpulse.sources.proc.sys_kernel_hung_task import SysKernelHungTask
from tests.cases import failure, read, reading

FOLDER = "/proc/sys/kernel/hung_task_"
OLD = {
    FOLDER + "timeout_secs": "120\n",
    FOLDER + "check_count": "4194304\n",
    FOLDER + "warnings": "-1\n",
    FOLDER + "panic": "0\n",
}


def test_kernel_4_18() -> None:
    expected = SysKernelHungTask(timeout_seconds=120, check_count=4194304, warnings=-1, panic=0)
    assert read(SYS_KERNEL_HUNG_TASK, OLD) == expected


def test_kernel_6_18() -> None:
    new = {
        FOLDER + "detect_count": "18446744073709551615\n",
        FOLDER + "check_interval_secs": "30\n",
        FOLDER + "all_cpu_backtrace": "1\n",
    }
    assert read(SYS_KERNEL_HUNG_TASK, OLD | new) == SysKernelHungTask(
        18446744073709551615, 120, 30, 4194304, -1, 0, True
    )


def test_no_detector() -> None:
    assert failure(SYS_KERNEL_HUNG_TASK, {"/proc/sys/kernel/pid_max": "32768\n"}).reason is Reason.MISSING


def test_garbage_costs_its_own_field() -> None:
    value, this = reading(SYS_KERNEL_HUNG_TASK, OLD | {FOLDER + "warnings": "many\n"})
    assert value == SysKernelHungTask(timeout_seconds=120, check_count=4194304, panic=0)
    assert this.failures["hung_task_warnings"].reason is Reason.MALFORMED
