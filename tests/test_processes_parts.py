"""Parts of processes on the live kernel: what is read, of whom, and what is left alone."""

import ctypes
import os
import resource
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procpulse import Reason, Roots, Sampler, catalog, read_sync
from procpulse.snapshot import Snapshot
from procpulse.sources import PROCESSES, processes
from tests.conftest import FIXTURES, roots

PROGRAM_ONLY = [name for name in catalog.part_modules() if catalog.part(name).program]
ASK_THE_TARGET = ["maps", "numa_maps", "smaps_rollup"]


def sample(*parts: str, where: Roots | None = None, **options: Any) -> Snapshot:
    source = processes(*parts, **options)
    sampler = Sampler([source], roots=where or Roots(), deadlines={source: 60.0})  # the machine may be busy
    try:
        return sampler.sample_sync()
    finally:
        sampler.close()


def part(pid: int, name: str) -> Any:
    return getattr(sample(name)[PROCESSES][pid], name)


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["sleep", "60"], env={"TOKEN": "a b", "EMPTY": ""}, cwd="/usr") as process:
        while Path(f"/proc/{process.pid}/comm").read_text() != "sleep\n":
            time.sleep(0.001)
        yield process
        process.kill()


@pytest.fixture
def zombie() -> Iterator[int]:
    process = subprocess.Popen(["true"])
    while " Z " not in Path(f"/proc/{process.pid}/stat").read_text():
        time.sleep(0.001)
    yield process.pid
    process.wait()


def test_the_environment_is_read_only_where_it_is_named(sleeper: subprocess.Popen[bytes]) -> None:
    assert part(sleeper.pid, "environ").variables == ["TOKEN=a b", "EMPTY="]
    everything = processes()
    assert "environ" not in [part.name for part in everything.parts]
    with pytest.raises(AttributeError, match="was not asked for"):
        read_sync(everything)[sleeper.pid].environ  # noqa: B018


def test_a_long_command_line_and_environment_are_clipped_not_lost() -> None:
    command = ["sleep", "60", *["x" * 99] * 100]
    with subprocess.Popen(
        ["sh", "-c", "sleep 60; :", *command], env={"LONG": "y" * 99_000, "MORE": "z" * 99_000}
    ) as process:
        time.sleep(0.05)
        row = sample("cmdline", "environ")[PROCESSES][process.pid]
        process.kill()
    assert row.cmdline is not None
    assert row.cmdline.truncated
    assert sum(len(argument) + 1 for argument in row.cmdline.arguments) in (4096, 4097)
    assert row.environ is not None
    assert row.environ.truncated
    assert row.environ.variables[0] == "LONG=" + "y" * 99_000


def test_links(sleeper: subprocess.Popen[bytes]) -> None:
    row = sample("exe", "cwd", "root", "ns")[PROCESSES][sleeper.pid]
    assert row.exe is not None
    assert row.exe.path == os.path.realpath(shutil.which("sleep") or "")
    assert not row.exe.deleted
    assert row.cwd is not None
    assert row.cwd.path == "/usr"
    assert row.root is not None
    assert row.root.path == "/"
    assert row.ns is not None
    assert row.ns.inode("net") == os.stat(f"/proc/{sleeper.pid}/ns/net").st_ino


def test_a_program_that_was_removed(tmp_path: Path) -> None:
    copy = tmp_path / "a program"
    shutil.copy(shutil.which("sleep") or "", copy)
    with subprocess.Popen([copy, "60"]) as process:
        copy.unlink()
        found = part(process.pid, "exe")
        process.kill()
    assert (found.path, found.deleted) == (str(copy), True)


def test_limits(sleeper: subprocess.Popen[bytes]) -> None:
    resource.prlimit(sleeper.pid, resource.RLIMIT_NOFILE, (70, 80))
    resource.prlimit(sleeper.pid, resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    found = part(sleeper.pid, "limits")
    assert (found.open_files_soft, found.open_files_hard, found.cpu_time_soft_seconds) == (70, 80, (1 << 64) - 1)


def test_maps_and_memory(sleeper: subprocess.Popen[bytes]) -> None:
    row = sample("maps", "smaps_rollup", "numa_maps", "statm")[PROCESSES][sleeper.pid]
    lines = Path(f"/proc/{sleeper.pid}/maps").read_text().splitlines()
    assert row.maps is not None
    assert [mapping.permissions for mapping in row.maps.mappings] == [line.split()[1] for line in lines]
    program = next(mapping for mapping in row.maps.mappings if mapping.path.endswith("/sleep"))
    assert program.inode == os.stat(f"/proc/{sleeper.pid}/exe").st_ino
    assert row.statm is not None
    assert abs(sum(mapping.size_bytes for mapping in row.maps.mappings) - row.statm.size_bytes) < 1 << 20
    assert row.smaps_rollup is not None
    assert row.smaps_rollup.rss_bytes >= row.smaps_rollup.pss_bytes > 0
    if row.numa_maps is not None:  # the kernel may know of no nodes
        assert abs(sum(row.numa_maps.nodes.values()) - row.smaps_rollup.rss_bytes) < 1 << 20


def test_open_files(tmp_path: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    notify = libc.inotify_init1(os.O_CLOEXEC)
    for i in range(200):
        path = tmp_path / str(i)
        path.touch()
        assert libc.inotify_add_watch(notify, os.fsencode(path), 2) == i + 1
    with open(tmp_path / "7", "r+b") as file:
        os.lseek(file.fileno(), 42, os.SEEK_SET)
        found = part(os.getpid(), "fdinfo")
    os.close(notify)
    rows = {row.fd: row for row in found.files}
    assert rows[file_number(found, 42)].mnt_id is not None
    assert sorted(watch.wd for watch in rows[notify].inotify) == list(range(1, 201)), "of more than a page"
    assert {watch.inode for watch in rows[notify].inotify} == {(tmp_path / str(i)).stat().st_ino for i in range(200)}
    assert found.inotify_watches >= 200


def file_number(found: Any, pos: int) -> int:
    [number] = [row.fd for row in found.files if row.pos == pos]
    return int(number)


def test_mounts_of_more_than_a_page_are_read_to_their_end() -> None:
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    row = sample("mountinfo", "mountstats")[PROCESSES][os.getpid()]
    assert row.mountinfo is not None
    assert [mount.mount_id for mount in row.mountinfo.mounts] == [int(line.split()[0]) for line in lines]
    assert row.mountstats is not None
    assert len(row.mountstats.mounts) == len(lines)


def test_children(sleeper: subprocess.Popen[bytes]) -> None:
    found = part(os.getpid(), "children")
    if found is None:
        pytest.skip("the kernel was built without CONFIG_PROC_CHILDREN")
    assert sleeper.pid in found.pids


def test_small_parts(sleeper: subprocess.Popen[bytes]) -> None:
    Path(f"/proc/{sleeper.pid}/oom_score_adj").write_text("500")
    row = sample("oom_score", "oom_score_adj", "loginuid", "personality", "wchan", "sched", "timers")[PROCESSES][
        sleeper.pid
    ]
    assert row.oom_score_adj is not None
    assert row.oom_score_adj.adjustment == 500
    assert row.oom_score is not None
    assert row.oom_score.score > 0
    assert row.wchan is not None
    for name in ("loginuid", "personality", "sched", "timers"):
        there = Path(f"/proc/{sleeper.pid}/{name}").exists()
        assert (getattr(row, name) is not None) == there, name


def test_kernel_threads_and_zombies_have_nothing_that_only_programs_have(zombie: int) -> None:
    snap = sample(*PROGRAM_ONLY)
    rows = snap[PROCESSES]
    assert rows[2].stat.kernel_thread
    assert rows[zombie].stat.state == "Z"
    for pid in (2, zombie):
        assert [name for name in PROGRAM_ONLY if getattr(rows[pid], name) is not None] == []
    for name in PROGRAM_ONLY:
        assert getattr(rows[os.getpid()], name) is not None, name


def test_every_part_at_once() -> None:
    snap = sample()
    assert not {name: f for name, f in snap.failures.items() if f.reason in (Reason.BUG, Reason.MALFORMED)}
    row = snap[PROCESSES][os.getpid()]
    assert row.interrupts is None, "the kernel has interrupts for the whole host only"
    assert row.net_dev is not None
    assert "lo" in [interface.name for interface in row.net_dev.interfaces]


@pytest.mark.parametrize("name", ASK_THE_TARGET)
def test_who_has_much_memory_is_left_alone(name: str) -> None:
    me = os.getpid()
    if not Path(f"/proc/self/{name}").exists():
        pytest.skip(f"the kernel has no {name}")
    assert catalog.part(name).slow
    assert catalog.part(name).rss_limit_bytes == 8 << 30
    rss = sample("statm")[PROCESSES][me].stat.rss_bytes
    snap = sample(name, rss_limit_bytes=rss // 2)
    assert getattr(snap[PROCESSES][me], name) is None
    failure = snap.failures[f"processes/{name}"]
    assert failure.reason is Reason.UNSUPPORTED
    assert f"over the limit of {rss // 2}" in failure.detail
    assert any(getattr(row, name) is not None for row in snap[PROCESSES].values()), "small ones are read"
    snap = sample(name, rss_limit_bytes=1 << 62)
    assert getattr(snap[PROCESSES][me], name) is not None
    failure = snap.failures.get(f"processes/{name}", failure)
    assert failure.reason is Reason.DENIED or f"processes/{name}" not in snap.failures


def test_who_grows_over_the_limit_loses_the_part() -> None:
    code = "import sys; sys.stdin.readline(); x = b'x' * 64_000_000; print('grown', flush=True); sys.stdin.readline()"
    command = [sys.executable, "-c", code]
    sampler = Sampler([processes("maps", rss_limit_bytes=48 << 20)])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        while (small := sampler.sample_sync()[PROCESSES][process.pid]).maps is None:
            pass
        process.stdin.write(b"\n")
        process.stdin.flush()
        process.stdout.readline()
        large = sampler.sample_sync()[PROCESSES][process.pid]
        process.kill()
    sampler.close()
    assert small.identity == large.identity
    assert large.maps is None


def test_the_limit_in_a_plain_tree() -> None:
    tree = roots(FIXTURES / "workstation")
    assert sample("maps", where=tree)[PROCESSES][4242].maps is not None
    snap = sample("maps", where=tree, rss_limit_bytes=1 << 30)
    assert snap[PROCESSES][4242].maps is None
    assert snap[PROCESSES][1].maps is not None
    failure = snap.failures["processes/maps"]
    assert (failure.reason, failure.path, failure.count) == (Reason.UNSUPPORTED, "/proc/4242/maps", 1)


def test_where_there_is_no_rollup_the_mappings_are_added_up() -> None:
    found = sample("smaps_rollup", where=roots(FIXTURES / "sandbox"))[PROCESSES][7].smaps_rollup
    assert found is not None
    assert (found.rss_bytes, found.swap_pss_bytes) == (2308 * 1024, 22 * 1024)


def test_the_fallback_is_not_read_where_it_is_not_needed() -> None:
    seen: dict[Any, Any] = {}
    from procpulse.reader import Reader

    for name in ("workstation", "sandbox"):
        reader = Reader(roots(FIXTURES / name), observe=seen.__setitem__)
        reader.read_sync([processes("smaps_rollup")], lambda source: 30.0)
        reader.close()
    assert "/proc/4242/smaps_rollup" in {request.path for request in seen}
    assert [request.path for request in seen if request.path.endswith("/smaps")] == ["/proc/2/smaps", "/proc/7/smaps"]


@pytest.mark.root
def test_what_another_user_may_not_see_is_denied_once_a_kind() -> None:
    code = """
        import os
        from procpulse import read_sync, Sampler
        from procpulse.sources import PROCESSES, processes
        sampler = Sampler([processes("exe", "environ", "fdinfo", "ns", "maps", "smaps_rollup", "limits")])
        sampler.sample_sync()
        sampler.close()
        os.setgroups([])
        os.setresgid(65534, 65534, 65534)
        os.setresuid(65534, 65534, 65534)
        sampler = Sampler([processes("exe", "environ", "fdinfo", "ns", "maps", "smaps_rollup", "limits")])
        snap = sampler.sample_sync()
        row = snap[PROCESSES][1]
        print(row.exe, row.environ, row.fdinfo, row.ns, row.maps, row.smaps_rollup, row.limits is not None)
        print(*sorted(f"{name}:{failure.reason}" for name, failure in snap.failures.items()))
    """
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    values, failures = result.stdout.splitlines() or ("", result.stderr)
    assert values == "None None None None None None True"
    assert failures.split() == [
        f"processes/{name}:denied" for name in ("environ", "exe", "fdinfo", "maps", "ns", "smaps_rollup")
    ]


def test_parts_are_asked_for_by_name() -> None:
    with pytest.raises(LookupError, match="did you mean maps"):
        processes("map")
    assert processes("maps") is processes("maps")
    assert processes("maps", rss_limit_bytes=5) is not processes("maps")


@pytest.mark.parametrize(
    ("name", "bad", "left"),
    [
        ("maps", "what is this?\n", lambda row: row.maps.mappings),
        ("mountinfo", "36 35 98:0 /mnt1\n", lambda row: row.mountinfo.mounts),
        ("cgroup", "nothing\n", lambda row: row.cgroup.hierarchies),
        ("status", "VmLck:\tmuch\n", lambda row: [row.status.pid, row.status.threads]),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isalpha() else "",
)
def test_one_bad_row_costs_itself(tmp_path: Path, name: str, bad: str, left: Any) -> None:
    shutil.copytree(FIXTURES / "workstation/proc/4242", tmp_path / "proc/4242", symlinks=True)
    (tmp_path / "sys").mkdir()
    file = tmp_path / f"proc/4242/{name}"
    if name == "status":
        file.write_text(file.read_text().replace("VmLck:\t   65536 kB\n", ""))
    whole = left(sample(name, where=roots(tmp_path))[PROCESSES][4242])
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join([*lines[:1], bad, *lines[1:]]))
    snap = sample(name, where=roots(tmp_path))
    assert left(snap[PROCESSES][4242]) == whole
    failure = snap.failures[f"processes/{name}"]
    assert (failure.reason, failure.path) == (Reason.MALFORMED, f"/proc/4242/{name}")
