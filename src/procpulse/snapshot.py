"""One sample of the host: the values of its sources, when each was read, and why others have none."""

from typing import Any, TypeVar

import msgspec

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


class Snapshot(msgspec.Struct, frozen=True):
    """Values by source, read at one tick.

    snap[MEMINFO].mem_available_bytes   # raises Unavailable with the reason where there is none
    snap.get(SWAPS)                     # None where there is none
    MEMINFO in snap
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

    def __getitem__(self, source: Source[T]) -> T:
        """The value of a source.

        Raises:
            Unavailable: there is none; carries the reason.
        """
        try:
            value: T = self.values[source.name]
        except KeyError:
            raise Unavailable(source.name, self.failures.get(source.name)) from None
        return value

    def get(self, source: Source[T]) -> T | None:
        """The value of a source; None where there is none."""
        return self.values.get(source.name)

    def __contains__(self, source: Source[Any]) -> bool:
        return source.name in self.values

    def row_times(self, name: str) -> dict[Any, int]:
        """When each row of a source was read, by key, where rows have times of their own."""
        times: list[int] = []
        for when, count in self.rows_ns.get(name, ()):
            times += [when] * count
        return dict(zip(self.values[name], times, strict=False)) if times else {}
