"""What to read and how to understand it, as values. Nothing here opens a file.

A source says which files it wants, gets their bytes and answers with records:

    LOADAVG = Source("loadavg", "/proc/loadavg", Loadavg, parse)

Directories of files are `Tree` and `Bundle` in `tree`, processes are in `process`.

How a source reads is a generator of requests (`Read`, `Names`, `Link`, `Statvfs`); the reader answers each batch
with bytes, names or a `Failure`. Paths are always written below /proc and /sys: the reader puts them under the roots.
"""

import copyreg
import math
import re
from collections.abc import Callable, Generator, Sequence
from enum import StrEnum
from typing import Annotated, Any, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec

from procpulse import text
from procpulse.fields import describe, is_record

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Reason(StrEnum):
    """Why there is no value."""

    MISSING = "missing"
    """No such file, process or device here."""
    DENIED = "denied"
    """Not allowed to read it."""
    UNSUPPORTED = "unsupported"
    """The kernel or the device does not offer it, or its driver failed."""
    TIMEOUT = "timeout"
    """It did not answer before the deadline."""
    MALFORMED = "malformed"
    """It does not look like what the kernel documents."""
    EXHAUSTED = "exhausted"
    """This program or the host ran out of descriptors or memory."""
    BUG = "bug"
    """An error in procpulse itself."""

    @classmethod
    def _missing_(cls, value: object) -> "Reason":
        """A reason that a later version has."""
        return cls.UNSUPPORTED


class Failure(msgspec.Struct, frozen=True):
    """Why a value is not there."""

    reason: Reason
    path: str
    """The file, as it was asked for: below /proc or /sys whatever the roots are, so that data of all hosts is alike; the
    command shows the place that was opened. One of them where `count` is above 1."""
    detail: str = ""
    """The name of the errno, or what was wrong with the text."""
    count: int = 1
    """How many files of this kind failed in this way, in this sample."""

    def __str__(self) -> str:
        more = f" (and {self.count - 1} more)" if self.count > 1 else ""
        return f"{self.path}: {self.reason}" + (f": {self.detail}" if self.detail else "") + more


class Malformed(ValueError):
    """The bytes are not what the kernel documents. Parsers may raise any ValueError, IndexError or KeyError."""


PARSE_ERRORS = (ValueError, IndexError, KeyError, msgspec.MsgspecError)
"""What a parser raises for input that it cannot understand; everything else is our bug."""


class Roots(msgspec.Struct, frozen=True):
    """Where the host's file systems are mounted, for containers, captured trees and tests."""

    proc: str = "/proc"
    sys: str = "/sys"
    root: str | None = None
    """The host's `/`. Needed to ask for the size of its file systems when `proc` is not our own /proc."""

    @property
    def own(self) -> bool:
        """Whether these are the roots of the machine that this program runs on."""
        return self.proc == "/proc" and self.sys == "/sys"


class Host(msgspec.Struct, frozen=True):
    """The machine that a snapshot speaks of: what is needed to understand its numbers later and elsewhere."""

    name: str = ""
    """Its host name."""
    boot_id: str = ""
    """A random id that the kernel draws at each boot."""
    kernel: str = ""
    """The kernel's release, such as 6.18.4."""
    boot_time: int | None = None
    """When it booted, in seconds since 1970, by its own clock now."""
    page_size: Annotated[int, msgspec.Meta(gt=0, le=1 << 32)] = 4096
    """Bytes in a page of memory."""
    ticks_per_second: Annotated[int, msgspec.Meta(gt=0, le=1_000_000)] = 100
    """Clock ticks (USER_HZ) in a second."""
    little_endian: bool = True
    """Whether the kernel prints network addresses with the lowest byte first."""
    cpus: int | None = None
    """How many CPUs were online when the machine was met; None where that is not known."""
    word_bits: int | None = None
    """Width of the kernel's words, 32 or 64, by which some of its counters wrap; None where it is not known."""

    def at_least(self, major: int, minor: int) -> bool:
        """Whether the kernel is this release or a later one; True where its release is not known."""
        found = re.match(r"([0-9]{1,4})\.([0-9]{1,4})", self.kernel)
        return found is None or (int(found[1]), int(found[2])) >= (major, minor)


class Read(NamedTuple):
    """A request for the bytes of a file, up to its end."""

    path: str
    cap: int = 1 << 20
    """Most bytes to take; a file that has more is malformed, never cut."""
    slow: bool = False
    """Whether the kernel may have to wait for hardware or for another process before it answers."""
    whole: bool = False
    """Whether the kernel hands out the file in one piece, so that a short read is its end."""
    identity: int = 0
    """Changes when the file of this name belongs to another device than before."""
    clip: bool = False
    """Whether bytes over the cap are left out rather than an error."""


class Piece(NamedTuple):
    """A request for the next bytes of a file that is too long to be kept whole; empty at its end."""

    path: str
    offset: int = 0
    """How much of it has been read."""
    slow: bool = False


class Names(NamedTuple):
    """A request for the (name, inode) pairs of a directory, sorted by name."""

    path: str
    slow: bool = False
    folders: bool = False
    """Whether to leave out everything that is no directory; links are none."""
    wanted: bool = False
    """Whether the names themselves are what is asked for, rather than a way to files below."""
    bare: bool = False
    """Whether inodes are of no use here, and may be 0: names alone are cheaper."""


class Link(NamedTuple):
    """A request for the target of a symbolic link, as bytes."""

    path: str
    slow: bool = False


class Statvfs(NamedTuple):
    """A request for the size and use of a file system, as an `os.statvfs_result`, by its mount point on the host."""

    path: str
    slow: bool = True


Request: TypeAlias = Read | Piece | Names | Link | Statvfs
SLICE_NS = 250_000
"""How long anything goes on before others on the event loop get a turn. What is due then may have to wait for the
slice that is under way and the next: together less than a millisecond."""
TURN: tuple[Request, ...] = ()
"""A batch of nothing: the source has worked for a while, and others get a turn before it goes on."""
Steps: TypeAlias = Generator[Sequence[Request], list[Any], T]


class Reading:
    """One read of one source: what is known of the host, what was read before, what could not be read."""

    __slots__ = ("failures", "host", "memory", "now_ns", "plain", "rows_ns")

    def __init__(self, host: Host, memory: dict[Any, Any] | None = None, plain: bool = False, now_ns: int = 0):
        self.host = host
        self.now_ns = now_ns
        """When this read began, on the monotonic clock."""
        self.plain = plain
        """Whether the files are plain ones: nothing lives behind them, so nothing vanishes."""
        self.memory: dict[Any, Any] = {} if memory is None else memory
        """What this source keeps from one read to the next, to do less when nothing changed."""
        self.failures: dict[str, Failure] = {}
        """Parts that could not be read while the rest was, by the name of the part."""
        self.rows_ns: list[tuple[int, int]] = []
        """(monotonic time, how many rows) where rows are read one after the other and each has its own time."""

    def note(self, part: str, failure: Failure) -> None:
        """Keep that a part is lost. Files of one kind are counted, not listed. What is missing is just absent."""
        if failure.reason is Reason.MISSING:
            return
        part = text.printable(part)
        known = self.failures.get(part)
        count = failure.count + (known.count if known else 0)
        path = text.printable((known or failure).path)
        self.failures[part] = msgspec.structs.replace(known or failure, path=path, count=count)


class Refresh(NamedTuple):
    """Files that a source does not read at every read of it, so that what it tells of them may be older."""

    path: str
    """The files, below /proc or /sys, as a pattern; `**` stands for any directories in between. With a final slash it is
    directories whose coming and going may show later."""
    seconds: float = math.inf
    """How old what is told of them may be; infinite for what is read once for each device."""
    device: str = ""
    """The pattern of the directories each of which has files of its own: those of a new one are read at once."""
    reads: int = 1
    """After how many reads of the source they are read again, where that counts rather than the time."""


class File(msgspec.Struct, gc=False):
    """The bytes of one file, as a parser gets them.

    What a parser cannot understand of it, while the rest makes sense, it tells with `parsed` or `lose`.
    """

    data: bytes
    host: Host
    failures: dict[str, str] | None = None
    """What could not be understood: the detail, by the name of the part."""

    def parsed(self, part: str, parse: Callable[[bytes], T], data: bytes) -> T | None:
        """What a part of the file says; None where it makes no sense, which is told and costs nothing else."""
        try:
            return parse(data)
        except PARSE_ERRORS as error:
            self.lose(part, error)
            return None

    def lose(self, part: str, error: Exception) -> None:
        """Tell that a part of the file makes no sense."""
        if self.failures is None:
            self.failures = {}
        self.failures.setdefault(part, explain(error))


class Unreadable(Exception):
    """A source could not be read at all; carries the `Failure`."""

    def __init__(self, failure: Failure):
        if not failure.path.isprintable():  # else it could not be sent, and the whole snapshot with it
            failure = msgspec.structs.replace(failure, path=text.printable(failure.path))
        super().__init__(failure)
        self.failure = failure


class Source(Generic[T]):
    """One kernel file, and how to understand it.

    Args:
        name: What it is called in snapshots and on the wire: the path with underscores.
        path: The file, below /proc or /sys.
        type: The record that `parse` gives, or `list[Record]` or `dict[key, Record]` for a file of many.
        parse: From the bytes to the record. Raises ValueError, IndexError or KeyError for bytes that make no sense.
        slow: Whether reading may block on hardware or on another process.
        cadence: Seconds between reads, where every tick would be more often than its values change or than is kind.
        cap: Most bytes that the file may have.
        whole: Whether the kernel hands it out in one piece (`single_open` in the kernel's source), saving a read.
        newline: Whether the file always ends in a newline; a last line without one was cut, and is dropped.
        rows: How many lines of heading there are, where each line after them stands for itself: one that makes no sense
            is left out then, and told. None where lines hang together.
    """

    def __init__(
        self,
        name: str,
        path: str,
        type: type[T],
        parse: Callable[[File], T],
        *,
        slow: bool = False,
        cadence: float | None = None,
        cap: int = 1 << 20,
        whole: bool = False,
        newline: bool = True,
        rows: int | None = None,
    ):
        self.name = name
        self.path = path
        self.type = type
        self.parse: Callable[[Any], Any] = parse
        self.slow = slow
        self.cadence = cadence
        self.cap = cap
        self.whole = whole
        self.newline = newline
        self.rows = rows
        self.request = Read(path, cap, slow, whole)
        """What is asked for where the source is one file."""
        self.single = self.__class__.steps is Source.steps
        """Whether that is all that is asked for."""

    def __repr__(self) -> str:
        return f"<{self.__class__.__name__} {self.name} {self.path}>"

    made: "tuple[Callable[..., Any], tuple[Any, ...]] | None" = None
    """What made this source to order, and of which arguments: a pickle holds that, and makes it again."""

    def __reduce__(self) -> Any:
        """Pickled is how to find the source again, or to make it: what it reads with is code."""
        from procpulse import catalog  # which finds sources by name

        if self.name in catalog.modules() and catalog.source(self.name) is self:
            return catalog.source, (self.name,)
        if self.made is not None:
            return self.made
        return copyreg.__newobj__, (type(self),), vars(self)  # type: ignore[attr-defined]

    @property
    def record(self) -> type[msgspec.Struct] | None:
        """The struct that the values are made of; None for a source of plain values."""
        inner = describe(self.type)[2]
        return inner if is_record(inner) else None

    def refreshes(self, value: T) -> Sequence[Refresh]:
        """What is not read at every read: everything else in this value is as a new reader would find it."""
        return ()

    def understand(self, data: bytes, host: Host) -> T:
        """Bytes in, record out.

        Raises:
            Malformed: the bytes are not what the kernel documents.
        """
        return self._taken_in(File(data, host))

    def _taken_in(self, file: File) -> T:
        data = file.data
        if self.newline and not data.endswith(b"\n"):
            file.data = data[: data.rfind(b"\n") + 1]
        try:
            value: T = self.parse(file)
        except PARSE_ERRORS as error:
            raise Malformed(explain(error)) from error
        return value

    def steps(self, reading: Reading) -> Steps[T]:
        """Read it: yield requests, get their answers, return the value.

        Raises:
            Unreadable: there is no value.
        """
        [data] = yield (self.request,)
        return self.answered(data, reading)

    def answered(self, data: bytes | Failure, reading: Reading) -> T:
        """The value, from the answer to the one request that there is (`single`).

        Raises:
            Unreadable: there is no value.
        """
        if isinstance(data, Failure):
            raise Unreadable(data)
        memory = reading.memory
        if memory.get("data") == data:
            value: T = memory["value"]
            for part, failure in memory["lost"]:
                reading.note(part, failure)
            return value
        if not data and is_record(self.type):
            raise Unreadable(Failure(Reason.MISSING, self.path, "empty"))
        lost: list[tuple[str, Failure]] = []
        file = File(data, reading.host)
        try:
            value = self._taken_in(file)
        except Malformed as error:
            failure = Failure(Reason.MALFORMED, self.path, str(error))
            rest = self._without_bad_rows(data, reading.host)
            if rest is None:
                raise Unreadable(failure) from error
            value, count = rest
            lost.append(("rows", msgspec.structs.replace(failure, count=count)))
        else:
            if file.failures is not None:
                lost += [(part, Failure(Reason.MALFORMED, self.path, why)) for part, why in file.failures.items()]
        for part, failure in lost:
            reading.note(part, failure)
        memory["data"], memory["value"], memory["lost"] = data, value, lost
        return value

    def _without_bad_rows(self, data: bytes, host: Host) -> tuple[T, int] | None:
        return None if self.rows is None else salvage(lambda rows: self.understand(rows, host), data, self.rows)


_FEW = 70
"""Lines of a file of facts, where the one that makes no sense is looked for by leaving out each.

Time grows with the square; `/proc/meminfo` and `/proc/[pid]/status` have about 60.
"""


def salvage(understand: Callable[[bytes], T], data: bytes, heading: int) -> tuple[T, int] | None:
    """What a file says without the lines that make no sense, and how many these are; None where nothing does then.

    A line of a table makes sense if it does so alone under the heading, a fact if it does so beside the one that has to
    be there. Where several have to be there no line makes sense alone; of these files, one line can be left out.
    """
    lines = data.split(b"\n")[:-1]
    head, rows = lines[:heading], lines[heading:]

    def parsed(some: list[bytes]) -> tuple[T] | None:
        try:
            return (understand(b"\n".join([*head, *some, b""])),)
        except Malformed:
            return None

    sound = [parsed([row]) is not None for row in rows]
    first = [rows[sound.index(True)]] if True in sound else []
    good = [row for row, alone in zip(rows, sound, strict=True) if alone or (first and parsed([*first, row]))]
    whole = parsed(good) if good else None
    if whole:
        return whole[0], len(rows) - len(good)
    for i in range(len(rows) if len(rows) <= _FEW else 0):
        whole = parsed([*rows[:i], *rows[i + 1 :]])
        if whole:
            return whole[0], 1
    return None


def explain(error: Exception) -> str:
    """What a parser's error says, on one inert line."""
    if isinstance(error, KeyError):
        return f"no {error.args[0]}"
    message = str(error)
    return message[:200] if message.isprintable() else text.shorten(message.encode("utf-8", "replace"), 200)


class Folding(Protocol[T_co]):
    """Takes in a file line by line, and keeps only what it needs."""

    def feed(self, lines: list[bytes]) -> None:
        """Some more lines, without their ends.

        Raises:
            ValueError, IndexError, KeyError: they make no sense.
        """
        ...

    def result(self) -> T_co:
        """The record, once all lines have been fed.

        What made no sense while the rest did may be kept in an attribute `failures`: the detail, by the part.
        """
        ...


class Fold(Source[T]):
    """A kernel file of so many lines that it is read and understood piece by piece, in constant memory.

    A file that is not read to its end by its deadline has no value: part of a table would be a wrong number.

    Args:
        name: What it is called in snapshots.
        path: The file.
        type: The record.
        start: Makes the `Folding` of one read; it is given the host.
        slow: Whether reading may block.
        cadence: Seconds between reads, where every tick would be too often.
    """

    def __init__(
        self,
        name: str,
        path: str,
        type: type[T],
        start: Callable[[Host], Folding[T]],
        *,
        slow: bool = False,
        cadence: float | None = None,
    ):
        super().__init__(name, path, type, self._whole, slow=slow, cadence=cadence)
        self.start = start

    def _whole(self, file: File) -> T:
        folding = self.start(file.host)
        folding.feed(file.data.split(b"\n")[:-1])
        return folding.result()

    def steps(self, reading: Reading) -> Steps[T]:
        """Read a piece, take in its lines, read the next."""
        folding = self.start(reading.host)
        offset, rest = 0, b""
        while True:
            [data] = yield (Piece(self.path, offset, self.slow),)
            if isinstance(data, Failure):
                raise Unreadable(data)
            try:
                if not data and not offset and is_record(self.type):
                    raise Unreadable(Failure(Reason.MISSING, self.path, "empty"))
                if not data:
                    value = folding.result()
                    for part, why in getattr(folding, "failures", {}).items():
                        reading.note(part, Failure(Reason.MALFORMED, self.path, why))
                    return value
                *lines, rest = (rest + data).split(b"\n")
                if len(rest) > self.cap:
                    raise ValueError("a line without end")
                folding.feed(lines)
            except PARSE_ERRORS as error:
                raise Unreadable(Failure(Reason.MALFORMED, self.path, explain(error))) from error
            offset += len(data)
