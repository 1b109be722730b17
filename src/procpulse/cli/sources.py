"""procpulse sources: what can be read, what it means, and whether this host has it."""

import argparse
import sys
from typing import Any

import msgspec

from procpulse import catalog
from procpulse.cli import options as shared
from procpulse.cli.roots import place
from procpulse.cli.table import bold, grid
from procpulse.process import PerProcess
from procpulse.source import Source

EXAMPLES = """\
examples:
  procpulse sources                      all of them, a line each
  procpulse sources diskstats stat       their fields
  procpulse sources --format json
"""


class Entry(msgspec.Struct):
    """A source in the catalogue."""

    name: str
    path: str
    here: str
    """yes, or why not."""
    detail: str
    default: bool
    """Whether it is part of the default profile."""
    fields: dict[str, list[dict[str, Any]]]
    """The fields of each record, by the name of the record."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this verb."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="show the fields of these")
    parser.add_argument("--fields", action="store_true", help="show the fields of all")
    parser.add_argument("--format", choices=("table", "json"), help="default: a table")
    shared.add_roots(parser)


def run(options: argparse.Namespace) -> int:
    """Print the catalogue; return the exit code."""
    try:
        sources = [catalog.source(name) for name in options.names or catalog.modules()]
    except LookupError as error:
        raise shared.Refused(str(error.args[0]), 2) from None
    entries = _entries([_whole(source) for source in sources], shared.roots(options))
    if options.format == "json":
        sys.stdout.buffer.write(msgspec.json.encode(entries) + b"\n")
        return 0
    rows = [(entry.name, entry.path, entry.here, entry.detail) for entry in entries]
    for line in grid([("source", "path", "here", ""), *rows]):
        print(line)
    if options.names or options.fields:
        for entry in entries:
            for record, table in entry.fields.items():
                print(f"\n{bold(f'{entry.name}: {record}')}")
                cells = [[str(f["name"]), str(f["kind"]), str(f["unit"]), str(f["help"])] for f in table]
                for line in grid([["field", "kind", "unit", "help"], *cells]):
                    print(f"  {line}")
    return 0


def _whole(source: Source[Any]) -> Source[Any]:
    return shared.everything_of_processes() if isinstance(source, PerProcess) else source


def _entries(sources: list[Source[Any]], roots: Any) -> list[Entry]:
    from procpulse.encode.schema import tables
    from procpulse.sampler import Sampler

    sampler = Sampler(sources, roots=roots, deadlines=dict.fromkeys(sources, 10.0))
    snapshot = sampler.sample_sync()
    sampler.close()
    entries = []
    for source in sources:
        failure = snapshot.failures.get(source.name)
        entries.append(
            Entry(
                source.name,
                source.path,
                "yes" if failure is None else str(failure.reason),
                "" if failure is None else f"{place(failure.path, roots)} {failure.detail.strip().splitlines()[-1]}",
                source.name in catalog.PROFILE,
                tables(source.type),
            )
        )
    return entries
