"""procpulse stream: what happens, tick by tick."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Collection

from procpulse.cli import options as shared
from procpulse.cli import output
from procpulse.cli.rows import needed
from procpulse.delta import Delta
from procpulse.sampler import Sampler
from procpulse.snapshot import Snapshot
from procpulse.source import Roots

EXAMPLES = """\
examples:
  procpulse stream                                  one line a second
  procpulse stream --interval 5s --count 12
  procpulse stream --sources stat,net_dev | jq .    one JSON snapshot a line
  procpulse stream --emit usage --format json       rates and ratios instead
  procpulse stream --rows disks                     usage of each disk, as iostat shows it
  procpulse stream --format csv --rows processes    the same of processes, for a spreadsheet
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    shared.add_ticks(parser)
    shared.add_sources(parser)
    shared.add_raw_arguments(parser)
    parser.set_defaults(sources=None)
    output.add_form(parser)
    shared.add_roots(parser)


def run(options: argparse.Namespace) -> int:
    """Print ticks until told to stop; return the exit code."""
    rows = output.form(options).rows
    if options.sources is None:
        options.sources = needed(rows or "host")
    sources, named = shared.sources(options)
    roots = shared.roots(options)
    return asyncio.run(_show(Sampler(sources, roots=roots), options, named, roots))


async def _show(sampler: Sampler, options: argparse.Namespace, named: bool, roots: Roots) -> int:
    async with sampler:
        return await output.show(_Live(sampler, options), options, named, roots)


class _Live:
    """The ticks of this host."""

    recorded = False

    def __init__(self, sampler: Sampler, options: argparse.Namespace):
        self._sampler = sampler
        self._options = options

    async def names(self) -> Collection[str]:
        """The sources that are sampled."""
        return [source.name for source in self._sampler.sources]

    def snapshots(self) -> AsyncIterator[Snapshot]:
        """Each as it was taken."""
        return self._sampler.stream(self._options.interval, align=self._options.align)

    def deltas(self) -> AsyncIterator[Delta]:
        """What changed from one to the next."""
        return self._sampler.deltas(self._options.interval, align=self._options.align)
