import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_oom_score_adj import PID_OOM_SCORE_ADJ, PidOomScoreAdj
from tests.cases import parse

CASES = [
    pytest.param("0\n", PidOomScoreAdj(0), id="as it is"),
    pytest.param("-1000\n", PidOomScoreAdj(-1000), id="never"),
    pytest.param("1000\n", PidOomScoreAdj(1000), id="first"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_oom_score_adj(text: str, expected: PidOomScoreAdj) -> None:
    assert parse(PID_OOM_SCORE_ADJ, text) == expected


@pytest.mark.parametrize("text", ["", "-100", "-\n", "0x10\n"], ids=["empty", "cut short", "a sign", "hexadecimal"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_OOM_SCORE_ADJ, text)
