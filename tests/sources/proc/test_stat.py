import pytest

from procpulse.sources import STAT
from procpulse.sources.proc.stat import Cpu, CpuTime, Stat
from tests.cases import parse, spoiled

CASES = [
    pytest.param(
        "cpu  30 4 12 200 5 1 2 3 6 1\n"
        "cpu0 20 3 8 100 4 1 1 2 6 0\n"
        "cpu2 10 1 4 100 1 0 1 1 0 1\n"
        "intr 500 17 0 0 480 0 3\n"
        "ctxt 22848221\n"
        "btime 1769936412\n"
        "processes 11206\n"
        "procs_running 2\n"
        "procs_blocked 1\n"
        "softirq 55 1 2 3 4 5 6 7 8 9 10\n",
        Stat(
            CpuTime(30, 4, 12, 200, 5, 1, 2, 3, 6, 1),
            [Cpu(0, 20, 3, 8, 100, 4, 1, 1, 2, 6, 0), Cpu(2, 10, 1, 4, 100, 1, 0, 1, 1, 0, 1)],
            interrupts=500,
            irqs={0: 17, 3: 480, 5: 3},
            context_switches=22848221,
            boot_time_seconds=1769936412,
            forks=11206,
            procs_running=2,
            procs_blocked=1,
            softirqs=55,
            softirqs_by_type={
                "hi": 1, "timer": 2, "net_tx": 3, "net_rx": 4, "block": 5, "irq_poll": 6, "tasklet": 7, "sched": 8,
                "hrtimer": 9, "rcu": 10,
            },
        ),
        id="two CPUs and a hole between them",
    ),
    pytest.param(
        "cpu  30 4 12 200\ncpu0 30 4 12 200\n",
        Stat(CpuTime(30, 4, 12, 200), [Cpu(0, 30, 4, 12, 200)]),
        id="four columns and nothing else, a container",
    ),
    pytest.param(
        "cpu  1 2 3 4 5 6 7 8 9 10 11\ncpu0 1 2 3 4 5 6 7 8 9 10 11\nsoftirq 3 1 2\npage 5741 1808\nswap 1 0\n",
        Stat(
            CpuTime(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
            [Cpu(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)],
            softirqs=3,
            softirqs_by_type={"hi": 1, "timer": 2},
        ),
        id="columns of a kernel to come, rows of one gone by",
    ),
    pytest.param(
        "cpu  18446744073709551615 0 0 9007199254740993 0 0 0 0 0 0\nctxt 18446744073709551615\n",
        Stat(
            CpuTime(18446744073709551615, 0, 0, 9007199254740993, 0, 0, 0, 0, 0, 0),
            [],
            context_switches=18446744073709551615,
        ),
        id="64 bits, exactly",
    ),
    pytest.param("cpu  1 2 3 4\r\n\0\0\0\n", Stat(CpuTime(1, 2, 3, 4), []), id="padded with NUL, lines that end in CR"),
    pytest.param(
        "cpu  0 0 0 0 0 0 0 0 0 0\ncpu1023 1 0 0 0 0 0 0 0 0 0\nintr 0\n",
        Stat(CpuTime(*[0] * 10), [Cpu(1023, 1, *[0] * 9)], interrupts=0),
        id="a CPU of many, no interrupt lines",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_stat(text: str, expected: Stat) -> None:
    assert parse(STAT, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cpu  1 2 3\n",
        "cpu  1 2 3 x\n",
        "cpu  1 2 3 4\ncpux 1 2 3 4\n",
        "cpu  1 2 3 4\ncpu0 1 2 3 4.5\n",
        "cpu  1 2 3 4\nctxt\n",
        "cpu  1 2 3 4\nbtime soon\n",
        "cpu  1 2 3 18446744073709551616\n",
        "cpu  1 2 3 4\nintr 1 1,2\n",
    ],
    ids=[
        "empty", "a column short", "no number", "a CPU without number", "a fraction",
        "a row without value", "words", "over 64 bits", "two numbers in one column",
    ],
)  # fmt: skip
def test_malformed(text: str) -> None:
    assert spoiled(STAT, text)
