import pytest

from procpulse.process import Part
from procpulse.sources.proc.pid_environ import CAP, PID_ENVIRON, PidEnviron
from tests.cases import parse

CASES = [
    pytest.param(b"HOME=/root\0TERM=xterm\0", PidEnviron(["HOME=/root", "TERM=xterm"]), id="two variables"),
    pytest.param(b"A=1\0B=2", PidEnviron(["A=1", "B=2"]), id="the process wrote over the last NUL"),
    pytest.param(b"A=\0\0\0B=x=y\0", PidEnviron(["A=", "B=x=y"]), id="empty, cleared, and with an equals sign"),
    pytest.param(b"A=\x1b[2J\xff\n\0", PidEnviron(["A=\\x1b[2J\\xff\\x0a"]), id="a hostile value"),
    pytest.param(b"", PidEnviron([]), id="cleared with clearenv"),
    pytest.param(b"A=" + b"x" * CAP, PidEnviron(["A=" + "x" * (CAP - 2)], truncated=True), id="longer than is kept"),
]


@pytest.mark.parametrize(("data", "expected"), CASES)
def test_environ(data: bytes, expected: PidEnviron) -> None:
    assert parse(PID_ENVIRON, data) == expected


def test_it_is_a_secret_and_slow() -> None:
    part: Part[PidEnviron] = PID_ENVIRON
    assert part.secret
    assert part.slow
    assert part.clip
