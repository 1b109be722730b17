import pytest

from procpulse.sources import SCHEDSTAT
from procpulse.sources.proc.schedstat import Balancing, SchedCpu, SchedDomain, Schedstat
from tests.cases import parse, spoiled


def row(first: int, last: int) -> str:
    return " ".join(map(str, range(first, last + 1)))


CASES = [
    pytest.param(
        "version 15\ntimestamp 4295192744\n"
        "cpu0 1 0 2 3 4 5 6 7 8\n"
        f"domain0 00000000,00000003 {row(1, 36)}\n"
        "cpu3 9 0 10 11 12 13 14 15 16\n",
        Schedstat(
            15,
            [
                SchedCpu(
                    0, 1, 2, 3, 4, 5, 6, 7, 8,
                    [
                        SchedDomain(
                            0, "00000000,00000003",
                            busy=Balancing(9, 10, 11, 13, 14, 15, 16, imbalances=12),
                            idle=Balancing(1, 2, 3, 5, 6, 7, 8, imbalances=4),
                            newly_idle=Balancing(17, 18, 19, 21, 22, 23, 24, imbalances=20),
                            active_balances=25, active_balance_failures=26, active_balance_pushes=27,
                            remote_wakeups=34, affine_wakeups=35, balanced_wakeups=36,
                        )
                    ],
                ),
                SchedCpu(3, 9, 10, 11, 12, 13, 14, 15, 16, []),
            ],
            4295192744,
        ),
        id="version 15, idle before busy, kernel 4.18",
    ),
    pytest.param(
        f"version 16\ntimestamp 5\ncpu0 1 0 2 3 4 5 6 7 8\ndomain0 03 {row(1, 36)}\n",
        Schedstat(
            16,
            [
                SchedCpu(
                    0, 1, 2, 3, 4, 5, 6, 7, 8,
                    [
                        SchedDomain(
                            0, "03",
                            busy=Balancing(1, 2, 3, 5, 6, 7, 8, imbalances=4),
                            idle=Balancing(9, 10, 11, 13, 14, 15, 16, imbalances=12),
                            newly_idle=Balancing(17, 18, 19, 21, 22, 23, 24, imbalances=20),
                            active_balances=25, active_balance_failures=26, active_balance_pushes=27,
                            remote_wakeups=34, affine_wakeups=35, balanced_wakeups=36,
                        )
                    ],
                ),
            ],
            5,
        ),
        id="version 16, busy before idle",
    ),
    pytest.param(
        f"version 17\ntimestamp 5\ncpu0 1 0 2 3 4 5 6 7 8\ndomain0 SMT 11 {row(1, 45)}\ndomain1 MC ff {row(101, 145)}\n",
        Schedstat(
            17,
            [
                SchedCpu(
                    0, 1, 2, 3, 4, 5, 6, 7, 8,
                    [
                        SchedDomain(
                            0, "11",
                            busy=Balancing(1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7),
                            idle=Balancing(12, 13, 14, 19, 20, 21, 22, 15, 16, 17, 18),
                            newly_idle=Balancing(23, 24, 25, 30, 31, 32, 33, 26, 27, 28, 29),
                            active_balances=34, active_balance_failures=35, active_balance_pushes=36,
                            remote_wakeups=43, affine_wakeups=44, balanced_wakeups=45, name="SMT",
                        ),
                        SchedDomain(
                            1, "ff",
                            busy=Balancing(101, 102, 103, 108, 109, 110, 111, 104, 105, 106, 107),
                            idle=Balancing(112, 113, 114, 119, 120, 121, 122, 115, 116, 117, 118),
                            newly_idle=Balancing(123, 124, 125, 130, 131, 132, 133, 126, 127, 128, 129),
                            active_balances=134, active_balance_failures=135, active_balance_pushes=136,
                            remote_wakeups=143, affine_wakeups=144, balanced_wakeups=145, name="MC",
                        ),
                    ],
                ),
            ],
            5,
        ),
        id="version 17, domains with names, kernel 6.18",
    ),
    pytest.param(
        "version 18\ncpu0 1 0 2 3 4 5 6 7 8 9\ndomain0 what it will be\n",
        Schedstat(18, [SchedCpu(0, 1, 2, 3, 4, 5, 6, 7, 8, [])]),
        id="a version to come: domains are left alone",
    ),
    pytest.param(
        "version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 9007199254740993 18446744073709551615 0\n",
        Schedstat(15, [SchedCpu(0, 0, 0, 0, 0, 0, 9007199254740993, 18446744073709551615, 0, [])], 1),
        id="numbers that a float would round",
    ),
    pytest.param("version 15\ntimestamp 1\n", Schedstat(15, [], 1), id="no CPUs"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_schedstat(text: str, expected: Schedstat) -> None:
    assert parse(SCHEDSTAT, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "version x\n",
        "version 15\ncpu0 1 0 2 3 4 5 6 7\n",
        "version 15\ncpux 1 0 2 3 4 5 6 7 8\n",
        "version 15\ncpu0 1 0 2 3 4 5 6 7 18446744073709551616\n",
        f"version 15\ncpu0 1 0 2 3 4 5 6 7 8\ndomain0 03 {row(1, 35)}\n",
        f"version 17\ncpu0 1 0 2 3 4 5 6 7 8\ndomain0 MC 03 {row(1, 44)}\n",
        "version 15\nnode0 1\n",
    ],
    ids=[
        "a version that is no number", "a column short", "a CPU without a number", "over 64 bits",
        "a domain a column short", "a domain a column short, version 17", "neither a CPU nor a domain",
    ],
)  # fmt: skip
def test_malformed(text: str) -> None:
    assert spoiled(SCHEDSTAT, text)


def test_a_line_longer_than_64_kib() -> None:
    mask = ",".join(["ffffffff"] * 8000)
    text = f"version 15\ncpu0 1 0 2 3 4 5 6 7 8\ndomain0 {mask} {row(1, 36)}\n"
    [cpu] = parse(SCHEDSTAT, text).cpus
    assert cpu.domains[0].cpu_mask == mask
    assert cpu.domains[0].balanced_wakeups == 36
