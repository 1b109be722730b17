"""Roots that somebody else made: nothing outside them is read, and a procfs is one by what it is, not by its name."""

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from procpulse import Roots, Sampler, catalog
from procpulse.capture import capture
from procpulse.encode.schema import every_source
from procpulse.reader import confine
from procpulse.reader.files import Budget, Files
from procpulse.source import Failure, Link, Names, Read, Reason
from tests.conftest import FIXTURES, roots
from tests.faults.making import child

SECRET = "Zq7-outside-the-tree"


@pytest.fixture(params=["openat2", "step by step"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """With the system call that confines paths, and as kernels do it that lack it."""
    if request.param != "openat2":
        monkeypatch.setattr(confine, "_openat2", lambda: None)
    return str(request.param)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """What must not be read: files, a link and a folder that look as what sources ask for."""
    folder = tmp_path / SECRET
    (folder / "inner").mkdir(parents=True)
    for name in ("cmdline", "comm", "stat", "uevent", "vendor", "size", "inner/stat", "status"):
        (folder / name).write_text(SECRET + "\n")
    for name in ("cwd", "exe", "driver", "subsystem"):
        (folder / name).symlink_to(f"/srv/{SECRET}/target")
    return folder


@pytest.fixture
def hostile(tmp_path: Path, outside: Path) -> Path:
    """A tree of an enemy: every way that leads from a file, a folder or a link to somewhere else."""
    tree = tmp_path / "tree"
    relative = os.path.relpath(outside, tree / "proc")
    (tree / "proc/7").mkdir(parents=True)
    (tree / "sys/class/net").mkdir(parents=True)
    (tree / "sys/bus/pci/devices").mkdir(parents=True)
    (tree / "proc/7/stat").write_bytes((FIXTURES / "workstation/proc/4242/stat").read_bytes())
    (tree / "proc/cmdline").symlink_to(outside / "cmdline")
    (tree / "proc/version").symlink_to(f"{relative}/cmdline")
    (tree / "proc/8").symlink_to(outside)
    (tree / "proc/9").symlink_to(relative)
    (tree / "proc/10").symlink_to("/proc/self")
    (tree / "proc/self").symlink_to(f"/proc/{os.getpid()}")
    (tree / "proc/net").symlink_to(outside)
    (tree / "proc/11").write_text(relative)  # a link that became a file
    (tree / "sys/class/net/eth0").symlink_to(outside)
    (tree / "sys/bus/pci/devices/0000:00:01.0").symlink_to(f"../../../../../{SECRET}")
    (tree / "sys/block").symlink_to(outside)
    return tree


def everything(where: Roots) -> str:
    sampler = Sampler(every_source(), roots=where)
    snap = sampler.sample_sync()
    sampler.close()
    assert not [failure for failure in snap.failures.values() if failure.reason is Reason.BUG]
    return repr(snap.values)


def test_nothing_outside_is_read(hostile: Path, way: str) -> None:
    found = everything(roots(hostile))
    assert SECRET not in found
    assert "7: Process" in found, "what is in the tree is read"


def test_links_are_read_and_not_followed(hostile: Path, outside: Path, way: str) -> None:
    these = Files(roots(hostile), Budget(0))
    for path in ("/proc/8/cwd", "/proc/9/cwd", "/proc/11/exe", "/sys/class/net/eth0/driver", "/sys/block/subsystem"):
        answer = these.perform(Link(path))
        assert isinstance(answer, Failure), path
    assert these.perform(Link("/proc/8")) == os.fsencode(outside), "the text of a link is in the tree"
    for path in ("/proc/8", "/proc/9", "/proc/11", "/proc/net", "/sys/block"):
        assert isinstance(these.perform(Names(path)), Failure), path
        assert isinstance(these.perform(Read(f"{path}/stat")), Failure), path
        assert isinstance(these.perform(Read(f"{path}/inner/../stat")), Failure), path
    assert isinstance(these.perform(Read("/proc/7/../../../../etc/passwd")), Failure)
    (hostile / "proc/7/cwd").symlink_to("/srv/x")
    assert these.perform(Link("/proc/7/cwd")) == b"/srv/x"
    (hostile / "proc/7/exe").write_text("/usr/bin/env")
    assert these.perform(Link("/proc/7/exe")) == b"/usr/bin/env"
    os.mkfifo(hostile / "proc/7/root")
    assert isinstance(these.perform(Link("/proc/7/root")), Failure)


def test_links_within_a_tree_go_on_working(tmp_path: Path, way: str) -> None:
    tree = tmp_path / "tree"
    (tree / "sys/devices/a/b").mkdir(parents=True)
    (tree / "sys/devices/a/b/size").write_text("8\n")
    (tree / "sys/class").mkdir()
    (tree / "sys/class/one").symlink_to("../devices/a/b")
    (tree / "sys/class/two").symlink_to("one/../b")
    (tree / "sys/class/loop").symlink_to("loop")
    (tree / "sys/devices/a/b/up").symlink_to("../../../class/one")
    these = Files(roots(tree), Budget(0))
    for path in ("one", "two", "two/up/up", "one/../a/b", "one/./"):
        where = "/sys/devices" if path.startswith("one/..") else "/sys/class"
        path = path.removeprefix("one/../") if where == "/sys/devices" else path
        assert these.perform(Read(f"{where}/{path}/size")) == b"8\n", path
    assert these.perform(Link("/sys/class/two/up")) == b"../../../class/one"
    assert isinstance(these.perform(Read("/sys/class/loop/size")), Failure)


async def test_a_capture_of_a_hostile_tree_leads_nowhere(tmp_path: Path, hostile: Path, way: str) -> None:
    sources = [source for source in every_source() if source.name != "statfs"]
    await capture(tmp_path / "saved", sources, pids=range(1, 20), roots=roots(hostile))
    inside = str(tmp_path / "saved")
    for path in (tmp_path / "saved").rglob("*"):
        if path.is_symlink():
            assert str(path.resolve()).startswith(inside), path
        elif path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path


def test_what_is_no_file_is_not_even_opened(tmp_path: Path, way: str) -> None:
    """A device may do something when it is opened. A FIFO shows it: whoever writes to it waits for it to be opened."""
    tree = tmp_path / "tree"
    (tree / "proc").mkdir(parents=True)
    (tree / "sys").mkdir()
    os.mkfifo(tree / "proc/loadavg")
    os.mkfifo(tree / "proc/7")
    writers = [subprocess.Popen(["sh", "-c", 'echo x > "$0"', tree / "proc" / name]) for name in ("loadavg", "7")]
    try:
        time.sleep(0.3)
        these = Files(roots(tree), Budget(0))
        for request in (Read("/proc/loadavg"), Link("/proc/loadavg"), Read("/proc/7/stat"), Names("/proc/7")):
            assert isinstance(these.perform(request), Failure)
        time.sleep(0.3)
        assert [writer.poll() for writer in writers] == [None, None]
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()


def test_a_root_that_is_exchanged_later_stays_what_it_was(tmp_path: Path, outside: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "proc").mkdir(parents=True)
    (tree / "sys").mkdir()
    (tree / "proc/comm").write_text("inside\n")
    these = Files(roots(tree), Budget(0))
    assert these.perform(Read("/proc/comm")) == b"inside\n"
    os.rename(tree / "proc", tree / "was")
    os.symlink(outside, tree / "proc")
    assert these.perform(Read("/proc/comm")) == b"inside\n"
    assert isinstance(these.perform(Read("/proc/cmdline")), Failure)


# Roots that are, or seem to be, those of a real kernel.

IN_A_CONTAINER = """
    import json, os, subprocess, sys
    from procpulse import Roots, Sampler, catalog
    from procpulse.reader.files import Budget, Files
    from procpulse.encode.schema import every_source
    from procpulse.source import Link, Names, Read

    base = sys.argv[1]
    secret = open(f"{base}/secret").read()
    # Somebody has a mount namespace of his own, with a fake /proc in it that leads to what is ours.
    script = f'''
        mount -t tmpfs none /mnt
        mkdir -p /mnt/proc /mnt/sys
        echo 0.25 0.5 0.75 1/2 7 > /mnt/proc/loadavg
        ln -s {base}/secret /mnt/proc/cmdline
        ln -s {base} /mnt/proc/777
        ln -s /proc /mnt/link
        mount -t proc proc {base}/real
        echo ready
        exec sleep 120'''
    theirs = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "sh", "-ec", script], stdout=subprocess.PIPE)
    theirs.stdout.readline()
    inner = open(f"/proc/{theirs.pid}/task/{theirs.pid}/children").read().split()[0]
    there = f"/proc/{inner}/root"

    def sampled(proc):
        sampler = Sampler(every_source(), roots=Roots(proc=proc, sys=f"{there}/mnt/sys"))
        snap = sampler.sample_sync()
        sampler.close()
        rows = snap.values.get("processes") or {}
        return {"secret": secret in repr(snap.values), "pids": sorted(rows), "load": "loadavg" in snap.values,
                "bugs": [f.detail for f in snap.failures.values() if f.reason == "bug"]}

    def trust(proc, sys_="/sys"):
        files = Files(Roots(proc=proc, sys=sys_), Budget(0))
        return [files.blocks(Read("/proc/stat")), files._proc.kind, files.kernel]

    fake = sampled(f"{there}/mnt/proc")
    link = sampled(f"{there}/mnt/link")
    own = sampled(f"{there}{base}/real")
    print(json.dumps({
        "fake": fake, "link": link, "own": own, "trust": [trust(f"{there}/mnt/proc"), trust(f"{there}{base}/real")],
        "self": trust(os.path.join("/proc/self/root", "proc")), "usual": trust("/proc"),
    }))
    theirs.kill()
    os.kill(int(inner), 9)
"""


@pytest.fixture
def container(tmp_path: Path) -> Any:
    (tmp_path / "real").mkdir()
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "stat").write_text(SECRET)
    return child(IN_A_CONTAINER, arguments=[str(tmp_path)], unshare=["--mount", "--propagation", "private"])


@pytest.mark.root
def test_the_root_of_another_process_is_not_trusted_for_its_name(container: Any) -> None:
    assert container["fake"] == {"secret": False, "pids": [], "load": True, "bugs": []}, "links lead nowhere"
    assert container["trust"][0] == [True, "", False]
    assert container["usual"] == [False, "proc", True]
    assert container["self"] == [True, "proc", True], "whoever has links on the way may lead us anywhere later"


@pytest.mark.root
def test_a_real_procfs_of_a_container_is_read_without_being_trusted(container: Any) -> None:
    assert container["own"]["bugs"] == []
    assert container["own"]["pids"][0] == 1
    assert len(container["own"]["pids"]) < 10, "those of the container, not those of the host"
    assert container["trust"][1] == [True, "proc", True]
    # A link to /proc in it means its own /proc, as it would there.
    assert container["link"]["bugs"] == []
    assert container["link"]["secret"] is False


@pytest.mark.root
def test_a_bind_mount_of_the_host_is_trusted_and_read_on_the_loop(tmp_path: Path) -> None:
    """What agents in containers have: /host/proc and /host/sys are the kernel's own, mounted elsewhere."""
    for name in ("proc", "sys"):
        (tmp_path / name).mkdir()
    (tmp_path / "linked").symlink_to("proc")
    found = child(
        """
        import json, os, sys
        from procpulse import Roots, Sampler, catalog
        from procpulse.reader.files import Budget, Files
        from procpulse.source import Link, Names, Read
        from procpulse.sources import processes

        base = sys.argv[1]
        where = Roots(proc=f"{base}/proc", sys=f"{base}/sys")
        files = Files(where, Budget(0))
        asked = ["/proc/stat", "/proc/1/stat", "/sys/class/net", "/proc/pressure/cpu", "/proc/net/dev"]
        sampler = Sampler([*catalog.default_sources(), processes("io")], roots=where)
        snap = sampler.sample_sync()
        again = sampler.sample_sync()
        usual = Sampler([*catalog.default_sources(), processes("io")]).sample_sync()
        linked = Files(Roots(proc=f"{base}/linked", sys=f"{base}/sys"), Budget(0))
        print(json.dumps({
            "blocks": {path: files.blocks(Read(path)) for path in asked},
            "kernel": files.kernel,
            "masked": files.blocks(Read("/proc/meminfo")),
            "missing": sorted(set(usual.values) - set(again.values) - {"meminfo", "vmstat"}),
            "threads": sampler.statistics().threads if hasattr(sampler.statistics(), "threads") else 0,
            "me": os.getpid() in again.values["processes"],
            "cwd": files.perform(Link(f"/proc/{os.getpid()}/cwd")).decode() == os.getcwd(),
            "linked": [linked.blocks(Read("/proc/stat")), linked.kernel, b"cpu" in linked.perform(Read("/proc/stat"))],
        }))
        """,
        arguments=[str(tmp_path)],
        unshare=["--mount"],
        setup=f"mount --rbind /proc {tmp_path}/proc; mount --rbind /sys {tmp_path}/sys;"
        f" touch {tmp_path}/m; mount --bind {tmp_path}/m {tmp_path}/proc/meminfo",
    )
    assert found["blocks"] == dict.fromkeys(found["blocks"], False)
    assert found["kernel"] is True
    assert found["masked"] is True, "somebody's file over one of the kernel's"
    assert found["missing"] == []
    assert found["me"]
    assert found["cwd"]
    assert found["linked"] == [True, True, True], "right all the same, in the slow lane"


def test_catalog_has_what_these_tests_ask_for() -> None:
    assert {"cmdline", "version", "processes", "block", "pci_devices", "class_net"} <= set(catalog.modules())
