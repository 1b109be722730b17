"""Snapshots and deltas as JSON."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from procpulse.delta import Delta
from procpulse.encode.pieces import Form, split
from procpulse.encode.wire import DeltaShell, SnapshotShell, fill
from procpulse.snapshot import Snapshot
from procpulse.source import Source

_ENCODER = msgspec.json.Encoder()
_SNAPSHOT = msgspec.json.Decoder(SnapshotShell)
_DELTA = msgspec.json.Decoder(DeltaShell)
_FORM = Form(
    encode=_ENCODER.encode,
    start=lambda count, named: b"{" if named else b"[",
    colon=b":",
    comma=b",",
    end=lambda named: b"}" if named else b"]",
    body=lambda data, count: data[1:-1],
)


def encode(item: Any) -> bytes:
    """One line of JSON, without a newline, of a snapshot, a delta, or any record."""
    return _ENCODER.encode(item)


def pieces(item: Any) -> Iterator[bytes]:
    """The same piece by piece, each made in much less than half a millisecond; see `encode.pieces.Once`."""
    return split(item, _FORM)


def decode(data: bytes | str, sources: Iterable[Source[Any]] = ()) -> Snapshot:
    """A snapshot, equal to the one that was encoded.

    Args:
        data: The JSON.
        sources: Sources that are not procpulse's own, so that their values are typed, too.

    Raises:
        msgspec.MsgspecError: this is no snapshot.
    """
    return fill(_SNAPSHOT.decode(data), Snapshot, sources, _decode)


def decode_delta(data: bytes | str, sources: Iterable[Source[Any]] = ()) -> Delta:
    """A delta, equal to the one that was encoded; arguments and errors as for `decode`."""
    return fill(_DELTA.decode(data), Delta, sources, _decode)


def _decode(data: Any, type: Any) -> Any:
    return msgspec.json.decode(data, type=type)
