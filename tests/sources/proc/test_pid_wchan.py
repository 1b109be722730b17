import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_wchan import PID_WCHAN, PidWchan
from tests.cases import parse

CASES = [
    pytest.param("poll_schedule_timeout", PidWchan("poll_schedule_timeout"), id="it waits; the file has no newline"),
    pytest.param("do_poll.constprop.0\n", PidWchan("do_poll.constprop.0"), id="with a newline"),
    pytest.param("0", PidWchan(None), id="it runs, or is hidden"),
    pytest.param(b"a\xff", PidWchan("a\\xff"), id="no text"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_wchan(text: str | bytes, expected: PidWchan) -> None:
    assert parse(PID_WCHAN, text) == expected


def test_malformed() -> None:
    with pytest.raises(Malformed):
        parse(PID_WCHAN, "")
