"""Compares what a kept sampler says at a tick with what a new one says of the same tree."""

from collections.abc import Iterator
from typing import Any

import msgspec

from procpulse.process import PerProcess
from procpulse.snapshot import Snapshot
from procpulse.source import Failure, Reason, Source


def differences(kept: Any, fresh: Any, where: str = "", ignored: frozenset[str] = frozenset()) -> Iterator[str]:
    """Where two values differ: path, what the first says, what the second says."""
    if kept is fresh:
        return
    if isinstance(kept, Failure) and isinstance(fresh, Failure) and kept.count == fresh.count > 1:
        ignored = frozenset({"path", "detail"})  # those of one of them, and no matter which
    if isinstance(kept, msgspec.Struct) and type(kept) is type(fresh):
        for field in kept.__struct_fields__:
            if field not in ignored:
                yield from differences(getattr(kept, field), getattr(fresh, field), f"{where}.{field}", ignored)
    elif isinstance(kept, dict) and isinstance(fresh, dict):
        for key in [*kept, *(key for key in fresh if key not in kept)]:
            if key not in fresh or key not in kept:
                yield f"{where}[{key!r}] is {'kept' if key in kept else 'not there'}"
            else:
                yield from differences(kept[key], fresh[key], f"{where}[{key!r}]", ignored)
    elif isinstance(kept, list) and isinstance(fresh, list) and len(kept) == len(fresh):
        for i, (one, other) in enumerate(zip(kept, fresh, strict=True)):
            yield from differences(one, other, f"{where}[{i}]", ignored)
    elif kept != fresh:
        yield f"{where} is {_short(kept)}, a new reader says {_short(fresh)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 300 else text[:300] + "..."


# What the reader itself numbers, in the order in which it meets processes.
_OWN = frozenset({"identity"})


def of_source(source: Source[Any], kept: Snapshot, fresh: Snapshot) -> Iterator[str]:
    """Where two snapshots differ in one source: in its value, and in what failed."""
    name = source.name
    ignored = _OWN if isinstance(source, PerProcess) else frozenset[str]()
    if (name in kept.values) != (name in fresh.values):
        yield f"{name}: {kept.failures.get(name, 'a value')}, a new reader says {fresh.failures.get(name, 'a value')}"
        return
    yield from differences(kept.values.get(name), fresh.values.get(name), name, ignored)
    yield from differences(failures(name, kept), failures(name, fresh), f"failures of {name}")


def failures(name: str, snapshot: Snapshot) -> dict[str, Failure]:
    """What failed of a source. An error of ours is never right."""
    found = {key: failure for key, failure in snapshot.failures.items() if key == name or key.startswith(name + "/")}
    for key, failure in found.items():
        assert failure.reason is not Reason.BUG, f"{key}: {failure}"
    return found
