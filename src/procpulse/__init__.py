"""A streaming sampler of Linux /proc and /sys for asyncio.

from procpulse import Sampler
from procpulse.sources import MEMINFO, NET_DEV, STAT

async with Sampler([STAT, MEMINFO, NET_DEV]) as sampler:
    async for delta in sampler.deltas(interval=1):
        print(delta.usage.cpu.busy_ratio, delta[NET_DEV])
"""

from procpulse.delta import Delta, Reset, deltas, difference
from procpulse.fields import Kind, Unit, counter, fields, gauge, group, info, label
from procpulse.limits import Limits, limits, limits_sync
from procpulse.process import Part
from procpulse.sampler import Sampler, Statistics, read, read_sync
from procpulse.snapshot import Failure, Host, Reason, Snapshot, Unavailable
from procpulse.source import File, Roots, Source
from procpulse.tree import Bundle, Folder, Tree

__version__ = "0.1.0"

__all__ = [
    "Bundle",
    "Delta",
    "Failure",
    "File",
    "Folder",
    "Host",
    "Kind",
    "Limits",
    "Part",
    "Reason",
    "Reset",
    "Roots",
    "Sampler",
    "Snapshot",
    "Source",
    "Statistics",
    "Tree",
    "Unavailable",
    "Unit",
    "counter",
    "deltas",
    "difference",
    "fields",
    "gauge",
    "group",
    "info",
    "label",
    "limits",
    "limits_sync",
    "read",
    "read_sync",
]
