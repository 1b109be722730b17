"""procpulse capture: the files of this host as a fixture tree."""

import argparse
import asyncio

from procpulse.cli import options as shared
from procpulse.text import printable

EXAMPLES = """\
examples:
  procpulse capture fixtures/myhost
  procpulse capture fixtures/myhost --sources diskstats,block
  procpulse capture fixtures/myhost --pids 1,812

What could identify the host, its users or its programs is replaced by placeholders; names of devices and interfaces and
numbers of users stay. Look at the tree before you publish it all the same: only you know what your names mean.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("folder", metavar="DIR", help="where to save; must be new, or empty and yours alone")
    shared.add_sources(parser)
    parser.set_defaults(sources="all")
    parser.add_argument("--pids", metavar="N,N", default="", help="processes to save (default: 1, 2 and this one)")
    shared.add_roots(parser)


def run(options: argparse.Namespace) -> int:
    """Save the tree; return the exit code."""
    from procpulse.capture import capture

    sources, _ = shared.sources(options)
    if options.pids and not all(pid.isascii() and pid.isdigit() for pid in options.pids.split(",")):
        raise shared.Refused(f"--pids: not numbers: {options.pids!r}", 2)
    pids = [int(pid) for pid in options.pids.split(",") if pid]
    try:
        count = asyncio.run(capture(options.folder, sources, pids, shared.roots(options)))
    except FileExistsError:
        raise shared.Refused(f"{options.folder} is not empty: capture writes into a new or empty folder", 2) from None
    except PermissionError as error:
        raise shared.Refused(f"{options.folder}: {error.strerror}", 2) from None
    print(f"{count} files saved in {printable(options.folder)}")
    return 0
