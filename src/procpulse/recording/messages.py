"""Snapshots as messages of a recording, and back. Nothing here opens a file.

A key message holds a whole snapshot. A difference holds what is not the same in the key before it: sources whose value
changed, and of long tables only the rows that did. A difference builds on its key alone, never on another difference,
so that one that is lost costs nothing but itself.

A message is a sequence of msgpack objects: a head, then a name and a value for each source that it has.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from procpulse.encode import wire
from procpulse.encode.scan import FREE, Look, Unfit, first_row, look, made_inert
from procpulse.fields import Shape, describe, fields, is_record
from procpulse.growth import labels
from procpulse.process import PerProcess
from procpulse.snapshot import Snapshot
from procpulse.source import Failure, Host, Source

ROWS = 16
"""Rows that a table needs for its rows to be compared one by one."""

MOST_SOURCES = 4096
DICTIONARY_BYTES = 32_768
"""What zlib can look back."""

LIMIT = 28 << 20
"""Bytes of memory that a replay takes at most, with the snapshot that it handed out last."""

_encode = msgspec.msgpack.Encoder().encode


class Head(msgspec.Struct, omit_defaults=True):
    """What a message says besides its values."""

    seq: wire.Seq
    time: wire.WallTime
    monotonic_ns: wire.Nanoseconds
    interval: wire.Interval | None = None
    """Of a key; a difference has that of its key, and its host."""
    host: Host | None = None
    base_ns: wire.Nanoseconds | None = None
    """Of a difference: the time of its key, on the monotonic clock."""
    failures: dict[str, Failure] | None = None
    """None where they are those of the key."""
    read_ns: dict[str, wire.Nanoseconds] = {}
    rows_ns: dict[str, list[tuple[wire.Nanoseconds, wire.Rows]]] = {}
    gone: list[str] = []
    """Sources of the key that have no value any more."""
    layouts: dict[str, list[wire.Rows]] = {}
    """How the rows of a value and those of the key go together, by source: (n, start, stop) again and again, which is
    the next n rows of this message, then the rows from start to stop of the key; then the rest of this message's."""


class Message:
    """A message: a head and its values, each as msgpack.

    Attributes:
        data: All of it.
        pieces: The head, and each value with its name before it.
    """

    __slots__ = ("data", "pieces")

    def __init__(self, head: Head, values: Mapping[str, Any]):
        self.pieces = [_encode(head), *(_encode(name) + _encode(value) for name, value in values.items())]
        self.data = b"".join(self.pieces)


def dictionary(pieces: Iterable[Any]) -> bytes:
    """What the differences of a key may refer to when they are packed: its pieces, the shortest first, so that every
    source has a place in it, and the longest is cut."""
    found = bytearray()
    for piece in sorted(pieces, key=len):
        found += piece[: DICTIONARY_BYTES - len(found)]
    return bytes(found)


def key(snapshot: Snapshot) -> Message:
    """The message of a whole snapshot."""
    head = Head(
        snapshot.seq,
        snapshot.time,
        snapshot.monotonic_ns,
        snapshot.interval,
        snapshot.host,
        failures=snapshot.failures or None,
        read_ns=snapshot.read_ns,
        rows_ns=snapshot.rows_ns,
    )
    return Message(head, snapshot.values)


class Base:
    """A key, as its differences are made from it."""

    def __init__(self, snapshot: Snapshot):
        self.snapshot = snapshot
        self._places: dict[str, tuple[dict[Any, int], list[Any]]] = {}

    def fits(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot can be told as a difference: of the same host and stream, and later by every clock."""
        base = self.snapshot
        return (
            snapshot.host == base.host
            and snapshot.interval == base.interval
            and snapshot.monotonic_ns > base.monotonic_ns
        )

    def difference(self, snapshot: Snapshot) -> Message:
        """The message of what is not the same as in the key."""
        base = self.snapshot
        values: dict[str, Any] = {}
        layouts: dict[str, list[int]] = {}
        for name, value in snapshot.values.items():
            if name in base.values:
                old = base.values[name]
                if value is old or (value == old and type(value) is type(old)):
                    continue
                if isinstance(value, list | dict) and len(value) >= ROWS and type(old) is type(value):
                    layouts[name], value = self._rows(name, value)
            values[name] = value
        head = Head(
            snapshot.seq,
            snapshot.time,
            snapshot.monotonic_ns,
            base_ns=base.monotonic_ns,
            failures=None if snapshot.failures == base.failures else snapshot.failures,
            read_ns=snapshot.read_ns,
            rows_ns=snapshot.rows_ns,
            gone=[name for name in base.values if name not in snapshot.values],
            layouts=layouts,
        )
        return Message(head, values)

    def _rows(self, name: str, value: Any) -> tuple[list[int], Any]:
        """A table as a layout, and the rows that are not as in the key."""
        if name not in self._places:
            known = list(_keyed(self.snapshot.values[name]))
            self._places[name] = {key: place for place, (key, _) in enumerate(known)}, [row for _, row in known]
        places, old = self._places[name]
        layout: list[int] = []
        rows: list[tuple[Any, Any]] = []
        taken = stop = 0
        for label, row in _keyed(value):
            place = places.get(label, -1)
            if place < stop or not (old[place] is row or (old[place] == row and type(old[place]) is type(row))):
                rows.append((label, row))
                continue
            if layout and place == stop and len(rows) == taken:
                layout[-1] += 1
            else:
                layout += (len(rows) - taken, place, place + 1)
                taken = len(rows)
            stop = place + 1
        return layout, dict(rows) if isinstance(value, dict) else [row for _, row in rows]


def _keyed(value: Any) -> Iterator[tuple[Any, Any]]:
    """The rows of a table by what tells them apart; by their place where nothing does."""
    if isinstance(value, dict):
        yield from value.items()
        return
    names = labels(type(value[0])) if value and is_record(type(value[0])) else ()
    for place, row in enumerate(value):
        try:
            yield (tuple(getattr(row, name) for name in names) if names else place), row
        except AttributeError:
            yield place, row


class Builder:
    """Makes snapshots from messages again.

    Args:
        sources: Sources that are not procpulse's own, so that their values are typed, too.
        limit: Most bytes of memory that the key, the snapshot that was handed out last, the next one and its message
            may take together.
    """

    def __init__(self, sources: Iterable[Source[Any]] = (), limit: int = LIMIT):
        self._known = {source.name: source for source in sources}
        self._limit = limit
        self._key: Snapshot | None = None
        self._held = 0  # the weight of the key
        self._more = 0  # and of what the last snapshot does not share with it
        self.dictionary = b""
        """For unpacking differences of the newest key."""

    def forget(self) -> None:
        """There is no key: it was lost."""
        self._key, self.dictionary = None, b""

    @property
    def ready(self) -> bool:
        """Whether there is a key to build on."""
        return self._key is not None

    def key(self, data: bytes, beside: int = 0) -> Snapshot:
        """The snapshot of a key message; it becomes the base of what follows.

        Args:
            data: The message.
            beside: Bytes of memory that are in use for it otherwise.

        Raises:
            Unfit: it is no such message, or over a limit.
        """
        self.forget()
        head, values, failures, pieces, heavy = self._message(data, beside)
        if head.host is None or head.base_ns is not None or head.gone or head.layouts:
            raise Unfit("no whole snapshot")
        snapshot = Snapshot(
            head.seq,
            head.time,
            head.monotonic_ns,
            head.host,
            values,
            {**(head.failures or {}), **failures},
            head.read_ns,
            head.rows_ns,
            head.interval,
        )
        _check(snapshot)
        self._key, self._held, self._more = snapshot, heavy, 0
        self.dictionary = dictionary(pieces)
        return snapshot

    def difference(self, data: bytes, beside: int = 0) -> Snapshot:
        """The snapshot of a difference from the newest key; arguments as for `key`.

        Raises:
            Unfit: it is no such message, over a limit, or there is no key.
        """
        base = self._key
        if base is None:
            raise Unfit("its key is lost")
        head, changed, failures, _, heavy = self._message(data, beside)
        if head.host is not None or head.interval is not None or head.base_ns is None:
            raise Unfit("no difference")
        if head.base_ns != base.monotonic_ns:
            raise Unfit("its key is lost")
        for name in failures:
            head.layouts.pop(name, None)
        values: dict[str, Any] = {}
        for name, old in base.values.items():
            if name in head.layouts:
                values[name] = _laid_out(old, changed.pop(name, None), head.layouts[name])
            elif name in changed:
                values[name] = changed.pop(name)
            elif name not in head.gone and name not in failures:
                values[name] = old
        values.update(changed)
        snapshot = Snapshot(
            head.seq,
            head.time,
            head.monotonic_ns,
            base.host,
            values,
            {**(base.failures if head.failures is None else head.failures), **failures},
            head.read_ns,
            head.rows_ns,
            base.interval,
        )
        _check(snapshot)
        self._more = heavy
        return snapshot

    def _message(
        self, data: bytes, beside: int
    ) -> tuple[Head, dict[str, Any], dict[str, Failure], list[memoryview], int]:
        try:
            return self._decoded(data, self._limit - self._held - self._more - len(data) - beside)
        except msgspec.MsgspecError as error:
            raise Unfit(str(error)) from error
        except RecursionError:
            raise Unfit("nested too deep") from None

    def _decoded(
        self, data: bytes, left: int
    ) -> tuple[Head, dict[str, Any], dict[str, Failure], list[memoryview], int]:
        parts = _parts(data, self._known, left)
        view = memoryview(data)
        part = next(parts)
        head = msgspec.msgpack.decode(part.encoded, type=Head)
        pieces, heavy, start = [view[: part.end]], part.weight, part.end
        values: dict[str, Any] = {}
        failures: dict[str, Failure] = {}
        for part in parts:
            rows = self._row_type(part.name) if part.name in head.layouts else None
            value = wire.typed(part.name, part.encoded, self._known, _decode, rows or part.type)
            if isinstance(value, Failure):
                failures[part.name] = value
            else:
                values[part.name] = value
            heavy += part.weight
            pieces.append(view[start : part.end])
            start = part.end
        return head, values, failures, pieces, heavy

    def _row_type(self, name: str) -> Any:
        """The type of rows that go between those of the key, where not all rows of their source have the same."""
        if self._key is None or not isinstance(wire.find(name, self._known), PerProcess):
            return None
        rows = self._key.values.get(name)
        return dict[int, type(next(iter(rows.values())))] if isinstance(rows, dict) and rows else None  # type: ignore[misc]


def weight(data: bytes, limit: int = LIMIT) -> int:
    """Bytes of memory that a message takes at most once it is decoded.

    Raises:
        Unfit: it is no message, or takes more than the limit.
    """
    return sum(part.weight for part in _parts(data, {}, limit))


_LEAST = (24, 18)
_ROW = 160


class _Part(NamedTuple):
    """The head of a message, which has no name, or one of its values, not decoded yet."""

    name: str
    end: int
    weight: int
    encoded: Any
    """With all its text inert."""
    type: Any = None


def _parts(data: bytes, known: Mapping[str, Source[Any]], limit: int) -> Iterator[_Part]:
    """The head and each value of a message.

    Raises:
        Unfit: it is no message, or takes more than the limit.
    """
    seen = look(data, 0, limit)
    yield _Part("", seen.end, seen.weight, _encoded(data, 0, seen))
    count, total, end = 0, seen.weight, seen.end
    while end < len(data):
        seen = look(data, end, limit - total)
        name = msgspec.msgpack.decode(_encoded(data, end, seen), type=str)
        source = wire.find(name, known)
        type_: Any = Any if source is None else source.type
        start, more = seen.end, seen.weight
        left = limit - total - more
        seen = look(data, start, left, _LEAST if isinstance(source, PerProcess) else _sizes(type_))
        encoded, heavy = _encoded(data, start, seen), seen.weight
        if isinstance(source, PerProcess):
            type_ = wire.type_of(source, encoded, _decode, first_row(data, start))
            container, pair = _sizes(type_)
            heavy = seen.weigh((min(container, _ROW), pair))  # what is mostly absent is in few of its records
            if heavy > left:
                raise Unfit(f"over {limit} bytes in memory")
        end = seen.end
        total += more + heavy
        count += 1
        if count > MOST_SOURCES:
            raise Unfit("more sources than there are")
        yield _Part(name, end, more + heavy, encoded, type_)


def _encoded(data: bytes, start: int, seen: Look) -> Any:
    """The object at `start`, with all its text inert."""
    if seen.odd:
        return made_inert(data, start, seen)
    return memoryview(data)[start : seen.end]


def _decode(data: Any, type: Any) -> Any:
    return msgspec.msgpack.decode(data, type=type)


def _laid_out(old: Any, new: Any, layout: list[int]) -> Any:
    """The rows of a key and those of a difference, put together.

    Raises:
        Unfit: they do not go together.
    """
    if type(new) is not type(old) or not isinstance(old, list | dict) or len(layout) % 3:
        raise Unfit("a layout of what is no table")
    base: Any = list(old.items()) if isinstance(old, dict) else old
    rows: Any = list(new.items()) if isinstance(new, dict) else new
    found: list[Any] = []
    taken = at = 0
    for count, start, stop in zip(layout[::3], layout[1::3], layout[2::3], strict=True):
        if not (taken + count <= len(rows) and at <= start <= stop <= len(base)):
            raise Unfit("a layout of rows that are not there")
        found += rows[taken : taken + count]
        found += base[start:stop]
        taken, at = taken + count, stop
    found += rows[taken:]
    return dict(found) if isinstance(old, dict) else found


def _check(snapshot: Snapshot) -> None:
    try:
        wire.check_row_times(snapshot.values, snapshot.rows_ns)
    except msgspec.ValidationError as error:
        raise Unfit(str(error)) from None


@cache
def _sizes(type_: Any) -> tuple[int, int]:
    """What a map takes in memory once it is decoded, and each of its entries, besides those of the message.

    A record has room for its optional fields, too. The name of a field is in the message only, which makes up for the
    number beside the pointer.
    """
    optional = _optional(type_)
    return FREE if optional is None else (24 + 8 * optional, 18)


def _optional(type_: Any) -> int | None:
    """How many fields may be absent in a record of this type, in the one that has most; None where there are dicts."""
    shape, _, inner = describe(type_)
    if shape not in (Shape.RECORD, Shape.ROWS, Shape.TABLE):
        return None if _holds_dict(inner) else 0
    table = fields(inner)
    inside = [None if field.shape is Shape.MAPPING else _optional(field.type) for field in table]
    found = [most for most in inside if most is not None]
    return None if len(found) < len(table) else max(sum(field.optional for field in table), *found, 0)


def _holds_dict(type_: Any) -> bool:
    return type_ in (dict, Any) or get_origin(type_) is dict or any(map(_holds_dict, get_args(type_)))
