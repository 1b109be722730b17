"""Records for a while, then replays the file and says what was busy. The file can be replayed on any machine."""

import asyncio
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from procpulse import Sampler, deltas
from procpulse.recording import Recorder, replay
from procpulse.sources import PROCESSES, STAT


async def main(path: Path, ticks: int = 5) -> None:
    async with Sampler([STAT, PROCESSES]) as sampler, Recorder(path) as recorder:
        async for snap in sampler.stream(interval=0.2):
            await recorder.write(snap)
            if recorder.ticks == ticks:
                break

    seconds: defaultdict[str, float] = defaultdict(float)
    async for delta in deltas(replay(path)):
        for process in delta.usage.top(20):
            seconds[process.comm] += process.cpu_ratio * delta.seconds(PROCESSES)
    print(f"{recorder.ticks} ticks in {recorder.size} bytes")
    for name, used in sorted(seconds.items(), key=lambda item: -item[1])[:5]:
        print(f"{used:8.2f} s  {name}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(sys.argv[1]) if sys.argv[1:] else Path(folder) / "host.ppr"))
