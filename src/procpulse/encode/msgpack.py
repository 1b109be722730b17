"""Snapshots and deltas as msgpack."""

from collections.abc import Iterable
from typing import Any

import msgspec

from procpulse.delta import Delta
from procpulse.encode.wire import DeltaShell, SnapshotShell, fill
from procpulse.snapshot import Snapshot
from procpulse.source import Source

_ENCODER = msgspec.msgpack.Encoder()
_SNAPSHOT = msgspec.msgpack.Decoder(SnapshotShell)
_DELTA = msgspec.msgpack.Decoder(DeltaShell)


def encode(item: Any) -> bytes:
    """The msgpack of a snapshot, a delta, or any record."""
    return _ENCODER.encode(item)


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
