"""What a user writes, as type checkers must see it. Checked by `make check`; never run."""

from collections.abc import AsyncIterator
from typing import Annotated, assert_type

import msgspec

from procpulse import (
    Bundle,
    Delta,
    File,
    Folder,
    Roots,
    Sampler,
    Snapshot,
    Source,
    Tree,
    counter,
    deltas,
    difference,
    gauge,
    label,
    read,
    read_sync,
)
from procpulse.encode import json, msgpack
from procpulse.process import PerProcess
from procpulse.sources import BLOCK, CLASS_NET, DISKSTATS, LOADAVG, MEMINFO, NET_DEV, PROCESSES, STAT, processes
from procpulse.sources.proc.diskstats import Disk
from procpulse.sources.proc.loadavg import Loadavg
from procpulse.sources.proc.meminfo import Meminfo
from procpulse.sources.proc.net_dev import Interface
from procpulse.sources.proc.pid_io import PidIo
from procpulse.sources.proc.pid_stat import PidStat
from procpulse.sources.proc.processes import Process
from procpulse.sources.sysfs.block import BlockDevice
from procpulse.sources.sysfs.class_net import NetDevice
from procpulse.usage import CpuUsage, ProcessUsage


class Entropy(msgspec.Struct, frozen=True):
    """The kernel's pool of randomness."""

    available_bits: Annotated[int, gauge("Bits in the pool.")]


class Queue(msgspec.Struct, frozen=True):
    """A queue."""

    name: Annotated[str, label("Its name.")]
    drops: Annotated[int | None, counter("Drops.")] = None


def parse(file: File) -> Entropy:
    return Entropy(int(file.data))


def queue(folder: Folder) -> Queue:
    return Queue(folder.name, folder.number("drops"))


ENTROPY = Source("entropy", "/proc/sys/kernel/random/entropy_avail", Entropy, parse)
QUEUES = Tree("queues", "/sys/class/net/*/queues/rx-*", ("drops",), Queue, queue)
QUEUE = Bundle("queue", "/sys/class/net/lo/queues/rx-0", ("drops",), Queue, queue)


async def live() -> None:
    async with Sampler([STAT, MEMINFO, NET_DEV, processes("io"), ENTROPY, QUEUES], cadence={MEMINFO: 5}) as sampler:
        assert_type(sampler, Sampler)
        async for snap in sampler.stream(interval=1, align=True):
            assert_type(snap, Snapshot)
            assert_type(snap[MEMINFO], Meminfo)
            assert_type(snap[MEMINFO].mem_available_bytes, int | None)
            assert_type(snap.get(DISKSTATS), list[Disk] | None)
            assert_type(snap[CLASS_NET], list[NetDevice])
            assert_type(snap[BLOCK], list[BlockDevice])
            assert_type(snap[ENTROPY], Entropy)
            assert_type(snap[QUEUES], list[Queue])
            assert_type(snap[QUEUE], Queue)
            rows = snap[PROCESSES]
            assert_type(rows, dict[int, Process])
            assert_type(rows[1].stat, PidStat)
            assert_type(rows[1].io, PidIo | None)
        async for delta in sampler.deltas(interval=1):
            assert_type(delta, Delta)
            assert_type(delta[NET_DEV], list[Interface])
            assert_type(delta.usage.cpu, CpuUsage | None)
            assert_type(delta.usage.top(5, by="rss_bytes"), list[ProcessUsage])
        assert_type(await sampler.until(lambda snap: snap[LOADAVG].load1 > 4), Snapshot)
    assert_type(await read(MEMINFO), Meminfo)


def at_once(stream: AsyncIterator[Snapshot], before: Snapshot, after: Snapshot) -> None:
    assert_type(read_sync(LOADAVG, roots=Roots(proc="/host/proc")), Loadavg)
    assert_type(difference(before, after), Delta)
    assert_type(deltas(stream), AsyncIterator[Delta])
    assert_type(json.decode(json.encode(before)), Snapshot)
    assert_type(msgpack.decode_delta(b""), Delta)
    assert_type(processes("io", "cmdline"), PerProcess[Process])
    before["meminfo"]  # type: ignore[index]  # pyright: ignore
    Sampler(["meminfo"])  # type: ignore[list-item]  # pyright: ignore
