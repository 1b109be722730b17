import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_schedstat import PID_SCHEDSTAT, PidSchedstat
from tests.cases import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "411605849 93680043 79\n", PidSchedstat(run_ns=411605849, wait_ns=93680043, timeslices=79), id="usual"
        ),
        pytest.param("0 0 0\n", PidSchedstat(0, 0, 0), id="a kernel that does not account for it"),
        pytest.param(
            "18446744073709551615 1 2 3\n", PidSchedstat(18446744073709551615, 1, 2), id="huge, a column more"
        ),
    ],
)
def test_pid_schedstat(text: str, expected: PidSchedstat) -> None:
    assert parse(PID_SCHEDSTAT, text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "1 2\n", "1 2 x\n", "18446744073709551616 1 2\n", "1 2 3"],
    ids=["empty", "short", "word", "huge", "cut"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_SCHEDSTAT, text)
