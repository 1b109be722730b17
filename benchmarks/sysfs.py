"""What does a sample of the whole of /sys cost, beside reading the same files and doing nothing with them?

Raw readings of the very same files, directories and links, twice: each file opened, read and closed; and each read
through a descriptor that is kept. Everything is read at every tick, whatever its cadence.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from benchmarks.measure import compare, found, raise_descriptor_limit, title
from procpulse import Failure, Roots, Source, catalog
from procpulse.reader import Reader
from procpulse.source import Link, Names, Read, Request

OURS = "procpulse: read, parsed, into records"
OPENED = "raw: open, read, close"
KEPT = "raw: descriptors kept"


def sources() -> list[Source[Any]]:
    """Everything that is read below /sys."""
    return [source for source in catalog.sources().values() if source.path.startswith("/sys")]


def asked(of: list[Source[Any]]) -> list[Request]:
    """What a sample asks for once it is under way, as far as it is there."""
    seen: dict[Request, bool] = {}
    reader = Reader(Roots(), observe=lambda request, answer: seen.__setitem__(request, not isinstance(answer, Failure)))
    for _ in range(2):
        seen.clear()
        reader.read_sync(of, lambda source: 30.0)
    reader.close()
    return [request for request, answered in seen.items() if answered and request.path.startswith("/sys")]


def ours(of: list[Source[Any]]) -> Callable[[], object]:
    """A reader that keeps its descriptors from call to call."""
    reader = Reader(Roots())
    return lambda: reader.read_sync(of, lambda source: 30.0)


def beside(requests: list[Request]) -> Callable[[], None]:
    """List the directories and read the links."""
    folders = [request.path for request in requests if isinstance(request, Names)]
    links = [request.path for request in requests if isinstance(request, Link)]

    def run() -> None:
        with suppress(OSError):  # devices come and go
            for path in folders:
                os.listdir(path)
            for path in links:
                os.readlink(path)

    return run


def opened(files: Iterable[str], rest: Callable[[], None]) -> Callable[[], None]:
    """Open, read and close each."""
    paths = list(files)

    def run() -> None:
        rest()
        for path in paths:
            with suppress(OSError):
                fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                try:
                    os.read(fd, 65536)
                finally:
                    os.close(fd)

    return run


def kept(files: Iterable[str], rest: Callable[[], None]) -> Callable[[], None]:
    """Read each through a descriptor that stays open."""
    descriptors = []
    for path in files:
        with suppress(OSError):
            descriptors.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK))

    def run() -> None:
        rest()
        for fd in descriptors:
            with suppress(OSError):
                os.pread(fd, 65536, 0)

    return run


def measure(what: str, of: list[Source[Any]]) -> None:
    """Compare one choice of sources."""
    requests = asked(of)
    files = [request.path for request in requests if isinstance(request, Read)]
    slow = sum(request.slow for request in requests)
    title(
        f"{what}: {len(of)} sources, {len(files)} files, {len(requests) - len(files)} directories and links; "
        f"{slow} of them in the slow lane, whose own time is not counted"
    )
    rest = beside(requests)
    times = compare({OURS: ours(of), OPENED: opened(files, rest), KEPT: kept(files, rest)})
    times.show()
    for raw in (OPENED, KEPT):
        found(f"{what}, beside {raw}", f"{times.ratio(OURS, raw):.2f}x")


def main() -> None:
    """Measure all sources, and those that never wait for hardware."""
    raise_descriptor_limit()
    every = sources()
    measure("a sample of the whole of /sys", every)
    measure("the same, without what waits for hardware", [source for source in every if not slow(source)])


def slow(source: Source[Any]) -> bool:
    """Whether any of its files goes to the slow lane here."""
    return any(request.slow for request in asked([source]))
