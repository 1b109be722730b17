import pytest

from procpulse.sources.proc.pid_exe import PID_EXE, PidExe
from tests.cases import folder

CASES = [
    pytest.param(b"/usr/bin/vim", PidExe("/usr/bin/vim"), id="a program"),
    pytest.param(b"/usr/bin/vim (deleted)", PidExe("/usr/bin/vim", True), id="a program that was upgraded"),
    pytest.param(b"/memfd:x (deleted)", PidExe("/memfd:x", True), id="a program that never had a file"),
    pytest.param(b"/tmp/a\x1b\n ", PidExe("/tmp/a\\x1b\\x0a "), id="a hostile name, its last blank kept"),
]


@pytest.mark.parametrize(("target", "expected"), CASES)
def test_exe(target: bytes, expected: PidExe) -> None:
    assert PID_EXE.parse(folder("/proc/7", {"exe@": target})) == expected


def test_malformed() -> None:
    with pytest.raises(ValueError, match="nothing"):
        PID_EXE.parse(folder("/proc/7", {"exe@": b""}))
