"""/sys/devices/system/cpu/cpu*/cpufreq: how fast CPUs run, and how fast they may.

    scaling_cur_freq: 1219917, scaling_governor: powersave

Asking for the current frequency may take 20 ms a CPU: it is measured on the spot.

https://docs.kernel.org/admin-guide/pm/cpufreq.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import amount, integers, lines, number, scaled
from procpulse.tree import Folder, Tree


class TimeInState(msgspec.Struct, frozen=True, gc=False):
    """Time at one frequency."""

    frequency_hz: Annotated[int, label("The frequency.")]
    time_ticks: Annotated[int, counter("Time spent at it.")]


class Transitions(msgspec.Struct, frozen=True, gc=False):
    """Changes away from one frequency."""

    frequency_hz: Annotated[int, label("The frequency that was left.")]
    counts: Annotated[dict[int, int], counter("Changes to each frequency in Hz.", bits=32)]


class CpuFrequency(msgspec.Struct, frozen=True, gc=False):
    """Frequency of one logical CPU, and the policy that it is under."""

    cpu: Annotated[int, label("Number of the CPU.")]
    scaling_cur_freq_hz: Annotated[int | None, gauge("Frequency now, as the driver knows or measures it.")] = None
    scaling_min_freq_hz: Annotated[int | None, gauge("Lowest frequency that the policy allows.")] = None
    scaling_max_freq_hz: Annotated[int | None, gauge("Highest frequency that the policy allows.")] = None
    cpuinfo_cur_freq_hz: Annotated[int | None, gauge("Frequency now, read from the hardware; for root only.")] = None
    cpuinfo_avg_freq_hz: Annotated[int | None, gauge("Frequency averaged over a short while (Linux 6.15).")] = None
    cpuinfo_min_freq_hz: Annotated[int | None, gauge("Lowest frequency of the hardware.")] = None
    cpuinfo_max_freq_hz: Annotated[int | None, gauge("Highest frequency of the hardware.")] = None
    base_frequency_hz: Annotated[int | None, gauge("Frequency that the hardware guarantees, on some Intel CPUs.")] = (
        None
    )
    cpuinfo_transition_latency_ns: Annotated[int | None, gauge("Time that a change takes.")] = None
    scaling_driver: Annotated[str | None, info("Driver.")] = None
    scaling_governor: Annotated[str | None, info("Governor that chooses the frequency.")] = None
    scaling_available_governors: Annotated[list[str] | None, info("Governors to choose from.")] = None
    related_cpus: Annotated[str | None, info("CPUs under the same policy, offline ones too.")] = None
    affected_cpus: Annotated[str | None, info("CPUs under the same policy that are online.")] = None
    scaling_setspeed: Annotated[
        str | None, info("Frequency in kHz that was set by hand; <unsupported> under most governors.")
    ] = None
    transitions: Annotated[int | None, counter("Changes of frequency.", bits=32, falls=True)] = None
    time_in_state: Annotated[list[TimeInState] | None, group("Time at each frequency.")] = None
    transition_table: Annotated[list[Transitions] | None, group("Changes from each frequency to each other.")] = None


def _khz(data: bytes) -> int | None:
    """A frequency; None where the kernel or the driver does not know it, which some say as 0."""
    return None if data == b"<unknown>" else amount(data, 1000) or None


def _time_in_state(data: bytes) -> list[TimeInState]:
    return [TimeInState(scaled(frequency, 1000), ticks) for frequency, ticks in map(integers, lines(data))]


def _transition_table(data: bytes) -> list[Transitions]:
    """A square of counts, with the frequencies above and to the left.

     From  :    To
           :   3600000   3400000
    3600000:         0         5
    """
    rows = lines(data)
    targets = [scaled(frequency, 1000) for frequency in integers(rows[1].partition(b":")[2])]
    table = []
    for row in rows[2:]:
        source, _, counts = row.partition(b":")
        table.append(
            Transitions(
                scaled(number(source.strip()), 1000), dict(zip(targets, integers(counts, len(targets)), strict=False))
            )
        )
    return table


_FREQUENCIES = (
    "scaling_cur_freq", "scaling_min_freq", "scaling_max_freq", "cpuinfo_cur_freq", "cpuinfo_avg_freq",
    "cpuinfo_min_freq", "cpuinfo_max_freq", "base_frequency",
)  # fmt: skip


def parse(folder: Folder) -> CpuFrequency | None:
    if not any(name.startswith("cpufreq/") for name in folder.entries):
        return None
    governors = folder.text("cpufreq/scaling_available_governors")
    latency = folder.number("cpufreq/cpuinfo_transition_latency")
    return CpuFrequency(
        int(folder.name.removeprefix("cpu")),
        cpuinfo_transition_latency_ns=None if latency == 0xFFFF_FFFF else latency,  # the kernel's word for unknown
        scaling_driver=folder.text("cpufreq/scaling_driver"),
        scaling_governor=folder.text("cpufreq/scaling_governor"),
        scaling_available_governors=governors.split() if governors is not None else None,
        related_cpus=folder.text("cpufreq/related_cpus"),
        affected_cpus=folder.text("cpufreq/affected_cpus"),
        scaling_setspeed=folder.text("cpufreq/scaling_setspeed"),
        transitions=folder.number("cpufreq/stats/total_trans"),
        time_in_state=folder.parsed("cpufreq/stats/time_in_state", _time_in_state),
        transition_table=folder.parsed("cpufreq/stats/trans_table", _transition_table),
        **{f"{name}_hz": folder.parsed(f"cpufreq/{name}", _khz) for name in _FREQUENCIES},
    )


FILES = tuple(
    f"cpufreq/{name}"
    for name in (
        *_FREQUENCIES, "cpuinfo_transition_latency", "scaling_driver", "scaling_governor",
        "scaling_available_governors", "related_cpus", "affected_cpus", "scaling_setspeed", "stats/total_trans",
        "stats/time_in_state", "stats/trans_table",
    )
)  # fmt: skip
CPUFREQ = Tree(
    "cpufreq",
    "/sys/devices/system/cpu/cpu[0-9]*",
    FILES,
    CpuFrequency,
    parse,
    slow=("cpufreq/scaling_cur_freq", "cpufreq/cpuinfo_cur_freq", "cpufreq/cpuinfo_avg_freq"),
    cadence=5.0,
    off="EBUSY",  # while all CPUs under a policy are offline
)
