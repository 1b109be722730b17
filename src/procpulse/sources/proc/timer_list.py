"""/proc/timer_list: the clocks and high-resolution timers of each CPU, and how long it could sleep between ticks.

    now at 7731204511873 nsecs
    cpu: 0
     clock 0:
      .offset:     0 nsecs
     #0: <0000000000000000>, hrtimer_wakeup, S:01
      .idle_sleeps    : 90113
    Clock Event Device: lapic-deadline

https://docs.kernel.org/timers/highres.html
"""

from typing import Annotated, Any

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.source import Fold, Host, explain
from procpulse.text import inert, number, words


class TickDevice(msgspec.Struct, frozen=True, gc=False):
    """The hardware that interrupts a CPU when a timer is due."""

    mode: Annotated[str | None, info("How it ticks: periodic or oneshot.")]
    name: Annotated[str | None, info("Name of the device, such as lapic-deadline.")] = None
    state: Annotated[str | None, info("What it does: detached, shutdown, periodic, oneshot or oneshot_stopped.")] = None
    min_delta_ns: Annotated[int | None, info("Shortest time that it can be set to.")] = None
    max_delta_ns: Annotated[int | None, info("Longest time that it can be set to.")] = None
    mult: Annotated[
        int | None, info("Cycles of the device in so many nanoseconds, times two to the power of shift.")
    ] = None
    shift: Annotated[int | None, info("See mult.")] = None
    next_event_ns: Annotated[int | None, gauge("When it is due, on the monotonic clock; None for never.")] = None
    retries: Annotated[int | None, counter("Times that it was set to a moment that had passed.", bits="long")] = None


class TimerClock(msgspec.Struct, frozen=True, gc=False):
    """One clock of a CPU, and its timers."""

    index: Annotated[
        int,
        label(
            "0 monotonic, 1 real time, 2 since boot, 3 atomic time; 4 to 7 the same, for timers that run in softirqs."
        ),
    ]
    timers: Annotated[int, gauge("Timers that wait.")]
    resolution_ns: Annotated[int | None, gauge("Resolution of the clock.")] = None
    offset_ns: Annotated[int | None, gauge("How far it is ahead of the monotonic clock.")] = None


class TimerCpu(msgspec.Struct, frozen=True, gc=False):
    """The timers of one CPU. Moments are on the monotonic clock; those in jiffies count ticks of the kernel."""

    cpu: Annotated[int, label("Number of the CPU.")]
    clocks: Annotated[list[TimerClock], group("Its clocks.")]
    tick_device: Annotated[TickDevice | None, group("What interrupts it.")] = None
    expires_next_ns: Annotated[int | None, gauge("When the next timer is due; None for none.")] = None
    hres_active: Annotated[bool | None, info("Whether timers are of high resolution.")] = None
    events: Annotated[int | None, counter("Timer interrupts served.", bits=32)] = None
    retries: Annotated[int | None, counter("Times that timers were due again at once.", bits=16)] = None
    hangs: Annotated[
        int | None, counter("Times that serving timers took so long that it had to be stopped.", bits=16)
    ] = None
    max_hang_time_ns: Annotated[int | None, gauge("Longest of those times.")] = None
    nohz_mode: Annotated[
        int | None, info("Whether ticks may be left out: 0 no, 1 yes, 2 with high resolution; gone since Linux 6.9.")
    ] = None
    nohz: Annotated[bool | None, info("Whether ticks may be left out (Linux 6.9).")] = None
    highres: Annotated[bool | None, info("Whether the tick is a timer of high resolution (Linux 6.9).")] = None
    last_tick_ns: Annotated[int | None, gauge("When the last tick was due before ticks were left out.")] = None
    tick_stopped: Annotated[bool | None, info("Whether ticks are being left out now.")] = None
    idle_jiffies: Annotated[int | None, gauge("When it last began to be idle, in jiffies.")] = None
    idle_calls: Annotated[int | None, counter("Times that it was idle and could have left out ticks.", bits="long")] = (
        None
    )
    idle_sleeps: Annotated[int | None, counter("Times that it did leave out ticks.", bits="long")] = None
    idle_entrytime_ns: Annotated[int | None, gauge("When it last began to be idle.")] = None
    idle_waketime_ns: Annotated[int | None, gauge("When an interrupt last came while it was idle.")] = None
    idle_exittime_ns: Annotated[int | None, gauge("When it last stopped being idle.")] = None
    idle_sleeptime_ns: Annotated[int | None, counter("Time that it was idle with nothing to wait for.")] = None
    iowait_sleeptime_ns: Annotated[int | None, counter("Time that it was idle while tasks waited for disks.")] = None
    last_jiffies: Annotated[int | None, gauge("When it last looked how long it could sleep, in jiffies.")] = None
    next_timer_ns: Annotated[int | None, gauge("When its next timer was due as it went to sleep; None for none.")] = (
        None
    )
    idle_expires_ns: Annotated[int | None, gauge("When it meant to wake up; None for never.")] = None
    jiffies: Annotated[int | None, counter("Ticks of the kernel so far, from a start before boot.")] = None


class TimerList(msgspec.Struct, frozen=True, gc=False):
    """The timers of the host. Which function each is for, and where it lies in memory, is left out."""

    version: Annotated[str | None, info("Version of the format.")]
    now_ns: Annotated[int | None, gauge("The monotonic clock when the list was made.")]
    cpus: Annotated[list[TimerCpu], group("CPUs that are online.")]
    broadcast: Annotated[TickDevice | None, group("What wakes CPUs whose own device stops when they sleep deeply.")] = (
        None
    )


_NEVER = (1 << 63) - 1

_CLOCK = {".resolution": "resolution_ns", ".offset": "offset_ns"}

_CPU = {
    ".expires_next": "expires_next_ns", ".hres_active": "hres_active", ".nr_events": "events",
    ".nr_retries": "retries", ".nr_hangs": "hangs", ".max_hang_time": "max_hang_time_ns", ".nohz_mode": "nohz_mode",
    ".nohz": "nohz", ".highres": "highres", ".last_tick": "last_tick_ns", ".tick_stopped": "tick_stopped",
    ".idle_jiffies": "idle_jiffies", ".idle_calls": "idle_calls", ".idle_sleeps": "idle_sleeps",
    ".idle_entrytime": "idle_entrytime_ns", ".idle_waketime": "idle_waketime_ns",
    ".idle_exittime": "idle_exittime_ns", ".idle_sleeptime": "idle_sleeptime_ns",
    ".iowait_sleeptime": "iowait_sleeptime_ns", ".last_jiffies": "last_jiffies", ".next_timer": "next_timer_ns",
    ".idle_expires": "idle_expires_ns", "jiffies": "jiffies",
}  # fmt: skip

_FLAGS = frozenset(("hres_active", "nohz", "highres", "tick_stopped"))

_DEVICE = {
    "max_delta_ns": "max_delta_ns", "min_delta_ns": "min_delta_ns", "mult": "mult", "shift": "shift", "mode": "state",
    "next_event": "next_event_ns", "retries": "retries",
}  # fmt: skip

_MODES = ("periodic", "oneshot")
_STATES = ("detached", "shutdown", "periodic", "oneshot", "oneshot_stopped")


class _Timers:
    """Takes in the list; of the timers themselves it keeps only how many there are."""

    def __init__(self, host: Host):
        self.version: str | None = None
        self.now_ns: int | None = None
        self.cpus: dict[int, dict[str, Any]] = {}
        self.clocks: dict[int, list[dict[str, Any]]] = {}
        self.devices: dict[int | None, dict[str, Any]] = {}
        self.cpu: dict[str, Any] = {}
        self.clock: list[dict[str, Any]] = []
        self.device: dict[str, Any] = {}
        self.failures: dict[str, str] = {}

    def feed(self, lines: list[bytes]) -> None:
        for line in lines:
            try:
                self._line(line)
            except ValueError as error:
                self.failures.setdefault("rows", explain(error))

    def _line(self, line: bytes) -> None:
        if line.startswith(b" #"):
            if line[2:3].isdigit() and self.clock:
                self.clock[-1]["timers"] += 1
        elif line.startswith(b"now at "):
            self.now_ns = number(words(line, 3)[2])
        else:
            name, colon, rest = line.partition(b":")
            if colon:
                self._take(inert(name.strip()), rest.strip())
            elif name == b"Broadcast device":
                self.devices[None] = self.device

    def _take(self, name: str, rest: bytes) -> None:
        """One line, of what is being listed now. What comes twice is of something whose first line is missing."""
        if field := _CPU.get(name):
            if field in self.cpu:
                self.cpu, self.clock = {}, []
            value = _value(rest)
            self.cpu[field] = value != 0 if field in _FLAGS else value
        elif field := _CLOCK.get(name):
            if not self.clock or field in self.clock[-1]:
                self.clock = [{"timers": 0}]
            self.clock[-1][field] = _value(rest)
        elif field := _DEVICE.get(name):
            self.device[field] = _value(rest)
        elif name.startswith("clock "):
            if len(self.clock) == 1 and "index" not in self.clock[0]:
                self.clock = []
            self.clock.append({"timers": 0})
            self.clock[-1]["index"] = number(name[6:].encode())
        elif name == "cpu":
            self.cpu, self.clock = {}, []
            cpu = number(rest)
            self.cpus[cpu], self.clocks[cpu] = self.cpu, self.clock
            self.cpu["cpu"] = cpu
        elif name == "Tick Device":
            self.device = {}
            self.device["ticks"] = number(rest.rpartition(b":")[2].strip())
        elif name == "Per CPU device":
            if self.device in self.devices.values():
                self.device = {}
            self.devices[number(rest)] = self.device
        elif name == "Clock Event Device":
            if "name" in self.device:
                self.device = {}
            self.device["name"] = None if rest == b"<NULL>" else inert(rest)
        elif name == "Timer List Version":
            self.version = inert(rest)

    def result(self) -> TimerList:
        if self.now_ns is None and not self.cpus:
            raise ValueError("not a list of timers")
        cpus = []
        for cpu, known in self.cpus.items():
            clocks = [TimerClock(**clock) for clock in self.clocks[cpu] if "index" in clock]
            cpus.append(TimerCpu(**known, clocks=clocks, tick_device=_device(self.devices.get(cpu))))
        return TimerList(self.version, self.now_ns, cpus, _device(self.devices.get(None)))


def _value(text: bytes) -> int | None:
    """The number before a unit; None for the end of time."""
    value = number(words(text, 1)[0])
    return None if value == _NEVER else value


def _device(known: dict[str, Any] | None) -> TickDevice | None:
    if known is None:
        return None
    mode, state = known.pop("ticks", None), known.pop("state", None)
    return TickDevice(**known, mode=_word(_MODES, mode), state=_word(_STATES, state))


def _word(names: tuple[str, ...], value: int | None) -> str | None:
    return None if value is None else names[value] if 0 <= value < len(names) else str(value)


TIMER_LIST = Fold("timer_list", "/proc/timer_list", TimerList, _Timers, slow=True, cadence=60)
