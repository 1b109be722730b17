"""What does it cost to record a tick, in bytes and time, and how fast is a recording replayed?

Against frames of plain msgpack, and against what `sadc` writes for the whole host, where sysstat is installed.
"""

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import compare, found, idle_processes, raise_descriptor_limit, title
from procpulse import Sampler, Snapshot, catalog, deltas
from procpulse.encode import msgpack
from procpulse.recording import Recorder, replay
from procpulse.sources import processes

TICKS = 60
QUICK = {"seconds": 1.0}


def samples(sources: list[Any], interval: float) -> list[Snapshot]:
    sampler = Sampler(sources)
    snaps = []
    for _ in range(TICKS):
        snaps.append(sampler.sample_sync())
        time.sleep(interval)
    sampler.close()
    return snaps


async def record(path: Path, snaps: list[Snapshot]) -> list[float]:
    seconds = []
    async with Recorder(path) as recorder:
        for snap in snaps:
            start = time.perf_counter()
            await recorder.write(snap)
            seconds.append(time.perf_counter() - start)
    return sorted(seconds)


async def read(path: Path, what: Callable[[Any], Any]) -> float:
    start = time.perf_counter()
    async for item in what(replay(path)):
        if what is deltas:
            item.usage.rates()
    return time.perf_counter() - start


def sadc(folder: Path) -> float | None:
    """Bytes a sample of `sadc`, once its header is written."""
    program = shutil.which("sadc") or shutil.which("/usr/lib/sysstat/sadc")
    if program is None:
        return None
    sizes = []
    for count in (2, 12):
        path = folder / f"sa{count}"
        subprocess.run([program, "-S", "XALL", "1", str(count), str(path)], check=True, stdout=subprocess.DEVNULL)
        sizes.append(path.stat().st_size)
    return (sizes[1] - sizes[0]) / 10


def case(name: str, sources: list[Any], interval: float, seconds: float) -> None:
    title(f"A recording of {name}, {TICKS} ticks {interval} s apart")
    snaps = samples(sources, interval)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.ppr"
        writes = asyncio.run(record(path, snaps))
        plain = sum(len(msgpack.encode(snap)) for snap in snaps)
        found(f"{name}, bytes a tick", f"{path.stat().st_size / TICKS:,.0f}; plain msgpack {plain / TICKS:,.0f}")
        print(f"  a write to the disk: median {writes[TICKS // 2] * 1e3:.2f} ms, longest {writes[-1] * 1e3:.2f} ms")
        for what, of in (("snapshots", lambda recording: recording), ("deltas and usage", deltas)):
            took = min(asyncio.run(read(path, of)) for _ in range(3))
            found(f"{name}, replay of {what}", f"{TICKS / took:,.0f} ticks a second")
        live = Sampler(sources)
        writer = Recorder(path)
        later = iter(snaps * 10_000)

        def frame() -> None:
            writer.size += len(writer._compose(next(later)))

        times = compare(
            {
                "one sample": live.sample_sync,
                "its frame": frame,
                "its msgpack": lambda: msgpack.encode(snaps[-1]),
            },
            seconds,
        )
        live.close()
        times.show()
        found(f"{name}, CPU of a frame", f"+{times.ratio('its frame', 'one sample'):.0%} of the sample")


def main(seconds: float = 4.0) -> None:
    raise_descriptor_limit()
    case("the default profile", catalog.default_sources(), 0.5, seconds)
    with idle_processes(1000):
        case("1,000 processes", [*catalog.default_sources(), processes("io", "cmdline")], 0.5, seconds)
    with tempfile.TemporaryDirectory() as folder:
        size = sadc(Path(folder))
    found("sadc -S XALL, bytes a tick", "not installed" if size is None else f"{size:,.0f}")


if __name__ == "__main__":
    main()
