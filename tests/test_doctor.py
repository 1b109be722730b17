"""procpulse doctor: what is hidden, what reading costs, what to change; and the other ways to see what is read."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from procpulse import Failure, Reason, Roots, Sampler, catalog, log
from procpulse.cli import doctor, main
from procpulse.source import Names, Read
from procpulse.sources import LOADAVG, MEMINFO
from tests.conftest import FIXTURES, roots

MOUNT = "36 35 0:5 / /proc rw - proc proc rw,hidepid=invisible"
LXCFS = "90 36 0:50 /proc/meminfo /proc/meminfo rw - fuse.lxcfs lxcfs rw"
MASKED = "91 36 0:51 / /proc/acpi ro - tmpfs tmpfs ro"


def own(**given: list[str]) -> dict[str, list[str]]:
    return {"status": [], "mountinfo": [], "timens_offsets": [], "cgroup": []} | given


def test_it_looks_at_everything_on_this_host(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["visibility"] in ("whole", "partial")
    assert {source["name"] for source in found["sources"]} == set(catalog.modules())
    stat = next(source for source in found["sources"] if source["name"] == "stat")
    assert stat["here"] == "yes"
    assert 0 < stat["again_us"] < 1_000_000
    assert found["default_profile_us"] >= stat["again_us"]
    topics = {finding["topic"] for finding in found["findings"]}
    assert {"privileges", "processes", "proc", "sys", "pressure", "cgroups", "clocks", "descriptors"} <= topics
    assert all(finding["fine"] or finding["found"] for finding in found["findings"])


def test_it_shows_costs_of_a_captured_tree(capsys: pytest.CaptureFixture[str]) -> None:
    tree = FIXTURES / "vm-6.18"
    command = ["doctor", "--costs", "--proc-root", str(tree / "proc"), "--sys-root", str(tree / "sys")]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "visibility of processes" in out
    assert "first us" in out
    assert "pass --root" in out


@pytest.mark.parametrize(
    ("look", "given", "words"),
    [
        (doctor._clocks, own(timens_offsets=["monotonic 0 0", "boottime 86400 0"]), "boottime by 86400 s"),
        (doctor._control_groups, own(mountinfo=["1 1 0:1 / /c rw - cgroup cgroup rw,cpu"]), "version 1 only"),
        (doctor._control_groups, own(mountinfo=["1 1 0:1 / /c rw - cgroup2 cgroup2 rw"]), "version 2"),
        (doctor._control_groups, own(), "not mounted"),
        (doctor._privileges, own(status=["CapEff: 0000000000000000"]), "without CAP_SYS_PTRACE"),
        (doctor._privileges, own(), "does not tell"),
        (doctor._privileges, own(status=["CapEff: "]), "does not tell"),
        (doctor._privileges, own(status=["CapEff: 000001ffffffffff"]), "with CAP_SYS_PTRACE and"),
    ],
)
def test_what_it_makes_of(look: Callable[..., Any], given: dict[str, list[str]], words: str) -> None:
    assert words in " ".join(finding.found for finding in look(given))


def test_a_container_is_seen_as_one() -> None:
    sampler = Sampler([MEMINFO], roots=roots(FIXTURES / "sandbox"))
    snapshot = sampler.sample_sync()
    sampler.close()
    found = list(doctor._containers(snapshot, own(mountinfo=[MOUNT, LXCFS, MASKED]), Roots()))
    assert [finding.topic for finding in found] == ["lxcfs", "masked"]
    assert "/proc/meminfo" in found[0].found
    assert doctor._option(own(mountinfo=[MOUNT]), "hidepid") == "invisible"


def test_every_read_can_be_seen(capfd: pytest.CaptureFixture[str]) -> None:
    tree = FIXTURES / "vm-6.18"
    assert main(["doctor", "--reads", "--proc-root", str(tree / "proc"), "--sys-root", str(tree / "sys")]) == 0
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {"what": "read", "path": "/proc/loadavg", "bytes": (tree / "proc/loadavg").stat().st_size} in lines
    assert any(line.get("reason") == "missing" for line in lines)


def test_the_logger_says_nothing_unless_asked(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "procpulse"):
        Sampler([LOADAVG]).sample_sync()
        assert caplog.records == []
        sampler = Sampler([LOADAVG], observe=log.reads)
        sampler.sample_sync()
        sampler.close()
    assert any("read /proc/loadavg bytes=" in record.getMessage() for record in caplog.records)
    assert all(record.levelno == logging.DEBUG for record in caplog.records)


def test_what_is_logged_is_inert(caplog: pytest.LogCaptureFixture) -> None:
    """A name cannot forge a line or reach a terminal (S13)."""
    with caplog.at_level(logging.DEBUG, "procpulse"):
        log.reads(Read("/sys/class/net/a\nERROR x\x1b[2J\udcff/mtu"), Failure(Reason.DENIED, "x", "EACCES"))
        log.reads(Names("/sys"), [("a", 1)])
    messages = [record.getMessage() for record in caplog.records]
    assert all(message.isprintable() for message in messages)
    assert caplog.records[0].levelno == logging.INFO
    assert "reason=denied" in messages[0]
    assert messages[1] == "names /sys names=1"


def test_statistics_tell_what_stands_in_the_way(tmp_path: Path) -> None:
    sampler = Sampler([LOADAVG], roots=Roots(proc=str(tmp_path), sys=str(tmp_path)))
    sampler.sample_sync()
    statistics = sampler.statistics()
    sampler.close()
    assert statistics.failures == {"missing": 1}
    assert (statistics.missed, statistics.stuck, statistics.visibility) == (0, {}, "whole")
