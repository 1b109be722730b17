"""Pairs of trees, 20 s apart, with rates that were worked out by hand: devices and CPUs that come, go and start anew."""

from pathlib import Path

import msgspec
import pytest

from procpulse import Delta, Roots, Sampler, Snapshot, difference
from procpulse.sources import DISKSTATS, NET_DEV, STAT

SECONDS = 20
HEAD = "Inter-|   Receive  |  Transmit\n face |bytes packets errs drop fifo frame compressed multicast|bytes packets\n"

TREES = {
    "first": {
        # CPU 2 is offline, and all together still count what it did before.
        "stat": "cpu  1500 0 600 9000 90 0 30 0 0 0\ncpu0 500 0 200 4000 40 0 10 0 0 0\ncpu1 700 0 300 4500 50 0 20 0 0 0\n"
        "intr 1000 400 0 600\nctxt 70000\nprocesses 900\n",
        "diskstats": "   8       0 sda 1000 10 80000 2000 500 5 40000 1500 0 1200 3500\n"
        "   8      16 sdb 9000 90 720000 5000 10 0 800 20 0 4000 5020\n",
        "net/dev": f"{HEAD}  eth0: 4000000 4000 0 0 0 0 0 0 200000 2000 0 0 0 0 0 0\n"
        "  eth1: 900000 900 0 0 0 0 0 0 5000 50 0 0 0 0 0 0\n",
    },
    "second": {
        # CPU 1 had waited for a disk, for 5 ticks that count as idle now; CPU 2 is back with an old idle time.
        "stat": "cpu  1700 0 700 4000 85 0 30 0 0 0\ncpu0 1000 0 400 5280 60 0 10 0 0 0\ncpu1 800 0 400 6325 45 0 20 0 0 0\n"
        "cpu2 9 0 1 30 0 0 0 0 0 0\nintr 2400 800 7 1600\nctxt 90000\nprocesses 940\n",
        # sdb was pulled out and put in again; meanwhile it has written more than before.
        "diskstats": "   8       0 sda 1400 12 112000 3000 600 5 56000 2500 2 6200 5500\n"
        "   8      16 sdb 30 0 2400 90 70 0 5600 640 0 200 730\n",
        # So was eth1, which has sent more than before.
        "net/dev": f"{HEAD}  eth0: 4400000 4100 0 0 0 0 0 0 600000 6000 0 0 0 0 0 0\n"
        "  eth1: 40000 60 0 0 0 0 0 0 90000 800 0 0 0 0 0 0\n",
    },
    "third": {
        # CPU 0 went away; sda was not used.
        "stat": "cpu  1900 0 800 9000 90 0 30 0 0 0\ncpu1 900 0 500 8125 45 0 20 0 0 0\ncpu2 509 0 501 1030 0 0 0 0 0 0\n"
        "intr 2400 800 7 1600\nctxt 90000\nprocesses 940\n",
        "diskstats": "   8       0 sda 1400 12 112000 3000 600 5 56000 2500 0 6200 5500\n"
        "   8      16 sdb 70 0 5600 290 70 0 5600 640 0 10200 930\n",
        "net/dev": f"{HEAD}  eth1: 80000 100 0 0 0 0 0 0 490000 4800 0 0 0 0 0 0\n",
    },
}


@pytest.fixture
def deltas(tmp_path: Path) -> list[Delta]:
    found: list[Snapshot] = []
    for seq, (name, files) in enumerate(TREES.items(), 1):
        for file, content in files.items():
            path = tmp_path / name / "proc" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        (tmp_path / name / "sys").mkdir()
        roots = Roots(str(tmp_path / name / "proc"), str(tmp_path / name / "sys"))
        sampler = Sampler([STAT, DISKSTATS, NET_DEV], roots=roots)
        snap = sampler.sample_sync()
        sampler.close()
        at = seq * SECONDS * 1_000_000_000
        found.append(msgspec.structs.replace(snap, seq=seq, monotonic_ns=at, read_ns=dict.fromkeys(snap.values, at)))
    return [difference(found[0], found[1]), difference(found[1], found[2])]


def test_cpus(deltas: list[Delta]) -> None:
    first, second = (delta.usage for delta in deltas)
    # CPU 0: 500 + 200 of 2000 ticks. CPU 1: 100 + 100 of 2020, of which 1820 idle in all.
    assert first.cpus[0].busy_ratio == pytest.approx(700 / 2000)
    assert first.cpus[0].iowait_ratio == pytest.approx(20 / 2000)
    assert first.cpus[1].busy_ratio == pytest.approx(200 / 2020)
    assert (first.cpus[1].iowait_ratio, first.cpus[1].idle_ratio) == (None, pytest.approx(1820 / 2020))
    assert set(first.cpus) == {0, 1}
    assert first.cpu is not None
    assert first.cpu.busy_ratio == pytest.approx(900 / 4020), "of the two that went on"
    assert set(second.cpus) == {1, 2}
    assert second.cpus[2].busy_ratio == pytest.approx(0.5)
    assert second.cpu is not None
    assert second.cpu.busy_ratio == pytest.approx((200 + 1000) / (2000 + 2000))


def test_the_kernel(deltas: list[Delta]) -> None:
    first, second = deltas
    kernel = first.usage.kernel
    assert (kernel.context_switches_per_second, kernel.forks_per_second, kernel.interrupts_per_second) == (1000, 2, 70)
    assert first[STAT].irqs == {0: 400, 1: 7, 2: 1000}, "the first ones of the second line, too"
    assert second.usage.kernel.interrupts_per_second == 0, "none came, and that is known"


def test_disks(deltas: list[Delta]) -> None:
    first, second = (delta.usage.disks for delta in deltas)
    assert set(first) == {"sda"}
    sda = first["sda"]
    assert (sda.reads_per_second, sda.writes_per_second) == (20, 5)
    assert (sda.read_bytes_per_second, sda.written_bytes_per_second) == (32000 * 512 / 20, 16000 * 512 / 20)
    assert (sda.read_await_ms, sda.write_await_ms, sda.await_ms) == (2.5, 10, 4)
    assert (sda.busy_ratio, sda.queue_length) == (0.25, 0.1)
    assert (second["sda"].busy_ratio, second["sda"].reads_per_second, second["sda"].await_ms) == (0, 0, None)
    assert (second["sdb"].reads_per_second, second["sdb"].busy_ratio) == (2, 0.5)


def test_interfaces(deltas: list[Delta]) -> None:
    first, second = (delta.usage.interfaces for delta in deltas)
    assert set(first) == {"eth0"}
    eth0 = first["eth0"]
    assert (eth0.rx_bytes_per_second, eth0.tx_bytes_per_second) == (20000, 20000)
    assert (eth0.rx_packets_per_second, eth0.tx_packets_per_second) == (5, 200)
    assert set(second) == {"eth1"}
    assert (second["eth1"].rx_bytes_per_second, second["eth1"].tx_bytes_per_second) == (2000, 20000)


def test_what_started_anew_is_named_once(deltas: list[Delta]) -> None:
    named = [(reset.source, reset.row) for reset in deltas[0].resets]
    assert sorted(named) == [("diskstats", "sdb"), ("net_dev", "eth1"), ("stat", "1")]
    assert deltas[1].resets == []
