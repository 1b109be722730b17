"""Processes added up by name over hundreds of ticks: nothing is lost, nothing counts twice, nothing falls, few series."""

import random
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from procpulse import Host, Snapshot
from procpulse.encode.process_groups import BURST, MOST_NAMES, OTHER, REFILL_SECONDS, Groups, kernel_thread
from procpulse.sources import processes
from procpulse.sources.proc.pid_io import PidIo
from procpulse.sources.proc.pid_stat import PID_STAT, PidStat

HOST = Host(ticks_per_second=100, page_size=4096)
BLANK: PidStat = PID_STAT.understand(b"1 (x) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 0 4096 1 0\n", HOST)  # type: ignore[assignment]
ROW = processes("io").row
KTHREAD = 0x200000


@dataclass
class Process:
    """What the kernel knows of a process."""

    pid: int
    parent: int
    name: str
    start: int
    identity: int
    cpu: int = 0
    waited: int = 0
    read: int = 0
    rss: int = 1 << 20
    flags: int = 0


@dataclass
class Machine:
    """A host without a kernel: what it says of its processes, and what was really done."""

    random: random.Random
    now: float = 1000.0
    table: dict[int, Process] = field(default_factory=dict)
    count: int = 0
    done: dict[str, int] = field(default_factory=dict)
    """Clock ticks by name, of what was waited for too."""
    read: int = 0

    def start(self, name: str, parent: int = 1, **more: Any) -> Process:
        self.count += 1
        process = Process(100 + self.count, parent, name, int(self.now * 100), self.count, **more)
        self.table[process.pid] = process
        return process

    def work(self, process: Process, ticks: int, read: int = 0) -> None:
        process.cpu += ticks
        process.read += read
        self.read += read
        self.done[process.name] = self.done.get(process.name, 0) + ticks

    def end(self, process: Process) -> None:
        """It ends, and the parent waits for it; a parent that ended before leaves it to process 1."""
        del self.table[process.pid]
        for child in self.table.values():
            if child.parent == process.pid:
                child.parent = 1
        parent = self.table.get(process.parent)
        if parent is not None:
            parent.waited += process.cpu + process.waited
            parent.read += process.read

    def snapshot(self) -> Snapshot:
        rows = {}
        for process in self.table.values():
            stat = msgspec.structs.replace(
                BLANK, comm=process.name, ppid=process.parent, user_ticks=process.cpu, start_ticks=process.start,
                child_user_ticks=process.waited, rss_bytes=process.rss, flags=process.flags,
            )  # fmt: skip
            rows[process.pid] = ROW(process.pid, process.identity, stat, PidIo(0, 0, 0, 0, process.read, 0, 0))
        return Snapshot(
            seq=int(self.now), time=self.now, monotonic_ns=int(self.now * 1e9), host=HOST, values={"processes": rows}
        )


class Scraper:
    """Adds up what Prometheus would: growth of series, a new one from 0, one that falls from 0 again."""

    def __init__(self) -> None:
        self.last: dict[tuple[str, str], float] = {}
        self.sums: dict[str, float] = {}
        self.names: set[str] = set()
        self.falls = 0

    def scrape(self, groups: Groups) -> dict[str, dict[str, float]]:
        found: dict[str, dict[str, float]] = {}
        for family in groups.families(HOST).values():
            for sample in family.samples:
                name = sample.labels["name"]
                self.names.add(name)
                found.setdefault(family.name.removeprefix("procpulse_process_group_"), {})[name] = sample.value
                if family.type != "counter":
                    continue
                before = self.last.get((family.name, name), 0.0)
                self.falls += sample.value < before
                self.last[family.name, name] = sample.value
                self.sums[family.name] = self.sums.get(family.name, 0.0) + sample.value - before
        return found

    def sum(self, what: str) -> float:
        return self.sums.get(f"procpulse_process_group_{what}", 0.0)


def prepared(seed: int = 1, most: int = MOST_NAMES) -> tuple[Machine, Groups, Scraper]:
    machine = Machine(random.Random(seed))
    groups = Groups(most=most, clock=lambda: machine.now)
    machine.table[1] = Process(1, 0, "init", 1, 0)
    return machine, groups, Scraper()


@pytest.mark.parametrize("every", [1, 7, 200])
@pytest.mark.parametrize("seed", range(4))
def test_hundreds_of_ticks_of_churn(seed: int, every: int) -> None:
    machine, groups, scraper = prepared(seed, most=12)
    rng = machine.random
    groups.update(machine.snapshot())
    scraper.scrape(groups)
    for tick in range(600):
        machine.now += 1
        for _ in range(rng.randrange(6)):
            parent = rng.choice(list(machine.table))
            machine.start(f"n{rng.randrange(60)}", parent)
        for process in list(machine.table.values()):
            if rng.random() < 0.5:
                machine.work(process, rng.randrange(40), rng.randrange(1000))
            if rng.random() < 0.02:
                process.name = f"n{rng.randrange(60)}"
            if process.pid != 1 and rng.random() < 0.15:
                machine.end(process)
        groups.update(machine.snapshot())
        if tick % every == 0:
            scraper.scrape(groups)
            assert len(scraper.scrape(groups)["cpu_seconds"]) <= 13
    scraper.scrape(groups)
    assert scraper.falls == 0
    # Everything that the kernel told of is counted once, also what children did between the last tick and their end.
    done = sum(machine.done.values())
    assert scraper.sum("cpu_seconds") * 100 <= done + 0.01
    assert scraper.sum("cpu_seconds") * 100 >= 0.97 * done
    assert scraper.sum("read_bytes") <= machine.read + 0.01
    assert scraper.sum("read_bytes") >= 0.95 * machine.read


def test_children_that_nobody_saw_count_by_their_parent() -> None:
    machine, groups, scraper = prepared()
    make = machine.start("make")
    groups.update(machine.snapshot())
    for _ in range(50):
        machine.now += 1
        for _ in range(10):
            child = machine.start("cc1", make.pid)
            machine.work(child, 20, 512)
            machine.end(child)
        groups.update(machine.snapshot())
    found = scraper.scrape(groups)
    assert sum(found["cpu_seconds"].values()) == pytest.approx(100)
    assert sum(found["read_bytes"].values()) == 50 * 10 * 512


def test_a_child_that_was_seen_counts_once_and_to_its_end() -> None:
    machine, groups, scraper = prepared()
    shell = machine.start("bash")
    child = machine.start("dd", shell.pid)
    groups.update(machine.snapshot())
    machine.now += 1
    machine.work(child, 70, 7_000)
    groups.update(machine.snapshot())
    machine.now += 1
    machine.work(child, 30, 3_000)
    machine.end(child)
    groups.update(machine.snapshot())
    found = scraper.scrape(groups)
    assert found["cpu_seconds"] == {"init": 0, "bash": 0, "dd": 1, OTHER: 0}
    assert sum(found["read_bytes"].values()) == 10_000
    assert found["read_bytes"]["bash"] == 3_000, "what the kernel told of the shell alone"


def test_a_parent_that_is_read_before_it_waits() -> None:
    machine, groups, scraper = prepared()
    shell = machine.start("bash")
    child = machine.start("dd", shell.pid)
    groups.update(machine.snapshot())
    machine.now += 1
    machine.work(child, 70, 7_000)
    groups.update(machine.snapshot())
    machine.now += 1
    waited, read = shell.waited, shell.read
    machine.end(child)
    late = shell.waited, shell.read
    shell.waited, shell.read = waited, read
    groups.update(machine.snapshot())
    shell.waited, shell.read = late
    machine.now += 1
    groups.update(machine.snapshot())
    found = scraper.scrape(groups)
    assert sum(found["cpu_seconds"].values()) == pytest.approx(0.7)
    assert sum(found["read_bytes"].values()) == 7_000


def test_one_who_renames_processes_makes_nobody_disappear() -> None:
    machine, groups, scraper = prepared()
    for place in range(60):
        machine.start(f"daemon{place}")
    groups.update(machine.snapshot())
    scraper.scrape(groups)
    bombs = [machine.start(f"bomb{place}") for place in range(16)]
    for tick in range(300):
        machine.now += 1
        for place, bomb in enumerate(bombs):
            bomb.name = f"bomb{tick}-{place}"
            machine.work(bomb, 3)
        groups.update(machine.snapshot())
        found = scraper.scrape(groups)
        assert len(found["cpu_seconds"]) <= MOST_NAMES + 1
        assert {f"daemon{place}" for place in range(60)} <= found["cpu_seconds"].keys()
    for bomb in bombs:
        machine.end(bomb)
    changes = BURST + 300 / REFILL_SECONDS
    assert len(scraper.names) <= MOST_NAMES + 1 + changes
    hog = machine.start("hog")
    for _ in range(30):
        machine.now += 1
        machine.work(hog, 90)
        groups.update(machine.snapshot())
    found = scraper.scrape(groups)
    assert found["processes"]["hog"] == 1
    assert found["cpu_seconds"]["hog"] > 20, "within some seconds"
    assert scraper.falls == 0
    assert scraper.sum("cpu_seconds") * 100 == pytest.approx(sum(machine.done.values()))


def test_bombs_that_live_and_work_push_out_no_program_of_the_host() -> None:
    machine, groups, scraper = prepared()
    for place in range(90):
        machine.start(f"daemon{place}", rss=0)
    machine.now += 10
    bombs = [machine.start(f"bomb{place}", rss=1 << 30) for place in range(400)]
    for _ in range(300):
        machine.now += 1
        for bomb in bombs:
            machine.work(bomb, machine.random.randrange(3))
        groups.update(machine.snapshot())
    found = scraper.scrape(groups)
    assert {f"daemon{place}" for place in range(90)} <= found["processes"].keys()


def test_a_name_that_nothing_bears_gives_way_and_comes_back_where_it_was() -> None:
    machine, groups, scraper = prepared(most=3)
    first = [machine.start(name) for name in ("a", "b", "c")]
    machine.table[1].name = OTHER
    groups.update(machine.snapshot())
    machine.now += 1
    for process in first:
        machine.work(process, 500)
    groups.update(machine.snapshot())
    assert scraper.scrape(groups)["cpu_seconds"]["a"] == 5
    machine.now += 1
    machine.work(first[0], 200)
    groups.update(machine.snapshot())
    machine.end(first[0])
    machine.start("d", rss=1 << 30)
    machine.now += 1
    groups.update(machine.snapshot())
    found = scraper.scrape(groups)
    assert "a" not in found["cpu_seconds"]
    assert found["cpu_seconds"][OTHER] == 2, "what no scrape saw of it"
    assert found["processes"]["d"] == 1
    machine.end(first[1])
    machine.work(machine.start("a", rss=1 << 31), 100)
    machine.now += 1
    groups.update(machine.snapshot())
    assert scraper.scrape(groups)["cpu_seconds"]["a"] == 6
    assert scraper.falls == 0
    assert scraper.sum("cpu_seconds") == 18


def test_what_uses_most_gets_a_series_of_what_uses_least() -> None:
    machine, groups, scraper = prepared(most=10)
    idle = [machine.start(f"idle{place:02}", rss=0) for place in range(30)]
    groups.update(machine.snapshot())
    machine.now += 61
    hog = machine.start("hog", rss=0)
    machine.work(hog, 100)
    groups.update(machine.snapshot())
    before = scraper.scrape(groups)["processes"].keys()
    assert "hog" in before
    for _ in range(500):  # no reason to change anything any more
        machine.now += 1
        machine.work(hog, 50)
        machine.work(machine.random.choice(idle), 1)
        groups.update(machine.snapshot())
        assert "hog" in scraper.scrape(groups)["processes"]
    assert len(scraper.names) < 30


def test_a_pause_of_the_sampler_loses_nothing_of_what_lives_on() -> None:
    machine, groups, scraper = prepared()
    process = machine.start("a")
    groups.update(machine.snapshot())
    machine.work(process, 300)
    machine.now += 500
    process.identity = 77
    machine.table[1].identity = 78
    groups.restart()
    groups.update(machine.snapshot())
    assert scraper.scrape(groups)["cpu_seconds"]["a"] == 3


def test_a_row_without_its_stat_is_not_an_end() -> None:
    machine, groups, scraper = prepared()
    process = machine.start("a")
    machine.work(process, 300)
    groups.update(machine.snapshot())
    machine.now += 1
    without = machine.snapshot()
    without.values["processes"][process.pid] = ROW(process.pid, process.identity, None, None)
    groups.update(without)
    machine.now += 1
    machine.work(process, 100)
    groups.update(machine.snapshot())
    assert scraper.scrape(groups)["cpu_seconds"]["a"] == 1


@pytest.mark.parametrize(
    ("comm", "name"),
    [
        ("kworker/u8:2-events_unbound", "kworker"), ("kworker/0:1H", "kworker"), ("kworker/R-rcu_gp", "kworker"),
        ("ksoftirqd/11", "ksoftirqd"), ("migration/0", "migration"), ("cpuhp/3", "cpuhp"), ("irq/24-ACPI:Ged", "irq"),
        ("kswapd0", "kswapd"), ("scsi_eh_12", "scsi_eh"), ("loop7", "loop"), ("jbd2/sda1-8", "jbd2"),
        ("kdamond.0", "kdamond"), ("rcu_preempt", "rcu_preempt"), ("123", "123"), ("/x", "/x"), ("ksmd", "ksmd"),
    ],
)  # fmt: skip
def test_kernel_threads_of_a_kind(comm: str, name: str) -> None:
    assert kernel_thread(comm) == name


def test_kernel_threads_are_one_group_and_programs_keep_their_numbers() -> None:
    machine, groups, scraper = prepared()
    for place in range(50):
        machine.start(f"kworker/u8:{place}-events", 2, flags=KTHREAD)
    machine.start("python3.11")
    machine.start("worker/7")
    groups.update(machine.snapshot())
    found = scraper.scrape(groups)["processes"]
    assert found == {"init": 1, "kworker": 50, "python3.11": 1, "worker/7": 1, OTHER: 0}
