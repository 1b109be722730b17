"""What do deltas and encodings of 1,000 processes cost, against the sample and against msgspec's own time?"""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import msgspec

from benchmarks import measure
from benchmarks.measure import compare, found, title
from procpulse import Sampler, Snapshot
from procpulse.delta import growing
from procpulse.encode import json, msgpack
from procpulse.encode.pieces import Once
from procpulse.sources import PROCESSES
from procpulse.sources.proc.processes import Process


def run(steps: Iterator[None]) -> Any:
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def worked(snapshot: Snapshot) -> Snapshot:
    """The same a second later, with every process having done something."""
    rows = {
        pid: msgspec.structs.replace(
            row,
            stat=msgspec.structs.replace(
                row.stat, user_ticks=row.stat.user_ticks + 1, minor_faults=9 + row.stat.minor_faults
            ),
        )
        for pid, row in snapshot[PROCESSES].items()
    }
    read_ns = {name: when + 1_000_000_000 for name, when in snapshot.read_ns.items()}
    return msgspec.structs.replace(snapshot, values={"processes": rows}, read_ns=read_ns)


def deltas(sampler: Sampler, seconds: float) -> None:
    title("Deltas of 1,000 processes, against the sample")
    memory: dict[str, Any] = {}
    pair = [sampler.sample_sync(), sampler.sample_sync()]

    def sample() -> None:
        pair[:] = pair[1], sampler.sample_sync()

    first = sampler.sample_sync()
    both = itertools.cycle([first, worked(first)])
    before, after = next(both), next(both)
    contenders: dict[str, Callable[[], object]] = {
        "a sample": sample,
        "a delta, mostly idle": lambda: run(growing(pair[0], pair[1], memory)),
        "a delta, all of them busy": lambda: run(growing(before, after)),
    }
    times = compare(contenders, seconds)
    times.show()
    for name in list(contenders)[1:]:
        ratio = times.ratio(name, "a sample")
        found(f"1,000 processes, {name}", f"+{ratio:.0%} of the sample", "at most +50%", ratio <= 0.5)


def encodings(sampler: Sampler, format: ModuleType, seconds: float) -> None:
    name = format.__name__.rpartition(".")[2]
    title(f"{name} of a snapshot of 1,000 processes")
    snapshot = sampler.sample_sync()
    plain = getattr(msgspec, name)
    encoder = plain.Encoder()
    data = encoder.encode(snapshot)
    rows = encoder.encode(snapshot.values)
    decoder = plain.Decoder(dict[str, dict[int, Process]])
    contenders: dict[str, Callable[[], object]] = {
        "msgspec: encode": lambda: encoder.encode(snapshot),
        "procpulse: encode": lambda: format.encode(snapshot),
        "procpulse: in pieces": lambda: b"".join(format.pieces(snapshot)),
        "msgspec: decode the values": lambda: decoder.decode(rows),
        "procpulse: decode": lambda: format.decode(data),
    }
    times = compare(contenders, seconds)
    times.show()
    print(f"  ({len(data):,} bytes)")
    for ours, theirs in (
        ("procpulse: encode", "msgspec: encode"),
        ("procpulse: in pieces", "msgspec: encode"),
        ("procpulse: decode", "msgspec: decode the values"),
    ):
        ratio = times.ratio(ours, theirs)
        found(f"{name} of 1,000 processes, {ours} against {theirs}", f"{ratio:.2f}x", "at most 2x", ratio <= 2)


def once(sampler: Sampler) -> None:
    title("Two consumers of a tick")
    begun: list[Any] = []

    class Counting:
        """JSON that counts."""

        @staticmethod
        def pieces(item: Any) -> Iterator[bytes]:
            begun.append(item)
            return json.pieces(item)

    async def both() -> None:
        encode, snapshot = Once(Counting()), sampler.sample_sync()
        await asyncio.gather(encode(snapshot), encode(snapshot))

    asyncio.run(both())
    found("encodings of a tick for two consumers", str(len(begun)), "1", len(begun) == 1)


QUICK = {"seconds": 1}


def main(seconds: float = 4) -> None:
    measure.raise_descriptor_limit()
    with measure.idle_processes(1000):
        sampler = Sampler([PROCESSES])
        sampler.sample_sync()
        deltas(sampler, seconds)
        encodings(sampler, json, seconds)
        encodings(sampler, msgpack, seconds)
        once(sampler)
        sampler.close()


if __name__ == "__main__":
    main()
