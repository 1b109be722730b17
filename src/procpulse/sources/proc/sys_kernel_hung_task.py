"""/proc/sys/kernel/hung_task_*: tasks that waited too long without being able to be woken, and how they are found.

    hung_task_detect_count: 3

https://docs.kernel.org/admin-guide/sysctl/kernel.html#hung-task-detect-count
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info
from procpulse.tree import Bundle, Folder


class SysKernelHungTask(msgspec.Struct, frozen=True, gc=False):
    """The detector of hung tasks. None where this kernel has no such setting."""

    detections: Annotated[int | None, counter("Hung tasks found (Linux 6.13).", bits="long")] = None
    timeout_seconds: Annotated[
        int | None, gauge("How long a task has to wait to be called hung; 0 for never looking.")
    ] = None
    check_interval_seconds: Annotated[
        int | None, gauge("Time between looks; 0 for as long as the timeout (Linux 4.19).")
    ] = None
    check_count: Annotated[int | None, gauge("Most tasks that are looked at each time.")] = None
    warnings: Annotated[int | None, gauge("Warnings that may still be logged; -1 for no limit.")] = None
    panic: Annotated[int | None, gauge("Hung tasks at once that make the kernel panic; 0 for never.")] = None
    all_cpu_backtrace: Annotated[
        bool | None, info("Whether a warning comes with what every CPU is doing (Linux 5.8).")
    ] = None


def parse(folder: Folder) -> SysKernelHungTask:
    return SysKernelHungTask(
        folder.number("hung_task_detect_count"),
        folder.number("hung_task_timeout_secs"),
        folder.number("hung_task_check_interval_secs"),
        folder.number("hung_task_check_count"),
        folder.signed("hung_task_warnings"),
        folder.number("hung_task_panic"),
        folder.flag("hung_task_all_cpu_backtrace"),
    )


FILES = (
    "hung_task_detect_count", "hung_task_timeout_secs", "hung_task_check_interval_secs", "hung_task_check_count",
    "hung_task_warnings", "hung_task_panic", "hung_task_all_cpu_backtrace",
)  # fmt: skip
SYS_KERNEL_HUNG_TASK = Bundle("sys_kernel_hung_task", "/proc/sys/kernel", FILES, SysKernelHungTask, parse)
