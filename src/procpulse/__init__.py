"""A streaming sampler of Linux /proc and /sys for asyncio.

from procpulse import Sampler
from procpulse.sources import MEMINFO, NET_DEV, STAT

async with Sampler([STAT, MEMINFO, NET_DEV]) as sampler:
    async for delta in sampler.deltas(interval=1):
        print(delta.usage.cpu.busy_ratio, delta[NET_DEV])
"""

from typing import TYPE_CHECKING, Any

from procpulse.comparer import deltas
from procpulse.delta import Delta, difference
from procpulse.fields import Kind, Unit, counter, fields, gauge, group, info, label
from procpulse.growth import Reset
from procpulse.process import Part
from procpulse.sampler import Sampler, Statistics, read, read_sync
from procpulse.snapshot import Failure, Host, Reason, Snapshot, Unavailable
from procpulse.source import File, Roots, Source
from procpulse.tree import Bundle, Folder, Tree

if TYPE_CHECKING:
    from procpulse._limits import Limits, limits, limits_sync

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


def __getattr__(name: str) -> Any:
    # They need the control groups, a third of the time that everything else takes to import.
    if name in ("Limits", "limits", "limits_sync"):
        from procpulse import _limits

        return getattr(_limits, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
