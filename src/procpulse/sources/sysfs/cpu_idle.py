"""/sys/devices/system/cpu/cpu*/cpuidle: how often and how long CPUs rest, and how deep.

    state1/name: C1E, state1/usage: 2284901, state1/time: 901247713, state1/above: 2187

The time of a state is added when the CPU leaves it: one that rests for long seems not to have rested till then.

https://docs.kernel.org/admin-guide/pm/cpuidle.html
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.source import Failure, Read, Reading, Refresh, Source, Steps
from procpulse.text import inert
from procpulse.tree import Folder, Tree


class IdleState(msgspec.Struct, frozen=True, gc=False):
    """One way in which a CPU can rest."""

    state: Annotated[int, label("Number of the state: the higher, the deeper.")]
    name: Annotated[str | None, info("Name, such as POLL, C1 or C6.")] = None
    desc: Annotated[str | None, info("Description.")] = None
    latency_us: Annotated[int | None, gauge("Time that it takes to leave the state.")] = None
    residency_us: Annotated[int | None, gauge("Shortest rest that makes the state worth while.")] = None
    default_status: Annotated[
        str | None, info("Whether it may be used by default: enabled or disabled (Linux 5.6).")
    ] = None
    disable: Annotated[bool | None, info("Whether it was forbidden on this CPU.")] = None
    usages: Annotated[int | None, counter("Times that it was asked for.")] = None
    time_us: Annotated[int | None, counter("Time spent in it.")] = None
    above: Annotated[int | None, counter("Times that the rest turned out too short for it (Linux 5.0).")] = None
    below: Annotated[
        int | None, counter("Times that the rest would have been enough for a deeper one (Linux 5.0).")
    ] = None
    rejected: Annotated[int | None, counter("Times that the hardware refused it (Linux 5.10).")] = None
    s2idle_usages: Annotated[int | None, counter("Times that it was asked for while the host was suspended.")] = None
    s2idle_time_us: Annotated[int | None, counter("Time spent in it while the host was suspended.")] = None


class CpuIdleStates(msgspec.Struct, frozen=True, gc=False):
    """How one logical CPU rests. An offline CPU has no states."""

    cpu: Annotated[int, label("Number of the CPU.")]
    states: Annotated[list[IdleState], group("Its states.")]


class CpuIdle(msgspec.Struct, frozen=True, gc=False):
    """How the CPUs rest."""

    driver: Annotated[str | None, info("Driver that knows the states, such as intel_idle; none for no driver.")] = None
    governor: Annotated[str | None, info("Governor that chooses among them, such as menu.")] = None
    available_governors: Annotated[list[str] | None, info("Governors to choose from (Linux 5.8).")] = None
    cpus: Annotated[list[CpuIdleStates], group("The CPUs.")] = []


_FIXED = ("name", "desc", "latency", "residency", "default_status")
_CHANGING = ("disable", "usage", "time", "above", "below", "rejected", "s2idle/usage", "s2idle/time")
_NUMBERS = ("latency", "residency", "usage", "time", "above", "below", "rejected")
_DECODER = msgspec.json.Decoder(list[int])


@cache
def _paths(state: int) -> tuple[str, ...]:
    return tuple(f"cpuidle/state{state}/{name}" for name in _NUMBERS)


def _numbers(folder: Folder, state: int) -> list[int] | list[int | None]:
    """The numbers of a state, at once where all are there and plain."""
    paths = _paths(state)
    found = [folder.entries.get(path, b"") for path in paths]
    row = b",".join(found)
    if not row.translate(None, b"0123456789,\n"):
        try:
            values = _DECODER.decode(b"[" + row + b"]")
            if len(values) == len(paths) and max(values) < 1 << 64:
                return values
        except msgspec.MsgspecError:
            pass
    return [folder.number(path) for path in paths]


def _states(folder: Folder) -> CpuIdleStates | None:
    if not folder.entries:
        return None
    states: list[IdleState] = []
    at = "cpuidle/state0/"
    while at + "usage" in folder.entries or at + "name" in folder.entries:
        latency, residency, usage, time, above, below, rejected = _numbers(folder, len(states))
        states.append(
            IdleState(
                len(states), folder.text(at + "name"), folder.text(at + "desc"), latency, residency,
                folder.text(at + "default_status"), folder.flag(at + "disable"), usage, time, above, below, rejected,
                folder.number(at + "s2idle/usage"), folder.number(at + "s2idle/time"),
            )
        )  # fmt: skip
        at = f"cpuidle/state{len(states)}/"
    return CpuIdleStates(int(folder.name.removeprefix("cpu")), states)


def parse(head: dict[str, bytes], cpus: list[CpuIdleStates]) -> CpuIdle:
    driver, governor, governors = [inert(head[name].strip()) if name in head else None for name in _HEAD]
    return CpuIdle(driver, governor, governors.split() if governors is not None else None, cpus)


class _CpuIdle(Source[CpuIdle]):
    """The driver and the governor of the host, and a tree of CPUs."""

    def __init__(
        self, name: str, path: str, files: tuple[str, ...], once: tuple[str, ...], parse: Callable[..., CpuIdle]
    ):
        super().__init__(name, path, CpuIdle, parse)
        self.cpus = Tree(name, f"{path}/cpu[0-9]*", files, CpuIdleStates, _states, once=once)

    def refreshes(self, value: CpuIdle) -> Sequence[Refresh]:
        """What never changes of a state."""
        return self.cpus.refreshes(value.cpus)

    def steps(self, reading: Reading) -> Steps[CpuIdle]:
        """Read what is said of all CPUs, then each of them."""
        answers = yield [Read(f"{self.path}/cpuidle/{name}", 4096, whole=True) for name in _HEAD]
        head = {}
        for name, answer in zip(_HEAD, answers, strict=True):
            if isinstance(answer, Failure):
                reading.note(name, answer)
            else:
                head[name] = answer
        return self.parse(head, (yield from self.cpus.steps(reading)))  # type: ignore[no-any-return, call-arg]


_HEAD = ("current_driver", "current_governor_ro", "available_governors")
FILES = tuple(f"cpuidle/state[0-9]*/{name}" for name in (*_FIXED, *_CHANGING))
CPU_IDLE = _CpuIdle("cpu_idle", "/sys/devices/system/cpu", FILES, FILES[: len(_FIXED)], parse)
