"""Files below the roots: kept open, read to their end, never outside, and every errno a reason."""

import asyncio
import errno
import os
import resource
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from procpulse import Failure, Reason, Roots, Sampler, Source, Tree, read_sync
from procpulse.reader import Reader, confine
from procpulse.reader.files import Budget, Files, failed
from procpulse.snapshot import Unavailable
from procpulse.source import File, Fold, Host, Link, Names, Piece, Read
from procpulse.sources import LOADAVG, MEMINFO, NET_DEV, PROCESSES, STAT, processes
from procpulse.tree import Folder
from tests.conftest import FIXTURES, roots

LINE = "0.20 0.18 0.12 1/80 11206\n"


def files(tree: Path | None = None, limit: int = 100) -> Files:
    where = Roots() if tree is None else Roots(proc=str(tree / "proc"), sys=str(tree / "sys"))
    return Files(where, Budget(limit))


def content(answer: object) -> bytes:
    assert isinstance(answer, bytes), answer
    return answer


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOENT, Reason.MISSING),
        (errno.ESRCH, Reason.MISSING),
        (errno.ENODEV, Reason.MISSING),
        (errno.ENXIO, Reason.MISSING),
        (errno.ENOTDIR, Reason.MISSING),
        (errno.EACCES, Reason.DENIED),
        (errno.EPERM, Reason.DENIED),
        (errno.EINVAL, Reason.UNSUPPORTED),
        (errno.ENODATA, Reason.UNSUPPORTED),
        (errno.EOPNOTSUPP, Reason.UNSUPPORTED),
        (errno.EIO, Reason.UNSUPPORTED),
        (errno.EAGAIN, Reason.UNSUPPORTED),
        (errno.EBUSY, Reason.UNSUPPORTED),
        (errno.ESTALE, Reason.UNSUPPORTED),
        (errno.EMFILE, Reason.EXHAUSTED),
        (errno.ENOMEM, Reason.EXHAUSTED),
        (12345, Reason.UNSUPPORTED),
    ],
)
def test_every_errno_has_a_reason(code: int, reason: Reason) -> None:
    failure = failed(OSError(code, "text"), "/proc/x")
    assert failure.reason is reason
    assert failure.detail == errno.errorcode.get(code, "12345")


def test_long_files_are_read_to_their_end(tree: Path) -> None:
    data = b"x" * 300_000
    (tree / "proc/long").write_bytes(data)
    assert content(files(tree).perform(Read("/proc/long"))) == data


def test_a_kernel_file_of_many_pages_is_read_to_its_end() -> None:
    """The kernel hands out such a file a page at a time, whatever the buffer."""
    answer = content(files().perform(Read("/proc/kallsyms", cap=1 << 26)))
    assert answer == Path("/proc/kallsyms").read_bytes()
    assert len(answer) > 65536


def test_a_file_over_its_cap_is_malformed_not_cut(tree: Path) -> None:
    (tree / "proc/long").write_bytes(b"x" * 5000)
    answer = files(tree).perform(Read("/proc/long", cap=4999))
    assert isinstance(answer, Failure)
    assert (answer.reason, answer.detail) == (Reason.MALFORMED, "over 4999 bytes")
    assert content(files(tree).perform(Read("/proc/long", cap=5000)))


def test_files_are_kept_open_within_the_budget(tree: Path) -> None:
    for i in range(20):
        (tree / f"proc/f{i}").write_text(str(i))
    these = files(tree, limit=10)
    for _ in range(3):
        for i in range(20):
            assert content(these.perform(Read(f"/proc/f{i}"))) == str(i).encode()
    assert these.kept == 9
    assert these.budget.used == 9
    these.release()
    assert these.budget.used == 0


def test_a_kept_file_is_read_anew(tree: Path) -> None:
    path = tree / "proc/loadavg"
    path.write_text("1\n")
    these = files(tree)
    assert content(these.perform(Read("/proc/loadavg"))) == b"1\n"
    path.write_text("22\n")
    assert content(these.perform(Read("/proc/loadavg"))) == b"22\n"


def test_another_device_under_the_same_name_is_opened_anew(tree: Path) -> None:
    path = tree / "sys/speed"
    path.write_text("1000")
    these = files(tree)
    assert content(these.perform(Read("/sys/speed", identity=1))) == b"1000"
    path.unlink()
    path.write_text("10")
    assert content(these.perform(Read("/sys/speed", identity=1))) == b"1000", "the file that it was"
    assert content(these.perform(Read("/sys/speed", identity=2))) == b"10"
    assert these.kept == 1


def test_files_of_what_is_gone_are_closed(tree: Path) -> None:
    """Devices come and go under ever new names; their files would fill the budget (F37)."""
    (tree / "proc/stays").write_text("1")
    these = files(tree, limit=1000)
    for i in range(1000):
        these.sweep()
        (tree / f"proc/veth{i}").write_text("1")
        assert these.perform(Read(f"/proc/veth{i}")) == these.perform(Read("/proc/stays")) == b"1"
        assert these.kept == these.budget.used <= 2 * 64 + 1
        (tree / f"proc/veth{i}").unlink()
    assert these.kept > 64, "those in use stay open"
    these.release()
    assert these.budget.used == 0


def test_the_pieces_of_a_table_are_of_one_table(tree: Path) -> None:
    """Opened anew in the middle, it would go on in another line of another table (F19)."""
    path = tree / "proc/table"
    path.write_bytes(b"1" * 70_000)
    these = files(tree)
    first = content(these.perform_once(Piece("/proc/table")))
    path.unlink()
    path.write_bytes(b"2" * 70_000)
    assert content(these.perform_once(Piece("/proc/table", len(first)))) == b"1" * (70_000 - len(first))
    assert these.perform_once(Piece("/proc/table", 70_000)) == b""
    assert these._pieces == {}
    assert content(these.perform_once(Piece("/proc/table"))).startswith(b"2")
    assert content(these.perform_once(Piece("/proc/table"))).startswith(b"2"), "the read before was given up"
    these.release()
    assert these._pieces == {}


def test_nothing_but_regular_files_is_opened_in_a_tree(tree: Path) -> None:
    os.mkfifo(tree / "proc/fifo")
    (tree / "proc/folder").mkdir()
    os.symlink("/dev/null", tree / "proc/outside")
    os.symlink("/dev/zero", tree / "proc/endless")
    os.symlink("loop", tree / "proc/loop")
    os.symlink("../../../../../../etc/passwd", tree / "proc/escape")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tree / "proc/socket"))
        these = files(tree)
        for name in ("fifo", "folder", "outside", "endless", "loop", "escape", "socket"):
            answer = these.perform(Read(f"/proc/{name}"))
            assert isinstance(answer, Failure), name


def test_links_inside_a_tree_are_followed(tree: Path) -> None:
    (tree / "sys/devices/eth").mkdir(parents=True)
    (tree / "sys/devices/eth/mtu").write_text("1500\n")
    (tree / "sys/class/net").mkdir(parents=True)
    os.symlink("../../devices/eth", tree / "sys/class/net/eth0")
    assert content(files(tree).perform(Read("/sys/class/net/eth0/mtu"))) == b"1500\n"


def test_links_that_became_files_are_followed(tree: Path) -> None:
    """As git does where the file system has no links."""
    (tree / "sys/devices/pci/eth").mkdir(parents=True)
    (tree / "sys/devices/pci/eth/mtu").write_text("1500\n")
    (tree / "sys/class/net").mkdir(parents=True)
    (tree / "sys/class/net/eth0").write_text("../../devices/pci/eth")
    (tree / "sys/devices/pci/eth/self").write_text("../eth")
    (tree / "sys/devices/pci/eth/speed").write_text("1000")
    (tree / "sys/loop").write_text("loop")
    (tree / "sys/out").write_text("../../../../etc")
    these = files(tree)
    assert content(these.perform(Read("/sys/class/net/eth0/mtu"))) == b"1500\n"
    assert content(these.perform(Read("/sys/class/net/eth0/self/self/mtu"))) == b"1500\n"
    assert content(these.perform(Link("/sys/class/net/eth0"))) == b"../../devices/pci/eth"
    assert content(these.perform(Link("/sys/class/net/eth0/self"))) == b"../eth", "a link below a link"
    assert content(these.perform(Read("/sys/class/net/eth0/speed"))) == b"1000", "a file without a newline is no link"
    assert [name for name, _ in these.perform(Names("/sys/class/net/eth0"))] == ["mtu", "self", "speed"]
    assert isinstance(these.perform(Read("/sys/loop/mtu")), Failure)
    assert isinstance(these.perform(Read("/sys/out/passwd")), Failure)


def test_a_link_loop_ends(tree: Path) -> None:
    (tree / "sys/block/sda").mkdir(parents=True)
    (tree / "sys/block/sda/size").write_text("8\n")
    os.symlink("../sda", tree / "sys/block/sda/subsystem")
    names = Tree("t", "/sys/block/*", ("size", "*/size", "*/*/size"), int, lambda folder: len(folder.entries))  # type: ignore[arg-type]
    assert read_sync(names, roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys"))) == [3]


def test_names_with_odd_bytes(tree: Path) -> None:
    folder = tree / "sys/class"
    folder.mkdir()
    (Path(os.fsdecode(bytes(folder) + b"/a\xff\x1b"))).mkdir()
    (Path(os.fsdecode(bytes(folder) + b"/a\xff\x1b/size"))).write_text("1")

    def name(folder: Folder) -> str:
        return folder.name

    odd: Tree[str] = Tree("odd", "/sys/class/*", ("size",), str, name)
    assert read_sync(odd, roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys"))) == ["a\\xff\\x1b"]


def test_masked_files_are_missing(tree: Path) -> None:
    (tree / "proc/loadavg").write_text("")
    roots = Roots(proc=str(tree / "proc"), sys=str(tree / "sys"))
    with pytest.raises(Unavailable) as caught:
        read_sync(LOADAVG, roots=roots)
    assert caught.value.failure == Failure(Reason.MISSING, "/proc/loadavg", "empty")


def test_a_fifo_in_the_tree_costs_its_own_field(tree: Path) -> None:
    os.mkfifo(tree / "proc/meminfo")
    (tree / "proc/loadavg").write_text(LINE)
    sampler = Sampler([LOADAVG, MEMINFO], roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys")))
    snap = sampler.sample_sync()
    assert snap[LOADAVG].last_pid == 11206
    assert snap.failures["meminfo"].reason is Reason.UNSUPPORTED
    sampler.close()


def test_the_processes_of_another_root(tree: Path) -> None:
    for pid, start in ((1, 5), (4242, 77)):
        folder = tree / f"proc/{pid}"
        folder.mkdir()
        zeros = " ".join("0" * 17)
        (folder / "stat").write_text(f"{pid} (a b) c) S {zeros} 0 {start} 4096 2 99 {' '.join('0' * 27)}\n")
    (tree / "proc/77").mkdir()
    sampler = Sampler([processes("io")], roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys")))
    snap = sampler.sample_sync()
    rows = snap[PROCESSES]
    assert list(rows) == [1, 4242], "no stat, no row"
    assert rows[4242].stat.comm == "a b) c"
    assert rows[4242].io is None
    again = sampler.sample_sync()[PROCESSES]
    assert [row.identity for row in again.values()] == [row.identity for row in rows.values()]
    (tree / "proc/4242/stat").unlink()
    assert list(sampler.sample_sync()[PROCESSES]) == [1]
    sampler.close()


def test_net_of_another_root_is_that_of_its_first_process() -> None:
    """/proc/net is self/net: under another root it would be our own network, or nobody's."""
    these = files()
    assert these.place("/proc/net/dev") == "/proc/net/dev"
    these._init = True  # as it is where another procfs is mounted elsewhere
    these._proc = confine.Root("/host/proc", own=False)
    assert these.place("/proc/net/dev") == "/host/proc/1/net/dev"
    assert these.place("/proc/self/mountinfo") == "/host/proc/1/mountinfo"
    assert these.place("/proc/sys/net/core/somaxconn") == "/host/proc/sys/net/core/somaxconn"


@pytest.mark.root
def test_a_procfs_mounted_elsewhere(tmp_path: Path) -> None:
    """What a container sees of its host at /host/proc, with a network namespace of its own."""
    proc = tmp_path / "proc"
    proc.mkdir()
    script = tmp_path / "script.py"
    script.write_text(f"""
from procpulse import Roots, read_sync
from procpulse.sources import NET_DEV

def names(**roots):
    return [row.name for row in read_sync(NET_DEV, **roots)]

print(names(), names(roots=Roots(proc={str(proc)!r})) == {[row.name for row in read_sync(NET_DEV)]!r})
""")
    command = f"mount -t proc proc {proc} && exec unshare --net {sys.executable} {script}"
    result = subprocess.run(["unshare", "--mount", "sh", "-c", command], capture_output=True, text=True, check=False)
    assert result.stdout.strip().endswith("True"), result.stderr
    assert "eth" not in result.stdout


def test_the_budget_is_half_of_the_limit() -> None:
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    assert Budget().limit == soft // 2


def test_when_descriptors_run_out_it_makes_room_and_goes_on() -> None:
    code = """
        import os, resource
        from procpulse import Sampler, catalog
        from procpulse.sources import processes
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        sampler = Sampler([*catalog.default_sources(), catalog.source("block"), catalog.source("class_net"),
                           processes("io", "status", "cmdline", "fd_count")], descriptors=1000)
        for _ in range(5):
            snap = sampler.sample_sync()
            assert not [f for f in snap.failures.values() if f.reason == "bug"], snap.failures
        assert os.getpid() in snap.values["processes"], snap.failures
        assert len(snap.values["class_net"]) >= 1 and snap.values["block"], snap.failures
        assert not [f for f in snap.failures.values() if f.reason == "exhausted"], "it recovers"
        assert sampler.statistics().descriptors < 60
        print("done")
    """
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert result.stdout == "done\n", result.stderr


def test_a_fold_reads_piece_by_piece(tree: Path) -> None:
    class Longest:
        def __init__(self, host: Host):
            self.longest = 0
            self.lines = 0

        def feed(self, lines: list[bytes]) -> None:
            for line in lines:
                self.longest = max(self.longest, len(line))
                self.lines += 1

        def result(self) -> tuple[int, int]:
            return self.lines, self.longest

    source: Fold[tuple[int, int]] = Fold("fold", "/proc/fold", tuple, Longest)  # type: ignore[arg-type]
    rows = [b"x" * (i % 700) for i in range(1000)]
    (tree / "proc/fold").write_bytes(b"\n".join(rows) + b"\ncut")
    roots = Roots(proc=str(tree / "proc"), sys=str(tree / "sys"))
    assert read_sync(source, roots=roots) == (1000, 699), "the line without an end is left out"
    assert source.understand(b"a\nbb\nccc", Host()) == (2, 2)
    with pytest.raises(Unavailable) as caught:
        read_sync(source)
    assert caught.value.failure is not None
    assert caught.value.failure.reason is Reason.MISSING


def test_one_bug_in_a_parser_costs_its_own_source(tree: Path) -> None:
    def parse(file: File) -> int:
        raise AttributeError("oops")

    broken: Source[int] = Source("broken", "/proc/loadavg", int, parse)
    sampler = Sampler([broken, STAT])
    snap = sampler.sample_sync()
    assert snap.failures["broken"].reason is Reason.BUG
    assert "oops" in snap.failures["broken"].detail
    assert snap[STAT]


def test_exit_does_not_wait_for_a_hung_read(tree: Path) -> None:
    """A reader thread that never comes back: neither the loop nor the interpreter waits for it."""
    code = """
        import anyio, threading, time
        from procpulse import Sampler, Source
        from procpulse.source import Read
        from procpulse.sources import STAT

        hung = Source("hung", "/proc/loadavg", int, lambda file: 0, slow=True)

        async def main():
            async with Sampler([hung, STAT]) as sampler:
                files = sampler._reader.files
                perform = files.perform
                sampler._reader.pool._perform = lambda request: threading.Event().wait() if "loadavg" in request.path else perform(request)
                async for snap in sampler.stream(0.2):
                    assert STAT in snap
                    assert snap.failures["hung"].reason == "timeout", snap.failures
                    if snap.seq >= 3:
                        break
                assert list(sampler.statistics().stuck) == ["/proc/loadavg"]
        started = time.monotonic()
        anyio.run(main)
        print("closed", time.monotonic() - started < 2)
    """
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=20, check=False
    )
    assert result.stdout == "closed True\n", result.stderr
    assert result.returncode == 0
    assert time.monotonic() - started < 5


def test_a_file_that_proc_does_not_have_is_looked_for_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs an open each time, and comes with a module or never."""
    times = [0]
    opened: list[str] = []
    monkeypatch.setattr("procpulse.reader.files.monotonic_ns", lambda: times[-1])
    these = files()
    open_really = these.open

    def open_and_tell(path: str) -> int:
        opened.append(path)
        return open_really(path)

    monkeypatch.setattr(these, "open", open_and_tell)
    module = Read("/proc/net/of_a_module")
    for now in (0, 1, 4_999_999_999, 5_000_000_000, 5_000_000_001):
        times.append(now)
        answer = these.perform(module)
        assert isinstance(answer, Failure)
        assert answer.reason is Reason.MISSING
    assert opened == [module.path] * 2
    for path in ("/sys/class/net/eth99/mtu", "/proc/4194304/io"):
        for _ in range(2):  # a device comes at any time, and a process of any pid
            assert isinstance(these.perform(Read(path)), Failure)
    assert len(opened) == 6
    times.append(10_000_000_001)
    monkeypatch.setattr(these, "open", lambda path: open_really("/proc/loadavg"))
    assert content(these.perform(module)).endswith(b"\n")


async def test_a_group_that_is_cancelled_or_has_a_bug_harms_nobody() -> None:
    """Sources of one file are read together; each has its own failure, and what is given up leaves nothing behind."""

    def bug(file: File) -> int:
        raise TypeError("ours")

    broken = Source("broken", "/proc/uptime", int, bug)
    absent = Source("absent", "/proc/not_there", int, lambda file: 1)
    reader = Reader(Roots())
    await reader.read([STAT], lambda source: 1.0)
    waiting = asyncio.ensure_future(reader.read([LOADAVG, broken, absent, MEMINFO], lambda source: 1.0))
    await asyncio.sleep(0)
    waiting.cancel()
    both = await asyncio.gather(
        *(reader.read([LOADAVG, broken, absent, MEMINFO], lambda source: 1.0) for _ in range(2)),
        waiting,
        return_exceptions=True,
    )
    for results in both[:2]:
        assert isinstance(results, dict)
        reasons = {name: result.failure and result.failure.reason for name, result in results.items()}
        assert reasons == {"loadavg": None, "broken": Reason.BUG, "absent": Reason.MISSING, "meminfo": None}
    assert not reader._engine.flights
    reader.close()


async def test_a_read_that_is_under_way_is_joined(tree: Path) -> None:
    reader = Reader(Roots())
    results = await reader.read([STAT, NET_DEV], lambda source: 1.0)
    assert results["stat"].failure is None
    assert results["stat"].read_ns > 0
    reader.close()
    reader.close()


@pytest.mark.parametrize(
    "hostile", [b"\xff\xfe\n", b"0.1 0.2 0.3 1/2 99999999999999999999999\n", b"\0" * 100, b"-" * 5000]
)
def test_hostile_bytes_are_malformed(tree: Path, hostile: bytes) -> None:
    (tree / "proc/loadavg").write_bytes(hostile)
    with pytest.raises(Unavailable) as caught:
        read_sync(LOADAVG, roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys")))
    assert caught.value.failure is not None
    assert caught.value.failure.reason is Reason.MALFORMED
    assert caught.value.failure.detail.isprintable()


def test_a_program_that_can_no_longer_import_reads_plain_trees_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after it changed to a user who may not read its own modules."""
    confine._openat2.cache_clear()
    confine._libc.cache_clear()
    monkeypatch.setitem(sys.modules, "ctypes", None)
    reader = Reader(roots(FIXTURES / "workstation"))
    result = reader.read_sync([LOADAVG], lambda source: 30.0)["loadavg"]
    reader.close()
    confine._openat2.cache_clear()
    confine._libc.cache_clear()
    assert result.failure is None
