"""A source of your own, sampled beside procpulse's: the entropy that the kernel has gathered."""

import asyncio
from typing import Annotated

import msgspec

from procpulse import File, Sampler, Source, gauge
from procpulse.sources import LOADAVG


class Entropy(msgspec.Struct, frozen=True):
    """The kernel's pool of randomness."""

    available_bits: Annotated[int, gauge("Bits in the pool.")]


def parse(file: File) -> Entropy:
    return Entropy(int(file.data))


ENTROPY = Source("entropy", "/proc/sys/kernel/random/entropy_avail", Entropy, parse)


async def main(ticks: int = 4) -> None:
    async with Sampler([ENTROPY, LOADAVG]) as sampler:
        async for snap in sampler.stream(interval=0.2):
            print(f"load {snap[LOADAVG].load1}, entropy {snap[ENTROPY].available_bits} bits")
            ticks -= 1
            if not ticks:
                break


if __name__ == "__main__":
    asyncio.run(main())
