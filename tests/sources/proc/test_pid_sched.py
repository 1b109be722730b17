import pytest

from procpulse.sources.proc.pid_sched import PID_SCHED, PidSched
from tests.cases import parse, spoiled

RULE = "-" * 67 + "\n"
CASES = [
    pytest.param(
        "rsync (3310, #threads: 1)\n" + RULE + """\
se.exec_start                                :       7841204.118330
se.vruntime                                  :            -1.000002
se.sum_exec_runtime                          :           500.000001
se.statistics.sum_sleep_runtime              :            30.000004
se.statistics.wait_start                     :             9.000000
se.statistics.sleep_max                      :             2.000000
se.statistics.wait_sum                       :             1.500000
se.statistics.wait_count                     :                   11
se.nr_migrations                             :                   12
se.statistics.nr_migrations_cold             :                    1
se.statistics.nr_wakeups                     :                   13
avg_atom                                     :             1.137864
nr_switches                                  :                   16
nr_voluntary_switches                        :                   15
nr_involuntary_switches                      :                    1
se.load.weight                               :              1048576
se.avg.load_sum                              :                30118
se.avg.runnable_load_avg                     :                    7
se.avg.load_avg                              :                    6
se.avg.util_avg                              :                    5
se.avg.util_est.ewma                         :                    4
policy                                       :                    0
prio                                         :                  120
""",
        PidSched(
            {"wait_count": 11, "nr_migrations_cold": 1, "nr_wakeups": 13}, {"sum_sleep_runtime": 30000004, "wait_sum": 1500000},
            {"sleep_max": 2000000}, policy=0, prio=120, sum_exec_runtime_ns=500000001, vruntime_ns=-1000002,
            exec_start_ns=7841204118330, migrations=12, switches=16, voluntary_switches=15, involuntary_switches=1,
            load_weight=1048576, load_avg=6, util_avg=5,
        ),
        id="with statistics, kernel 4.18",
    ),
    pytest.param(
        "a\n----- prio : 7 (4242, #threads: 6)\n" + RULE + """\
se.sum_exec_runtime                          :           500.000001
core_forceidle_sum                           :             0.410772
iowait_count                                 :                    2
nr_preempt_something                         :                    2
se.avg.runnable_sum                          :             51880441
se.avg.runnable_avg                          :                 1090
se.avg.util_est                              :                  984
uclamp.min                                   :                  256
uclamp.max                                   :                  768
effective uclamp.min                         :                  257
policy                                       :                    2
prio                                         :                   -1
se.slice                                     :              4000000
mm->numa_scan_seq                            :                  118
numa_pages_migrated                          :                    3
numa_preferred_nid                           :                   -1
total_numa_faults                            :                   44
current_node=0, numa_group_id=0
numa_faults node=0 task_private=0 task_shared=0 group_private=0 group_shared=0
""",
        PidSched(
            {"iowait_count": 2}, {"core_forceidle_sum": 410772}, {}, policy=2, prio=-1, sum_exec_runtime_ns=500000001,
            slice_ns=4000000, runnable_avg=1090, util_est=984, uclamp_min=256, uclamp_max=768, numa_pages_migrated=3,
            numa_preferred_nid=-1, numa_faults=44,
        ),
        id="a hostile name, kernel 6.18",
    ),
    pytest.param("x (1, #threads: 1)\n" + RULE, PidSched({}, {}, {}), id="no rows"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_sched(text: str, expected: PidSched) -> None:
    assert parse(PID_SCHED, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x (1, #threads: 1)\nprio : 120\n",
        RULE + "prio : x\n",
        RULE + "se.vruntime : 1.0000001\n",
        RULE + "nr_switches : 18446744073709551616\n",
    ],
    ids=["empty", "no rule", "no number", "seven decimals", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    assert spoiled(PID_SCHED, text)
