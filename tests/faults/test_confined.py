"""What a host may hide from a program (F11, F12, F29, F34, S5; P10): it starts, says what is missing, and recovers."""

from typing import Any

import pytest

from tests.conftest import program
from tests.faults.making import child

pytestmark = pytest.mark.root

SAMPLE = """
    import json, os, subprocess, sys
    from procpulse import Sampler, catalog
    from procpulse.cli import doctor
    from procpulse.source import Roots
    from procpulse.sources import processes

    sampler = Sampler([*catalog.default_sources(), processes("io", "status", "cmdline"), catalog.source("class_net")])
    failures = {}
    for _ in range(3):
        snap = sampler.sample_sync()
        failures = snap.failures | failures
    statistics = sampler.statistics()
    doctor._ROUNDS = 1
    diagnosis = doctor.examine(Roots())
    print(json.dumps({
        "failures": {n: [f.reason, f.path, f.detail, f.count] for n, f in failures.items()},
        "values": sorted(snap.values),
        "rows": sorted(snap.values.get("processes", {})),
        "me": os.getpid(),
        "visibility": [statistics.visibility, diagnosis.visibility],
        "findings": [f"{f.topic}: {f.found}" for f in diagnosis.findings if not f.fine],
        "bugs": [c.name for c in diagnosis.sources if c.here in ("bug", "malformed")],
        "denied": [c.name for c in diagnosis.sources if c.here == "denied"],
    }))
"""
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
SPACES = ["--mount", "--pid", "--fork"]


def sampled(setup: str = "", unshare: list[str] | None = None, prefix: list[str] | None = None) -> Any:
    found = child(SAMPLE, setup=setup, unshare=SPACES if unshare is None else unshare, prefix=prefix or [])
    assert found["bugs"] == []
    assert not [f for f in found["failures"].values() if f[0] in ("bug", "malformed")]
    return found


@pytest.mark.parametrize("hidepid", ["1", "2", "4"])
def test_hidden_processes(hidepid: str) -> None:
    """As nobody, beside processes of root: partial, and it says so; never as if there were no others."""
    program("setpriv")
    found = sampled(f"mount -t proc -o hidepid={hidepid} proc /proc; sleep 60 & ", prefix=NOBODY)
    assert found["visibility"] == ["partial", "partial"]
    assert found["rows"] == [found["me"]] or found["me"] in found["rows"]
    assert found["failures"]["processes/visibility"][0] == "denied"
    assert any(line.startswith("processes: visibility is partial") for line in found["findings"])
    assert "stat" in found["values"], "the rest of the system is there"


def test_a_proc_of_processes_only() -> None:
    found = sampled("mount -t proc -o subset=pid proc /proc")
    assert found["me"] in found["rows"]
    assert "stat" not in found["values"]
    assert found["failures"]["stat"][0] == "missing"
    assert found["visibility"][1] == "partial"
    assert any("subset=pid" in line for line in found["findings"])


def test_no_sys() -> None:
    found = sampled("mount -t tmpfs none /sys", unshare=["--mount"])
    assert found["failures"]["class_net"][0] == "missing"
    assert {"stat", "meminfo", "processes"} <= set(found["values"])
    assert any(line.startswith("sys: ") for line in found["findings"])


def test_masked_and_read_only() -> None:
    """As in a container: /dev/null over files, an empty tmpfs over directories, the rest read-only."""
    setup = """
        mount -o remount,ro,bind /proc 2>/dev/null || mount -t proc -o ro proc /proc
        for f in meminfo vmstat; do mount --bind /dev/null /proc/$f; done
        mount -t tmpfs -o ro,size=0 none /proc/pressure
        mount -o remount,ro,bind /sys || true"""
    found = sampled(setup)
    for name in ("meminfo", "vmstat"):
        assert found["failures"][name][0] == "missing"
    assert "stat" in found["values"]
    assert any(line.startswith("masked: ") for line in found["findings"])
    assert any(line.startswith("pressure: ") for line in found["findings"])


def test_nobody() -> None:
    program("setpriv")
    found = sampled(unshare=["--mount"], prefix=NOBODY)
    assert found["failures"]["processes/io"][0] == "denied"
    assert found["failures"]["processes/io"][3] > 1, "counted, not listed"
    assert "stat" in found["values"]
    assert found["denied"], "files of root are denied, and named"
    assert any("CAP_SYS_PTRACE" in line for line in found["findings"])


def test_root_without_capabilities() -> None:
    program("setpriv")
    found = sampled(unshare=["--mount"], prefix=["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"])
    assert "stat" in found["values"]
    assert any("CAP_SYS_PTRACE" in line for line in found["findings"])


def test_a_user_namespace_without_privileges() -> None:
    """What a rootless container is: its own user, process and mount namespaces."""
    found = sampled(unshare=["--user", "--map-root-user", "--pid", "--fork", "--mount"])
    assert "stat" in found["values"]


def test_sixty_four_descriptors_and_more_later() -> None:
    """It lives within the limit, also when the application takes all the rest; once that is over, it has all again."""
    found = child(
        """
        import json, os, resource
        from procpulse import Sampler, catalog
        from procpulse.sources import processes

        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        sampler = Sampler([*catalog.default_sources(), processes("io", "cmdline"), catalog.source("class_net")])
        before = sampler.sample_sync()
        taken = []
        try:
            while True:
                taken.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass
        during = [sampler.sample_sync() for _ in range(3)]
        for fd in taken:
            os.close(fd)
        after = sampler.sample_sync()
        print(json.dumps({
            "before": {n: f.reason for n, f in before.failures.items()},
            "during": [{n: f.reason for n, f in snap.failures.items()} for snap in during],
            "some": [len(snap.values) for snap in during],
            "after": {n: f.reason for n, f in after.failures.items() if f.reason in ("exhausted", "bug")},
            "rows": len(after.values["processes"]),
        }))
        """
    )
    assert "bug" not in found["before"].values()
    for failures in found["during"]:
        assert "bug" not in failures.values()
    assert found["after"] == {}, "it recovers"
    assert found["rows"] > 2
