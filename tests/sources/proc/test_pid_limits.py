import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_limits import PID_LIMITS, PidLimits
from tests.cases import parse

NONE = 18446744073709551615

WHOLE = """\
Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              3600                 unlimited            seconds   
Max file size             unlimited            unlimited            bytes     
Max data size             1073741824           unlimited            bytes     
Max stack size            8388608              unlimited            bytes     
Max core file size        0                    unlimited            bytes     
Max resident set          unlimited            unlimited            bytes     
Max processes             4096                 62911                processes 
Max open files            1024                 524288               files     
Max locked memory         18446744073709486080 18446744073709486080 bytes     
Max address space         unlimited            unlimited            bytes     
Max file locks            unlimited            unlimited            locks     
Max pending signals       62911                62911                signals   
Max msgqueue size         819200               819200               bytes     
Max nice priority         0                    20                   
Max realtime priority     0                    99                   
Max realtime timeout      200000               unlimited            us        
"""  # noqa: W291


def test_all_limits() -> None:
    assert parse(PID_LIMITS, WHOLE) == PidLimits(
        cpu_time_soft_seconds=3600, cpu_time_hard_seconds=NONE,
        file_size_soft_bytes=NONE, file_size_hard_bytes=NONE,
        data_size_soft_bytes=1073741824, data_size_hard_bytes=NONE,
        stack_size_soft_bytes=8388608, stack_size_hard_bytes=NONE,
        core_file_size_soft_bytes=0, core_file_size_hard_bytes=NONE,
        resident_set_soft_bytes=NONE, resident_set_hard_bytes=NONE,
        processes_soft=4096, processes_hard=62911,
        open_files_soft=1024, open_files_hard=524288,
        locked_memory_soft_bytes=18446744073709486080, locked_memory_hard_bytes=18446744073709486080,
        address_space_soft_bytes=NONE, address_space_hard_bytes=NONE,
        file_locks_soft=NONE, file_locks_hard=NONE,
        pending_signals_soft=62911, pending_signals_hard=62911,
        msgqueue_size_soft_bytes=819200, msgqueue_size_hard_bytes=819200,
        nice_priority_soft=0, nice_priority_hard=20,
        realtime_priority_soft=0, realtime_priority_hard=99,
        realtime_timeout_soft_us=200000, realtime_timeout_hard_us=NONE,
    )  # fmt: skip


def test_rows_that_are_missing_or_unknown() -> None:
    text = "Limit                     Soft Limit           Hard Limit           Units\n"
    text += "Max open files            20                   40                   files\n"
    text += "Max new things            7                    7                    things\n"
    assert parse(PID_LIMITS, text) == PidLimits(open_files_soft=20, open_files_hard=40)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Limit                     Soft Limit           Hard Limit           Units\n",
        "Max open files            20\n",
        "Max open files            many                 40                   files\n",
        "Max open files            18446744073709551616 40                   files\n",
    ],
    ids=["empty", "no rows", "a column short", "no number", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_LIMITS, text)
