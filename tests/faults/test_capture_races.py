"""Captures into folders in which others have a hand: nothing is written where they say."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from procpulse.capture.writing import TreeWriter
from tests.faults.making import child
from tests.test_cli import run

NOBODY = 65534


@contextmanager
def as_nobody(action: Callable[[], None]) -> Iterator[None]:
    """Somebody else does this again and again meanwhile, whatever comes of it."""
    pid = os.fork()
    if not pid:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            signal.alarm(120)
            while True:
                try:
                    action()
                except OSError:
                    time.sleep(0.0001)
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A folder of root's, with a file that a capture would overwrite if it were led there."""
    folder = tmp_path / "victim"
    (folder / "sys/kernel").mkdir(parents=True)
    (folder / "sys/kernel/hostname").write_text("precious")
    for path in (tmp_path, *tmp_path.parents[:-1]):
        if path.stat().st_uid == os.geteuid() and not path.stat().st_mode & 0o001:
            path.chmod(0o711)  # pytest's own folders are for root alone, and the other user has to get here
    return folder


def untouched(victim: Path) -> None:
    assert [path.name for path in victim.iterdir()] == ["sys"]
    assert [path.name for path in (victim / "sys").iterdir()] == ["kernel"]
    assert (victim / "sys/kernel/hostname").read_text() == "precious"


def theirs(path: Path, mode: int = 0o755) -> Path:
    path.mkdir()
    os.chown(path, NOBODY, NOBODY)
    path.chmod(mode)
    return path


@pytest.mark.root
def test_a_folder_of_somebody_else_is_refused_whatever_becomes_of_it(tmp_path: Path, victim: Path) -> None:
    target = theirs(tmp_path / "tree")

    def swap() -> None:
        os.symlink(victim, target / "proc")
        os.unlink(target / "proc")

    with as_nobody(swap):
        for _ in range(3):
            result = run("capture", str(target), "--sources", "sysctl,loadavg")
            assert result.returncode == 2, result.stderr
            assert "Traceback" not in result.stderr
    untouched(victim)
    (target / "proc").unlink(missing_ok=True)
    assert "belongs to somebody else" in run("capture", str(target), "--sources", "loadavg").stderr


@pytest.mark.root
def test_somebody_who_exchanges_the_folder_for_a_link_leads_nowhere(tmp_path: Path, victim: Path) -> None:
    """The folder is root's, the one that it is in is his: he can move it, and put anything in its place."""
    home = theirs(tmp_path / "home")

    def swap() -> None:
        if (home / "tree").is_symlink():
            os.unlink(home / "tree")
        else:
            os.rename(home / "tree", home / f"taken{time.monotonic_ns()}")
            os.symlink(victim, home / "tree")

    ends = []
    with as_nobody(swap):
        for _ in range(6):
            ends.append(run("capture", str(home / "tree"), "--sources", "sysctl,loadavg,meminfo"))
            assert "Traceback" not in ends[-1].stderr
    untouched(victim)
    assert {result.returncode for result in ends} <= {0, 1, 2}
    assert not [result.stderr for result in ends if result.returncode and not result.stderr.startswith("procpulse: ")]


@pytest.mark.root
def test_links_of_others_on_the_way_are_not_followed(tmp_path: Path, victim: Path) -> None:
    sticky = tmp_path / "sticky"
    sticky.mkdir()
    sticky.chmod(0o1777)
    (sticky / "way").symlink_to(victim)
    os.lchown(sticky / "way", NOBODY, NOBODY)
    for name in ("way", "way/tree"):
        result = run("capture", str(sticky / name), "--sources", "loadavg")
        assert result.returncode == 2
        assert "is a link, which is not followed here" in result.stderr
    untouched(victim)
    os.lchown(sticky / "way", 0, 0)  # of root itself
    assert run("capture", str(sticky / "way/tree"), "--sources", "loadavg").returncode == 0
    assert (victim / "tree/proc/loadavg").exists()
    assert run("capture", str(sticky / "new/tree"), "--sources", "loadavg").returncode == 0


def test_a_folder_that_everybody_can_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    for place in (folder, folder / "inner/tree"):
        result = run("capture", str(place), "--sources", "loadavg")
        assert result.returncode == 2
        assert "everybody may" in result.stderr
    assert not list(folder.iterdir())


def test_what_is_written_stays_below_the_descriptor(tmp_path: Path) -> None:
    """Whatever happens to the names meanwhile, and whatever the paths and targets say."""
    (tmp_path / "outside").mkdir()
    writer = TreeWriter(tmp_path / "tree")
    writer.file("proc/stat", b"1")
    os.rename(tmp_path / "tree", tmp_path / "moved")
    os.symlink(tmp_path / "outside", tmp_path / "tree")
    assert writer.file("proc/loadavg", b"2")
    assert writer.file("../../outside/escaped", b"3")
    os.rename(tmp_path / "moved/proc", tmp_path / "moved/was")
    os.symlink(tmp_path / "outside", tmp_path / "moved/proc")
    with pytest.raises(OSError, match=r"Not a directory|symbolic"):
        writer.file("proc/uptime", b"4")
    writer.close()
    assert not list((tmp_path / "outside").iterdir())
    assert (tmp_path / "moved/was/loadavg").read_bytes() == b"2"
    assert (tmp_path / "moved/outside/escaped").read_bytes() == b"3"


def test_no_link_leads_out_of_the_tree(tmp_path: Path) -> None:
    writer = TreeWriter(tmp_path / "tree")
    leading_out = ["/etc", "/", "../..", "../../../etc/passwd", "a/../../../x", ""]
    for number, target in enumerate(leading_out):
        assert writer.link(f"sys/out{number}", target)
    assert writer.link("sys/a", "b/c")
    assert writer.link("sys/loop", "loop")
    assert writer.file("sys/a/file", b"x")
    with pytest.raises(NotADirectoryError):
        writer.file("sys/loop/file", b"x")
    writer.close()
    for number, target in enumerate(leading_out):
        place = tmp_path / f"tree/sys/out{number}"
        assert not place.is_symlink()
        assert place.read_text() == target
    assert (tmp_path / "tree/sys/b/c/file").read_bytes() == b"x"
    assert os.readlink(tmp_path / "tree/sys/a") == "b/c"


def test_a_file_is_written_once_and_over_nothing(tmp_path: Path) -> None:
    writer = TreeWriter(tmp_path / "tree")
    assert writer.file("proc/stat", b"1")
    assert not writer.file("proc/stat", b"2")
    assert not writer.link("proc/stat", "x")
    (tmp_path / "tree/proc/other").write_text("there")
    with pytest.raises(FileExistsError):
        writer.file("proc/other", b"3")
    writer.close()
    assert (tmp_path / "tree/proc/stat").read_bytes() == b"1"
    assert (tmp_path / "tree/proc/other").read_text() == "there"


def test_the_mask_of_the_user_takes_nothing_from_what_is_promised() -> None:
    found = child(
        """
        import json, os, stat, tempfile
        from pathlib import Path
        from procpulse.capture.writing import TreeWriter
        os.umask(0)
        with tempfile.TemporaryDirectory() as base:
            writer = TreeWriter(base + "/a/b")
            writer.file("proc/1/stat", b"")
            writer.close()
            print(json.dumps(sorted(oct(stat.S_IMODE(p.stat().st_mode)) for p in Path(base).rglob("*"))))
        """
    )
    assert found == ["0o600", "0o700", "0o700", "0o700", "0o700"]
