import pytest

from procpulse import Failure, Reason
from procpulse.sources import CPUFREQ
from procpulse.sources.sysfs.cpufreq import CpuFrequency, TimeInState, Transitions
from tests.cases import failure, read, reading

CPU = "/sys/devices/system/cpu"


def at(cpu: int, files: dict[str, str]) -> dict[str, str]:
    return {f"{CPU}/cpu{cpu}/cpufreq/{name}": text for name, text in files.items()}


OLD = {
    "affected_cpus": "0 4\n",
    "related_cpus": "0 4\n",
    "cpuinfo_max_freq": "3600000\n",
    "cpuinfo_min_freq": "800000\n",
    "cpuinfo_transition_latency": "10000\n",
    "scaling_available_governors": "ondemand performance schedutil \n",
    "scaling_cur_freq": "2200000\n",
    "scaling_driver": "acpi-cpufreq\n",
    "scaling_governor": "schedutil\n",
    "scaling_max_freq": "3600000\n",
    "scaling_min_freq": "800000\n",
    "scaling_setspeed": "<unsupported>\n",
}
EXPECTED = {
    "scaling_cur_freq_hz": 2_200_000_000, "scaling_min_freq_hz": 800_000_000, "scaling_max_freq_hz": 3_600_000_000,
    "cpuinfo_min_freq_hz": 800_000_000, "cpuinfo_max_freq_hz": 3_600_000_000, "cpuinfo_transition_latency_ns": 10_000,
    "scaling_driver": "acpi-cpufreq", "scaling_governor": "schedutil",
    "scaling_available_governors": ["ondemand", "performance", "schedutil"], "related_cpus": "0 4",
    "affected_cpus": "0 4", "scaling_setspeed": "<unsupported>",
}  # fmt: skip
STATS = {
    "cpuinfo_cur_freq": "2199987\n",
    "cpuinfo_avg_freq": "2150001\n",
    "base_frequency": "1900000\n",
    "stats/total_trans": "20\n",
    "stats/time_in_state": "3600000 904\n2200000 118\n800000 7\n",
    "stats/trans_table": (
        "   From  :    To\n"
        "         :   3600000   2200000    800000 \n"
        "  3600000:         0         5         2 \n"
        "  2200000:         6         0         1 \n"
        "   800000:         4         2         0 \n"
    ),
}

CASES = [
    pytest.param(at(0, OLD), [CpuFrequency(0, **EXPECTED)], id="no statistics, kernel 4.18"),  # type: ignore[arg-type]
    pytest.param(
        at(0, OLD | STATS),
        [
            CpuFrequency(
                0,
                **EXPECTED,  # type: ignore[arg-type]
                cpuinfo_cur_freq_hz=2_199_987_000,
                cpuinfo_avg_freq_hz=2_150_001_000,
                base_frequency_hz=1_900_000_000,
                transitions=20,
                time_in_state=[
                    TimeInState(3_600_000_000, 904), TimeInState(2_200_000_000, 118), TimeInState(800_000_000, 7),
                ],
                transition_table=[
                    Transitions(3_600_000_000, {3_600_000_000: 0, 2_200_000_000: 5, 800_000_000: 2}),
                    Transitions(2_200_000_000, {3_600_000_000: 6, 2_200_000_000: 0, 800_000_000: 1}),
                    Transitions(800_000_000, {3_600_000_000: 4, 2_200_000_000: 2, 800_000_000: 0}),
                ],
            )
        ],
        id="everything, kernel 6.18",
    ),
    pytest.param(
        at(1, {"scaling_cur_freq": "<unknown>\n", "cpuinfo_transition_latency": "4294967295\n"}),
        [CpuFrequency(1)],
        id="what the driver does not know",
    ),
    pytest.param(
        at(10, {"scaling_driver": "a\n"}) | at(9, {"scaling_driver": "a\x1b[m\n"}) | {f"{CPU}/cpu8/online": "0\n"},
        [CpuFrequency(9, scaling_driver="a\\x1b[m"), CpuFrequency(10, scaling_driver="a")],
        id="an offline CPU is no row, in the order of numbers, a hostile driver",
    ),
    pytest.param({f"{CPU}/cpu0/topology/core_id": "0\n"}, [], id="a virtual machine, no frequencies"),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), CASES)
def test_cpufreq(files: dict[str, str], expected: list[CpuFrequency]) -> None:
    assert read(CPUFREQ, files) == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("scaling_cur_freq", "fast"),
        ("scaling_max_freq", "18446744073709551616"),
        ("stats/total_trans", "1.5"),
        ("stats/time_in_state", "3600000 904 7\n"),
        ("stats/time_in_state", "3600000 x\n"),
        ("stats/trans_table", "   From  :    To\n"),
        ("stats/trans_table", "   From  :    To\n : 3600000 800000\n 3600000: 1 x\n"),
        ("stats/trans_table", "   From  :    To\n : 3600000 800000\n 3600000: 1\n"),
    ],
    ids=[
        "a word", "over 64 bits", "a fraction", "three columns", "no ticks", "a table without rows", "no count",
        "a count short",
    ],
)  # fmt: skip
def test_garbage_costs_its_own_field(name: str, text: str) -> None:
    [row], this = reading(CPUFREQ, at(0, {"scaling_driver": "acpi-cpufreq", name: text}))
    assert row == CpuFrequency(0, scaling_driver="acpi-cpufreq")
    assert [failure.reason for failure in this.failures.values()] == [Reason.MALFORMED]


def test_what_only_root_may_read() -> None:
    path = f"{CPU}/cpu0/cpufreq/cpuinfo_cur_freq"
    [row], this = reading(CPUFREQ, at(0, OLD) | {path: Failure(Reason.DENIED, path, "EACCES")})
    assert row == CpuFrequency(0, **EXPECTED)  # type: ignore[arg-type]
    assert this.failures == {"cpufreq/cpuinfo_cur_freq": Failure(Reason.DENIED, path, "EACCES")}


def test_no_sysfs() -> None:
    assert failure(CPUFREQ, {}).reason is Reason.MISSING


def test_a_cpu_that_is_offline_is_no_row_and_no_failure() -> None:
    """Its files are still there, and say EBUSY."""
    off = {path: Failure(Reason.UNSUPPORTED, path, "EBUSY") for path in at(1, OLD | STATS)}
    rows, this = reading(CPUFREQ, at(0, OLD) | off | at(2, OLD))
    assert [row.cpu for row in rows] == [0, 2]
    assert this.failures == {}


@pytest.mark.parametrize("text", ["0\n", "<unknown>\n", "-1\n"])
def test_a_frequency_that_is_not_known(text: str) -> None:
    [row], this = reading(
        CPUFREQ, at(0, {**OLD, "scaling_cur_freq": text, "cpuinfo_transition_latency": "4294967295\n"})
    )
    assert (row.scaling_cur_freq_hz, row.cpuinfo_transition_latency_ns, this.failures) == (None, None, {})
