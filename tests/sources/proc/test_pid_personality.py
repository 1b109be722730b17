import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_personality import PID_PERSONALITY, PidPersonality
from tests.cases import parse

CASES = [
    pytest.param("00000000\n", PidPersonality(0), id="the usual"),
    pytest.param("00040000\n", PidPersonality(0x40000), id="no address randomisation"),
    pytest.param("ffffffff\n", PidPersonality(0xFFFFFFFF), id="all bits"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_personality(text: str, expected: PidPersonality) -> None:
    assert parse(PID_PERSONALITY, text) == expected


@pytest.mark.parametrize("text", ["", "000400", "none\n"], ids=["empty", "cut short", "no number"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_PERSONALITY, text)
