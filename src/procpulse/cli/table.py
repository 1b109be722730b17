"""Records as text for people: aligned, with units, and nothing that a terminal would act on."""

import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from procpulse.fields import Field, Kind, Shape, Unit, fields

_PREFIXES = ("", "K", "M", "G", "T", "P", "E")


def size(count: float | None) -> str:
    """A number of bytes in four characters or so: `512`, `1.5K`, `23G`."""
    if count is None:
        return "-"
    power = 0
    while abs(count) >= 1023.5 and power < len(_PREFIXES) - 1:
        count /= 1024
        power += 1
    return f"{count:.1f}{_PREFIXES[power]}" if power and abs(count) < 9.95 else f"{count:.0f}{_PREFIXES[power]}"


def thousands(count: float | None) -> str:
    """A count in five characters or so: `999`, `12.3k`."""
    if count is None:
        return "-"
    power = 0
    while abs(count) >= 999.5 and power < len(_PREFIXES) - 1:
        count /= 1000
        power += 1
    return (
        f"{count:.1f}{_PREFIXES[power].lower()}"
        if power and abs(count) < 99.95
        else f"{count:.0f}{_PREFIXES[power].lower()}"
    )


def percent(ratio: float | None) -> str:
    """A ratio as a percentage."""
    return "-" if ratio is None else f"{ratio * 100:.0f}"


def colours(stream: Any = None) -> bool:
    """Whether a stream may have colours: a terminal, and NO_COLOR is not set."""
    stream = sys.stdout if stream is None else stream
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """Text that stands out, where colours are allowed."""
    return f"\x1b[1m{text}\x1b[0m" if colours() else text


def value(field: Field, found: Any) -> str:
    """One value, with its unit."""
    if found is None:
        return "-"
    if isinstance(found, bool):
        return "yes" if found else "no"
    if field.unit is Unit.BYTES and isinstance(found, int):
        return size(found)
    if isinstance(found, float):
        text = f"{found:.4g}"
    elif isinstance(found, list):
        text = ",".join(map(str, found))
    else:
        text = str(found)
    unit = "%" if field.unit is Unit.PERCENT else f" {field.unit}" if field.unit else ""
    return text + unit


def render(found: Any) -> list[str]:
    """The value of a source, as lines."""
    if isinstance(found, msgspec.Struct):
        return _record(found)
    rows = list(found.values()) if isinstance(found, dict) else found if isinstance(found, list) else None
    if rows is not None and all(isinstance(row, msgspec.Struct) for row in rows):
        if rows and type(rows[0]).__name__ == "Cgroup":
            from procpulse.cli.cgroups import tree  # a hundred columns would be no table

            return tree(rows)
        return _rows(rows)
    return [str(found)]


def _record(record: msgspec.Struct, indent: str = "") -> list[str]:
    lines = []
    table = fields(type(record))
    width = max((len(f.name) for f in table), default=0)
    for field in table:
        found = getattr(record, field.name)
        if found is None or found in ([], {}):
            continue
        if field.shape is Shape.RECORD:
            lines += [f"{indent}{field.name}", *_record(found, indent + "  ")]
        elif field.shape in (Shape.ROWS, Shape.TABLE):
            rows = list(found.values()) if isinstance(found, dict) else found
            lines += [f"{indent}{field.name}", *(f"{indent}  {line}" for line in _rows(rows))]
        elif field.shape is Shape.MAPPING:
            lines.append(f"{indent}{field.name}")
            inner = max(len(str(key)) for key in found)
            lines += [f"{indent}  {key!s:{inner}}  {number}" for key, number in found.items()]
        else:
            lines.append(f"{indent}{field.name:{width}}  {value(field, found)}")
    return lines


def _rows(rows: Sequence[msgspec.Struct]) -> list[str]:
    """Rows as a table: a column for each number and word, the inner records' joined on."""
    if not rows:
        return ["(none)"]
    flat = [dict(_cells(row)) for row in rows]
    names = list(dict.fromkeys(name for cells in flat for name in cells))
    used = [name for name in names if any(cells.get(name, "-") != "-" for cells in flat)]
    return grid([used, *([cells.get(name, "-") for name in used] for cells in flat)])


def _cells(row: msgspec.Struct, prefix: str = "") -> Iterable[tuple[str, str]]:
    for field in fields(type(row)):
        found = getattr(row, field.name)
        name = prefix + field.name
        if field.shape is Shape.RECORD:
            if found is not None:
                yield from _cells(found, name + ".")
        elif field.shape in (Shape.ROWS, Shape.TABLE):
            yield name, f"[{len(found)}]" if found else "-"
        elif field.shape is Shape.MAPPING:
            total = sum(found.values()) if found else None
            yield name, "-" if total is None else str(total)
        elif field.kind in (Kind.COUNTER, Kind.GAUGE, Kind.LABEL, Kind.INFO):
            yield name, value(field, found)


def grid(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells under each other, numbers to the right, the first row as a header."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    right = [all(_numeric(cell) for cell in column[1:]) for column in zip(*rows, strict=True)]
    lines = []
    for i, row in enumerate(rows):
        cells = [cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right, strict=True)]
        line = "  ".join(cells).rstrip()
        lines.append(bold(line) if i == 0 else line)
    return lines


def _numeric(cell: str) -> bool:
    return cell == "-" or cell[:1].isdigit() or (cell[:1] == "-" and cell[1:2].isdigit())
