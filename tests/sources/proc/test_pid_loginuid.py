import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_loginuid import PID_LOGINUID, PidLoginuid
from tests.cases import parse

CASES = [
    pytest.param("1000", PidLoginuid(1000), id="a user; the file has no newline"),
    pytest.param("0", PidLoginuid(0), id="root logged in"),
    pytest.param("4294967295", PidLoginuid(None), id="no login started it"),
    pytest.param("1000\n", PidLoginuid(1000), id="with a newline"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_loginuid(text: str, expected: PidLoginuid) -> None:
    assert parse(PID_LOGINUID, text) == expected


@pytest.mark.parametrize("text", ["", "root", "1 2"], ids=["empty", "a name", "two numbers"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_LOGINUID, text)
