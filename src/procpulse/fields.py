"""What a field means: counter or gauge, unit, help. Said once, on the field itself.

    class Loadavg(msgspec.Struct, frozen=True, gc=False):
        load1: Annotated[float, gauge("Load average over the last minute.")]

The functions here give plain `msgspec.Meta`, so a record stays an ordinary msgspec struct. `fields()` reads the
metadata back as a table, once a type; the delta, the schema, the Prometheus encoder and the docs all work from it.
"""

import types
import typing
from enum import Enum, StrEnum
from functools import cache
from typing import Any

import msgspec


class Kind(StrEnum):
    """How a value behaves over time."""

    COUNTER = "counter"
    """Only grows while the thing it counts lives; its growth is what matters."""
    GAUGE = "gauge"
    """Goes up and down; its value is what matters."""
    LABEL = "label"
    """Says which row this is. Rows of two snapshots are matched by their labels."""
    INFO = "info"
    """A fact about the row that is neither added up nor averaged: a state, a model, a user id."""
    GROUP = "group"
    """Holds further fields."""


class Unit(StrEnum):
    """The unit of a number. It is also the last word of the field's name, except for a plain count."""

    NONE = ""
    BYTES = "bytes"
    PAGES = "pages"
    SECONDS = "seconds"
    MINUTES = "minutes"
    MS = "ms"
    US = "us"
    NS = "ns"
    TICKS = "ticks"
    HZ = "hz"
    RPM = "rpm"
    MC = "mc"
    MV = "mv"
    UV = "uv"
    MA = "ma"
    UA = "ua"
    UW = "uw"
    UJ = "uj"
    UAH = "uah"
    UWH = "uwh"
    PERCENT = "percent"
    MILLIPERCENT = "millipercent"
    RATIO = "ratio"
    BITS_PER_SECOND = "bits_per_second"
    BYTES_PER_SECOND = "bytes_per_second"

    @property
    def base(self) -> tuple[str, float]:
        """The base unit as Prometheus names it, and what to multiply by to get there.

        Ticks and pages depend on the host and have no fixed factor; they stay what they are.
        """
        return _BASE.get(self, (self.value, 1))


_BASE: dict[Unit, tuple[str, float]] = {
    Unit.MINUTES: ("seconds", 60),
    Unit.MS: ("seconds", 1e-3),
    Unit.US: ("seconds", 1e-6),
    Unit.NS: ("seconds", 1e-9),
    Unit.HZ: ("hertz", 1),
    Unit.MC: ("celsius", 1e-3),
    Unit.MV: ("volts", 1e-3),
    Unit.UV: ("volts", 1e-6),
    Unit.MA: ("amperes", 1e-3),
    Unit.UA: ("amperes", 1e-6),
    Unit.UW: ("watts", 1e-6),
    Unit.UJ: ("joules", 1e-6),
    Unit.UAH: ("coulombs", 3.6e-3),
    Unit.UWH: ("joules", 3.6e-3),
    Unit.PERCENT: ("ratio", 1e-2),
    Unit.MILLIPERCENT: ("ratio", 1e-5),
}


def _meta(kind: Kind, help: str, unit: Unit | None = None, **more: int | str) -> msgspec.Meta:
    return msgspec.Meta(description=help, extra={"kind": kind, "unit": unit, **more})


def counter(help: str, unit: Unit | None = None, *, bits: int = 64, wraps_at: str = "") -> msgspec.Meta:
    """A total that only grows, such as bytes received since boot.

    Args:
        help: One sentence, ending with "(Linux 5.5)" where the kernel gained the number after 4.18.
        unit: Only where the field's name cannot say it (a dict of several counters).
        bits: Width of the kernel's own field. A 32-bit counter that falls has wrapped; a wider one was reset.
        wraps_at: Where each device has a range of its own, the field beside this one that holds the largest value
            before the counter starts again at 0.
    """
    return _meta(Kind.COUNTER, help, unit, bits=bits, wraps_at=wraps_at)


def gauge(help: str, unit: Unit | None = None) -> msgspec.Meta:
    """A value that goes up and down, such as memory in use."""
    return _meta(Kind.GAUGE, help, unit)


def label(help: str) -> msgspec.Meta:
    """What tells this row from the others, such as the name of a disk."""
    return _meta(Kind.LABEL, help)


def info(help: str) -> msgspec.Meta:
    """A fact in words or as an id, such as a state, a model, a flag."""
    return _meta(Kind.INFO, help)


def group(help: str) -> msgspec.Meta:
    """A record, or rows of records, inside this one."""
    return _meta(Kind.GROUP, help)


class Shape(Enum):
    """How a field holds its values; what the delta does with it follows from this."""

    SCALAR = "one value"
    MAPPING = "values by name"
    RECORD = "one record"
    ROWS = "a list of records"
    TABLE = "records by key"
    OTHER = "anything else, taken as a whole"


class Field(msgspec.Struct, frozen=True):
    """One line of a type's field table."""

    name: str
    kind: Kind
    unit: Unit
    help: str
    shape: Shape
    optional: bool
    """Whether the value may be None."""
    bits: int = 64
    type: Any = None
    """The record type inside, for a RECORD, ROWS or TABLE field; the plain type otherwise."""
    wraps_at: str = ""
    """The field that holds the largest value of this counter, where the device says it."""


def describe(type_: Any) -> tuple[Shape, bool, Any]:
    """Return (shape, may be None, type inside) of an annotation without its metadata."""
    optional = False
    if typing.get_origin(type_) in (typing.Union, types.UnionType):
        rest = [a for a in typing.get_args(type_) if a is not types.NoneType]
        optional = len(rest) < len(typing.get_args(type_))
        if len(rest) != 1:
            return Shape.OTHER, optional, type_
        type_ = rest[0]
    origin, args = typing.get_origin(type_), typing.get_args(type_)
    if is_record(type_):
        return Shape.RECORD, optional, type_
    if origin is list and is_record(args[0]):
        return Shape.ROWS, optional, args[0]
    if origin is dict and is_record(args[1]):
        return Shape.TABLE, optional, args[1]
    if origin is dict and args[1] in (int, float):
        return Shape.MAPPING, optional, args[1]
    if type_ in (int, float, str, bool):
        return Shape.SCALAR, optional, type_
    return Shape.OTHER, optional, type_


def is_record(type_: Any) -> bool:
    """Whether this is one of our structs."""
    return isinstance(type_, type) and issubclass(type_, msgspec.Struct)


_SUFFIXES = sorted((unit for unit in Unit if unit), key=lambda unit: -len(unit.value))


def unit_of(name: str) -> Unit:
    """The unit that a field's name ends in; a plain count where it ends in none."""
    for unit in _SUFFIXES:
        if name == unit or name.endswith("_" + unit):
            return unit
    return Unit.NONE


@cache
def fields(record: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The field table of a record type, in the order of its fields. Computed once a type.

    Raises:
        TypeError: a field carries none of `counter()`, `gauge()`, `label()`, `info()`, `group()`, or names another
            field that is not there.
    """
    table = []
    for item in msgspec.structs.fields(record):
        meta = next((m for m in getattr(item.type, "__metadata__", ()) if m.extra and "kind" in m.extra), None)
        if meta is None:
            raise TypeError(
                f"{record.__name__}.{item.name} does not say what it means: annotate it with counter(), gauge(), label(), info() or group()"
            )
        kind: Kind = meta.extra["kind"]
        shape, optional, inner = describe(typing.get_args(item.type)[0])
        unit = meta.extra["unit"]
        if unit is None:
            unit = unit_of(item.name) if kind in (Kind.COUNTER, Kind.GAUGE) else Unit.NONE
        bits, wraps_at = meta.extra.get("bits", 64), meta.extra.get("wraps_at", "")
        if wraps_at and (wraps_at not in record.__struct_fields__ or shape is not Shape.SCALAR):
            raise TypeError(f"{record.__name__}.{item.name} cannot wrap at {wraps_at}: both have to be single numbers")
        table.append(Field(item.name, kind, unit, meta.description, shape, optional, bits, inner, wraps_at))
    return tuple(table)
