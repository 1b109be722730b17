import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_comm import PID_COMM, PidComm
from tests.cases import parse


@pytest.mark.parametrize(
    ("data", "comm"),
    [
        (b"vim\n", "vim"),
        (b"\n", ""),
        (b" kworker/0:1 \n", " kworker/0:1 "),
        (b"two\nlines\n", "two\\x0alines"),
        (b"\x1b]0;owned\x07\n", "\\x1b]0;owned\\x07"),
        (b"na\xc3\xafve\xf0\x9f\n", "na\u00efve\\xf0\\x9f"),
        (b"a\\x1bb\n", "a\\x5cx1bb"),
    ],
    ids=["a name", "none", "blanks", "two lines", "a terminal escape", "cut inside a character", "looks escaped"],
)
def test_pid_comm(data: bytes, comm: str) -> None:
    assert parse(PID_COMM, data) == PidComm(comm)


@pytest.mark.parametrize("data", [b"", b"vim"], ids=["empty", "cut"])
def test_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        parse(PID_COMM, data)
