"""Sizes a pool of workers by what this process may really use: in a container the host has more than that."""

import asyncio
import sys

from procpulse import Limits, limits


def workers(found: Limits, bytes_each: int) -> int:
    """One worker a CPU, as far as memory and the number of processes go; at least one."""
    bounds = [int(found.cpus)]
    if found.memory_available_bytes is not None:
        bounds.append(found.memory_available_bytes // bytes_each)
    if found.pids_available is not None:
        bounds.append(found.pids_available)
    return max(1, min(bounds))


async def main(megabytes_each: int) -> None:
    found = await limits()
    count = workers(found, megabytes_each << 20)
    print(f"{count} workers: {found.cpus:g} of {found.online_cpus} CPUs, {found.memory_bytes} bytes of memory")
    for failure in found.failures:
        print(f"there may be less: {failure}")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 256))
