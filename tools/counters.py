"""How wide the counters are: makes docs/counters.md of tools/counters.txt and of what the fields declare.

python tools/counters.py             writes the document
python tools/counters.py --check     exit 1 where it is not up to date, or a counter was not decided upon
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from procpulse import catalog
from procpulse.encode.schema import every_source, records
from procpulse.fields import Field, Kind, fields

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "tools/counters.txt"
DOCUMENT = ROOT / "docs/counters.md"
HEAD = """# The width of every counter

A counter that falls has wrapped or started anew, and only its width in the kernel can tell which. This table has the
width of each, and where it stands in the kernel's source. `long` is the kernel's word: 32 bits on a 32-bit kernel, which
`Host.word_bits` knows, and else 64. `long x 512` is such a counter that is told in another unit here; `32 summed` is a sum
of counters of 32 bits, and falls when one of them wraps; `range` wraps at a value that the device tells. A counter of 64
bits does not wrap.

The last column says what else is special: it may fall *alone*, since somebody may set it to 0 or since the kernel adds it
up from parts that come and go; or names that are *absent* stand for 0. Any other counter that falls in a row with labels
makes the whole row another one, which has no growth yet.

`tools/counters.py` makes this file of `tools/counters.txt` and of the fields themselves.

| record | counters | width | in the kernel | special |
|---|---|---|---|---|
"""


class Decision(NamedTuple):
    """One line of the table."""

    record: str
    names: tuple[str, ...]
    """Which fields; none for all others of the record."""
    width: str
    place: str


def decisions() -> list[Decision]:
    """The table.

    Raises:
        ValueError: a line has other columns than it should.
    """
    found = []
    for line in TABLE.read_text().splitlines():
        if line and not line.startswith("#"):
            what, width, place = (column.strip() for column in line.split(" | "))
            record, _, names = what.partition(".")
            found.append(Decision(record, tuple(names.split(",")) if names else (), width, place))
    return found


def counters() -> dict[str, dict[str, Field]]:
    """Every counter of every source and part, by record and name."""
    types = [source.type for source in every_source()]
    types += [catalog.part(name).type for name in catalog.part_modules()]
    found: dict[str, dict[str, Field]] = {}
    seen: dict[str, type[msgspec.Struct]] = {}
    for record in records(types):
        if seen.setdefault(record.__name__, record).__module__ != record.__module__:
            raise ValueError(f"two records are called {record.__name__}")
        mine = {field.name: field for field in fields(record) if field.kind is Kind.COUNTER}
        if mine:
            found[record.__name__] = mine
    return found


def width(field: Field) -> str:
    """The width that a field declares, as the table writes it."""
    if field.wraps_at:
        return "range"
    scale = f" x {field.scale}" if field.scale != 1 else ""
    return f"{field.bits}{scale}{' summed' if field.summed else ''}"


def _decided(table: list[Decision], record: str, name: str) -> Decision | None:
    mine = [decision for decision in table if decision.record == record]
    named = [decision for decision in mine if name in decision.names]
    return next(iter(named or [decision for decision in mine if not decision.names]), None)


def wrong() -> Iterator[str]:
    """What does not agree between the table and the fields."""
    table, found = decisions(), counters()
    used = set()
    for record, table_of_fields in found.items():
        for name, field in table_of_fields.items():
            decision = _decided(table, record, name)
            if decision is None:
                yield f"{record}.{name}: how wide is it in the kernel? Add it to tools/counters.txt"
                continue
            used.add(decision)
            if decision.width != width(field):
                yield f"{record}.{name}: declares {width(field)}, and tools/counters.txt says {decision.width}"
    for decision in table:
        for name in decision.names:
            if name not in found.get(decision.record, {}):
                yield f"tools/counters.txt: {decision.record} has no counter {name}"
        if decision not in used:
            yield f"tools/counters.txt: nothing is left for {decision.record} {' '.join(decision.names)}".rstrip()


def document() -> str:
    """The document."""
    table, found = decisions(), counters()
    lines = []
    for decision in table:
        mine = {
            name: field
            for name, field in found.get(decision.record, {}).items()
            if _decided(table, decision.record, name) == decision
        }
        special = []
        if any(field.falls for field in mine.values()):
            special.append("alone")
        if any(field.absent_is_zero for field in mine.values()):
            special.append("absent")
        if any(field.moves_to for field in mine.values()):
            special.append("moves to idle")
        names = " ".join(f"`{name}`" for name in mine)
        lines.append(f"| {decision.record} | {names} | {decision.width} | {decision.place} | {', '.join(special)} |\n")
    return HEAD + "".join(sorted(lines))


def main() -> int:
    lines = list(wrong())
    if not lines and "--check" in sys.argv and DOCUMENT.read_text() != document():
        lines.append("docs/counters.md is not up to date: run tools/counters.py")
    if not lines and "--check" not in sys.argv:
        DOCUMENT.write_text(document())
    print("\n".join(lines) or "every counter was decided upon")
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
