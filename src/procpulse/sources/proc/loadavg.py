"""/proc/loadavg: how many tasks run or wait, averaged.

    0.20 0.18 0.12 1/80 11206

https://docs.kernel.org/filesystems/proc.html#kernel-data
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, info
from procpulse.source import File, Source
from procpulse.text import decimal, number


class Loadavg(msgspec.Struct, frozen=True, gc=False):
    """Load averages: tasks that run, wait for a CPU or sleep uninterruptibly, over three spans of time."""

    load1: Annotated[float, gauge("Load average over the last minute.")]
    load5: Annotated[float, gauge("Load average over the last five minutes.")]
    load15: Annotated[float, gauge("Load average over the last fifteen minutes.")]
    runnable: Annotated[int, gauge("Tasks that run or wait for a CPU now.")]
    tasks: Annotated[int, gauge("Tasks that exist now: processes and threads.")]
    last_pid: Annotated[int, info("The pid that was given out last.")]


def parse(file: File) -> Loadavg:
    load1, load5, load15, entities, last_pid = file.data.split()[:5]
    runnable, _, tasks = entities.partition(b"/")
    return Loadavg(decimal(load1), decimal(load5), decimal(load15), number(runnable), number(tasks), number(last_pid))


LOADAVG = Source("loadavg", "/proc/loadavg", Loadavg, parse, whole=True)
