import pytest

from procpulse.sources.proc.pid_root import PID_ROOT, PidRoot
from tests.cases import folder

CASES = [
    pytest.param(b"/", PidRoot("/"), id="the usual root"),
    pytest.param(b"/srv/jail", PidRoot("/srv/jail"), id="after chroot"),
]


@pytest.mark.parametrize(("target", "expected"), CASES)
def test_root(target: bytes, expected: PidRoot) -> None:
    assert PID_ROOT.parse(folder("/proc/7", {"root@": target})) == expected


def test_malformed() -> None:
    with pytest.raises(ValueError, match="nothing"):
        PID_ROOT.parse(folder("/proc/7", {"root@": b""}))
