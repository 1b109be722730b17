"""What changed: growth for counters, the newer value for the rest, and nothing that cannot be known."""

import itertools
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
import pytest

from procpulse import (
    Host,
    Sampler,
    Snapshot,
    Unavailable,
    counter,
    deltas,
    difference,
    gauge,
    group,
    info,
    label,
)
from procpulse.delta import growing
from procpulse.source import Source
from procpulse.sources import DISKSTATS, LOADAVG, MEMINFO, NET_DEV, STAT, VMSTAT
from procpulse.sources.proc.pid_stat import PidStat
from procpulse.sources.proc.processes import PROCESSES, Process

BOOT = Host(name="host", boot_id="a", kernel="6.18.4")


class Port(msgspec.Struct, frozen=True):
    """A port."""

    port: Annotated[int, label("Its number.")]
    packets: Annotated[int, counter("Packets.", bits=32)]


class Device(msgspec.Struct, frozen=True):
    """A device."""

    name: Annotated[str, label("Its name.")]
    index: Annotated[int, label("Its index.")]
    state: Annotated[str, info("Its state.")]
    bytes: Annotated[int, counter("Bytes.")]
    load: Annotated[float, gauge("Load.")] = 0.0
    errors: Annotated[int | None, counter("Errors.")] = None
    kinds: Annotated[dict[str, int], counter("By kind.")] = {}
    ports: Annotated[list[Port], group("Ports.")] = []
    main: Annotated[Port | None, group("The main port.")] = None
    table: Annotated[dict[str, Port], group("Ports by key.")] = {}


DEVICES: Source[list[Device]] = Source("devices", "/proc/devices", list[Device], lambda file: [])


def snapshot(seq: int, *devices: Device, read_ns: int | None = None, host: Host = BOOT, **values: Any) -> Snapshot:
    at = seq * 1_000_000_000
    found = {"devices": list(devices), **values}
    return Snapshot(
        seq, 1000.0 + seq, at, host, found, {}, dict.fromkeys(found, at if read_ns is None else read_ns), {}, 1.0
    )


def change(before: Device, after: Device) -> Device:
    [row] = difference(snapshot(1, before), snapshot(2, after))[DEVICES]
    return row


CASES = [
    pytest.param(Device("a", 1, "up", 10), Device("a", 1, "down", 25, 0.5), Device("a", 1, "down", 15, 0.5), id="counters grow, the rest is the newer"),
    pytest.param(Device("a", 1, "up", 2**64 - 5), Device("a", 1, "up", 2**64 - 1), Device("a", 1, "up", 4), id="exact above 2^53"),
    pytest.param(Device("a", 1, "up", 1, errors=3), Device("a", 1, "up", 1, errors=7), Device("a", 1, "up", 0, errors=4), id="optional, in both"),
    pytest.param(Device("a", 1, "up", 1), Device("a", 1, "up", 1, errors=7), Device("a", 1, "up", 0), id="optional, new: nothing to say"),
    pytest.param(Device("a", 1, "up", 1, errors=7), Device("a", 1, "up", 1), Device("a", 1, "up", 0), id="optional, gone: nothing to say"),
    pytest.param(
        Device("a", 1, "up", 1, kinds={"x": 1, "gone": 5}), Device("a", 1, "up", 1, kinds={"x": 4, "new": 9}),
        Device("a", 1, "up", 0, kinds={"x": 3}), id="an open set: what is in both",
    ),
    pytest.param(
        Device("a", 1, "up", 1, ports=[Port(1, 5), Port(2, 5)]), Device("a", 1, "up", 1, ports=[Port(2, 9), Port(3, 1)]),
        Device("a", 1, "up", 0, ports=[Port(2, 4)]), id="rows inside are matched by label",
    ),
    pytest.param(
        Device("a", 1, "up", 1, main=Port(1, 5), table={"p": Port(1, 1), "q": Port(1, 1)}),
        Device("a", 1, "up", 1, main=Port(1, 8), table={"p": Port(1, 2), "q": Port(2, 2)}),
        Device("a", 1, "up", 0, main=Port(1, 3), table={"p": Port(1, 1)}), id="a record inside, and a table whose labels differ",
    ),
    pytest.param(Device("a", 1, "up", 1, main=Port(1, 5)), Device("a", 1, "up", 1), Device("a", 1, "up", 0), id="a record gone"),
    pytest.param(
        Device("a", 1, "up", 1, main=Port(1, 2**32 - 2)), Device("a", 1, "up", 1, main=Port(1, 3)),
        Device("a", 1, "up", 0, main=Port(1, 5)), id="a 32-bit counter wrapped",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "expected"), CASES)
def test_difference(before: Device, after: Device, expected: Device) -> None:
    assert change(before, after) == expected


def test_rows_come_and_go() -> None:
    delta = difference(
        snapshot(1, Device("old", 1, "up", 5), Device("a", 2, "up", 5), Device("b", 3, "up", 1)),
        snapshot(2, Device("new", 4, "up", 9), Device("b", 5, "up", 8), Device("a", 2, "up", 6)),
    )
    assert delta[DEVICES] == [Device("a", 2, "up", 1)], "a row seen once, and one under another index, has no delta"
    assert delta.resets == []


def test_a_source_that_was_not_read_anew_has_no_delta() -> None:
    carried = snapshot(2, Device("a", 1, "up", 5), read_ns=1_000_000_000)
    delta = difference(snapshot(1, Device("a", 1, "up", 5)), carried)
    assert delta.get(DEVICES) is None
    assert DEVICES not in delta
    with pytest.raises(Unavailable, match="nothing to compare with yet"):
        delta[DEVICES]
    with pytest.raises(Unavailable):
        delta.seconds(DEVICES)


def test_rates_divide_by_the_time_between_the_reads_of_the_source() -> None:
    before = snapshot(1, Device("a", 1, "up", 5), read_ns=1_010_000_000)
    after = snapshot(3, Device("a", 1, "up", 5), read_ns=3_510_000_000)
    delta = difference(before, after)
    assert delta.seconds(DEVICES) == 2.5
    assert delta.gap == 1


def test_of_different_boots() -> None:
    other = msgspec.structs.replace(BOOT, boot_id="b")
    with pytest.raises(ValueError, match="different boots"):
        difference(snapshot(1), snapshot(2, host=other))


def process(pid: int, identity: int, ticks: int) -> Process:
    stat = PidStat(pid, "p", "S", 1, 1, 1, 0, -1, 0, 0, 0, 0, 0, ticks, 0, 0, 0, 20, 0, 1, 100, 4096, 4096, 2**64 - 1)
    return Process(pid, identity, stat)  # type: ignore[call-arg]


def test_a_reused_pid_is_a_new_process() -> None:
    before = snapshot(1, processes={7: process(7, 1, 500), 8: process(8, 2, 10)})
    after = snapshot(2, processes={7: process(7, 3, 600), 8: process(8, 2, 15)})
    before = msgspec.structs.replace(before, rows_ns={"processes": [(900_000_000, 1), (950_000_000, 1)]})
    after = msgspec.structs.replace(after, rows_ns={"processes": [(1_900_000_000, 2)]})
    delta = difference(before, after)
    assert list(delta[PROCESSES]) == [8]
    assert delta[PROCESSES][8].stat.user_ticks == 5
    assert delta.rows_elapsed_ns == {"processes": {8: 950_000_000}}, "each row by its own time"
    assert delta.usage.processes[8].cpu_ratio == pytest.approx(5 / 100 / 0.95)


def test_empty_rows_and_sources_that_fail() -> None:
    delta = difference(snapshot(1, mine=3), snapshot(2, mine=4))
    assert delta[DEVICES] == []
    assert "mine" not in delta.values, "plain values have no meaning to take a delta by"


async def test_deltas_of_any_stream() -> None:
    async def recorded() -> AsyncIterator[Snapshot]:
        for seq, count in enumerate((5, 7, 7)):
            yield snapshot(seq, Device("a", 1, "up", count))
        yield snapshot(9, Device("a", 1, "up", 1), host=msgspec.structs.replace(BOOT, boot_id="b"))
        yield snapshot(10, Device("a", 1, "up", 4), host=msgspec.structs.replace(BOOT, boot_id="b"))

    found = [delta async for delta in deltas(recorded())]
    assert [delta[DEVICES][0].bytes for delta in found] == [2, 0, 3], "a reboot starts anew"
    assert [delta.seq for delta in found] == [1, 2, 10]


def test_the_live_host() -> None:
    from procpulse import Sampler

    sampler = Sampler([STAT, MEMINFO, LOADAVG, NET_DEV, DISKSTATS, VMSTAT, PROCESSES])
    before = sampler.sample_sync()
    sum(i * i for i in range(2_000_000))
    after = sampler.sample_sync()
    sampler.close()
    delta = difference(before, after)
    assert delta[STAT].context_switches == after[STAT].context_switches - before[STAT].context_switches  # type: ignore[operator]
    assert delta[MEMINFO] == after[MEMINFO]
    assert set(delta[PROCESSES]) <= set(after[PROCESSES]) & set(before[PROCESSES])
    assert all(0 <= value for value in delta[VMSTAT].events.values())


def test_wrong_lookups() -> None:
    snap = snapshot(1)
    assert MEMINFO not in snap
    assert snap.get(MEMINFO) is None
    with pytest.raises(Unavailable, match="meminfo was not sampled"):
        snap[MEMINFO]


def test_rows_that_stay_the_same_are_compared_once() -> None:
    sampler = Sampler([PROCESSES])
    snapshots = [sampler.sample_sync() for _ in range(6)]
    sampler.close()
    memory: dict[str, Any] = {}
    found = []
    for before, after in itertools.pairwise(snapshots):
        steps = growing(before, after, memory)
        try:
            while True:
                next(steps)
        except StopIteration as stop:
            found.append(stop.value)
        assert found[-1] == difference(before, after)
    quiet = [
        pid for pid, row in snapshots[0][PROCESSES].items() if all(s[PROCESSES].get(pid) is row for s in snapshots)
    ]
    assert quiet
    for pid in quiet:
        assert found[0][PROCESSES][pid] is found[-1][PROCESSES][pid]
