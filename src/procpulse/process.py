"""Sources of processes: files of every process, joined into rows by pid."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from procpulse.source import PARSE_ERRORS, File, Host, Malformed, Reading, Refresh, Source, Steps, explain
from procpulse.tree import allow_list

LIST_SECONDS = 60.0
"""After so long the processes of a live host are listed again, even if the kernel counts as many as before."""

T = TypeVar("T")
R = TypeVar("R")


class Part(Generic[T]):
    """One file, or one directory of small files, of every process, and how to understand it.

    Args:
        name: What it is called in a row, and in `processes(...)`.
        path: The file below /proc/[pid]; or a tuple of entries as for `Tree`, such as `("fd/",)`.
        type: The record.
        parse: From a `ProcessFile` to the record, or None where the process has none after all; from a `Folder`
            where `path` is a tuple.
        slow: Whether reading it may wait for the process (its memory lock) or for much work in the kernel.
        again: Seconds after which it is read again, for what hardly ever changes. It is also read again when the
            process became another program, as it does in exec: `stat` shows that by its name and the places of arguments.
        secret: Whether it is read only where it is named, since it may hold passwords.
        cap: Most bytes that each file may have; a `clip` part keeps so many and says so.
        clip: Whether bytes over the cap are left out rather than an error.
        newline: Whether the file always ends in a newline.
        program: Whether only a process that runs a program has it: kernel threads and zombies are not asked, so that
            the zeros that the kernel would show for them are no reading. In a plain tree, what is there is read.
        rss_limit_bytes: Resident memory above which a process is not asked, where reading stalls it for the longer
            the more memory it has. `processes(..., rss_limit_bytes=)` overrides it.
        fallback: The file to read where `path` is missing.
        threads: Whether each thread has it, too.
        rows: Lines of heading, where each line after them stands for itself, as for `Source`.
        host: The file of the whole host that stands for a missing one in a plain tree. On a live host nobody wants it
            again and again in the row of every process.
    """

    def __init__(
        self,
        name: str,
        path: str | tuple[str, ...],
        type: type[T],
        parse: Callable[[Any], T | None],
        *,
        slow: bool = False,
        again: float | None = None,
        secret: bool = False,
        cap: int = 1 << 16,
        clip: bool = False,
        newline: bool = True,
        program: bool = False,
        rss_limit_bytes: int | None = None,
        fallback: str | None = None,
        threads: bool = True,
        host: str | None = None,
        rows: int | None = None,
    ):
        self.name = name
        self.path = path
        self.type = type
        self.parse = parse
        self.slow = slow or not isinstance(path, str)
        self.again = again
        self.secret = secret
        self.cap = cap
        self.clip = clip
        self.newline = newline
        self.program = program
        self.rss_limit_bytes = rss_limit_bytes
        self.fallback = fallback
        self.of_threads = threads
        self.host = host
        self.rows = rows
        self.choosy = program or rss_limit_bytes is not None
        """Whether what `stat` says decides if it is read."""
        self.plan = None if isinstance(path, str) else allow_list(path, path)

    def understand(self, data: bytes, host: Host, stat: bytes = b"", lost: dict[str, str] | None = None) -> T | None:
        """Bytes in, record out, for a part that is one file; None where the process has none.

        Args:
            data: The bytes.
            host: The machine that they are from.
            stat: The bytes of the process's `stat`, where they help.
            lost: Gets what could not be understood while the rest was: the detail, by the name of the part.

        Raises:
            Malformed: the bytes are not what the kernel documents.
        """
        if self.newline and not data.endswith(b"\n"):
            data = data[: data.rfind(b"\n") + 1]
        file = ProcessFile(data, host, stat=stat)
        try:
            value = self.parse(file)
        except PARSE_ERRORS as error:
            raise Malformed(explain(error)) from error
        if lost is not None and file.failures is not None:
            lost.update(file.failures)
        return value


class ProcessFile(File, gc=False):
    """The bytes of one file of a process, with the bytes of its `stat` where they help to understand it."""

    stat: bytes = b""


class PerProcess(Source[dict[int, R]]):
    """Files of every process, joined into one row a process, by pid.

    Args:
        name: What it is called in snapshots.
        row: The type of a row: built with pid, identity, the record of `stat`, then those of the other parts in order.
        stat: The part that is read last, and whose answer proves that all parts spoke of one process.
        parts: The others.
        rss_limit_bytes: The limit of resident memory for all parts that have one, instead of their own.
        threads: How the threads of each process are read; a row gets theirs, by tid, as its last column.
    """

    def __init__(
        self,
        name: str,
        row: type[R],
        stat: Part[Any],
        parts: Sequence[Part[Any]],
        rss_limit_bytes: int | None = None,
        threads: "PerProcess[Any] | None" = None,
    ):
        super().__init__(name, "/proc/[0-9]*", dict[int, row], _no_parse)  # type: ignore[valid-type]
        self.row = row
        self.stat = stat
        self.parts = tuple(parts)
        self.rss_limit_bytes = rss_limit_bytes
        self.threads = threads

    def refreshes(self, value: dict[int, R]) -> Sequence[Refresh]:
        """The parts that hardly ever change. They are read again when the process becomes another
        program, at the next read.

        On a live host, what was denied is tried again after a minute; it is told at every read. A process that comes in
        the moment in which a directory of /proc goes that is no process, as with a module, may show as much later.
        """
        theirs = () if self.threads is None else self.threads.parts
        listing = Refresh("/proc/[a-z]*/", LIST_SECONDS)
        return [listing] + [
            Refresh(f"{path}/{part.path}", part.again, path)
            for path, parts in ((self.path, self.parts), (f"{self.path}/task/[0-9]*", theirs))
            for part in parts
            if part.again is not None
        ]

    def steps(self, reading: Reading) -> Steps[dict[int, R]]:
        """Read through the process table of a reader, which keeps what it knows of each process.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"{self.name} is read by a reader, not by itself")


def _no_parse(file: File) -> Any:
    raise TypeError("a row of processes is made of parts")
