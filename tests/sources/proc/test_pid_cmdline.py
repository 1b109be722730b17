import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_cmdline import PID_CMDLINE, PidCmdline
from tests.cases import HOST, parse


def stat(start: int, end: int) -> bytes:
    """A `stat` whose arguments are between these addresses (columns 48 and 49)."""
    return b"7 (a) b) S " + b"0 " * 44 + b"%d %d 0 0 0\n" % (start, end)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"vim\0test.go\0+10\0", PidCmdline(["vim", "test.go", "+10"]), id="arguments"),
        pytest.param(b"", PidCmdline([]), id="a kernel thread or a zombie"),
        pytest.param(b"sh\0-c\0\0x y\n\0", PidCmdline(["sh", "-c", "", "x y\\x0a"]), id="an empty one in the middle"),
        pytest.param(b"nginx: worker process\0\0\0\0\0", PidCmdline(["nginx: worker process"]), id="padded"),
        pytest.param(b"nginx: master", PidCmdline(["nginx: master"], rewritten=True), id="written over"),
        pytest.param(b"a\0--\x1b[2J\xe2\x80\xae\xff\0", PidCmdline(["a", "--\\x1b[2J\\u202e\\xff"]), id="hostile"),
        pytest.param(b"(sd-pam)\0\0\0", PidCmdline(["(sd-pam)"]), id="padded, without a blank"),
        pytest.param(b"\0", PidCmdline([""]), id="one empty argument"),
        pytest.param(b"\0\0", PidCmdline(["", ""]), id="two empty arguments"),
        pytest.param(b"tail\0-f\0\0", PidCmdline(["tail", "-f", ""]), id="an empty one at the end"),
        pytest.param(b"tail\0\0\0\0", PidCmdline(["tail", "", "", ""]), id="several empty ones at the end"),
        pytest.param(b"a b\0c d\0\0", PidCmdline(["a b", "c d", ""]), id="an empty one after blanks"),
        pytest.param(
            b"b\0" * 2047 + b"\0\0\0", PidCmdline([*["b"] * 2047, "", ""], truncated=True), id="cut in empty ones"
        ),
        pytest.param(b"a" * 4096, PidCmdline(["a" * 4096], rewritten=True), id="4,096 bytes"),
        pytest.param(b"a\0" * 2048, PidCmdline(["a"] * 2048), id="4,096 bytes of short ones"),
        pytest.param(b"b\0" + b"a" * 4095, PidCmdline(["b", "a" * 4094], truncated=True), id="more than that"),
    ],
)
def test_pid_cmdline(data: bytes, expected: PidCmdline) -> None:
    assert parse(PID_CMDLINE, data) == expected


@pytest.mark.parametrize(
    ("data", "line", "expected"),
    [
        pytest.param(b"a\0b\0", stat(100, 104), PidCmdline(["a", "b"]), id="all of it"),
        pytest.param(b"title PASS=x\0", stat(100, 105), PidCmdline(["title"], rewritten=True), id="its environment"),
        pytest.param(b"a\0b\0", stat(0, 0), PidCmdline(["a", "b"]), id="hidden from us"),
        pytest.param(b"a\0b\0", stat(104, 100), PidCmdline(["a", "b"]), id="the wrong way round"),
        pytest.param(b"a\0b\0", b"7 (a) S 1 2\n", PidCmdline(["a", "b"]), id="a short stat"),
    ],
)
def test_length_after_stat(data: bytes, line: bytes, expected: PidCmdline) -> None:
    assert PID_CMDLINE.understand(data, HOST, line) == expected


def test_malformed() -> None:
    with pytest.raises(Malformed):
        PID_CMDLINE.understand(b"a\0", HOST, stat(1, 2).replace(b" 1 2 ", b" x 2 "))
