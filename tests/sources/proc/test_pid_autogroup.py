import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_autogroup import PID_AUTOGROUP, PidAutogroup
from tests.cases import parse

CASES = [
    pytest.param("/autogroup-118 nice 0\n", PidAutogroup(118, 0), id="a session"),
    pytest.param("/autogroup-7 nice -20\n", PidAutogroup(7, -20), id="a favoured one"),
    pytest.param("", None, id="in no such group"),
    pytest.param("/autogroup-118 nice 1", None, id="cut short: the line is none"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_autogroup(text: str, expected: PidAutogroup | None) -> None:
    assert parse(PID_AUTOGROUP, text) == expected


@pytest.mark.parametrize(
    "text",
    ["autogroup\n", "/autogroup-x nice 0\n", "/autogroup-1 nice\n", "/autogroup-99999999999999999999 nice 0\n"],
    ids=["another word", "no number", "no nice value", "over 64 bits"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_AUTOGROUP, text)
