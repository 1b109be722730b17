import pytest

from procpulse.sources.proc.pid_timers import PID_TIMERS, PidTimers, PosixTimer
from tests.cases import parse, spoiled

ONE = "ID: 0\nsignal: 60/00007fff86e452a8\nnotify: signal/tid.2634\nClockID: 1\n"
CASES = [
    pytest.param(ONE, [PosixTimer(0, 60, "signal", "tid", 2634, 1)], id="a timer of one thread"),
    pytest.param(
        ONE + "ID: 12\nsignal: 0/          (null)\nnotify: none/pid.2634\nClockID: -21078\n",
        [PosixTimer(0, 60, "signal", "tid", 2634, 1), PosixTimer(12, 0, "none", "pid", 2634, -21078)],
        id="one that tells nobody, of a CPU clock, before kernel 4.15",
    ),
    pytest.param("", [], id="no timers"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_timers(text: str, expected: list[PosixTimer]) -> None:
    assert parse(PID_TIMERS, text) == PidTimers(expected)


def test_no_address_is_kept() -> None:
    assert "86e452a8" not in repr(parse(PID_TIMERS, ONE))


@pytest.mark.parametrize(
    "text",
    [
        "ID: x\n" + ONE,
        ONE.replace("tid.2634", "tid"),
        ONE.replace("ID: 0", "ID: 18446744073709551616"),
    ],
    ids=["no number", "nobody to tell", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    assert spoiled(PID_TIMERS, text)
