"""One sample of the host: the values of its sources, when each was read, and why others have none."""

from typing import Any, NoReturn, TypeVar

import msgspec

from procpulse import catalog
from procpulse.source import Failure, Host, Reason, Source

__all__ = ["Failure", "Host", "Reason", "Snapshot", "Unavailable"]

T = TypeVar("T")


class Unavailable(LookupError):
    """A snapshot has no value of a source.

    Attributes:
        source: The name of the source.
        failure: Why; None where the source was not sampled at all, or a delta has nothing to say yet.
    """

    def __init__(self, source: str, failure: Failure | None, why: str = "was not sampled"):
        super().__init__(f"{source}: {failure}" if failure else f"{source} {why}")
        self.source = source
        self.failure = failure


class Shared(dict[Any, Any]):
    """A dict that nobody changes, since everybody who follows a stream has the same one."""

    __slots__ = ()

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("what is sampled is shared by all who follow the stream: make a copy, dict(...), to change it")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _refuse  # pyright: ignore

    def __reduce__(self) -> tuple[Any, ...]:
        return Shared, (dict(self),)


def no_source(key: Any) -> TypeError:
    """The error for what is asked for by something else than a source, such as its name."""
    name = str(key)
    if name in catalog.modules():
        hint = f": pass {name.upper()}, from procpulse.sources"
    else:
        hint = catalog.suggestion(name.upper()) or ": pass one, such as MEMINFO of procpulse.sources"
    return TypeError(f"{key!r} is not a source{hint}")


class Snapshot(msgspec.Struct, frozen=True):
    """Values by source, read at one tick.

    snap[MEMINFO].mem_available_bytes   # raises Unavailable with the reason where there is none
    snap.get(SWAPS)                     # None where there is none
    MEMINFO in snap

    Everybody who follows a stream has the same snapshots, so nothing in those is to be changed: their dicts refuse it, and
    lists and tables of rows should be copied first. A single sample belongs to who took it.
    """

    seq: int
    """Number of the tick in its stream, from 0; a gap means that ticks were missed."""
    time: float
    """Wall-clock time of the tick, in seconds since 1970."""
    monotonic_ns: int
    """The same moment on the monotonic clock, which never jumps."""
    host: Host
    """The machine."""
    values: dict[str, Any]
    """Records by name of their source."""
    failures: dict[str, Failure] = {}
    """Why a source has no value, by its name; and what is missing inside a value, by name/part."""
    read_ns: dict[str, int] = {}
    """When each source was really read, on the monotonic clock. Rates divide by the difference of these."""
    rows_ns: dict[str, list[tuple[int, int]]] = {}
    """(when, how many) for sources whose rows are read one after the other, in the order of the rows."""
    interval: float | None = None
    """Seconds between the ticks of the stream that this is from; None for a single sample."""

    def __post_init__(self) -> None:
        if self.interval is None:
            return  # a single sample is its owner's alone
        for name in ("values", "failures", "read_ns", "rows_ns"):
            found = getattr(self, name)
            if type(found) is dict:
                msgspec.structs.force_setattr(self, name, Shared(found))

    def __getitem__(self, source: Source[T]) -> T:
        """The value of a source.

        Raises:
            Unavailable: there is none; carries the reason.
            TypeError: it is not asked for by a source.
        """
        try:
            value: T = self.values[source.name]
        except KeyError:
            raise Unavailable(source.name, self.failures.get(source.name)) from None
        except AttributeError:
            raise no_source(source) from None
        return value

    def get(self, source: Source[T]) -> T | None:
        """The value of a source; None where there is none.

        Raises:
            TypeError: it is not asked for by a source.
        """
        try:
            return self.values.get(source.name)
        except AttributeError:
            raise no_source(source) from None

    def __contains__(self, source: Source[Any]) -> bool:
        try:
            return source.name in self.values
        except AttributeError:
            raise no_source(source) from None

    def row_times(self, name: str) -> dict[Any, int]:
        """When each row of a source was read, by key, where rows have times of their own."""
        times: list[int] = []
        for when, count in self.rows_ns.get(name, ()):
            times += [when] * count
        return dict(zip(self.values[name], times, strict=False)) if times else {}
