"""/proc/vmstat: pages by use, and what the memory management did since boot.

    nr_free_pages 6013123
    pgfault 91233

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from functools import lru_cache
from itertools import compress
from operator import not_
from typing import Annotated

import msgspec

from procpulse.fields import Unit, counter, gauge
from procpulse.source import File, Source
from procpulse.text import mapping


class Vmstat(msgspec.Struct, frozen=True, gc=False):
    """Memory management in numbers, under the kernel's own names: a new kernel's new row shows up by itself."""

    pages: Annotated[dict[str, int], gauge("Pages by use, such as nr_free_pages.", Unit.PAGES)]
    events: Annotated[dict[str, int], counter("Events since boot, such as pgfault.", bits="long")]


# Rows called nr_ that count events, and the one without nr_ that is a state (mm/vmstat.c).
_EVENTS = (
    "nr_vmscan_", "nr_dirtied", "nr_written", "nr_throttled_written", "nr_foll_pin_", "nr_tlb_",
)  # fmt: skip
_STATES = ("workingset_nodes",)


@lru_cache(4096)
def is_state(key: str) -> bool:
    """Whether a row of vmstat says how many pages there are now; the others count events."""
    return key in _STATES or (key.startswith("nr_") and not key.startswith(_EVENTS))


def parse(file: File) -> Vmstat:
    rows = mapping(file.data)
    if not rows:
        raise ValueError("no rows")
    states = _states(tuple(rows))
    return Vmstat(dict(compress(rows.items(), states)), dict(compress(rows.items(), map(not_, states))))


@lru_cache(16)
def _states(keys: tuple[str, ...]) -> tuple[bool, ...]:
    """Which of the rows are states. A kernel has always the same rows."""
    return tuple(map(is_state, keys))


VMSTAT = Source("vmstat", "/proc/vmstat", Vmstat, parse, rows=0)
