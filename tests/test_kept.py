"""What a reader keeps from one read to the next never outlives what it was kept of, and what was wrong is told each time."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procpulse import Reason, Roots, Source
from procpulse.reader import Reader
from procpulse.reader.engine import Result
from procpulse.reader.rounds import HOST_SECONDS
from procpulse.source import Fold, Host
from procpulse.sources import CPU_IDLE, PCI_DEVICES
from procpulse.sources.proc.processes import processes
from procpulse.sources.sysfs.cgroup import MOUNTS_SECONDS, cgroup
from procpulse.sources.sysfs.fs_btrfs import FS_BTRFS
from tests.running.pretending import LANES, Time, moving_time, reader_as_it_is

STAT = "{pid} (sleeper) {state} 1 5 5 0 -1 4194560 100 0 0 0 7 3 0 0 20 0 1 0 {start} 1000000 200 " + " ".join(
    ["0"] * 28
)


class Tree:
    """A tree of files that is read by one reader; `kernel` as if it were the kernel's own."""

    def __init__(self, top: Path, clock: Time):
        self.top = top
        self.clock = clock
        self.reader = reader_as_it_is(Reader(Roots(proc=str(top / "proc"), sys=str(top / "sys"))))

    def write(self, path: str, text: str) -> None:
        place = self.top / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def replace(self, path: str, **files: str) -> None:
        """Another directory comes under this name, with these files; nothing of the old one answers any more."""
        old = self.top / "old" / str(len(list((self.top / "old").iterdir())))
        (self.top / path).rename(old)
        for file in old.rglob("*"):
            if file.is_file():
                file.unlink()
        for name, text in files.items():
            self.write(f"{path}/{name}", text)

    def process(self, pid: int, state: str = "S", start: int = 100, **files: str) -> None:
        files["stat"] = STAT.format(pid=pid, state=state, start=start) + "\n"
        for name, text in files.items():
            self.write(f"proc/{pid}/{name}", text)

    def result(self, source: Source[Any]) -> Result:
        return self.reader.read_sync([source], lambda _: 30.0)[source.name]

    def read(self, source: Source[Any]) -> Any:
        result = self.result(source)
        assert result.failure is None, result.failure
        return result.value


@pytest.fixture(params=LANES)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tree]:
    for name in ("proc", "sys", "old"):
        (tmp_path / name).mkdir()
    with moving_time() as clock, LANES[request.param](tmp_path, clock):
        tree = Tree(tmp_path, clock)
        yield tree
        tree.reader.close()


only_kernel = pytest.mark.parametrize("tree", ["kernel"], indirect=True)

WORDS = Source("words", "/proc/words", list[str], lambda file: file.data.decode().split(), cap=1 << 20)


class _Lines:
    """Counts lines."""

    def __init__(self, host: Host) -> None:
        self.count = 0

    def feed(self, lines: list[bytes]) -> None:
        self.count += len(lines)

    def result(self) -> int:
        return self.count


LINES = Fold("lines", "/proc/lines", int, _Lines)


def test_a_file_that_was_made_again_is_read_at_once(tree: Tree) -> None:
    """As those of a module that was unloaded and loaded: the kept descriptor answers EIO, which is not the answer."""
    for path, source, first, then in (("proc/words", WORDS, ["old"], ["new"]), ("proc/lines", LINES, 1, 2)):
        tree.write(path, "old\n")
        assert tree.read(source) == first
        (tree.top / path).unlink()
        tree.write(path, "new\n" if source is WORDS else "new\nnew\n")
        assert tree.read(source) == then
        (tree.top / path).unlink()
        failure = tree.result(source).failure
        assert failure is not None
        assert (failure.reason, failure.detail) == (Reason.MISSING, "ENOENT")
        tree.clock.jump(6)


def test_the_machine_is_known_as_soon_as_it_can_be_read(tree: Tree) -> None:
    """What was understood as of an unknown kernel is understood anew."""
    kernels = Source("kernels", "/proc/words", list[str], lambda file: [file.host.kernel])
    tree.write("proc/words", "some\n")
    assert tree.read(kernels) == [""]
    tree.write("proc/sys/kernel/osrelease", "4.18.0\n")
    tree.clock.jump(6)
    assert tree.read(kernels) == ["4.18.0"]
    tree.write("proc/sys/kernel/hostname", "renamed\n")
    tree.clock.jump(HOST_SECONDS + 1)
    assert tree.read(kernels) == ["4.18.0"]
    assert tree.reader.host.name == "renamed"
    (tree.top / "proc/sys/kernel/osrelease").unlink()
    (tree.top / "proc/sys/kernel/osrelease").mkdir()  # what cannot be read for a while is no other machine
    tree.clock.jump(HOST_SECONDS + 1)
    assert tree.read(kernels) == ["4.18.0"]


def test_what_of_a_process_makes_no_sense_is_told_at_every_read(tree: Tree) -> None:
    tree.process(1)
    tree.process(7, io="rchar: many\n", cmdline="sleep\0", mountinfo="nonsense\n")
    source = processes("io", "mountinfo", "cmdline")
    told = [tree.result(source).failures for _ in range(3)]
    assert sorted(told[0]) == ["io", "mountinfo"]
    assert told == [told[0]] * 3
    tree.process(
        7, io="rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 7\n"
    )
    assert sorted(tree.result(source).failures) == ["mountinfo"]


def test_another_process_of_a_pid_is_there_at_once(tree: Tree) -> None:
    """Also where more than its `stat` is read, which was asked for before the old one was known to be gone."""
    source = processes("io", "fd_count", "cmdline", threads=True)
    tree.process(7, cmdline="old\0")
    tree.write("proc/7/task/7/stat", STAT.format(pid=7, state="S", start=100) + "\n")
    assert tree.read(source)[7].cmdline.arguments == ["old"]
    tree.replace("proc/7", cmdline="new\0", stat=STAT.format(pid=7, state="S", start=900) + "\n")
    tree.write("proc/7/task/7/stat", STAT.format(pid=7, state="S", start=900) + "\n")
    row = tree.read(source)[7]
    assert (row.cmdline.arguments, row.stat.start_ticks, row.threads[7].stat.start_ticks) == (["new"], 900, 900)
    tree.replace("proc/7/task/7", stat=STAT.format(pid=7, state="S", start=950) + "\n")
    assert tree.read(source)[7].threads[7].stat.start_ticks == 950


def test_an_empty_stat_costs_its_own_row_only(tree: Tree) -> None:
    tree.process(7)
    tree.process(8)
    tree.write("proc/7/stat", "")
    result = tree.result(processes("stat"))
    assert result.failure is None
    assert 8 in result.value
    tree.process(7)
    assert sorted(tree.read(processes("stat"))) == [7, 8]


def test_what_is_left_of_a_process_whose_stat_was_bad_is_nobody(tree: Tree) -> None:
    tree.process(1)
    tree.process(7, io="rchar: many\n", smaps_rollup="Rss: many kB\n")
    tree.write("proc/7/stat", "nonsense\n")
    source = processes("io", "smaps_rollup")
    for _ in range(2):
        tree.result(source)
    (tree.top / "proc/7/stat").unlink()
    kept, fresh = tree.result(source), reader_as_it_is(Reader(tree.reader.roots))
    new = fresh.read_sync([source], lambda _: 30.0)["processes"]
    fresh.close()
    assert (kept.value, kept.failures) == (new.value, new.failures)


@only_kernel
def test_what_only_programs_have_is_gone_with_the_program(tree: Tree) -> None:
    """At the very read that finds the process ended: what the kernel shows by then are zeros."""
    statm = "100 50 10 1 0 20 0\n"
    tree.process(7, statm=statm, oom_score="3\n")
    assert tree.read(processes("statm", "oom_score"))[7].statm is not None
    tree.process(7, state="Z", statm="0 0 0 0 0 0 0\n", oom_score="0\n")
    row = tree.read(processes("statm", "oom_score"))[7]
    assert (row.stat.state, row.statm, row.oom_score) == ("Z", None, None)


@only_kernel
def test_a_process_is_found_though_the_kernel_counts_as_many(tree: Tree) -> None:
    """A directory of /proc went, as with its module, in the moment in which a process came."""
    tree.process(7)
    tree.write("proc/driver/version", "1\n")
    assert sorted(tree.read(processes("stat"))) == [7]
    tree.process(8)
    shutil.rmtree(tree.top / "proc/driver")
    tree.clock.jump(61)
    assert sorted(tree.read(processes("stat"))) == [7, 8]


def test_states_of_a_cpu_that_comes_online_have_names(tree: Tree) -> None:
    """What is read once for each device is read again when its directories are others."""
    path = "sys/devices/system/cpu/cpu1/cpuidle"
    tree.write("sys/devices/system/cpu/cpu1/online", "0\n")
    assert [state.name for cpu in tree.read(CPU_IDLE).cpus for state in cpu.states] == []
    for state, name in enumerate(("POLL", "C1")):
        tree.write(f"{path}/state{state}/name", name + "\n")
        tree.write(f"{path}/state{state}/usage", "5\n")
    assert [state.name for cpu in tree.read(CPU_IDLE).cpus for state in cpu.states] == ["POLL", "C1"]
    tree.replace(path)
    assert [state.name for cpu in tree.read(CPU_IDLE).cpus for state in cpu.states] == []


def test_a_device_with_few_files_keeps_what_its_own_link_tells(tree: Tree) -> None:
    """Where many files are missing the directory is listed; its own link is in no listing."""
    device = tree.top / "sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0"
    tree.write("sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/irq", "5\n")
    (tree.top / "sys/bus/pci/devices").mkdir(parents=True)
    link = tree.top / "sys/bus/pci/devices/0000:01:00.0"
    for _ in range(2):
        link.unlink(missing_ok=True)
        link.symlink_to("../../../devices/pci0000:00/0000:00:01.0/0000:01:00.0")
        for _ in range(3):
            assert [row.parent.device for row in tree.read(PCI_DEVICES)] == [1]
            (device / "irq").unlink(missing_ok=True)
            tree.write("sys/devices/pci0000:00/0000:00:01.0/0000:01:00.0/numa_node", "0\n")


def test_what_a_link_in_the_middle_of_a_path_leads_to_may_change(tree: Tree) -> None:
    top = "sys/fs/btrfs/0abc-0abc"
    for disk, size in (("sda", 8), ("sdb", 16)):
        tree.write(f"sys/block/{disk}/size", f"{size}\n")
    tree.write(f"{top}/label", "data\n")
    link = tree.top / top / "devices/sda"
    link.parent.mkdir()
    for disk, size in (("sda", 4096), ("sdb", 8192)):
        (tree.top / "new").symlink_to(f"../../../../block/{disk}")
        (tree.top / "new").rename(link)  # so that it is not the same inode: the kernel never uses one again
        assert [device.size_bytes for device in tree.read(FS_BTRFS)[0].devices] == [size]


def test_how_hierarchies_are_mounted_is_seen_again(tree: Tree) -> None:
    tree.write("sys/fs/cgroup/cgroup.controllers", "cpu\n")
    tree.write("sys/fs/cgroup/cgroup.stat", "nr_descendants 0\n")
    tree.write("proc/self/cgroup", "0::/\n")
    mount = "30 20 0:26 {root} /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
    tree.write("proc/self/mountinfo", mount.format(root="/"))
    source = cgroup()
    assert [group.path for group in tree.read(source)] == ["/"]
    tree.write("proc/self/mountinfo", mount.format(root="/pod"))
    tree.clock.jump(MOUNTS_SECONDS + 1)
    assert [group.path for group in tree.read(source)] == ["/pod"]


def test_arguments_are_cut_where_stat_says_by_now(tree: Tree) -> None:
    """What follows them is an environment: their length is asked for again as often as they are."""
    tree.process(1)
    tree.process(7, cmdline="program\0secret\0")
    assert tree.read(processes("cmdline"))[7].cmdline.arguments == ["program", "secret"]
    columns = STAT.format(pid=7, state="S", start=100).split()
    columns[47:49] = ["1000", "1008"]
    tree.write("proc/7/stat", " ".join(columns) + "\n")
    tree.clock.jump(61)
    assert tree.read(processes("cmdline"))[7].cmdline.arguments == ["program"]
