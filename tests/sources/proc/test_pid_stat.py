import msgspec
import pytest

from procpulse.source import Host, Malformed
from procpulse.sources.proc.pid_stat import PID_STAT, PidStat
from tests.cases import HOST, parse

# The columns after the state, as proc(5) numbers them: each holds its own number.
COLUMNS = " ".join(str(column) for column in range(4, 53))
EXPECTED = PidStat(
    26231, "vim", "R", ppid=4, pgrp=5, session=6, tty_nr=7, tpgid=8, flags=9, minor_faults=10, child_minor_faults=11,
    major_faults=12, child_major_faults=13, user_ticks=14, system_ticks=15, child_user_ticks=16,
    child_system_ticks=17, priority=18, nice=19, num_threads=20, start_ticks=22, vsize_bytes=23, rss_bytes=24 * 4096,
    rss_limit_bytes=25, exit_signal=38, processor=39, rt_priority=40, policy=41, delayacct_blkio_ticks=42,
    guest_ticks=43, child_guest_ticks=44,
)  # fmt: skip


def named(comm: str) -> PidStat:
    return msgspec.structs.replace(EXPECTED, comm=comm)


CASES = [
    pytest.param(f"26231 (vim) R {COLUMNS}\n", EXPECTED, id="52 columns"),
    pytest.param(f"26231 (vim) R {COLUMNS} 53 54\n", EXPECTED, id="columns of a kernel to come"),
    pytest.param(
        "1 (systemd) S 0 1 1 0 -1 4194560 28417 2950713 96 1842 312 845 90517 41288 20 0 1 0 4 23076864 3584"
        " 18446744073709551615 1 1 0 0 0 0 671173123 4096 1260 0 0 0 17 5 0 0 118 0 0 0 0 0 0 0 0 0 0\n",
        PidStat(
            1, "systemd", "S", 0, 1, 1, 0, -1, 4194560, 28417, 2950713, 96, 1842, 312, 845, 90517, 41288, 20, 0, 1, 4,
            23076864, 14680064, 18446744073709551615, 17, 5, 0, 0, 118, 0, 0,
        ),
        id="no terminal, no limit of memory",
    ),
    pytest.param(
        "26231 (vim) Z 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 0 0 18446744073709551615\n",
        PidStat(
            26231, "vim", "Z", 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 22, 0, 0,
            18446744073709551615,
        ),
        id="the columns of long ago",
    ),
    pytest.param(f"26231 (a) R 1 (b) R {COLUMNS}\n", named("a) R 1 (b"), id="a name that looks like the rest"),
    pytest.param(f"26231 (two\nlines) R {COLUMNS}\n", named("two\\x0alines"), id="a name of two lines"),
    pytest.param(f"26231 () R {COLUMNS}\n", named(""), id="no name"),
    pytest.param(f"26231 ( )) R {COLUMNS}\n", named(" )"), id="a name of a blank and a parenthesis"),
    pytest.param(
        b"26231 (\xff\x1b[2J\xe2\x80\xae\xf0\x9f) R " + COLUMNS.encode() + b"\n",
        named("\\xff\\x1b[2J\\u202e\\xf0\\x9f"),
        id="a hostile name, cut inside a character",
    ),
    pytest.param(f"26231 (v\\x1bim) R {COLUMNS}\n", named("v\\x5cx1bim"), id="a name that looks escaped"),
    pytest.param(f"26231 (vim) R {COLUMNS}\nmore lines: 7\n", EXPECTED, id="lines after it"),
    pytest.param(f"26231 (vim) R  {COLUMNS.replace(' ', '  ')} \n", EXPECTED, id="odd blanks"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_pid_stat(text: str | bytes, expected: PidStat) -> None:
    assert parse(PID_STAT, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "26231 vim R 4 5 6\n",
        f"x (vim) R {COLUMNS}\n",
        "26231 (vim) R 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24\n",
        f"26231 (vim) R {COLUMNS.replace('14', 'x')}\n",
        f"26231 (vim) R {COLUMNS.replace('14', '1.5')}\n",
        f"26231 (vim) R {COLUMNS.replace('14', '18446744073709551616')}\n",
        f"26231 (vim) R {COLUMNS.replace('14', '-9223372036854775809')}\n",
        f"18446744073709551616 (vim) R {COLUMNS}\n",
        f"26231 (vim) R {COLUMNS}",
        "26231 (vim)\n",
        ") ( \n",
    ],
    ids=[
        "empty", "no parentheses", "no pid", "a column short", "no number", "a fraction", "over 64 bits",
        "far below 0", "a pid over 64 bits", "cut", "nothing after the name", "parentheses the wrong way round",
    ],
)  # fmt: skip
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_STAT, text)


def test_pages_of_64_kb() -> None:
    host = msgspec.structs.replace(HOST, page_size=65536)
    assert parse(PID_STAT, f"26231 (vim) R {COLUMNS}\n", host) == msgspec.structs.replace(
        EXPECTED, rss_bytes=24 * 65536
    )


def test_what_follows_from_it() -> None:
    assert EXPECTED.cpu_ticks == 29
    assert not EXPECTED.kernel_thread
    assert msgspec.structs.replace(EXPECTED, flags=2129984).kernel_thread
    assert EXPECTED.start_time(HOST) == 1_700_000_000.22
    assert EXPECTED.start_time(Host(boot_time=10, ticks_per_second=1)) == 32
    assert EXPECTED.start_time(Host()) is None
