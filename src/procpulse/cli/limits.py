"""procpulse limits: what a process may really use."""

import argparse
import sys

from procpulse.cli import options as shared
from procpulse.cli.roots import told
from procpulse.cli.say import say
from procpulse.cli.table import render

EXAMPLES = """\
examples:
  procpulse limits                            what this shell may use: CPUs, memory, processes
  procpulse limits --pid 4242 --format json

Where a control group cannot be read, its limit is not known: standard error says so, and no number of the host is shown
in its place. The exit code stays 0.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("--pid", metavar="PID", type=int, help="another process")
    parser.add_argument("--format", choices=("table", "json"), help="default: a table on a terminal, JSON elsewhere")
    shared.add_roots(parser)


def run(options: argparse.Namespace) -> int:
    """Print the limits; return the exit code."""
    import msgspec
    from msgspec.structs import replace

    from procpulse._limits import limits_sync
    from procpulse.snapshot import Unavailable

    roots = shared.roots(options)
    try:
        found = limits_sync(options.pid, roots=roots)
    except Unavailable as error:
        return shared.failure_code({"limits": error.failure} if error.failure is not None else {}, True, roots) or 1
    shown = {str(failure) for failure in found.unknown.values()}
    if (options.format or ("table" if sys.stdout.isatty() else "json")) == "json":
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
    else:
        print("\n".join(render(replace(found, failures=[], unknown={}))))  # they are told below
    for name, failure in found.unknown.items():
        say(f"the limit of {name} is not known: {told(failure, roots)}")
    for failure in found.failures:
        if str(failure) not in shown:
            say(f"limits: {told(failure, roots)}")
    return 0
