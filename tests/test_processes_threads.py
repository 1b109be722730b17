"""Threads of processes: the same parts, rows by tid, deltas, and rows of a captured tree that lack something."""

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from procpulse import Reason, Roots, Sampler, difference
from procpulse.cli import main
from procpulse.encode import json, msgpack
from procpulse.reader import Reader
from procpulse.reader.processes import ProcessTable
from procpulse.snapshot import Snapshot
from procpulse.source import Host, Reading
from procpulse.sources import PROCESSES, processes
from procpulse.sources.proc.processes import Process, Thread
from procpulse.web.publish import Publisher
from procpulse.web.select import Selection, top
from tests.conftest import FIXTURES, roots

# Starts threads and ends them, as it is told on its standard input; answers with their ids.
PROGRAM = """
import sys, threading
threading.stack_size(1 << 16)
told = []
def work(event, spin):
    while not event.wait(0 if spin else None):
        pass
for line in sys.stdin:
    verb, count = line.split()
    if verb == "end":
        for event, thread in told[-int(count):]:
            event.set()
            thread.join()
        del told[-int(count):]
    for _ in range(int(count) if verb != "end" else 0):
        event = threading.Event()
        thread = threading.Thread(target=work, args=(event, verb == "spin"), daemon=True)
        thread.start()
        told.append((event, thread))
    print(*[thread.native_id for _, thread in told], flush=True)
"""


class Program:
    def __init__(self, process: subprocess.Popen[str]):
        self.process = process
        self.pid = process.pid

    def tell(self, order: str) -> list[int]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return [self.pid, *map(int, self.process.stdout.readline().split())]


@pytest.fixture
def program() -> Iterator[Program]:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Program(process)
        process.kill()


def sampler(*parts: str, where: Roots | None = None, **options: Any) -> Sampler:
    source = processes(*parts, **options)
    return Sampler([source], roots=where or Roots(), deadlines={source: 60.0})  # the machine may be busy


def threads(snapshot: Snapshot, pid: int) -> dict[int, Thread]:
    found = snapshot[PROCESSES][pid].threads
    assert found is not None
    return found


@pytest.mark.parametrize("parts", [(), ("status", "io"), ("status", "cwd")], ids=["stat only", "fast", "slow too"])
@pytest.mark.parametrize("descriptors", [None, 0], ids=["kept open", "no descriptors to spare"])
def test_threads_come_and_go(program: Program, parts: tuple[str, ...], descriptors: int | None) -> None:
    tids = program.tell("start 3")
    reader = Reader(Roots(), descriptors=descriptors)
    source = processes("stat", *parts, threads=True)

    def rows() -> dict[int, Thread]:
        row = reader.read_sync([source], lambda source: 30.0)["processes"].value[program.pid]
        assert row.stat.num_threads == len(row.threads)
        found: dict[int, Thread] = row.threads
        return found

    first, second = rows(), rows()
    assert sorted(first) == sorted(second) == sorted(tids)
    for tid, row in first.items():
        assert (row.tid, row.stat.pid) == (tid, tid)
        assert row.identity == second[tid].identity
        for part in parts:
            assert getattr(row, part) is not None
        if parts:
            assert row.status is not None
            assert (row.status.pid, row.status.tgid) == (tid, program.pid)
    assert len({(tid, row.identity) for tid, row in first.items()}) == 4
    sleeper = tids[3]
    pairs = ((rows()[sleeper], rows()[sleeper]) for _ in range(20))  # it may still be on its way to sleep
    assert any(earlier is later for earlier, later in pairs), "what sleeps does not change"
    left = program.tell("end 1")
    assert sorted(rows()) == sorted(left)
    more = program.tell("start 2")
    third = rows()
    assert sorted(third) == sorted(more)
    latest = max(row.identity for row in first.values())
    assert all(third[tid].identity >= latest for tid in set(more) - set(left)), "they started later"
    reader.close()
    assert reader.descriptors == 0


def test_what_a_thread_does_is_growth_and_usage(program: Program) -> None:
    [_, sleeper] = program.tell("start 1")
    worker = program.tell("spin 1")[2]
    own = sampler("status", "schedstat", "io", threads=True)
    before = own.sample_sync()
    while (after := own.sample_sync()).monotonic_ns - before.monotonic_ns < 100_000_000 or (
        threads(after, program.pid)[worker].stat.cpu_ticks == threads(before, program.pid)[worker].stat.cpu_ticks
    ):
        pass
    own.close()
    grown = difference(before, after)
    assert threads_of(grown[PROCESSES][program.pid])[worker].stat.cpu_ticks > 0
    assert threads_of(grown[PROCESSES][program.pid])[sleeper].stat.cpu_ticks == 0
    usage = grown.usage.threads
    assert (usage[worker].pid, usage[worker].tid) == (program.pid, worker)
    assert 0 < usage[worker].cpu_ratio
    assert 0 < (usage[worker].run_ratio or 0)
    assert usage[sleeper].cpu_ratio == 0
    assert usage[sleeper].context_switches_per_second == 0
    assert usage[worker].read_bytes_per_second is not None
    assert grown.usage.rates().threads == usage


def threads_of(row: Process) -> dict[int, Thread]:
    assert row.threads is not None
    return row.threads


def test_a_thread_that_came_since_has_no_growth(program: Program) -> None:
    first = program.tell("start 1")
    own = sampler("stat", threads=True)
    before = own.sample_sync()
    program.tell("start 1")
    after = own.sample_sync()
    own.close()
    assert sorted(threads_of(difference(before, after)[PROCESSES][program.pid])) == sorted(first)


def test_a_tid_of_another_process_is_another_thread(program: Program) -> None:
    """The main thread of a process that ended, and a thread of another that got its number."""
    tids = program.tell("start 1")
    files = Reader(Roots())
    table = ProcessTable(processes("stat", threads=True), files.files, files.budget)

    def rows() -> dict[int, Any]:
        steps = table.steps(Reading(Host()))
        while True:
            try:
                next(steps)
            except StopIteration as stop:
                found: dict[int, Any] = stop.value
                return found

    before = rows()[program.pid].threads
    assert table._threads is not None
    entry = table._threads._entries[tids[1]]
    entry.path = f"1/task/{tids[1]}"  # as if it had been met there
    after = rows()[program.pid].threads
    assert before[tids[0]].identity == after[tids[0]].identity
    assert before[tids[1]].identity != after[tids[1]].identity
    table.close()
    files.close()


def test_many_threads_are_read_in_slices(program: Program) -> None:
    tids = program.tell("start 1500")
    files = Reader(Roots())
    table = ProcessTable(processes("status", threads=True), files.files, files.budget)
    turns = 0
    steps = table.steps(Reading(Host()))
    while True:
        try:
            next(steps)
            turns += 1
        except StopIteration as stop:
            found = stop.value[program.pid].threads
            break
    assert sorted(found) == sorted(tids)
    assert turns >= 10, "1,500 rows take far longer than ten slices"
    table.close()
    files.close()


def test_only_some_parts_of_threads() -> None:
    own = sampler("io", threads=["status"])
    row = own.sample_sync()[PROCESSES][os.getpid()]
    own.close()
    thread = threads_of(row)[os.getpid()]
    assert thread.status is not None
    assert row.io is not None
    with pytest.raises(AttributeError, match="'io' was not asked for"):
        thread.io  # noqa: B018
    with pytest.raises(AttributeError, match="'status' was not asked for"):
        row.status  # noqa: B018


def test_threads_are_asked_for() -> None:
    own = sampler("stat")
    row = own.sample_sync()[PROCESSES][1]
    own.close()
    with pytest.raises(AttributeError, match=r"threads=True"):
        row.threads  # noqa: B018
    with pytest.raises(LookupError, match="the process has it"):
        processes("io", threads=["mountstats"])
    with pytest.raises(LookupError, match="did you mean status"):
        processes("io", threads=["statu"])
    assert processes("io", threads=True) is processes("io", threads=["io"])
    assert [part.name for part in (processes(threads=True).threads or PROCESSES).parts if part.secret] == []


@pytest.mark.parametrize("format", [json, msgpack], ids=["json", "msgpack"])
@pytest.mark.parametrize("options", [{"threads": True}, {"threads": ["status"]}, {"threads": []}], ids=str)
def test_threads_survive_the_wire(format: Any, options: dict[str, Any]) -> None:
    own = sampler("io", "comm", **options)
    snapshot = own.sample_sync()
    own.close()
    assert format.decode(format.encode(snapshot)) == snapshot
    assert pickle.loads(pickle.dumps(snapshot[PROCESSES])) == snapshot[PROCESSES]


def test_threads_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    tree = roots(FIXTURES / "workstation")
    for words, expected in {
        "processes:threads": {"tid", "identity", "stat"},
        "processes:io+threads": {"tid", "identity", "stat", "io"},
        "processes:io+threads.comm+threads.status": {"tid", "identity", "stat", "comm", "status"},
        "all": {"tid", "identity", "stat", "comm", "io", "schedstat", "status"},
    }.items():
        assert (
            main(["snapshot", "--format", "json", "--proc-root", tree.proc, "--sys-root", tree.sys, "--sources", words])
            == 0
        )
        values = json.decode(capsys.readouterr().out)[PROCESSES]
        assert set(threads_of(values[4242])[4243].__struct_fields__) == expected


def test_threads_of_a_captured_tree() -> None:
    own = sampler("comm", "schedstat", threads=True, where=roots(FIXTURES / "workstation"))
    snapshot = own.sample_sync()
    found = threads(snapshot, 4242)
    again = threads(own.sample_sync(), 4242)
    own.close()
    assert list(found) == [4242, 4243]
    assert [row.stat.comm for row in found.values()] == ["ray tracer", "ray worker"]
    assert found[4243].schedstat is not None
    assert found[4243].schedstat.timeslices == 1021785
    assert again[4243].identity == found[4243].identity != found[4242].identity
    assert snapshot[PROCESSES][2].threads is None, "no task directory"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A captured tree in which processes lack files."""
    shutil.copytree(FIXTURES / "workstation/proc/4242", tmp_path / "proc/4242", symlinks=True)
    shutil.copy(FIXTURES / "workstation/proc/interrupts", tmp_path / "proc/interrupts")
    (tmp_path / "sys").mkdir()
    return tmp_path


@pytest.mark.parametrize("damage", [None, b"", b"nothing of the kind\n"], ids=["missing", "empty", "malformed"])
def test_a_captured_process_without_stat_keeps_what_there_is(tree: Path, damage: bytes | None) -> None:
    stat = tree / "proc/4242/stat"
    stat.unlink()
    if damage is not None:
        stat.write_bytes(damage)
    own = sampler("status", "cmdline", "maps", threads=True, where=roots(tree))
    before, after = own.sample_sync(), own.sample_sync()
    own.close()
    row = after[PROCESSES][4242]
    assert row.stat is None
    assert row.status is not None
    assert row.status.pid == 4242
    assert row.maps is not None
    assert sorted(threads_of(row)) == [4242, 4243]
    assert ("processes/stat" in after.failures) == (damage is not None)
    assert row.identity == before[PROCESSES][4242].identity
    assert json.decode(json.encode(after)) == after
    grown = difference(before, after)
    assert grown[PROCESSES][4242].stat is None
    assert (grown.usage.processes, sorted(grown.usage.threads)) == ({}, [4242, 4243])


def test_an_empty_directory_is_no_process(tree: Path) -> None:
    (tree / "proc/77").mkdir()
    own = sampler("status", "interrupts", where=roots(tree))
    assert list(own.sample_sync()[PROCESSES]) == [4242], "what only the host has makes no process"
    own.close()


def test_interrupts_of_the_host_stand_for_those_of_a_captured_process(tree: Path) -> None:
    shutil.copytree(FIXTURES / "sandbox/proc/7", tree / "proc/7", symlinks=True)
    own = sampler("interrupts", where=roots(tree))
    rows = own.sample_sync()[PROCESSES]
    own.close()
    assert rows[4242].interrupts is not None
    assert rows[7].interrupts is not None
    assert len(rows[4242].interrupts.interrupts) > 5
    assert rows[7].interrupts != rows[4242].interrupts, "its own come first"


def test_threads_that_may_not_be_listed_are_none_and_denied() -> None:
    """As under hidepid, where a directory of a process is there but closed."""
    files = Reader(Roots(), descriptors=0, observe=lambda request, answer: None)
    result = files.read_sync([processes("stat", threads=True)], lambda source: 30.0)["processes"]
    assert threads_of(result.value[os.getpid()])
    files.close()
    assert not [failure for failure in result.failures.values() if failure.reason is Reason.BUG]


@pytest.mark.parametrize(
    ("source", "left"),
    [
        (processes("io", "cmdline", threads=["status"]), {"tid", "identity", "stat", "status"}),
        (processes("io", threads=["cmdline", "environ"]), None),
        (processes("io", "cmdline", threads=True), None),
    ],
    ids=["nothing secret", "secrets of threads alone", "arguments of both"],
)
def test_what_is_served_of_threads_has_no_arguments_and_no_environment(source: Any, left: set[str] | None) -> None:
    own = Sampler([source], deadlines={source: 60.0})
    snapshot = own.sample_sync()
    own.close()
    publisher = Publisher([source], None)
    row = publisher(snapshot)[PROCESSES][os.getpid()]
    assert "cmdline" not in row.__struct_fields__
    if left is None:
        assert "threads" not in row.__struct_fields__
        assert publisher.sources[0].threads is None  # type: ignore[attr-defined]
    else:
        assert set(threads_of(row)[os.getpid()].__struct_fields__) == left


def test_a_process_without_stat_is_the_smallest(tree: Path) -> None:
    (tree / "proc/4242/stat").unlink()
    shutil.copytree(FIXTURES / "workstation/proc/1", tree / "proc/1", symlinks=True)
    own = sampler("status", where=roots(tree))
    snapshot = own.sample_sync()
    own.close()
    assert top(snapshot, None, Selection(top=1)) == {1}
    assert top(snapshot, None, Selection(top=5)) == {1, 4242}
