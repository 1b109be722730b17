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
from typing import Any, Literal, TypeAlias

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


Bits: TypeAlias = int | Literal["long"]
"""Width of a counter: so many bits, or as many as the words of the kernel have."""


def _meta(kind: Kind, help: str, unit: Unit | None = None, **more: Any) -> msgspec.Meta:
    return msgspec.Meta(description=help, extra={"kind": kind, "unit": unit, **more})


def counter(
    help: str,
    unit: Unit | None = None,
    *,
    bits: Bits = 64,
    scale: int = 1,
    summed: bool = False,
    wraps_at: str = "",
    falls: bool = False,
    moves_to: str = "",
    absent_is_zero: bool = False,
) -> msgspec.Meta:
    """A total that only grows, such as bytes received since boot.

    A counter that fell has wrapped where that is plausible by its width. Else the row that it is in was made anew, and
    has no growth; or the counter alone has none, if it is no part of a row or `falls`.

    Args:
        help: One sentence, ending with "(Linux 5.5)" where the kernel gained the number after 4.18.
        unit: Only where the field's name cannot say it (a dict of several counters).
        bits: Width of the kernel's own field; "long" is that of its words, 32 on a 32-bit kernel and else 64.
        scale: How many units one step of the kernel's own field is, such as 512 bytes: it wraps at as many times that.
        summed: Whether the value is a sum of fields of this width, each of which wraps.
        wraps_at: Where each device has a range of its own, the field beside this one that holds the largest value
            before the counter starts again at 0.
        falls: Whether it may fall while all else of its row goes on: somebody may set it to 0, or the kernel adds it
            up from parts that come and go.
        moves_to: The counter beside this one to which the kernel moves back and forth what it has counted. Where one
            of them falls and both together do not, the growth of this one is None, and the other has that of both.
        absent_is_zero: For counters by name, whether the kernel leaves out those that are 0: then a name that is new
            has grown from 0.
    """
    return _meta(
        Kind.COUNTER, help, unit, bits=bits, scale=scale, summed=summed, wraps_at=wraps_at, falls=falls, moves_to=moves_to,
        absent_is_zero=absent_is_zero,
    )  # fmt: skip


def gauge(help: str, unit: Unit | None = None) -> msgspec.Meta:
    """A value that goes up and down, such as memory in use."""
    return _meta(Kind.GAUGE, help, unit)


def label(help: str) -> msgspec.Meta:
    """What tells this row from the others, such as the name of a disk."""
    return _meta(Kind.LABEL, help)


def info(help: str) -> msgspec.Meta:
    """A fact in words or as an id, such as a state, a model, a flag."""
    return _meta(Kind.INFO, help)


def group(help: str, *, sum_of: str = "", absent_is_zero: bool = False) -> msgspec.Meta:
    """A record, or rows of records, inside this one.

    Args:
        help: One sentence.
        sum_of: The rows beside this record that it is the sum of: where one of them is made anew, comes or goes, it
            cannot be told by itself how much the sum has grown.
        absent_is_zero: For rows, whether the kernel leaves out those whose counters are all 0: then a row that is new
            has grown from 0.
    """
    return _meta(Kind.GROUP, help, sum_of=sum_of, absent_is_zero=absent_is_zero)


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
    bits: Bits = 64
    type: Any = None
    """The record type inside, for a RECORD, ROWS or TABLE field; the plain type otherwise."""
    wraps_at: str = ""
    """The field that holds the largest value of this counter, where the device says it."""
    scale: int = 1
    """How many units one step of the kernel's own field is."""
    summed: bool = False
    """Whether it is a sum of counters of this width."""
    falls: bool = False
    """Whether it may fall by itself."""
    moves_to: str = ""
    """The counter to which the kernel moves what this one has counted, and back."""
    absent_is_zero: bool = False
    """Whether names or rows that are absent stand for 0."""
    sum_of: str = ""
    """The rows beside this record that it is the sum of."""


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
        more = {name: meta.extra[name] for name in _MORE if name in meta.extra}
        for other in ("wraps_at", "moves_to", "sum_of"):
            _check(record, item.name, shape, other, more.get(other, ""))
        table.append(Field(item.name, kind, unit, meta.description, shape, optional, type=inner, **more))
    return tuple(table)


_MORE = ("bits", "scale", "wraps_at", "summed", "falls", "moves_to", "absent_is_zero", "sum_of")


def _check(record: type[msgspec.Struct], name: str, shape: Shape, what: str, other: str) -> None:
    """Raise where a field names another one that is not there, or is of no use to it.

    Raises:
        TypeError: it does.
    """
    wanted = Shape.RECORD if what == "sum_of" else Shape.SCALAR
    if other and (other not in record.__struct_fields__ or shape is not wanted):
        words = {"wraps_at": "cannot wrap at", "moves_to": "cannot move to", "sum_of": "cannot be the sum of"}[what]
        raise TypeError(f"{record.__name__}.{name} {words} {other}")
