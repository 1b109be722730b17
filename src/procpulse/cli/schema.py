"""procpulse schema: the JSON Schema of everything that is emitted."""

import argparse
import sys

from procpulse.cli import options as shared

EXAMPLES = """\
examples:
  procpulse schema > procpulse.schema.json
  procpulse schema --sources meminfo,net_dev
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    shared.add_sources(parser)
    parser.set_defaults(sources="all")


def run(options: argparse.Namespace) -> int:
    """Print the schema; return the exit code."""
    import msgspec

    from procpulse.encode.schema import schema

    sources = None if options.sources == "all" else shared.sources(options)[0]
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(schema(sources)), indent=2) + b"\n")
    return 0
