import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_oom_score import PID_OOM_SCORE, PidOomScore
from tests.cases import parse

CASES = [
    pytest.param("666\n", PidOomScore(666), id="the usual, kernel 6.18"),
    pytest.param("0\n", PidOomScore(0), id="never"),
    pytest.param("1999\n", PidOomScore(1999), id="first"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_oom_score(text: str, expected: PidOomScore) -> None:
    assert parse(PID_OOM_SCORE, text) == expected


@pytest.mark.parametrize("text", ["", "66", "x\n", "1 2\n"], ids=["empty", "cut short", "no number", "two numbers"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_OOM_SCORE, text)
