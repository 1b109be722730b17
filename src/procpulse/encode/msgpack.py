"""Snapshots and deltas as msgpack."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from procpulse.delta import Delta
from procpulse.encode.pieces import Form, split
from procpulse.encode.wire import DeltaShell, SnapshotShell, fill
from procpulse.snapshot import Snapshot
from procpulse.source import Source

_ENCODER = msgspec.msgpack.Encoder()
_SNAPSHOT = msgspec.msgpack.Decoder(SnapshotShell)
_DELTA = msgspec.msgpack.Decoder(DeltaShell)


def encode(item: Any) -> bytes:
    """The msgpack of a snapshot, a delta, or any record."""
    return _ENCODER.encode(item)


def pieces(item: Any) -> Iterator[bytes]:
    """The same piece by piece, each made in much less than half a millisecond; see `encode.pieces.Once`."""
    return split(item, _FORM)


def decode(data: bytes, sources: Iterable[Source[Any]] = ()) -> Snapshot:
    """A snapshot, equal to the one that was encoded.

    Args:
        data: The msgpack.
        sources: Sources that are not procpulse's own, so that their values are typed, too.

    Raises:
        msgspec.MsgspecError: this is no snapshot.
    """
    return fill(_SNAPSHOT.decode(data), Snapshot, sources, _decode)


def decode_delta(data: bytes, sources: Iterable[Source[Any]] = ()) -> Delta:
    """A delta, equal to the one that was encoded; arguments and errors as for `decode`."""
    return fill(_DELTA.decode(data), Delta, sources, _decode)


def _decode(data: Any, type: Any) -> Any:
    return msgspec.msgpack.decode(data, type=type)


def _start(count: int, named: bool) -> bytes:
    """The head of a map or an array of so many entries."""
    if count < 16:
        return bytes(((0x80 if named else 0x90) | count,))
    if count < 1 << 16:
        return bytes((0xDE if named else 0xDC,)) + count.to_bytes(2, "big")
    return bytes((0xDF if named else 0xDD,)) + count.to_bytes(4, "big")


_FORM = Form(
    encode=_ENCODER.encode,
    start=_start,
    colon=b"",
    comma=b"",
    end=lambda named: b"",
    body=lambda data, count: data[len(_start(count, True)) :],
)
