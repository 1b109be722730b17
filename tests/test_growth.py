"""What counters that fall do to what is around them: a reset is of the row, and nothing is made up."""

from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from procpulse import Delta, Host, Reset, Snapshot, counter, difference, fields, gauge, group, label
from procpulse.fields import Kind
from procpulse.sources import DISKSTATS, NET_DEV, PROCESSES, STAT
from procpulse.sources.proc.diskstats import Disk
from procpulse.sources.proc.meminfo import Meminfo
from procpulse.sources.proc.net_dev import Interface
from procpulse.sources.proc.pid_io import PidIo
from procpulse.sources.proc.pid_stat import PidStat
from procpulse.sources.proc.pid_statm import PidStatm
from procpulse.sources.proc.pressure import Pressure, Stall, Stalls
from procpulse.sources.proc.processes import row_type
from procpulse.sources.proc.stat import Cpu, CpuTime, Stat
from procpulse.usage import CpuUsage


class Port(msgspec.Struct, frozen=True):
    """A port."""

    port: Annotated[int, label("Its number.")]
    packets: Annotated[int, counter("Packets.", bits=32)]


class Part(msgspec.Struct, frozen=True):
    """A part without a label."""

    requests: Annotated[int, counter("Requests.")]
    failed: Annotated[int | None, counter("Failed ones.")] = None


class Loose(msgspec.Struct, frozen=True):
    """A part whose counters may fall by themselves."""

    requests: Annotated[int, counter("Requests.", falls=True)]


class Device(msgspec.Struct, frozen=True):
    """A device."""

    name: Annotated[str, label("Its name.")]
    bytes: Annotated[int, counter("Bytes.")] = 0
    load: Annotated[float, gauge("Load.")] = 0.0
    errors: Annotated[int | None, counter("Errors.")] = None
    since: Annotated[int | None, counter("Since somebody set it to 0.", falls=True)] = None
    words: Annotated[int, counter("As wide as a word.", bits="long")] = 0
    sectors: Annotated[int, counter("In steps of 512.", bits="long", scale=512)] = 0
    kinds: Annotated[dict[str, int], counter("By kind.")] = {}
    loose: Annotated[dict[str, int], counter("By kind.", falls=True)] = {}
    sparse: Annotated[dict[str, int], counter("By kind.", bits=32, absent_is_zero=True)] = {}
    ports: Annotated[list[Port], group("Ports.")] = []
    part: Annotated[Part | None, group("A part.")] = None
    other: Annotated[Loose | None, group("Another part.")] = None
    lines: Annotated[list[Port], group("Lines.", absent_is_zero=True)] = []
    table: Annotated[dict[str, Port], group("Ports by key.", absent_is_zero=True)] = {}


class Whole(msgspec.Struct, frozen=True):
    """What the host counts."""

    bytes: Annotated[int | None, counter("Bytes.")] = None
    sum: Annotated[int | None, counter("A sum of small ones.", bits=32, summed=True)] = None
    kinds: Annotated[dict[str, int], counter("By kind.")] = {}
    part: Annotated[Part | None, group("A part.")] = None
    devices: Annotated[list[Device], group("Devices.")] = []


class Strict(msgspec.Struct, frozen=True):
    """What is never None."""

    bytes: Annotated[int, counter("Bytes.")]


def snapshot(seq: int, word_bits: int | None = 64, cpus: int | None = None, **values: Any) -> Snapshot:
    at = seq * 1_000_000_000
    host = Host(boot_id="a", word_bits=word_bits, cpus=cpus)
    return Snapshot(seq, 1000.0 + seq, at, host, values, {}, dict.fromkeys(values, at), {}, 1.0)


def change(before: Any, after: Any, **host: Any) -> tuple[Any, list[Reset]]:
    """The growth of the one value, and what fell."""
    delta = difference(snapshot(1, **host, value=before), snapshot(2, **host, value=after))
    return delta.values.get("value"), delta.resets


def one(before: Device, after: Device, **host: Any) -> tuple[Device | None, list[str]]:
    """The growth of a row, and the names of what fell."""
    rows, resets = change([before], [after], **host)
    assert len(rows) < 2
    return (rows[0] if rows else None), [f"{reset.row} {reset.field}" for reset in resets]


ROWS = [
    pytest.param(Device("a", 9, errors=1), Device("a", 3, errors=5), None, ["a bytes"], id="a counter that went on says nothing"),
    pytest.param(Device("a", 1, errors=5), Device("a", 3, errors=1), None, ["a errors"], id="nor do those before it"),
    pytest.param(Device("a", 9, errors=7, words=7), Device("a", 3, errors=1), None, ["a bytes"], id="named once"),
    pytest.param(Device("a", 1, kinds={"x": 4, "y": 1}), Device("a", 3, kinds={"x": 3, "y": 9}), None, ["a kinds.x"], id="by name"),
    pytest.param(Device("a", 1, part=Part(7)), Device("a", 9, part=Part(2)), None, ["a requests"], id="a part belongs to the row"),
    pytest.param(Device("a", 1, since=5), Device("a", 3, 0.5, since=2), Device("a", 2, 0.5), ["a since"], id="one that may fall alone"),
    pytest.param(
        Device("a", 1, loose={"x": 5, "y": 1}), Device("a", 3, loose={"x": 2, "y": 2}),
        Device("a", 2, loose={"y": 1}), ["a loose.x"], id="names that may fall alone",
    ),
    pytest.param(Device("a", 1, other=Loose(5)), Device("a", 3, other=Loose(2)), Device("a", 2), ["a requests"], id="a part that may fall alone"),
    pytest.param(
        Device("a", 1, ports=[Port(1, 9), Port(2, 3)]), Device("a", 3, ports=[Port(1, 5), Port(2, 4)]),
        Device("a", 2, ports=[Port(2, 1)]), ["a/1 packets"], id="a row inside is made anew alone",
    ),
    pytest.param(
        Device("a", 9, ports=[Port(1, 9)], part=Part(3)), Device("a", 12, ports=[Port(1, 5)], part=Part(2)),
        None, ["a requests"], id="where all is made anew, what is inside is not named beside it",
    ),
    pytest.param(
        Device("a", sparse={"x": 5}), Device("a", sparse={"x": 6, "y": 4}), Device("a", sparse={"x": 1, "y": 4}), [], id="a name that is new has grown from 0",
    ),
    pytest.param(
        Device("a", sparse={"x": 2**32 - 3}), Device("a", sparse={"x": 4}), Device("a", sparse={"x": 7}), [], id="a name that wrapped",
    ),
    pytest.param(
        Device("a", lines=[Port(1, 5)], table={"p": Port(1, 5)}), Device("a", lines=[Port(1, 7), Port(2, 4)], table={"p": Port(1, 5), "q": Port(1, 3)}),
        Device("a", lines=[Port(1, 2), Port(2, 4)], table={"p": Port(1, 0), "q": Port(1, 3)}), [], id="a row that is new has grown from 0",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected", "named"), ROWS)
def test_rows(before: Device, after: Device, expected: Device | None, named: list[str]) -> None:
    assert one(before, after) == (expected, named)


def test_other_rows_go_on() -> None:
    rows, resets = change(
        [Device("a", 5), Device("b", 9), Device("c", 1)], [Device("a", 6), Device("b", 2), Device("c", 4)]
    )
    assert rows == [Device("a", 1), Device("c", 3)]
    assert resets == [Reset("value", "b", "bytes", 9, 2)]
    table, resets = change({"a": Device("a", 5), "b": Device("b", 9)}, {"a": Device("a", 6), "b": Device("b", 2)})
    assert table == {"a": Device("a", 1)}
    assert [reset.row for reset in resets] == ["b"]


def test_what_the_host_counts_cannot_be_made_anew() -> None:
    before = Whole(9, 100, {"x": 5, "y": 1}, Part(4, 9), [Device("a", 9), Device("b", 1)])
    after = Whole(3, 150, {"x": 2, "y": 2}, Part(6, 1), [Device("a", 3), Device("b", 5)])
    found, resets = change(before, after)
    assert found == Whole(None, 50, {"y": 1}, Part(2, None), [Device("b", 4)])
    assert [(reset.row, reset.field) for reset in resets] == [
        ("", "bytes"), ("", "kinds.x"), ("", "failed"), ("a", "bytes"),
    ]  # fmt: skip
    assert change(Whole(1, part=Part(5)), Whole(2, part=Part(4)))[0] == Whole(1, part=None)
    assert change(Strict(5), Strict(4)) == (None, [Reset("value", "", "bytes", 5, 4)]), "a source without growth"
    assert change(Strict(5), Strict(6)) == (Strict(1), [])


def test_a_sum_of_small_counters() -> None:
    assert change(Whole(sum=2**32 + 50), Whole(sum=90))[0] == Whole(sum=40), "one of the parts wrapped"
    assert change(Whole(sum=3 * 2**32 - 9), Whole(sum=2 * 2**32 + 1))[0] == Whole(sum=10)
    assert change(Whole(sum=500), Whole(sum=90))[0] == Whole(sum=None)


@pytest.mark.parametrize(
    ("word_bits", "after", "grown"),
    [(32, 5, 10), (64, 5, None), (None, 5, None), (32, 2**32 - 1, 4), (None, 2**32 - 1, 4), (32, 2**31 + 5, None)],
)
def test_counters_as_wide_as_a_word(word_bits: int | None, after: int, grown: int | None) -> None:
    found, named = one(Device("a", words=2**32 - 5), Device("a", words=after), word_bits=word_bits)
    assert found == (None if grown is None else Device("a", words=grown))
    assert named == ([] if found else ["a words"])


def test_a_counter_of_larger_steps_wraps_later() -> None:
    before, after = Device("a", sectors=512 * (2**32 - 5)), Device("a", sectors=512 * 3)
    assert one(before, after, word_bits=32) == (Device("a", sectors=512 * 8), [])
    assert one(before, after, word_bits=64) == (None, ["a sectors"])


def test_declarations_name_what_is_there() -> None:
    class Moves(msgspec.Struct, frozen=True):
        """A record."""

        first: Annotated[int | None, counter("A counter.", moves_to="second")] = None

    class Sums(msgspec.Struct, frozen=True):
        """A record."""

        total: Annotated[int, group("A number.", sum_of="total")]

    for record, message in ((Moves, "cannot move to second"), (Sums, "cannot be the sum of total")):
        with pytest.raises(TypeError, match=message):
            fields(record)


# Disks and interfaces.


def disk(name: str, *numbers: int) -> Disk:
    return Disk(name, 8, 0, 14, *numbers, *[0] * (11 - len(numbers)))


def interface(name: str, rx: int, tx: int) -> Interface:
    return Interface(name, rx, 1, 0, 0, 0, 0, 0, 0, tx, 1, 0, 0, 0, 0, 0, 0)


def test_a_disk_that_was_made_anew_has_no_rates() -> None:
    before = snapshot(1, diskstats=[disk("sdx", 500, 0, 4096, 70), disk("sdy", 5)])
    after = snapshot(2, diskstats=[disk("sdx", 20, 0, 8192, 90), disk("sdy", 9)])
    delta = difference(before, after)
    assert list(delta.usage.disks) == ["sdy"]
    assert [row.device for row in delta[DISKSTATS]] == ["sdy"]
    assert len(delta.resets) == 1


def test_an_interface_that_was_registered_again_has_no_rates() -> None:
    delta = difference(
        snapshot(1, net_dev=[interface("eth0", 900, 5), interface("eth1", 5, 5)]),
        snapshot(2, net_dev=[interface("eth0", 40, 60), interface("eth1", 8, 5)]),
    )
    assert list(delta.usage.interfaces) == ["eth1"]
    assert delta.usage.interfaces["eth1"].tx_bytes_per_second == 0, "nothing was sent, and that is known"


def test_an_interface_of_a_32_bit_kernel() -> None:
    ticks = [{"net_dev": [interface("eth0", received, 5)]} for received in (2**32 - 1000, 3000)]
    delta = difference(*(snapshot(seq, 32, **values) for seq, values in enumerate(ticks)))
    assert delta.usage.interfaces["eth0"].rx_bytes_per_second == 4000
    unknown = difference(*(snapshot(seq, None, **values) for seq, values in enumerate(ticks)))
    assert unknown.usage.interfaces == {}
    assert unknown[NET_DEV] == []


# CPUs.


def cpu(number: int, user: int, idle: int, iowait: int = 0, **more: int) -> Cpu:
    return Cpu(number, user, 0, 0, idle, iowait, 0, 0, 0, 0, 0, **more)


def stat(*cpus: Cpu, total: CpuTime | None = None, **more: Any) -> Stat:
    sums = [sum(getattr(row, name) for row in cpus) for name in CpuTime.__struct_fields__]
    return Stat(CpuTime(*sums) if total is None else total, list(cpus), **more)


def of_cpus(before: Stat, after: Stat) -> Delta:
    return difference(snapshot(1, stat=before), snapshot(2, stat=after))


def busy(delta: Delta) -> tuple[float | None, dict[int, float]]:
    usage = delta.usage
    return usage.cpu and usage.cpu.busy_ratio, {number: cpu.busy_ratio for number, cpu in usage.cpus.items()}


def test_a_cpu_that_starts_anew_has_no_ratio_and_neither_have_all_together() -> None:
    before = stat(cpu(0, 700, 5000), cpu(1, 700, 5000), forks=3)
    after = stat(cpu(0, 730, 5070), cpu(1, 720, 40), forks=9)
    delta = of_cpus(before, after)
    assert busy(delta) == (None, {0: 0.3})
    assert delta[STAT].forks == 6, "what is no part of it goes on"
    assert ("1", "idle_ticks") in {(reset.row, reset.field) for reset in delta.resets}
    # The sum hides it, where others grow by more.
    many = [cpu(number, 0, 10) for number in range(3)]
    later = [cpu(0, 5, 5), *(cpu(number, 50, 500) for number in (1, 2))]
    assert busy(of_cpus(stat(*many), stat(*later)))[0] is None


def test_cpus_that_come_and_go_are_left_out_of_the_sum() -> None:
    two, three = [cpu(0, 100, 100), cpu(1, 100, 100)], [cpu(0, 110, 130), cpu(1, 130, 110), cpu(2, 7, 9000)]
    # What the kernel says of all together takes in what the third did in its earlier life, or forgets it.
    assert busy(of_cpus(stat(*two), stat(*three))) == (0.5, {0: 0.25, 1: 0.75})
    assert busy(of_cpus(stat(*two), stat(*three, total=CpuTime(5, 0, 0, 5)))) == (0.5, {0: 0.25, 1: 0.75})
    gone = of_cpus(stat(*two, cpu(2, 9, 9)), stat(*three[:2], total=CpuTime(1, 0, 0, 1)))
    assert busy(gone) == (0.5, {0: 0.25, 1: 0.75})
    assert busy(of_cpus(stat(cpu(0, 5, 5)), stat(cpu(1, 9, 9)))) == (None, {})


def test_a_sum_that_falls_alone_is_that_of_the_cpus() -> None:
    before = stat(cpu(0, 100, 100), total=CpuTime(500, 0, 0, 500, 0))
    after = stat(cpu(0, 110, 130), total=CpuTime(510, 0, 0, 400, 0))
    assert busy(of_cpus(before, after)) == (0.25, {0: 0.25})
    assert busy(of_cpus(stat(total=CpuTime(5, 0, 0, 50)), stat(total=CpuTime(9, 0, 0, 40)))) == (None, {})


def test_time_that_moves_between_iowait_and_idle() -> None:
    # 40 ticks, 10 of them busy; a task that had waited for 25 went on elsewhere, so these are idle now, too.
    for was, now in (((1000, 25), (1055, 0)), ((1055, 0), (1030, 55))):
        delta = of_cpus(
            stat(cpu(0, 100, *was), total=CpuTime(0, 0, 0, 0)), stat(cpu(0, 110, *now), total=CpuTime(0, 0, 0, 0))
        )
        assert delta.usage.cpus[0] == CpuUsage(0.25, 0.25, 0, 0, 0, 0, None, 0, 0, 0.75)
    both = of_cpus(
        stat(cpu(0, 100, 1000, 25), cpu(1, 0, 0, 0)), stat(cpu(0, 110, 1055, 0), cpu(1, 0, 30, 10), cpu(2, 0, 0, 0))
    )
    assert both[STAT].cpu == CpuTime(10, 0, 0, 70, None, 0, 0, 0, 0, 0), "the iowait of the others is in it"


def test_guests_ahead_of_their_user_time_make_no_time() -> None:
    before, after = cpu(0, 10, 100), msgspec.structs.replace(cpu(0, 15, 195), guest_ticks=9)
    [usage] = of_cpus(stat(before), stat(after)).usage.cpus.values()
    assert (usage.busy_ratio, usage.guest_ratio, usage.user_ratio, usage.idle_ratio) == (0.05, 0.05, 0, 0.95)


# Memory and processes.


def test_more_available_than_there_is() -> None:
    info = Meminfo(1000, 10, 1500, swap_total_bytes=50, swap_free_bytes=80)
    usage = difference(snapshot(1, meminfo=info), snapshot(2, meminfo=info)).usage.memory
    assert usage is not None
    assert (usage.total_bytes, usage.available_bytes, usage.swap_total_bytes) == (1000, 1500, 50)
    assert {
        usage.used_bytes,
        usage.used_ratio,
        usage.available_ratio,
        usage.swap_used_bytes,
        usage.swap_used_ratio,
    } == {None}


def process(pid: int, user: int, system: int = 0, **parts: Any) -> Any:
    stat = PidStat(
        pid, "p", "R", 1, 1, 1, 0, -1, 0, 0, 0, 0, 0, user, system, 0, 0, 20, 0, 1, 100, 4096, 8192, 2**64 - 1
    )
    make: Any = row_type(tuple(parts))
    return make(pid, 1, stat, *parts.values())


def test_a_process_uses_no_more_cpus_than_there_are() -> None:
    before, after = ({7: process(7, ticks), 8: process(8, ticks, ticks)} for ticks in (0, 300))
    usage = difference(snapshot(1, cpus=2, processes=before), snapshot(2, cpus=2, processes=after)).usage
    assert {pid: (row.cpu_ratio, row.user_ratio, row.system_ratio) for pid, row in usage.processes.items()} == {
        7: (2.0, 2.0, 0.0),
        8: (2.0, 1.0, 1.0),
    }
    hosts = [stat(*(cpu(number, ticks, 0) for number in range(3))) for ticks in (0, 100)]
    told = [snapshot(seq, cpus=2, processes=rows, stat=hosts[seq]) for seq, rows in enumerate((before, after))]
    assert difference(*told).usage.processes[7].cpu_ratio == 3.0, "another CPU has come since"
    unknown = difference(snapshot(1, processes=before), snapshot(2, processes=after)).usage
    assert unknown.processes[7].cpu_ratio == 3.0, "nobody said how many there are"


def test_the_resident_memory_is_the_exact_one() -> None:
    rows = {7: process(7, 1, statm=PidStatm(9, 12288, 0, 0, 0, 0, 0)), 8: process(8, 1, statm=None)}
    usage = difference(snapshot(1, processes=rows), snapshot(2, processes=rows)).usage.processes
    assert {pid: row.rss_bytes for pid, row in usage.items()} == {7: 12288, 8: 8192}


def test_a_counter_of_a_process_that_falls_costs_itself() -> None:
    before, after = ({7: process(7, user, io=PidIo(0, 0, 0, 0, read, 0, 0))} for user, read in ((10, 500), (20, 400)))
    delta = difference(snapshot(1, processes=before), snapshot(2, processes=after))
    assert delta[PROCESSES][7].io == PidIo(0, 0, 0, 0, None, 0, 0)
    assert delta.usage.processes[7].read_bytes_per_second is None
    assert delta.usage.processes[7].cpu_ratio == 0.1


# Whatever the numbers are.

numbers = st.one_of(st.integers(0, 300), st.integers(2**32 - 200, 2**32 + 200), st.integers(0, 2**64 - 1))
cpu_times = st.lists(numbers, min_size=4, max_size=10)
cpu_rows = st.dictionaries(st.integers(0, 4), cpu_times, max_size=4)
stats = st.builds(
    lambda total, rows, interrupts: Stat(CpuTime(*total), [Cpu(number, *row) for number, row in rows.items()], interrupts),
    cpu_times, cpu_rows, st.none() | numbers,
)  # fmt: skip
memories = st.builds(
    lambda *sizes: Meminfo(sizes[0], sizes[1], sizes[2], swap_total_bytes=sizes[3], swap_free_bytes=sizes[4]),
    *[st.integers(0, 1000)] * 5,
)
disks = st.dictionaries(st.sampled_from("abc"), st.lists(numbers, min_size=11, max_size=11), max_size=3).map(
    lambda rows: [disk(name, *row) for name, row in rows.items()]
)
interfaces = st.dictionaries(st.sampled_from("abc"), st.lists(numbers, min_size=16, max_size=16), max_size=3).map(
    lambda rows: [Interface(name, *row) for name, row in rows.items()]
)
stalls = st.builds(lambda some, full: Stalls(Stall(0, 0, 0, some), Stall(0, 0, 0, full)), numbers, numbers)
pressures = st.builds(Pressure, *[st.none() | stalls] * 3)
tables = st.dictionaries(st.integers(1, 3), st.tuples(numbers, numbers, numbers), max_size=3).map(
    lambda rows: {
        pid: process(pid, user, system, io=PidIo(0, 0, 0, 0, read, read, 0))
        for pid, (user, system, read) in rows.items()
    }
)
hosts = st.fixed_dictionaries(
    {
        "stat": stats,
        "meminfo": memories,
        "diskstats": disks,
        "net_dev": interfaces,
        "pressure": pressures,
        "processes": tables,
    }
)


def counters(value: Any) -> list[Any]:
    """All numbers of counters in a value."""
    if isinstance(value, msgspec.Struct):
        found = []
        for field in fields(type(value)):
            inner = getattr(value, field.name)
            if field.kind is Kind.COUNTER:
                found += inner.values() if isinstance(inner, dict) else [inner]
            elif field.kind is Kind.GROUP:
                found += counters(inner)
        return found
    rows = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [number for row in rows for number in counters(row)]


def rates(value: Any) -> list[tuple[str, float]]:
    """All numbers of usage, with their names."""
    if isinstance(value, msgspec.Struct):
        return [
            pair
            for name in value.__struct_fields__
            if (inner := getattr(value, name)) is not None
            for pair in ([(name, inner)] if isinstance(inner, int | float) else rates(inner))
        ]
    return [pair for row in value.values() for pair in rates(row)] if isinstance(value, dict) else []


@given(hosts, hosts, st.sampled_from([32, 64, None]))
def test_no_growth_is_negative_and_no_ratio_beyond_its_bounds(before: Any, after: Any, word_bits: int | None) -> None:
    delta = difference(snapshot(1, word_bits, 4, **before), snapshot(2, word_bits, 4, **after))
    assert all(number is None or number >= 0 for value in delta.values.values() for number in counters(value))
    usage = delta.usage.rates()
    many = {"cpu_ratio", "user_ratio", "system_ratio"}  # of processes, in CPUs
    for value in (usage.cpu, usage.cpus, usage.memory, usage.disks, usage.pressure):
        assert all(0 <= number <= 1 for name, number in rates(value) if name.endswith("_ratio"))
    assert all(0 <= number <= 4 for name, number in rates(usage.processes) if name in many)
    assert all(number >= 0 for _, number in rates(usage))
    for cpu in [usage.cpu, *usage.cpus.values()]:
        if cpu is not None:
            shares = [share for name, share in rates(cpu) if name != "busy_ratio"]
            assert sum(shares) == pytest.approx(1)


@given(hosts, hosts)
def test_rows_are_those_of_both_or_named(before: Any, after: Any) -> None:
    delta = difference(snapshot(1, **before), snapshot(2, **after))
    fell = {(reset.source, reset.row) for reset in delta.resets}
    for source, key in (("diskstats", "device"), ("net_dev", "name")):
        both = {getattr(row, key) for row in before[source]} & {getattr(row, key) for row in after[source]}
        there = {getattr(row, key) for row in delta.values.get(source, [])}
        assert there <= both
        named = {row.split("/")[-1] for name, row in fell if name == source}
        assert both - there == named
    both_pids = before["processes"].keys() & after["processes"].keys()
    assert set(delta.values.get("processes", {})) | {int(row) for name, row in fell if name == "processes"} == both_pids
