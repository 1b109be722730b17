import pytest

from procpulse.sources.proc.pid_cwd import PID_CWD, PidCwd
from tests.cases import folder

CASES = [
    pytest.param(b"/home/ada", PidCwd("/home/ada"), id="a directory"),
    pytest.param(b"/tmp/x (deleted)", PidCwd("/tmp/x", True), id="a directory that was removed"),
    pytest.param(b"(unreachable)/x", PidCwd("(unreachable)/x"), id="a directory outside its root"),
]


@pytest.mark.parametrize(("target", "expected"), CASES)
def test_cwd(target: bytes, expected: PidCwd) -> None:
    assert PID_CWD.parse(folder("/proc/7", {"cwd@": target})) == expected


def test_malformed() -> None:
    with pytest.raises(ValueError, match="nothing"):
        PID_CWD.parse(folder("/proc/7", {"cwd@": b""}))
