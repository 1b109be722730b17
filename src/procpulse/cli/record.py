"""procpulse record: ticks into a file."""

import argparse
import asyncio
import signal
from typing import Any

import anyio

from procpulse.cli import options as shared
from procpulse.cli.say import say
from procpulse.cli.table import size
from procpulse.recording import Recorder
from procpulse.sampler import Sampler
from procpulse.source import Roots

EXAMPLES = """\
examples:
  procpulse record host.ppr                              the host and its processes, until Ctrl-C
  procpulse record host.ppr --interval 10s --duration 8h
  procpulse record host.ppr --sources default,processes:io+cmdline
  procpulse record host.ppr --rotate 100M --keep 7       and again host-20261124T215500Z.ppr, ...
  procpulse record host.ppr --rotate 24h
  procpulse replay host.ppr

By default it records the host, its file systems every 30 seconds, and of each process what it read and wrote, its user,
its control groups, how many files it has open (where that is allowed) and its parent. A file that is there is
continued. Arguments of processes are recorded only where `processes:cmdline` is named, and what
may be a secret in them becomes *** unless you say --raw-arguments.
"""


DEFAULT = "default,statfs,processes:io+cgroup+fd_count+owner"
"""What tells later what happened and who did it, and costs less than twice the space of the bare table of processes."""
SLOW = {"statfs": 30.0}
"""Seconds between reads of what changes slowly, where nobody named it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("file", metavar="FILE", help="where to write; continued if it is a recording already")
    shared.add_ticks(parser)
    parser.add_argument("--duration", metavar="TIME", type=shared.duration, help="end after this time (default: never)")
    parser.add_argument(
        "--rotate", metavar="SIZE|TIME", type=rotation, help="begin a new file after so much, such as 100M or 24h"
    )
    parser.add_argument("--keep", metavar="N", type=shared.some, default=0, help="old files to keep (default: all)")
    shared.add_limit(parser)
    shared.add_sources(parser)
    shared.add_raw_arguments(parser)
    parser.set_defaults(sources=None)
    shared.add_roots(parser)


def rotation(text: str) -> dict[str, Any]:
    """A size such as 100M or a time such as 24h, as arguments of a `Recorder`."""
    try:
        if text[-1:] in "KMGT":
            return {"most_bytes": shared.amount(text)}
        return {"most_seconds": shared.duration(text)}
    except argparse.ArgumentTypeError:
        raise argparse.ArgumentTypeError(f"neither a size nor a time: {text!r}; write 100M, 1G or 24h") from None


def run(options: argparse.Namespace) -> int:
    """Write ticks until told to stop; return the exit code."""
    cadence: dict[Any, float] = {}
    chosen = options.sources is not None
    options.sources = options.sources or DEFAULT
    sources, named = shared.sources(options, arguments_of_all=False)
    named = named and chosen
    if not chosen:
        cadence = {source: SLOW[source.name] for source in sources if source.name in SLOW}
        cadence = {source: seconds for source, seconds in cadence.items() if seconds > options.interval}
    roots = shared.roots(options)
    sampler = Sampler(sources, roots=roots, cadence=cadence)
    turn = options.rotate or {}
    recorder = Recorder(options.file, keep=options.keep or None, limit=options.limit, **turn)
    try:
        return asyncio.run(_record(sampler, recorder, options, named, roots))
    except ValueError as error:
        raise shared.Refused(str(error)) from None


async def _record(sampler: Sampler, recorder: Recorder, options: argparse.Namespace, named: bool, roots: Roots) -> int:
    code = 0
    async with sampler, recorder:
        if recorder.cut:
            say(f"{options.file}: {recorder.cut} bytes of a torn tick were cut off")
        recording = asyncio.ensure_future(_ticks(sampler, recorder, options, named, roots))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, recording.cancel)
        try:
            code = await recording
        except asyncio.CancelledError:
            pass  # this is how it is told to end
    say(f"{recorder.ticks} ticks in {options.file}, {size(recorder.size)}B")
    return code


async def _ticks(sampler: Sampler, recorder: Recorder, options: argparse.Namespace, named: bool, roots: Roots) -> int:
    code = 0
    with anyio.move_on_after(options.duration):
        async for snapshot in sampler.stream(options.interval, align=options.align):
            if not recorder.ticks:
                code = shared.failure_code(snapshot.failures, named, roots)
            await recorder.write(snapshot)
            if recorder.ticks == options.count:
                break
    return code
