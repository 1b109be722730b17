"""Files that fail, lie, never end or come in pieces (F12, F17, F18, F19, F27, F34, F40): the reason, and only that field.

On FUSE for what a file can do; with strace for what any system call of the real /proc can do.
"""

import errno
from pathlib import Path
from typing import Any

import pytest

from procpulse import Reason, Roots, Sampler, Snapshot
from procpulse.sources import CLASS_THERMAL, LOADAVG, MEMINFO, STAT
from tests.conftest import program
from tests.faults.fuse import mounted
from tests.faults.making import child, needs_fuse

pytestmark = pytest.mark.root

LINE = "0.20 0.18 0.12 1/80 11206\n"
FINE: dict[str, dict[str, Any]] = {"proc/loadavg": {"data": LINE}}


def sampled(tree: Path, files: dict[str, dict[str, Any]], sources: list[Any]) -> Snapshot:
    needs_fuse()
    with mounted(tree, FINE | files):
        sampler = Sampler(sources, roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys")))
        snap = sampler.sample_sync()
        sampler.close()
    return snap


@pytest.mark.parametrize("moment", ["open", "read"])
@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("EIO", Reason.UNSUPPORTED),
        ("EINVAL", Reason.UNSUPPORTED),
        ("ENODATA", Reason.UNSUPPORTED),
        ("EAGAIN", Reason.UNSUPPORTED),
        ("EBUSY", Reason.UNSUPPORTED),
        ("ESTALE", Reason.UNSUPPORTED),
        ("ETIMEDOUT", Reason.UNSUPPORTED),
        ("EOPNOTSUPP", Reason.UNSUPPORTED),
        ("ENXIO", Reason.MISSING),
        ("ENODEV", Reason.MISSING),
        ("ESRCH", Reason.MISSING),
        ("EACCES", Reason.DENIED),
        ("EPERM", Reason.DENIED),
        ("ENOMEM", Reason.EXHAUSTED),
    ],
)
def test_an_errno_costs_its_own_source(tmp_path: Path, moment: str, code: str, reason: Reason) -> None:
    snap = sampled(tmp_path / "fuse", {"proc/meminfo": {moment: code}}, [MEMINFO, LOADAVG])
    failure = snap.failures["meminfo"]
    assert (failure.reason, getattr(errno, failure.detail)) == (reason, getattr(errno, code))
    assert snap[LOADAVG].last_pid == 11206


def test_an_attribute_that_fails_costs_its_own_field(tmp_path: Path) -> None:
    """One broken zone of three, and one broken attribute in another."""
    zones = {
        f"sys/class/thermal/thermal_zone{i}/{name}": {"data": data}
        for i in range(3)
        for name, data in (("type", "acpitz\n"), ("temp", "45000\n"), ("mode", "enabled\n"))
    }
    zones["sys/class/thermal/thermal_zone1/temp"] = {"read": "EIO"}
    zones["sys/class/thermal/thermal_zone2/mode"] = {"open": "EBUSY"}
    snap = sampled(tmp_path / "fuse", zones, [CLASS_THERMAL, LOADAVG])
    assert [(zone.temp_mc, zone.mode) for zone in snap[CLASS_THERMAL]] == [
        (45000, "enabled"),
        (None, "enabled"),
        (45000, None),
    ]
    assert snap.failures["class_thermal/temp"].detail == "EIO"
    assert snap.failures["class_thermal/mode"].detail == "EBUSY"


STAT_FILE = "cpu  10 0 5 100 0 0 0 0 0 0\ncpu0 10 0 5 100 0 0 0 0 0 0\nctxt 5\nbtime 1700000000\nprocesses 9\n"
MEMINFO_FILE = "MemTotal:  4096 kB\nMemAvailable:  2048 kB\n"


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        pytest.param({"data": ""}, "missing", id="empty"),
        pytest.param({"data": "x\n", "endless": True}, "malformed", id="endless"),
        pytest.param({"data": "7", "endless": True}, "malformed", id="an endless number"),
        pytest.param({"data": "\0", "endless": True}, "malformed", id="endless NUL"),
        pytest.param({"data": MEMINFO_FILE, "short": 1}, 2048 * 1024, id="a byte a read"),
        pytest.param({"data": MEMINFO_FILE[:-8]}, None, id="cut in a number"),
        pytest.param({"data": MEMINFO_FILE.replace("\n", "\r\n")}, 2048 * 1024, id="CRLF"),
        pytest.param({"data": MEMINFO_FILE + "\0" * 200 + "\n"}, 2048 * 1024, id="NUL at the end"),
        pytest.param(
            {"data": MEMINFO_FILE, "short": 20, "torn": MEMINFO_FILE.replace("2048", "9999")}, 9999 * 1024, id="torn"
        ),
        pytest.param(
            {"data": MEMINFO_FILE, "short": 20, "after": 20, "read": "EIO"}, "unsupported", id="fails half-way"
        ),
    ],
)
def test_what_a_file_may_hold(tmp_path: Path, behaviour: dict[str, Any], expected: Any) -> None:
    snap = sampled(tmp_path / "fuse", {"proc/meminfo": behaviour}, [MEMINFO, LOADAVG])
    assert snap[LOADAVG].last_pid == 11206
    if isinstance(expected, str):
        assert snap.failures["meminfo"].reason == expected
    else:
        assert snap[MEMINFO].mem_total_bytes == 4096 * 1024
        assert snap[MEMINFO].mem_available_bytes == expected, "absent, or whole; never a part of a number"


def test_a_cpu_line_that_is_torn_in_the_middle(tmp_path: Path) -> None:
    """The two halves come from two moments; the counters are of either, and never joined into another number."""
    later = STAT_FILE.replace("10 0 5 100", "11 0 6 101")
    behaviour = {"data": STAT_FILE, "short": 28, "torn": later}
    snap = sampled(tmp_path / "fuse", {"proc/stat": behaviour}, [STAT])
    assert snap[STAT].cpu.user_ticks in (10, 11)
    assert snap[STAT].cpus[0].user_ticks in (10, 11)


# Every system call of the real /proc may fail at any time: strace makes it so.

INJECTED = """
    import json, os, subprocess, sys, time
    from procpulse import Sampler, catalog
    from procpulse.sources import processes

    calls, code = sys.argv[1:]
    sampler = Sampler([*catalog.default_sources(), processes("io", "status", "cmdline", "fd")])
    sampler.sample_sync()
    strace = subprocess.Popen(["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(os.getpid()), f"--trace={calls}",
                               f"--inject={calls}:error={code}:when=40+5"])
    while "TracerPid:\\t0\\n" in open("/proc/self/status").read():
        time.sleep(0.01)
    bad, reasons = {}, set()
    for _ in range(6):
        snap = sampler.sample_sync()
        reasons |= {str(f.reason) for f in snap.failures.values()}
        bad |= {n: f.detail for n, f in snap.failures.items() if f.reason in ("bug", "malformed")}
    strace.terminate()
    strace.wait()
    after = sampler.sample_sync()
    statistics = sampler.statistics()
    sampler.close()
    print(json.dumps({"bad": bad, "reasons": sorted(reasons), "ticks": statistics.ticks,
                      "after": {n: f.reason for n, f in after.failures.items() if "/" not in n}}))
"""


@pytest.mark.parametrize(
    ("calls", "code", "reason"),
    [
        ("pread64", "EIO", "unsupported"),
        ("pread64", "ENOMEM", "exhausted"),
        ("pread64", "EAGAIN", "unsupported"),
        ("pread64", "ESRCH", None),
        ("openat,openat2", "EMFILE", "exhausted"),
        ("openat,openat2", "ENFILE", "exhausted"),
        ("openat,openat2", "EACCES", "denied"),
        ("getdents64", "EIO", None),
        ("readlink,readlinkat", "EPERM", "denied"),
        ("pread64", "EINTR", None),
    ],
)
def test_any_system_call_may_fail(calls: str, code: str, reason: str | None) -> None:
    """Every fifth fails for six ticks; the sampler goes on, tells why, and has everything again afterwards.

    EINTR is nobody's business: Python makes the call again (PEP 475).
    """
    program("strace")
    found = child(INJECTED, arguments=[calls, code])
    assert found["bad"] == {}
    assert found["ticks"] == 8
    assert found["after"] == {}
    if reason is not None:
        assert reason in found["reasons"], found
    if code == "EINTR":
        assert not {"unsupported", "exhausted"} & set(found["reasons"]), found
