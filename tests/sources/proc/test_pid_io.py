import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_io import PID_IO, PidIo
from tests.cases import parse

TEXT = (
    "rchar: 750339\nwchar: 818609\nsyscr: 7405\nsyscw: 5245\n"
    "read_bytes: 1024\nwrite_bytes: 2048\ncancelled_write_bytes: 18446744073709551615\n"
)
EXPECTED = PidIo(
    rchar_bytes=750339, wchar_bytes=818609, read_syscalls=7405, write_syscalls=5245, read_bytes=1024,
    written_bytes=2048, cancelled_written_bytes=18446744073709551615,
)  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [TEXT, TEXT + "new_bytes: 5\n", "\n".join(reversed(TEXT.splitlines())) + "\n"],
    ids=["seven rows", "a row of a kernel to come", "another order"],
)
def test_pid_io(text: str) -> None:
    assert parse(PID_IO, text) == EXPECTED


@pytest.mark.parametrize(
    "text",
    ["", TEXT[:-1], TEXT.replace("1024", "x"), TEXT.replace("1024", "18446744073709551616"), TEXT.replace("1024", "")],
    ids=["empty", "cut", "no number", "over 64 bits", "no value"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_IO, text)
