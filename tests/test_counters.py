"""Every counter was looked up in the kernel: how wide it is, whether it may fall, whether 0 is left out."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tools import counters

from procpulse import Delta, Host, Roots, Sampler, Snapshot, difference
from procpulse.encode import json
from procpulse.fields import Shape
from procpulse.source import File
from procpulse.sources import NET_SNMP, NET_SNMP6, STAT, VMSTAT
from procpulse.sources.sysfs._cgroup_records import Cgroup, CgroupDevice, CgroupIo

FIRST = Host(boot_id="a", word_bits=64)


def test_every_counter_was_decided_upon() -> None:
    assert list(counters.wrong()) == []
    assert counters.DOCUMENT.read_text() == counters.document(), "run tools/counters.py"
    assert sum(map(len, counters.counters().values())) > 600


def test_what_is_not_decided_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    table = counters.decisions()
    forks = next(decision for decision in table if decision.names == ("forks",))
    softnet = next(decision for decision in table if decision.record == "Softnet")

    def wrong(changed: list[counters.Decision]) -> list[str]:
        monkeypatch.setattr(counters, "decisions", lambda: changed)
        return list(counters.wrong())

    assert wrong([decision for decision in table if decision != forks]) == [
        "Stat.forks: how wide is it in the kernel? Add it to tools/counters.txt"
    ]
    assert wrong([*table, forks._replace(names=("spoons",))])[0] == "tools/counters.txt: Stat has no counter spoons"
    assert (
        "declares 32, and tools/counters.txt says 64"
        in wrong([decision._replace(width="64") if decision == softnet else decision for decision in table])[0]
    )


def test_widths_make_sense() -> None:
    for record, table in counters.counters().items():
        for field in table.values():
            assert field.bits in (16, 32, 64, "long"), record
            assert field.scale >= 1
            assert not field.absent_is_zero or field.shape is Shape.MAPPING


def between(source: Any, before: bytes, after: bytes, host: Host = FIRST) -> Delta:
    """What changed between two contents of a file."""
    found = []
    for seq, data in enumerate((before, after), 1):
        value = source.parse(File(data, host))
        at = seq * 1_000_000_000
        found.append(Snapshot(seq, 1000.0 + seq, at, host, {source.name: value}, {}, {source.name: at}))
    return difference(*found)


CPU = b"cpu  5 0 5 90\ncpu0 5 0 5 90\n"


def test_interrupts_of_a_host_that_is_up_for_long() -> None:
    before = CPU + b"intr 8589934590 4294967290 7 0 0\nsoftirq 4294967301 4294967295 0 6\nprocesses 4294967290\n"
    after = CPU + b"intr 4294967315 20 9 0 5\nsoftirq 7 1 0 6\nprocesses 4294967299\n"
    delta = between(STAT, before, after)
    stat = delta[STAT]
    assert (stat.interrupts, stat.irqs) == (21, {0: 26, 1: 2, 3: 5}), "one that never came before has grown from 0"
    assert (stat.softirqs, stat.softirqs_by_type) == (2, {"hi": 2, "timer": 0, "net_tx": 0})
    assert stat.forks == 9
    assert delta.resets == []


def test_forks_of_a_32_bit_kernel() -> None:
    before, after = CPU + b"processes 4294967290\n", CPU + b"processes 4\n"
    assert between(STAT, before, after, msgspec.structs.replace(FIRST, word_bits=32))[STAT].forks == 10
    unknown = between(STAT, before, after, msgspec.structs.replace(FIRST, word_bits=None))
    assert unknown[STAT].forks is None
    assert unknown.usage.kernel.forks_per_second is None
    assert unknown.usage.kernel.interrupts_per_second is None


def test_events_that_fell_are_left_out() -> None:
    delta = between(VMSTAT, b"nr_free_pages 5\npgfault 900\npgpgin 8\n", b"nr_free_pages 4\npgfault 20\npgpgin 9\n")
    assert delta[VMSTAT].events == {"pgpgin": 1}
    assert delta.usage.kernel.page_faults_per_second is None
    assert delta.usage.kernel.page_in_bytes_per_second == 1024.0


def test_messages_of_a_type_that_never_came_before() -> None:
    table = b"Ip: InReceives\nIp: 3\nIcmp: InMsgs InErrors\nIcmp: %d 0\nIcmpMsg:%s\nIcmpMsg:%s\n"
    delta = between(
        NET_SNMP,
        table % (5, b" InType3", b" 5"),
        table % (9, b" InType3 InType8 OutType0", b" 6 3 3"),
    )
    assert delta[NET_SNMP].icmp_msg == {"InType3": 1, "InType8": 3, "OutType0": 3}
    delta = between(NET_SNMP6, b"Ip6InReceives 7\n", b"Ip6InReceives 9\nIcmp6InType134 4\n")
    assert delta[NET_SNMP6].counters == {"Ip6InReceives": 2, "Icmp6InType134": 4}


def test_a_disk_that_a_group_never_used_before() -> None:
    def of(*devices: CgroupDevice) -> list[Cgroup]:
        group = {"path": "/web", "identity": 1, "hierarchies": ["cgroup2"], "own": []}
        row: Cgroup = msgspec.convert(group, Cgroup, strict=False)
        return [msgspec.structs.replace(row, io=CgroupIo(list(devices)))]

    old, new = CgroupDevice("8:0", read_bytes=100), CgroupDevice("8:16", read_bytes=4096, reads=1)
    later = msgspec.structs.replace(old, read_bytes=300)
    values = [of(old), of(later, new)]
    at = [
        Snapshot(i, 1000.0 + i, i * 10**9, FIRST, {"cgroup": value}, {}, {"cgroup": i * 10**9})
        for i, value in enumerate(values, 1)
    ]
    delta = difference(*at)
    [group] = delta.values["cgroup"]
    assert [(device.device, device.read_bytes) for device in group.io.devices] == [("8:0", 200), ("8:16", 4096)]
    assert delta.usage.cgroups["/web"].read_bytes_per_second == 4296.0


# The width of words.


@pytest.mark.parametrize(
    ("files", "bits"),
    [
        ({"sys/kernel/arch": "x86_64\n"}, 64),
        ({"sys/kernel/arch": "armv7l\n"}, 32),
        ({"sys/kernel/arch": "mips\n", "meminfo": "VmallocTotal: 34359738367 kB\n"}, 32),
        ({"sys/kernel/arch": "quantum\n"}, None),
        ({"meminfo": "MemTotal: 5 kB\nVmallocTotal:   34359738367 kB\n"}, 64),
        ({"meminfo": "MemTotal: 5 kB\nVmallocTotal:     1040384 kB\n"}, 32),
        ({"meminfo": "MemTotal: 5 kB\nHighTotal: 0 kB\n"}, 32),
        ({"meminfo": "MemTotal: 5 kB\nVmallocTotal: 0 kB\n"}, None),
        ({"meminfo": "MemTotal: 5 kB\n"}, None),
        ({}, None),
    ],
)
def test_the_width_of_words(tmp_path: Path, files: dict[str, str], bits: int | None) -> None:
    for name, content in {"stat": CPU.decode() + "btime 5\n", **files}.items():
        path = tmp_path / "proc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "sys").mkdir()
    sampler = Sampler([STAT], roots=Roots(str(tmp_path / "proc"), str(tmp_path / "sys")))
    host = sampler.sample_sync().host
    sampler.close()
    assert (host.word_bits, host.cpus) == (bits, 1)


def test_snapshots_of_before_know_no_width() -> None:
    old = json.decode(
        b'{"seq":1,"time":5.0,"monotonic_ns":5,"host":{"name":"old","boot_id":"a"},"values":{},"failures":{}}'
    )
    assert (old.host.word_bits, old.host.cpus) == (None, None)
