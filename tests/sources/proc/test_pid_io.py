import msgspec
import pytest

from procpulse.source import Malformed, salvage
from procpulse.sources.proc.pid_io import PID_IO, PidIo
from tests.cases import HOST, parse

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


@pytest.mark.parametrize("nth", range(7), ids=PidIo.__struct_fields__)
def test_one_missing_row_costs_itself_only(nth: int) -> None:
    """gVisor writes `char` where Linux has `rchar`."""
    rows = TEXT.splitlines(keepends=True)
    expected = msgspec.structs.replace(EXPECTED, **{PidIo.__struct_fields__[nth]: None})
    assert parse(PID_IO, "".join(rows[:nth] + rows[nth + 1 :])) == expected
    assert parse(PID_IO, "".join([*rows[:nth], rows[nth][1:], *rows[nth + 1 :]])) == expected


@pytest.mark.parametrize("wrong", ["x", "1180591620717411303424", ""], ids=["no number", "over 64 bits", "no value"])
def test_one_wrong_row_costs_itself_only(wrong: str) -> None:
    data = TEXT.replace("1024", wrong).encode()
    assert salvage(lambda rows: PID_IO.understand(rows, HOST), data, 0) == (
        msgspec.structs.replace(EXPECTED, read_bytes=None),
        1,
    )


@pytest.mark.parametrize("text", ["", "\n", "other: 4\n"], ids=["empty", "blank", "no rows"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_IO, text)
