"""procpulse snapshot: read the host once."""

import argparse
import sys

from procpulse.cli import options as shared
from procpulse.cli.roots import place
from procpulse.cli.table import bold, render

EXAMPLES = """\
examples:
  procpulse snapshot --sources loadavg
  procpulse snapshot --sources all --format json > host.json
  procpulse snapshot --sources processes:io+cmdline,meminfo
  procpulse snapshot --proc-root /host/proc --sys-root /host/sys --root /host
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    shared.add_sources(parser)
    shared.add_raw_arguments(parser)
    parser.add_argument(
        "--format",
        choices=("table", "json", "msgpack"),
        help="default: a table on a terminal, JSON elsewhere",
    )
    parser.add_argument(
        "--deadline",
        metavar="TIME",
        type=shared.duration,
        default=10.0,
        help="how long to wait for each source, such as 500ms (default 10s)",
    )
    shared.add_roots(parser)


def run(options: argparse.Namespace) -> int:
    """Print one snapshot; return the exit code."""
    from procpulse.sampler import Sampler

    sources, named = shared.sources(options)
    deadlines = {source: float(options.deadline) for source in sources}
    roots = shared.roots(options)
    sampler = Sampler(sources, roots=roots, deadlines=deadlines)
    snapshot = sampler.sample_sync()
    sampler.close()
    format = options.format or ("table" if sys.stdout.isatty() else "json")
    if format == "json":
        from procpulse.encode import json

        sys.stdout.buffer.write(json.encode(snapshot) + b"\n")
    elif format == "msgpack":
        from procpulse.encode import msgpack

        sys.stdout.buffer.write(msgpack.encode(snapshot))
    else:
        for name, found in snapshot.values.items():
            print(bold(name))
            for line in render(found):
                print(f"  {line}")
        if not named:
            for name, failure in snapshot.failures.items():
                print(f"{bold(name)}  {failure.reason}: {place(failure.path, roots)} {failure.detail}".rstrip())
    sys.stdout.flush()
    return shared.failure_code(snapshot.failures, named, roots)
