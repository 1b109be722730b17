"""Encodings made piece by piece, so that no step takes long, and once for everybody who wants the same.

    encode = Once(json)
    data = await encode(snapshot)              # in a task of each consumer
    data is await encode(snapshot)             # True: encoded once

Pieces put together are what the format's `encode` gives, byte for byte.
"""

from collections.abc import Callable, Iterator
from time import monotonic_ns
from typing import Any, NamedTuple, Protocol

import anyio

from procpulse.delta import Delta
from procpulse.reader import checkpoint
from procpulse.snapshot import Snapshot
from procpulse.source import SLICE_NS

_ROWS = 32  # encoded in one go


class Form(NamedTuple):
    """How a format writes maps and lists."""

    encode: Callable[[Any], bytes]
    start: Callable[[int, bool], bytes]
    """What comes before so many entries, of a map or of a list."""
    colon: bytes
    comma: bytes
    end: Callable[[bool], bytes]
    body: Callable[[bytes, int], bytes]
    """A map or list of so many entries without its start and end."""


class Format(Protocol):
    """A module such as `encode.json`."""

    def pieces(self, item: Any) -> Iterator[bytes]:
        """The encoding of an item in pieces."""
        ...


def split(item: Any, form: Form) -> Iterator[bytes]:
    """The encoding of an item in pieces: tables of a snapshot or delta some rows at a time, all else whole."""
    if not isinstance(item, Snapshot | Delta):
        yield form.encode(item)
        return
    names = item.__struct_fields__
    yield form.start(len(names), True)
    for i, name in enumerate(names):
        value = getattr(item, name)
        yield (form.comma if i else b"") + form.encode(name) + form.colon
        if name != "values":
            yield from _table(value, form)
            continue
        yield form.start(len(value), True)
        for j, (source, found) in enumerate(value.items()):
            yield (form.comma if j else b"") + form.encode(source) + form.colon
            yield from _table(found, form)
        yield form.end(True)
    yield form.end(True)


def _table(value: Any, form: Form) -> Iterator[bytes]:
    if not isinstance(value, dict | list) or len(value) <= _ROWS:
        yield form.encode(value)
        return
    named = isinstance(value, dict)
    rows = list(value.items()) if isinstance(value, dict) else value
    yield form.start(len(rows), named)
    for i in range(0, len(rows), _ROWS):
        some = rows[i : i + _ROWS]
        data = form.encode(dict(some) if named else some)
        yield (form.comma if i else b"") + form.body(data, len(some))
    yield form.end(named)


class Once:
    """Encodes an item once, for all who ask for it while it is among the newest.

    Args:
        format: `encode.json` or `encode.msgpack`, or anything that gives `pieces` of an item.
        keep: How many encodings are kept: as many as there are different items on the way at a time, such as the
            snapshot and the delta of each interval that is streamed.
    """

    def __init__(self, format: Format, keep: int = 4):
        self._pieces = format.pieces
        self._keep = keep
        self._newest: list[tuple[Any, bytes]] = []
        self._making: dict[int, anyio.Event] = {}

    async def __call__(self, item: Any) -> bytes:
        """The bytes of an item. Whoever asks first encodes, in short slices; others get the same."""
        while (data := self._known(item)) is None:
            event = self._making.get(id(item))
            if event is not None:
                await event.wait()
                continue
            event = self._making[id(item)] = anyio.Event()
            try:
                data = await self._made(item)
                self._newest = [(item, data), *self._newest[: self._keep - 1]]
            finally:
                del self._making[id(item)]
                event.set()
        return data

    def _known(self, item: Any) -> bytes | None:
        return next((data for known, data in self._newest if known is item), None)

    async def _made(self, item: Any) -> bytes:
        await checkpoint()  # whoever asks may have worked for as long already
        found = []
        until = monotonic_ns() + SLICE_NS
        for piece in self._pieces(item):
            found.append(piece)
            if monotonic_ns() >= until:
                await checkpoint()
                until = monotonic_ns() + SLICE_NS
        await checkpoint()
        return b"".join(found)
