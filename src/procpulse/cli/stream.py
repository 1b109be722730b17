"""procpulse stream: what happens, tick by tick."""

import argparse
import asyncio
from collections.abc import AsyncIterator

from procpulse.cli import options as shared
from procpulse.cli import output
from procpulse.delta import Delta
from procpulse.sampler import Sampler
from procpulse.snapshot import Snapshot

EXAMPLES = """\
examples:
  procpulse stream                                  one line a second
  procpulse stream --interval 5s --count 12
  procpulse stream --sources stat,net_dev | jq .    one JSON snapshot a line
  procpulse stream --emit usage --format json       rates and ratios instead
  procpulse stream --format csv --rows disks        the same for a spreadsheet
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    shared.add_ticks(parser)
    shared.add_sources(parser)
    shared.add_raw_arguments(parser)
    output.add_form(parser)
    shared.add_roots(parser)


def run(options: argparse.Namespace) -> int:
    """Print ticks until told to stop; return the exit code."""
    sources, named = shared.sources(options)
    sampler = Sampler(sources, roots=shared.roots(options))
    return asyncio.run(_show(sampler, options, named))


async def _show(sampler: Sampler, options: argparse.Namespace, named: bool) -> int:
    async with sampler:
        return await output.show(_Live(sampler, options), options, named)


class _Live:
    """The ticks of this host."""

    def __init__(self, sampler: Sampler, options: argparse.Namespace):
        self._sampler = sampler
        self._options = options

    def snapshots(self) -> AsyncIterator[Snapshot]:
        """Each as it was taken."""
        return self._sampler.stream(self._options.interval, align=self._options.align)

    def deltas(self) -> AsyncIterator[Delta]:
        """What changed from one to the next."""
        return self._sampler.deltas(self._options.interval, align=self._options.align)
