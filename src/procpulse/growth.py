"""How values grow: for each record type one function (before, after) -> growth, compiled from what its fields mean.

Counters become growth; gauges, labels and facts are those of the newer value. Rows are matched by their labels.

A counter that fell without a plausible wrap has no growth, and is named in `resets`. What else goes with it depends on
what fell:

- A row has labels: it speaks of one thing, such as a disk. If one of its counters fell, the thing was made anew, and
  the counters that did not fall have passed the old ones by chance. The row has no growth at all.
- A record without labels speaks of the host. It cannot be made anew within a boot, so only the counter that fell is
  None; a record in which it cannot be None is left out.
- A field that is declared with `falls` may fall by itself, and then it alone is None, in rows, too.
"""

from collections.abc import Callable, Iterable
from functools import cache
from operator import attrgetter
from typing import Any, NoReturn

import msgspec

from procpulse.fields import Field, Kind, Shape, describe, fields, is_record


class Reset(msgspec.Struct, frozen=True):
    """A counter that went backwards: a device or driver started anew, a CPU went away, or the kernel corrected itself."""

    source: str
    row: str
    """Which row, by its labels; empty for a source of one record."""
    field: str
    before: int
    after: int


class Unknown(Exception):
    """A record has no growth, since a counter in it fell that cannot be None."""


class Anew(Unknown):
    """A row has no growth, since it is about another thing than before."""


class Log:
    """Where the compiled functions report what fell.

    Args:
        word_bits: Width of `unsigned long` in the kernel; None where it is not known.
    """

    __slots__ = ("resets", "row", "source", "word_bits")

    def __init__(self, word_bits: int | None = 64) -> None:
        self.resets: list[Reset] = []
        self.source = ""
        self.row: Any = ""
        """Which row it is, by its key."""
        self.word_bits = word_bits

    def alone(self, field: str, before: int, after: int) -> None:
        """A counter fell, and nothing else is in doubt."""
        self.resets.append(Reset(self.source, name_of(self.row), field, before, after))

    def lost(self, field: str, before: int, after: int) -> NoReturn:
        """A counter fell that cannot be None: its record has no growth."""
        self.alone(field, before, after)
        raise Unknown

    def anew(self, field: str, before: int, after: int) -> NoReturn:
        """A counter of a row fell: it is about another thing than before."""
        self.alone(field, before, after)
        raise Anew

    def wrapped(self, fell: "_Fell", field: str, before: int, after: int, period: int, summed: bool = False) -> Any:
        """The growth of a counter that fell and starts again after so many: up to half of that is plausible.

        Args:
            fell: What to do where it is not.
            field: Its name.
            before: Its value before.
            after: Its value now.
            period: How many values one counter has.
            summed: Whether it is a sum of such counters, which may be larger.
        """
        grown = after - before + period
        if (summed or before < period) and 0 <= grown < period // 2:
            return grown
        return fell(field, before, after)

    def word(self, fell: "_Fell", field: str, before: int, after: int, scale: int = 1) -> Any:
        """As `wrapped`, for a counter as wide as the kernel's words, each step of which is so many units."""
        if self.word_bits == 32:
            return self.wrapped(fell, field, before, after, scale << 32)
        return fell(field, before, after)

    def ranged(self, fell: "_Fell", field: str, before: int, after: int, largest: int | None, now: int | None) -> Any:
        """As `wrapped`, by the largest value that the device tells, then and now."""
        if largest is None or largest != now:
            return fell(field, before, after)
        return self.wrapped(fell, field, before, after, largest + 1)

    def pair(self, fell: "_Fell", names: tuple[str, str], before: Any, after: Any) -> tuple[Any, Any]:
        """The growth of two counters between which the kernel moves what it counted: (of the first, of the second).

        Where one fell, only the growth of both together is known: the first is None, the second has it all.
        """
        was, other = getattr(before, names[0]), getattr(before, names[1])
        now, another = getattr(after, names[0]), getattr(after, names[1])
        grown = another - other
        if was is None or now is None:
            return None, grown if grown >= 0 else fell(names[1], other, another)
        moved = now - was
        if moved >= 0 and grown >= 0:
            return moved, grown
        which = (names[0], was, now) if moved < 0 else (names[1], other, another)
        if moved + grown < 0:
            return None, fell(*which)
        self.alone(*which)
        return None, moved + grown


_Fell = Callable[[str, int, int], Any]
Grow = Callable[[Any, Any, Log], Any]


def labels(record: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields that tell one row of this type from another."""
    return tuple(field.name for field in fields(record) if field.kind is Kind.LABEL)


def name_of(key: Any) -> str:
    """A row, in words."""
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)


@cache
def _told(record: type[msgspec.Struct]) -> Callable[[Any], Any]:
    """What tells a row of this type from others."""
    names = labels(record)
    return attrgetter(*names) if names else lambda row: None


def _keyed(rows: Iterable[Any], names: tuple[str, ...]) -> dict[Any, Any]:
    key: Callable[[Any], Any] = attrgetter(*names) if names else lambda row: ()
    return {key(row): row for row in rows}


def _mapping(field: Field, in_row: bool) -> Grow:
    name, bits, otherwise = field.name, field.bits, 0 if field.absent_is_zero else None

    def grow(before: dict[Any, int], after: dict[Any, int], log: Log) -> dict[Any, int]:
        growth = {}
        for key, new in after.items():
            old = before.get(key, otherwise)
            if old is None:
                continue
            if new >= old:
                growth[key] = new - old
                continue
            fell: _Fell = log.anew if in_row and not field.falls else log.alone
            grown: int | None
            if bits == "long":
                grown = log.word(fell, f"{name}.{key}", old, new, field.scale)
            elif bits < 64:
                grown = log.wrapped(fell, f"{name}.{key}", old, new, field.scale << bits, field.summed)
            else:
                grown = fell(f"{name}.{key}", old, new)
            if grown is not None:
                growth[key] = grown
        return growth

    return grow


def _rows(record: type[msgspec.Struct], absent_is_zero: bool = False) -> Grow:
    names = labels(record)
    grow = compiled(record, True)

    def rows(before: list[Any], after: list[Any], log: Log) -> list[Any]:
        outer = log.row
        known = _keyed(before, names)
        growth = []
        for key, new in _keyed(after, names).items():
            old = known.get(key)
            if old is None:
                if absent_is_zero:
                    growth.append(new)
                continue
            log.row = f"{name_of(outer)}/{name_of(key)}" if outer != "" else key
            mark = len(log.resets)
            try:
                growth.append(grow(old, new, log))
            except Unknown:
                del log.resets[mark:-1]
        log.row = outer
        return growth

    return rows


def _table(record: type[msgspec.Struct], absent_is_zero: bool = False) -> Grow:
    def table(before: dict[Any, Any], after: dict[Any, Any], log: Log) -> dict[Any, Any]:
        outer = log.row
        growth = {}
        for key, new in after.items():
            old = before.get(key)
            if old is not None:
                log.row = f"{name_of(outer)}/{key}" if outer != "" else str(key)
                kind: Any = type(new)
                grown = grown_row(kind)(old, new, log)
                if grown is not None:
                    growth[key] = grown
            elif absent_is_zero:
                growth[key] = new
        log.row = outer
        return growth

    return table


def _maybe(grow: Grow) -> Grow:
    """The growth of a record that may be None."""

    def inner(before: Any, after: Any, log: Log) -> Any:
        try:
            return grow(before, after, log)
        except Anew:
            raise
        except Unknown:
            return None

    return inner


def _total(field: Field, rows: Field) -> Callable[[Any, Any, list[Any], Log], Any]:
    """The growth of a record that is the sum of rows beside it, as that of all CPUs is.

    The kernel's own sum jumps where a row comes or goes; then it is that of the rows that went on. Where a row was made
    anew, what it did is not known, and neither is the sum.
    """
    told = _told(rows.type)
    whole = compiled(field.type, False)
    table = fields(field.type)
    moves = {item.name: item.moves_to for item in table if item.moves_to}

    def summed(growth: list[Any]) -> Any:
        found: dict[str, Any] = {}
        for item in table:
            values = [getattr(row, item.name) for row in growth]
            found[item.name] = None if None in values else sum(values)
        for name, other in moves.items():
            if found[name] is None and found[other] is not None:
                found[other] += sum(getattr(row, name) or 0 for row in growth)
        return field.type(**found)

    def total(before: Any, after: Any, growth: list[Any], log: Log) -> Any:
        was, now = ({told(row) for row in getattr(side, rows.name)} for side in (before, after))
        if len(growth) < len(was & now):
            return None
        both = getattr(before, field.name), getattr(after, field.name)
        if was == now and None not in both:
            try:
                return whole(*both, log)
            except Unknown:
                pass  # it fell, though each of its rows went on
        return summed(growth) if growth else None

    return total


@cache
def compiled(record: type[msgspec.Struct], in_row: bool) -> Grow:
    """The function (before, after, log) -> growth of one record type.

    It raises `Unknown` where the record has no growth, and `Anew` where the row around it has none.

    Args:
        record: The type.
        in_row: Whether it is a row, or a part of one.
    """
    scope: dict[str, Any] = {"record": record}
    steps: list[str] = []
    table = fields(record)
    by_name = {field.name: field for field in table}
    expressions: dict[str, str] = {}
    for i, field in enumerate(table):
        name = field.name
        if name in expressions:
            continue
        expression = f"b.{name}"
        optional = field.optional
        if field.moves_to:
            scope[f"n{i}"] = (name, field.moves_to)
            steps.append(f"x{i}, y{i} = log.pair(log.{_fell(by_name[field.moves_to], in_row)}, n{i}, a, b)")
            expressions[field.moves_to] = f"y{i}"
            expression, optional = f"x{i}", False
        elif field.kind is Kind.COUNTER and field.shape is Shape.SCALAR:
            expression = _counter(field, in_row)
        elif field.kind is Kind.COUNTER and field.shape is Shape.MAPPING:
            scope[f"f{i}"] = _mapping(field, in_row)
            expression = f"f{i}(a.{name}, b.{name}, log)"
        elif field.sum_of:
            scope[f"f{i}"] = _total(field, by_name[field.sum_of])
            expression, optional = f"f{i}(a, b, rows_{field.sum_of}, log)", False
        elif field.shape is Shape.RECORD:
            grow = compiled(field.type, in_row)
            scope[f"f{i}"] = _maybe(grow) if optional else grow
            expression = f"f{i}(a.{name}, b.{name}, log)"
        elif field.shape in (Shape.ROWS, Shape.TABLE):
            make = _rows if field.shape is Shape.ROWS else _table
            scope[f"f{i}"] = make(field.type, field.absent_is_zero)
            expression = f"f{i}(a.{name}, b.{name}, log)"
            if any(other.sum_of == name for other in table):
                steps.insert(0, f"rows_{name} = {expression}")
                expression = f"rows_{name}"
        if optional and expression != f"b.{name}":
            expression = f"None if a.{name} is None or b.{name} is None else ({expression})"
        expressions[name] = expression
    arguments = ", ".join(f"({expressions[field.name]})" for field in table)
    code = "\n    ".join(["def grow(a, b, log):", *steps, f"return record({arguments})"])
    exec(compile(code, f"<growth of {record.__name__}>", "exec"), scope)
    found: Grow = scope["grow"]
    return found


def _fell(field: Field, in_row: bool) -> str:
    """What is done where a counter fell."""
    if in_row and not field.falls:
        return "anew"
    return "alone" if field.optional or field.shape is Shape.MAPPING else "lost"


def _counter(field: Field, in_row: bool) -> str:
    """The growth of a single counter, as an expression."""
    name, bits, how = field.name, field.bits, _fell(field, in_row)
    told = f"{name!r}, a.{name}, b.{name}"
    if field.wraps_at:
        fell = f"log.ranged(log.{how}, {told}, a.{field.wraps_at}, b.{field.wraps_at})"
    elif bits == "long":
        fell = f"log.word(log.{how}, {told}, {field.scale})"
    elif bits < 64:
        fell = f"log.wrapped(log.{how}, {told}, {field.scale << bits}, {field.summed})"
    else:
        fell = f"log.{how}({told})"
    return f"d if (d := b.{name} - a.{name}) >= 0 else {fell}"


@cache
def grown_row(record: Any) -> Grow:
    """The growth between two rows under one key; None where they do not speak of the same thing, with the same fields:
    a pid that was reused does not."""
    told, grow = _told(record), compiled(record, True)

    def grown(before: Any, after: Any, log: Log) -> Any:
        if type(before) is not record or (before is not after and told(before) != told(after)):
            return None
        mark = len(log.resets)
        try:
            return grow(before, after, log)
        except Unknown:
            del log.resets[mark:-1]
            return None

    return grown


@cache
def of_type(type_: Any) -> Grow | None:
    """The growth of the whole value of a source; None for a value that is not made of records.

    It raises `Unknown` where the value is one record that has no growth.
    """
    shape, _, inner = describe(type_)
    if shape is Shape.RECORD:
        return compiled(inner, False)
    if shape is Shape.ROWS:
        return _rows(inner)
    if shape is Shape.TABLE:
        return _table(inner)
    return None


def type_of(value: Any) -> Any:
    """The type of a value, as its source would declare it."""
    if isinstance(value, list):
        return list[type(value[0])] if value else None  # type: ignore[misc]
    if isinstance(value, dict):
        first = next(iter(value.values()), None)
        return dict[Any, type(first)] if is_record(type(first)) else None  # type: ignore[misc]
    return type(value) if isinstance(value, msgspec.Struct) else None
