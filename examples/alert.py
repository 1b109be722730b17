"""Waits until memory runs short, for as long as it takes, and says so once."""

import asyncio
import sys

from procpulse import Sampler, Snapshot
from procpulse.sources import MEMINFO


def short_of_memory(snap: Snapshot, least_ratio: float) -> bool:
    info = snap.get(MEMINFO)
    if info is None or info.mem_available_bytes is None or info.mem_total_bytes is None:
        return False  # not known is not short
    return info.mem_available_bytes < least_ratio * info.mem_total_bytes


async def main(least_ratio: float) -> None:
    async with Sampler([MEMINFO]) as sampler:
        snap = await sampler.until(lambda snap: short_of_memory(snap, least_ratio), interval=0.5)
        print(f"less than {least_ratio:.0%} available: {snap[MEMINFO].mem_available_bytes} bytes")


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if sys.argv[1:] else 0.1))
