import pytest

from procpulse.sources.proc.pid_fd import PID_FD, FileDescriptor, PidFd
from tests.cases import folder

PATH = "/proc/4242"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        pytest.param(
            {
                "fd/": ["0", "10", "3"], "fd/0@": "/dev/pts/1", "fd/3@": "socket:[18234]",
                "fd/10@": "/srv/a b.log (deleted)",
            },
            PidFd(
                3,
                [
                    FileDescriptor(0, "/dev/pts/1"), FileDescriptor(3, "socket:[18234]"),
                    FileDescriptor(10, "/srv/a b.log (deleted)"),
                ],
            ),
            id="in the order of numbers",
        ),
        pytest.param({"fd/": []}, PidFd(0, []), id="none"),
        pytest.param(
            {"fd/": ["0", "1"], "fd/1@": "pipe:[5]"},
            PidFd(2, [FileDescriptor(0), FileDescriptor(1, "pipe:[5]")]),
            id="one that was closed meanwhile",
        ),
        pytest.param(
            {"fd/": ["7", "x", "\u0663"], "fd/7@": b"/tmp/\x1b[2J\xff\xe2\x80\xae"},
            PidFd(1, [FileDescriptor(7, "/tmp/\\x1b[2J\\xff\\u202e")]),
            id="a hostile target, and names that are no descriptors",
        ),
    ],
)  # fmt: skip
def test_pid_fd(entries: dict[str, str | bytes | list[str]], expected: PidFd) -> None:
    assert PID_FD.parse(folder(PATH, entries)) == expected


def test_not_allowed() -> None:
    with pytest.raises(ValueError, match="no directory"):
        PID_FD.parse(folder(PATH, {}))
