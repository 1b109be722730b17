import pytest

from procpulse import Failure, Reason
from procpulse.source import Piece, Reading, Unreadable
from procpulse.sources import TIMER_LIST
from procpulse.sources.proc.timer_list import TickDevice, TimerClock, TimerCpu, TimerList
from tests.cases import HOST, parse, spoiled

NEW = """\
Timer List Version: v0.10
HRTIMER_MAX_CLOCK_BASES: 8
now at 7731204511873 nsecs

cpu: 0
 clock 0:
  .base:       00000000b3c0ffee
  .index:      0
  .resolution: 1 nsecs
  .offset:     0 nsecs
active timers:
 #0: <00000000b3c0ffee>, tick_nohz_handler, S:01
 # expires at 7731208000000-7731208000000 nsecs [in 3488127 to 3488127 nsecs]
 #1: <00000000b3c0ffef>, spy_timer [vendor], S:01
 # expires at 7731209000000-7731209050000 nsecs [in 4488127 to 4538127 nsecs]
 clock 1:
  .base:       00000000b3c0ffee
  .index:      1
  .resolution: 1 nsecs
  .offset:     1768299000123456789 nsecs
active timers:
  .expires_next   : 7731208000000 nsecs
  .hres_active    : 1
  .nr_events      : 90440
  .nr_retries     : 9
  .nr_hangs       : 2
  .max_hang_time  : 18022
  .nohz           : 1
  .highres        : 0
  .last_tick      : 7731200000000 nsecs
  .tick_stopped   : 1
  .idle_jiffies   : 4296888557
  .idle_calls     : 153862
  .idle_sleeps    : 103356
  .idle_entrytime : 7731201000001 nsecs
  .idle_waketime  : 7731199000002 nsecs
  .idle_exittime  : 7731199000003 nsecs
  .idle_sleeptime : 7700000000004 nsecs
  .iowait_sleeptime: 184955405 nsecs
  .last_jiffies   : 4296888614
  .next_timer     : 7731300000000
  .idle_expires   : 7731300000005 nsecs
jiffies: 4296888615

Tick Device: mode:     1
Broadcast device
Clock Event Device: <NULL>
tick_broadcast_mask: 0
tick_broadcast_oneshot_mask: 0

Tick Device: mode:     1
Per CPU device: 0
Clock Event Device: lapic-deadline
 max_delta_ns:   1101273695516
 min_delta_ns:   1000
 mult:           8388608
 shift:          25
 mode:           3
 next_event:     7731208000000 nsecs
 set_next_event: lapic_next_deadline
 shutdown:       lapic_timer_shutdown
 event_handler:  hrtimer_interrupt

 retries:        35
Wakeup Device: <NULL>

"""
CPU0 = TimerCpu(
    0,
    [TimerClock(0, 2, 1, 0), TimerClock(1, 0, 1, 1768299000123456789)],
    TickDevice(
        "oneshot", "lapic-deadline", "oneshot", min_delta_ns=1000, max_delta_ns=1101273695516, mult=8388608, shift=25,
        next_event_ns=7731208000000, retries=35,
    ),
    expires_next_ns=7731208000000,
    hres_active=True,
    events=90440,
    retries=9,
    hangs=2,
    max_hang_time_ns=18022,
    nohz=True,
    highres=False,
    last_tick_ns=7731200000000,
    tick_stopped=True,
    idle_jiffies=4296888557,
    idle_calls=153862,
    idle_sleeps=103356,
    idle_entrytime_ns=7731201000001,
    idle_waketime_ns=7731199000002,
    idle_exittime_ns=7731199000003,
    idle_sleeptime_ns=7700000000004,
    iowait_sleeptime_ns=184955405,
    last_jiffies=4296888614,
    next_timer_ns=7731300000000,
    idle_expires_ns=7731300000005,
    jiffies=4296888615,
)  # fmt: skip

OLD = """\
Timer List Version: v0.8
HRTIMER_MAX_CLOCK_BASES: 8
now at 12 nsecs

cpu: 3
 clock 0:
  .base:               (ptrval)
  .index:      0
  .resolution: 1 nsecs
  .get_time:   ktime_get
  .offset:     0 nsecs
active timers:
  .expires_next   : 9223372036854775807 nsecs
  .nohz_mode      : 2
  .tick_stopped   : 0
  .next_timer     : 9223372036854775807
jiffies: 4294892296

Tick Device: mode:     0
Broadcast device
Clock Event Device: hpet
 max_delta_ns:   149983003520
 min_delta_ns:   13409
 mult:           61496111
 shift:          32
 mode:           1
 next_event:     9223372036854775807 nsecs
 set_next_event: hpet_legacy_next_event
 event_handler:  tick_handle_oneshot_broadcast
 retries:        0

"""

CASES = [
    pytest.param(NEW, TimerList("v0.10", 7731204511873, [CPU0], TickDevice("oneshot")), id="kernel 6.18"),
    pytest.param(
        OLD,
        TimerList(
            "v0.8",
            12,
            [TimerCpu(3, [TimerClock(0, 0, 1, 0)], nohz_mode=2, tick_stopped=False, jiffies=4294892296)],
            TickDevice("periodic", "hpet", "shutdown", 13409, 149983003520, 61496111, 32, None, 0),
        ),
        id="nothing due, kernel 4.18",
    ),
    pytest.param(
        "Timer List Version: v9\x1b\nnow at 5 nsecs\ncpu: 1\n clock 0:\n  .news: 1 nsecs\n"
        "Tick Device: mode: 7\nPer CPU device: 1\nClock Event Device: a\x1bb\n mode: 9\n",
        TimerList("v9\\x1b", 5, [TimerCpu(1, [TimerClock(0, 0)], TickDevice("7", "a\\x1bb", "9"))]),
        id="words and states of a kernel to come",
    ),
    pytest.param("now at 5 nsecs\n", TimerList(None, 5, []), id="no CPUs"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_timer_list(text: str, expected: TimerList) -> None:
    assert parse(TIMER_LIST, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now at\n",
        "now at x nsecs\n",
        "now at 5 nsecs\ncpu: x\n",
        "now at 5 nsecs\ncpu: 0\n clock 0:\n  .offset:     18446744073709551616 nsecs\n",
        "now at 5 nsecs\ncpu: 0\n  .nr_events      :\n",
        "now at 5 nsecs\nTick Device: mode: x\n",
    ],
)
def test_malformed(text: str) -> None:
    assert spoiled(TIMER_LIST, text)


def in_pieces(data: bytes, size: int) -> TimerList:
    """What is understood of a list that the kernel hands out so many bytes at a time."""
    steps = TIMER_LIST.steps(Reading(HOST))
    try:
        [request] = next(steps)
        while True:
            assert isinstance(request, Piece)
            [request] = steps.send([data[request.offset : request.offset + size]])
    except StopIteration as stop:
        found: TimerList = stop.value
        return found


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_in_pieces_of_any_size(size: int) -> None:
    assert in_pieces(NEW.encode(), size) == TimerList("v0.10", 7731204511873, [CPU0], TickDevice("oneshot"))


def test_only_root_may_read_it() -> None:
    steps = TIMER_LIST.steps(Reading(HOST))
    next(steps)
    with pytest.raises(Unreadable, match="denied"):
        steps.send([Failure(Reason.DENIED, "/proc/timer_list", "EACCES")])
