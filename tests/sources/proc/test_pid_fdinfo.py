import pytest

from procpulse.sources.proc.pid_fdinfo import PID_FDINFO, FdInfo, InotifyWatch, PidFdinfo
from tests.cases import folder

CASES = [
    pytest.param(
        "pos:\t1024\nflags:\t0100002\nmnt_id:\t28\n",
        FdInfo(3, 1024, "0100002", 28),
        id="a file, before inodes, kernel 5.13",
    ),
    pytest.param(
        "pos:\t0\nflags:\t02100001\nmnt_id:\t28\nino:\t134221\n"
        "lock:\t1: POSIX  ADVISORY  WRITE 4242 fd:02:134221 0 EOF\nlock:\t2: FLOCK  ADVISORY  WRITE 4242 fd:02:134221 0 EOF\n",
        FdInfo(3, 0, "02100001", 28, 134221, locks=2),
        id="a locked file, kernel 6.18",
    ),
    pytest.param(
        "pos:\t0\nflags:\t02004000\nmnt_id:\t15\nino:\t61\n"
        "inotify wd:1f ino:140311 sdev:fd00002 mask:3c6 ignored_mask:0 fhandle-bytes:8 fhandle-type:1 f_handle:11031400\n"
        "inotify wd:1 ino:ffffffffffffffff sdev:1a mask:800afce ignored_mask:0 \n",
        FdInfo(
            3, 0, "02004000", 15, 61,
            inotify=[
                InotifyWatch(31, 0x140311, 253 << 20 | 2, 0x3C6),
                InotifyWatch(1, 18446744073709551615, 26, 0x800AFCE),
            ],
        ),
        id="inotify: all in hexadecimal",
    ),
    pytest.param(
        "pos:\t0\nflags:\t02\nmnt_id:\t16\nfanotify flags:4 event-flags:8000\n"
        "fanotify mnt_id:136 mflags:0 mask:3b ignored_mask:40000000\nfanotify ino:1141 sdev:21 mflags:0 mask:2 ignored_mask:0\n"
        "fanotify sdev:21 mflags:0 mask:2 ignored_mask:0\n",
        FdInfo(3, 0, "02", 16, fanotify_marks=3),
        id="fanotify: its first line is no mark",
    ),
    pytest.param(
        "pos:\t0\nflags:\t02\nmnt_id:\t16\neventfd-count:              12c\neventfd-id: 1\neventfd-semaphore: 0\n",
        FdInfo(3, 0, "02", 16, eventfd_count=300),
        id="eventfd",
    ),
    pytest.param(
        "pos:\t0\nflags:\t02\nmnt_id:\t16\n"
        "tfd:        4 events:       19 data:     7fd600000004  pos:0 ino:40e sdev:10\n"
        "tfd:       10 events: 8000001b data:               10  pos:0 ino:4e96 sdev:8\n",
        FdInfo(3, 0, "02", 16, epoll_targets=2),
        id="epoll",
    ),
    pytest.param(
        "pos:\t0\nflags:\t02\nmnt_id:\t16\nclockid: 1\nticks: 7\nsettime flags: 01\n"
        "it_value: (3, 204417118)\nit_interval: (5, 0)\n",
        FdInfo(
            3, 0, "02", 16, timer_clock_id=1, timer_expirations=7, timer_remaining_ns=3_204_417_118,
            timer_interval_ns=5_000_000_000,
        ),
        id="timerfd",
    ),
    pytest.param(
        "pos:\t0\nflags:\t02\nmnt_id:\t16\nsigmask:\tfffffffe7ffbfeff\n",
        FdInfo(3, 0, "02", 16, signal_mask=0xFFFFFFFE7FFBFEFF),
        id="signalfd",
    ),
    pytest.param(
        "pos:\t0\nflags:\t02\nmnt_id:\t16\nPid:\t-1\nNSpid:\t-1\n",
        FdInfo(3, 0, "02", 16, pid=-1),
        id="pidfd of a process that is gone",
    ),
    pytest.param(
        "pos:\t9223372036854775807\nflags:\t0\nname:\ta\npos:\t5\nflags:\t0777\n",
        FdInfo(3, 9223372036854775807, "0"),
        id="what a driver appends replaces nothing",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_fdinfo(text: str, expected: FdInfo) -> None:
    assert PID_FDINFO.parse(folder("/proc/7", {"fdinfo/": ["3"], "fdinfo/3": text})) == PidFdinfo([expected])


def test_files_come_in_order_and_watches_are_counted() -> None:
    watch = "pos:\t0\nflags:\t0\ninotify wd:1 ino:1 sdev:1 mask:1 ignored_mask:0\n"
    entries = {
        "fdinfo/": ["10", "9", "100"],
        "fdinfo/10": watch,
        "fdinfo/9": "pos:\t0\nflags:\t0\n",
        "fdinfo/100": watch,
    }
    found = PID_FDINFO.parse(folder("/proc/7", entries))
    assert found is not None
    assert [file.fd for file in found.files] == [9, 10, 100]
    assert found.inotify_watches == 2


def test_no_open_files() -> None:
    assert PID_FDINFO.parse(folder("/proc/7", {"fdinfo/": []})) == PidFdinfo([])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("flags:\t02100000\n", FdInfo(3, None, "02100000"), id="flags alone, as in gVisor"),
        pytest.param("pos:\t7\n", FdInfo(3, 7, None), id="no flags"),
        pytest.param("mnt_id:\t16\n", FdInfo(3, None, None, 16), id="the mount alone"),
        pytest.param("eventfd-count: a\n", FdInfo(3, None, None, eventfd_count=10), id="the count of an eventfd alone"),
        pytest.param("sigmask:\t" + "0" * 28 + "4002\n", FdInfo(3, None, None, signal_mask=0x4002), id="128 signals"),
        pytest.param("pos:\t1\nsigmask:\t4" + "0" * 31 + "\n", FdInfo(3, 1, None), id="one of the higher signals"),
    ],
)
def test_a_missing_row_costs_itself_only(text: str, expected: FdInfo) -> None:
    this = folder("/proc/7", {"fdinfo/": ["3"], "fdinfo/3": text})
    assert PID_FDINFO.parse(this) == PidFdinfo([expected])
    assert this.failures() == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("pos:\tx\nflags:\t0\n", FdInfo(3, None, "0"), id="no number"),
        pytest.param("pos:\t1180591620717411303424\nflags:\t0\n", FdInfo(3, None, "0"), id="over 64 bits"),
        pytest.param("pos:\t0\nflags:\t0\ninotify wd:x\n", FdInfo(3, 0, "0"), id="no watch"),
        pytest.param("pos:\t0\nflags:\t0\nsigmask:\t-1\n", FdInfo(3, 0, "0"), id="no mask"),
        pytest.param("pos:\t0\nflags:\t0\nit_value: (-1, 0)\n", FdInfo(3, 0, "0"), id="no time"),
        pytest.param("garbage\n", None, id="no row"),
    ],
)
def test_garbage_costs_its_own_row(text: str, expected: FdInfo | None) -> None:
    this = folder("/proc/7", {"fdinfo/": ["3", "4"], "fdinfo/3": text, "fdinfo/4": "pos:\t0\nflags:\t0\n"})
    assert PID_FDINFO.parse(this) == PidFdinfo([row for row in (expected, FdInfo(4, 0, "0")) if row])
    assert list(this.failures()) == ["fdinfo/3"]


@pytest.mark.parametrize("flags", ["08", "", "-2", "0o2", "2 2"])
def test_flags_that_are_not_octal_cost_themselves_only(flags: str) -> None:
    this = folder("/proc/7", {"fdinfo/": ["3"], "fdinfo/3": f"pos:\t5\nflags:\t{flags}\nmnt_id:\t28\nino:\t61\n"})
    assert PID_FDINFO.parse(this) == PidFdinfo([FdInfo(3, 5, None, 28, 61)])
    assert list(this.failures()) == ["fdinfo/3"]
