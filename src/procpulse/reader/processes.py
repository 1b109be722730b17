"""Walks the process table: one pass over the pids, only the files asked for, each row of one process for certain.

A pid and a start time do not name a process: both can repeat within one clock tick. A descriptor kept open on its
`stat` does, and answers ESRCH for ever once the process is gone. The `identity` of a row is the start time, which is the
same for every reader of this boot, and on top of it how often this reader saw the pid used again within that tick. So `stat` is read last: if it answers, everything
read before it in this pass spoke of the same process. Any error on another file means just that: no such part.
"""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from stat import S_ISDIR
from time import monotonic_ns
from typing import Any, TypeVar

from procpulse.process import LIST_SECONDS, Part, PerProcess
from procpulse.reader.entries import (
    CHUNK,
    LOOK,
    PIECE,
    SMALL_CHUNK,
    UNKNOWN,
    Entry,
    PartState,
    is_missing,
    numbers,
    program_of,
    read_whole,
    request_of,
    the_same,
)
from procpulse.reader.files import Budget, Files, failed
from procpulse.source import (
    PARSE_ERRORS,
    SLICE_NS,
    TURN,
    Failure,
    Malformed,
    Names,
    Read,
    Reading,
    Reason,
    Steps,
    Unreadable,
    explain,
    salvage,
)
from procpulse.tree import Folder, Row, gather

T = TypeVar("T")

_NAMES = 64
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
_STAT_BYTES = 1024
_AGAIN = 1 << 48
"""What is added to an identity for each process of the same pid that started in the same clock tick before."""
_START = _AGAIN - 1
_MOST_ENDED = 4096
_AGAIN_NS = 60_000_000_000  # after which a denied file is tried again
_DEAD = frozenset("ZXx")  # states of a process that has ended
_RELEASED = frozenset("Xx")
"""States of one that the kernel is taking away: no parent, no group, counters of 0 or whatever is left of them."""


class ProcessTable:
    """What one reader knows of the processes.

    Args:
        source: Which parts are wanted.
        files: Opens files.
        budget: How many descriptors may stay open.
    """

    def __init__(self, source: PerProcess[Any], files: Files, budget: Budget):
        self._source = source
        self._files = files
        self._budget = budget
        self._entries: dict[int, Entry] = {}
        self._ended: dict[int, int] = {}
        """The identities of processes that went away, by pid: those that did so last."""
        self._fast = [i for i, part in enumerate(source.parts) if not part.slow]
        self._slow = [i for i, part in enumerate(source.parts) if part.slow]
        self._lasting = [i for i, part in enumerate(source.parts) if part.again is not None]
        self._choosy = any(part.choosy for part in source.parts)
        self._share = 0.95
        """How much of the budget `stat` may fill."""
        self._proc = -1
        self._threads: ThreadTable | None = None
        if source.threads is not None:
            self._threads = ThreadTable(source.threads, files, budget)
        self._chunked = bool(self._slow) or self._threads is not None
        """Whether something is read of many processes before their `stat`."""
        self._pids: list[int] = []
        self._rows: dict[int, Any] = {}
        """The rows of the last pass."""
        self._steady: list[Entry] | None = None
        """All processes in the order of these rows, each with its kept `stat`; None once any of that has changed."""
        self._links = 0
        """How many links /proc had when `_pids` were all the processes there were; 0 when that is not known."""
        self._list_ns = 0
        """When the processes are listed again, whatever the kernel counts."""
        self._others: set[str] = set()
        self._folders = 0
        self._replaced: set[int] = set()
        """What went away in this pass, of which more than `stat` is read: another may have its pid by now."""
        self.vanished = 0
        """Processes that went away while they were read."""
        self._hidden = files.hides
        self.partial = False
        """Whether processes are hidden from us, as with hidepid: there is always a first one, and it is not shown."""

    def steps(self, reading: Reading) -> Steps[dict[int, Any]]:
        """One pass over the table."""
        if self._files.observe is not None or self._files.blocks(Names("/proc")):
            return self._strange(reading)
        return self._known(reading)

    def close(self) -> None:
        """Close every descriptor."""
        if self._threads is not None:
            self._threads.close()
        for entry in self._entries.values():
            self._forget(entry)
        self._entries.clear()
        if self._proc >= 0:
            os.close(self._proc)
            self._proc = -1

    # A real procfs.

    def _known(self, reading: Reading) -> Steps[dict[int, Any]]:
        try:
            if self._proc < 0:
                self._proc = self._files.open_folder("/proc")
            # The kernel counts every process among the links of /proc. While the count is what it was when the list
            # held them all, and all of these answer still, there can be no other: no need to list them again.
            # But a directory of a module may have gone while a process came, so now and then they are listed all the same.
            links = os.fstat(self._proc).st_nlink
            listed = links != self._links or monotonic_ns() >= self._list_ns
            if listed:
                yield from self._list_all(links)
        except OSError as error:
            raise Unreadable(failed(error, "/proc")) from error
        if self._budget.over:
            self._shed()
        pids, entries = self._pids, self._entries
        if listed or self._steady is None:
            rows: dict[int, Any] = {}
            yield from self._pass(pids, rows, reading)
        else:
            rows = self._rows.copy()
            yield from self._in_slices(self._steady, self._renew_steady, rows, reading)
        if len(rows) < len(pids):
            self._links = 0
            if not listed:  # one is gone, and another may have come in its place
                with suppress(OSError):
                    yield from self._list_all(0)
            known, gone = set(pids), self._replaced
            self._replaced = set()
            yield from self._pass([pid for pid in self._pids if pid in gone or pid not in known], rows, reading)
            self._replaced.clear()
        lost = reading.failures.get("stat")
        self.partial = self._hidden or 1 not in self._pids or (lost is not None and lost.reason is Reason.DENIED)
        if self.partial:
            detail = "partial: processes of others are hidden"
            reading.note("visibility", Failure(Reason.DENIED, "/proc", detail))
        if self._threads is not None:
            self._threads.prune()
        if len(entries) > len(rows):
            for pid in entries.keys() - rows.keys():
                self._forget(entries.pop(pid))
        self._rows = rows
        if self._steady is None and self._links and not (listed or self._chunked or self._fast):
            met = [entries[pid] for pid in rows]
            if all(entry.kept for entry in met):
                self._steady = met
        return rows

    def _list_all(self, links: int) -> Steps[None]:
        """List the processes, and see whether they are all that the kernel counts, whatever we are allowed to see.

        Raises:
            OSError: with the kernel's errno.
        """
        pids: list[int] = []
        others: set[str] = set()
        until = monotonic_ns() + SLICE_NS
        with os.scandir(self._proc) as found:
            for entry in found:
                name = entry.name
                if name[0] > "9":
                    others.add(name)
                    continue
                pids.append(int(name))
                if not len(pids) % _NAMES and monotonic_ns() >= until:
                    yield TURN
                    until = monotonic_ns() + SLICE_NS
        yield TURN
        self._pids = pids
        self._list_ns = monotonic_ns() + int(LIST_SECONDS * 1e9)
        self._steady = None
        if others != self._others:
            modes = [os.stat(name, dir_fd=self._proc, follow_symlinks=False).st_mode for name in others]
            self._others, self._folders = others, sum(map(S_ISDIR, modes))
        # As in any directory: itself, its own `.`, and the `..` of each directory in it.
        self._links = links if links == 2 + self._folders + len(self._pids) else 0

    def _pass(self, pids: list[int], rows: dict[int, Any], reading: Reading) -> Steps[None]:
        """Read some processes into `rows`."""
        if not self._chunked:
            yield from self._sweep(pids, rows, reading)
            return
        size = CHUNK if self._budget.limit > 2 * len(pids) else SMALL_CHUNK
        for start in range(0, len(pids), size):
            chunk = [entry for pid in pids[start : start + size] if (entry := self._entry(pid, reading))]
            yield from self._ask_slow(chunk, reading)
            if self._threads is not None:
                yield from self._threads.visit(chunk, self._proc, reading)
            yield from self._sweep([entry.pid for entry in chunk], rows, reading)

    def _sweep(self, pids: list[int], rows: dict[int, Any], reading: Reading) -> Steps[None]:
        """Read the fast parts and then `stat` of each process into `rows`."""
        return self._in_slices(pids, self._renew, rows, reading)

    def _in_slices(
        self,
        some: list[T],
        renew: Callable[[list[T], dict[int, Any], int, Reading], int],
        rows: dict[int, Any],
        reading: Reading,
    ) -> Steps[None]:
        """Renew rows a few at a time, and keep when each of them was read."""
        now = monotonic_ns()
        until = now + SLICE_NS
        count = 0
        for start in range(0, len(some), LOOK):
            count += renew(some[start : start + LOOK], rows, now, reading)
            if monotonic_ns() >= until:
                reading.rows_ns.append((now, count))
                yield TURN
                count = 0
                now = monotonic_ns()
                until = now + SLICE_NS
        if count:
            reading.rows_ns.append((now, count))

    def _renew_steady(self, some: list[Entry], rows: dict[int, Any], now: int, reading: Reading) -> int:
        """Read `stat` of a few processes, all as at the last pass, whose rows `rows` holds; return how many it still does."""
        pread, count = os.pread, len(some)
        for entry in some:
            try:
                data = pread(entry.fd, _STAT_BYTES, 0)
            except OSError:
                row = self._row(entry.pid, now, reading)
            else:
                if data == entry.data:
                    continue
                row = self._made(entry, data, reading)
            if row is None:
                del rows[entry.pid]
                count -= 1
            else:
                rows[entry.pid] = row
        return count

    def _renew(self, pids: list[int], rows: dict[int, Any], now: int, reading: Reading) -> int:
        """Read the fast parts and `stat` of a few processes into `rows`; return how many of them there are."""
        count = 0
        entries, pread, fast = self._entries, os.pread, self._fast
        for pid in pids:
            entry = entries.get(pid)
            if entry is not None and entry.kept and entry.data:
                # The way of nearly every process at nearly every tick.
                if fast:
                    self._read_parts(entry, now, reading)
                try:
                    data = pread(entry.fd, _STAT_BYTES, 0)
                except OSError:
                    row = self._row(pid, now, reading)
                else:
                    row = entry.row
                    if row is None or data != entry.data:
                        row = self._made(entry, data, reading)
            elif entry is not None and entry.inode and entry.data:
                row = self._opened(entry, now, reading)
            else:
                row = self._row(pid, now, reading)
            if row is not None:
                rows[pid] = row
                count += 1
        return count

    def _opened(self, entry: Entry, now: int, reading: Reading) -> Any:
        """The row of a process that is known, and of which no descriptor is kept; None if it is gone."""
        try:
            fd = entry.fd if entry.fd >= 0 else os.open(f"{entry.path}/stat", _FLAGS, dir_fd=self._proc)
        except OSError:
            return self._row(entry.pid, now, reading)
        try:
            if os.fstat(fd).st_ino != entry.inode:
                data = b""
            else:
                if self._fast:
                    self._read_parts(entry, now, reading)
                data = os.pread(fd, _STAT_BYTES, 0)
        except OSError:
            data = b""
        os.close(fd)
        entry.fd = -1
        if not data:  # it is another one by now, or gone
            return self._row(entry.pid, now, reading)
        row = entry.row
        return self._made(entry, data, reading) if row is None or data != entry.data else row

    def _row(self, pid: int, now: int, reading: Reading) -> Any:
        """The row of a process that is new, or gone (then None), or has no descriptor of its own."""
        met = pid in self._entries
        entry = self._entry(pid, reading)
        if entry is None:
            return None
        if self._choosy and not entry.data:
            entry = self._look(entry, reading)
            if entry is None:
                return None
        if self._fast:
            self._read_parts(entry, now, reading)
        try:
            data = os.pread(entry.fd, _STAT_BYTES, 0)
        except OSError as error:
            self._forget(self._entries.pop(pid))
            if met and not self._chunked:
                return self._row(pid, now, reading)  # perhaps there is another process of this pid by now
            self._replaced.add(pid)
            self._lost(entry.path, error, reading)
            return None
        if not entry.kept:
            self._let_go(entry)
        return self._made(entry, data, reading)

    def _read_parts(self, entry: Entry, now: int, reading: Reading) -> None:
        """Read the fast parts of a process."""
        parts, states, pread = self._source.parts, entry.states, os.pread
        for i in self._fast:
            part, state = parts[i], states[i]
            found: bytes | None = None
            if not part.choosy or self._wanted(entry.path, entry.stat, part, reading):
                if state.fd >= 0:
                    try:
                        found = pread(state.fd, PIECE, 0)
                    except OSError:
                        pass
                    else:
                        if found == state.data and len(found) < PIECE and not state.lost:
                            continue
                if found is None or len(found) >= PIECE or len(found) > part.cap:
                    found = self._content(entry, part, state, now, reading)
            if found != state.data:
                state.data = found
                state.value, state.lost = self._understood(entry, part, found, reading)
                entry.row = None
            for failure in state.lost:
                reading.note(part.name, failure)

    def _made(self, entry: Entry, data: bytes, reading: Reading) -> Any:
        """The row of a process of which everything has been read, `stat` last; None if that makes no sense."""
        if (data != entry.data or entry.stat is None) and not self._learn(entry, data, reading):
            return None
        stat: Any = entry.stat
        if stat.state in _RELEASED:
            self.vanished += 1
            return None
        if entry.row is None:
            entry.row = self._build(entry, [state.value for state in entry.states])
        return entry.row

    def _build(self, entry: Entry, values: list[Any]) -> Any:
        if self._threads is not None:
            values.append(entry.threads)
        return self._source.row(entry.pid, entry.identity, entry.stat, *values)

    def _look(self, entry: Entry, reading: Reading, first: bool = True) -> Entry | None:
        """See what `stat` says, before it is known whether the process lives until the end of the pass.

        Where the process is gone, return another that has its pid by now, if there is one.
        """
        try:
            data = os.pread(entry.fd, _STAT_BYTES, 0)
        except OSError:
            self._forget(self._entries.pop(entry.pid))
            other = self._entry(entry.pid, reading) if first else None
            return None if other is None else self._look(other, reading, False)
        if data != entry.data:
            try:
                self._take_in(entry, data, self._source.stat.understand(data, reading.host), reading)
            except Malformed:
                entry.data, entry.stat, entry.row = b"", None, None
        return entry

    def _wanted(self, path: str, stat: Any, part: Part[Any], reading: Reading) -> bool:
        """Whether to read a part of a process, going by its `stat` where that is known."""
        if stat is None:
            return True
        if part.program and not reading.plain and (stat.kernel_thread or stat.state in _DEAD):
            return False
        own, given = part.rss_limit_bytes, self._source.rss_limit_bytes
        limit = own if given is None else given
        if own is None or limit is None or stat.rss_bytes <= limit:
            return True
        detail = f"not read: {stat.rss_bytes} bytes of resident memory are over the limit of {limit}"
        reading.note(part.name, Failure(Reason.UNSUPPORTED, f"/proc/{path}/{part.path}", detail))
        return False

    def _learn(self, entry: Entry, data: bytes, reading: Reading) -> bool:
        """Take in what `stat` says; return whether it makes sense."""
        if data == entry.data and entry.stat is not None:
            return True
        try:
            stat: Any = self._source.stat.understand(data, reading.host)
        except Malformed as error:
            reading.note("stat", Failure(Reason.MALFORMED, f"/proc/{entry.path}/stat", str(error)))
            entry.data, entry.stat, entry.row = b"", None, None
            return False
        self._take_in(entry, data, stat, reading)
        return True

    def _take_in(self, entry: Entry, data: bytes, stat: Any, reading: Reading) -> None:
        """Keep what `stat` says, and forget what that makes untrue."""
        if self._lasting and (entry.stat is None or stat.state in _DEAD or program_of(entry.data) != program_of(data)):
            for i in self._lasting:  # it may have become another program, or has none any more
                entry.states[i].next_ns = 0
        if self._choosy and stat.state in _DEAD and not reading.plain:
            for i in self._fast:  # what was read just now are the zeros that the kernel shows where there is no program
                if self._source.parts[i].program:
                    entry.states[i].clear()
        entry.data, entry.stat, entry.row = data, stat, None
        if entry.identity == UNKNOWN:
            entry.identity = self._identify(entry.pid, stat.start_ticks)

    def _identify(self, pid: int, started: int) -> int:
        """The identity of a process that is met: when it started, and how many of this pid started in that tick before."""
        before = self._ended.get(pid)
        if before is None or before & _START != started & _START:
            return started & _START
        return (before + _AGAIN) & (_AGAIN * 16 - 1)

    def _entry(self, pid: int, reading: Reading) -> Entry | None:
        """The process of this pid, with its `stat` open; None if there is none."""
        entry = self._entries.get(pid)
        if entry is not None and entry.fd >= 0:
            return entry
        return self._meet(pid, str(pid), entry, reading)

    def _meet(self, pid: int, path: str, entry: Entry | None, reading: Reading) -> Entry | None:
        """Open the `stat` of a process, or thread, that is new or whose `stat` is not kept open."""
        try:
            fd = self._open(f"{path}/stat")
        except OSError as error:
            if entry is not None:
                self._forget(self._entries.pop(pid))
            self._lost(path, error, reading)
            return None
        if entry is None:
            entry = self._entries[pid] = Entry(pid, path, len(self._source.parts))
            entry.kept = self._budget.take(self._share)
        entry.fd = fd
        if entry.kept:
            return entry
        inode = os.fstat(fd).st_ino
        if entry.inode and inode != entry.inode:
            # Not the file that it was: another process, or the kernel forgot the inode meanwhile. Assume the first.
            self._end(entry)
            entry.data, entry.stat, entry.row = b"", None, None
            entry.states = [PartState() for _ in entry.states]
        entry.inode = inode
        return entry

    def _let_go(self, entry: Entry) -> None:
        """Close a `stat` that was open for one pass only."""
        if entry.fd >= 0:
            os.close(entry.fd)
            entry.fd = -1

    def _content(self, entry: Entry, part: Part[Any], state: PartState, now: int, reading: Reading) -> bytes | None:
        """The bytes of one fast part; None where it cannot be read."""
        path = part.path
        try:
            if state.fd >= 0:
                with suppress(OSError):
                    return read_whole(state.fd, part.cap)
                self._shut(state)  # what it was may be another by now
            if now < state.next_ns:
                state.tell(part.name, reading)
                return None
            fd = self._open(f"{entry.path}/{path}")
            try:
                data = read_whole(fd, part.cap)
            except OSError:
                os.close(fd)
                raise
            if entry.kept and self._budget.take(0.8):
                state.fd = fd
            else:
                os.close(fd)
            return data
        except OSError as error:
            failure = failed(error, f"/proc/{entry.path}/{path}")
            if failure.reason is Reason.DENIED:
                state.next_ns, state.denied = now + _AGAIN_NS, failure
            reading.note(part.name, failure)
            return None

    def _understood(
        self, entry: Entry, part: Part[Any], data: bytes | None, reading: Reading
    ) -> tuple[Any, tuple[Failure, ...]]:
        """The value of a part, and what of it makes no sense."""
        if data is None:
            return None, ()
        whole = len(data) < part.cap or part.clip
        try:
            if not whole:
                raise Malformed(f"over {part.cap} bytes")
            found: dict[str, str] = {}
            value = part.understand(data, reading.host, entry.data, found)
            path = f"/proc/{entry.path}/{part.path}"
            return value, tuple(Failure(Reason.MALFORMED, path, detail) for detail in found.values())
        except Malformed as error:
            lost = (Failure(Reason.MALFORMED, f"/proc/{entry.path}/{part.path}", str(error)),)
        if part.rows is None or not whole:
            return None, lost
        rest = salvage(lambda rows: part.understand(rows, reading.host, entry.data), data, part.rows)
        return None if rest is None else rest[0], lost

    # Slow parts, through the pool.

    def _ask_slow(self, chunk: list[Entry], reading: Reading) -> Steps[None]:
        now = monotonic_ns()
        deciding = [i for i in self._slow if self._source.parts[i].choosy or self._source.parts[i].again is not None]
        seen = [
            # Else what `stat` said at the last pass will do.
            self._look(entry, reading)
            if not entry.data or any(entry.states[i].next_ns <= now for i in deciding)
            else entry
            for entry in chunk
        ]
        chunk[:] = [entry for entry in seen if entry is not None]
        for i in self._slow:
            part = self._source.parts[i]
            due = []
            for entry in chunk:
                state = entry.states[i]
                if part.choosy and not self._wanted(entry.path, entry.stat, part, reading):
                    state.next_ns = 0
                    if state.clear():
                        entry.row = None
                elif now < state.next_ns:
                    state.tell(part.name, reading)
                else:
                    due.append(entry)
            if not due:
                continue
            paths = [f"/proc/{entry.path}" for entry in due]
            if part.plan is None:
                answers = yield [request_of(part, path) for path in paths]
                yield from self._fall_back(part, paths, answers)
            else:
                answers = yield from self._gather(part, paths, reading)
            for entry, answer in zip(due, answers, strict=True):
                self._answered(entry, entry.states[i], part, answer, now, reading)

    def _fall_back(self, part: Part[Any], paths: list[str], answers: list[Any]) -> Steps[None]:
        """Read the other file of a part where the first is missing, and put it in its place."""
        if part.fallback is None:
            return
        missing = [i for i, answer in enumerate(answers) if is_missing(answer)]
        if missing:
            found = yield [request_of(part, paths[i], part.fallback) for i in missing]
            for i, answer in zip(missing, found, strict=True):
                answers[i] = answer

    def _gather(self, part: Part[Any], paths: list[str], reading: Reading) -> Steps[list[dict[str, Any]]]:
        """The files of a part that is a directory, of some processes. What cannot be read is noted under its name."""
        assert part.plan is not None
        inside = Reading(reading.host)
        found = yield from gather(part.name, [Row(path) for path in paths], part.plan, inside, part.cap)
        for content in found:
            content.note(inside)
        for failure in inside.failures.values():
            reading.note(part.name, failure)
        return [content.entries for content in found]

    def _answered(
        self, entry: Entry, state: PartState, part: Part[Any], answer: Any, now: int, reading: Reading
    ) -> None:
        if isinstance(answer, Failure):
            reading.note(part.name, answer)
            if state.clear():
                entry.row = None
            denied = answer.reason is Reason.DENIED
            state.next_ns, state.denied = (now + _AGAIN_NS, answer) if denied else (0, None)
            return
        state.denied = None
        if part.again is not None:
            state.next_ns = now + int(part.again * 1e9)
        if (
            answer != state.data or part.again is not None
        ):  # what is read seldom may mean another thing by now, by `stat`
            state.data, before = answer, state.value
            if part.plan is None:
                state.value, state.lost = self._understood(entry, part, answer, reading)
            else:
                state.value, state.lost = self._folded(f"/proc/{entry.path}", part, answer, reading)
            entry.row = entry.row if state.value == before else None
        state.tell(part.name, reading)

    def _folded(
        self, path: str, part: Part[Any], entries: dict[str, Any], reading: Reading
    ) -> tuple[Any, tuple[Failure, ...]]:
        """The value of a part that is a directory, and what of it makes no sense."""
        if not entries:
            return None, ()
        folder = Folder(path, entries, reading.host)
        try:
            value = part.parse(folder)
        except PARSE_ERRORS as error:
            return None, (Failure(Reason.MALFORMED, path, explain(error)),)
        failures = folder.failures().items()
        return value, tuple(Failure(Reason.MALFORMED, f"{path}/{entry}", detail) for entry, detail in failures)

    # Opening and forgetting.

    def _open(self, relative: str) -> int:
        """Open a file below /proc; if the application has no descriptor left, give back some of ours first."""
        try:
            return self._open_once(relative)
        except OSError as error:
            if error.errno != errno.EMFILE:
                raise
        self._budget.shrink()
        self._files.release()
        self._shed()
        return self._open_once(relative)

    def _shed(self) -> None:
        """Keep no more than the budget allows since it shrank: first of threads, then of the parts, then of `stat`."""
        self._steady = None
        if self._threads is not None:
            self._threads._shed()
        for entry in self._entries.values():
            for state in entry.states:
                if self._budget.over:
                    self._shut(state)
        for entry in self._entries.values():
            if entry.kept and self._budget.over:
                entry.kept = False
                self._let_go(entry)
                self._budget.give()

    def _open_once(self, relative: str) -> int:
        return os.open(relative, _FLAGS, dir_fd=self._proc)

    def _lost(self, path: str, error: OSError, reading: Reading) -> None:
        failure = failed(error, f"/proc/{path}/stat")
        if failure.reason is Reason.MISSING:
            self.vanished += 1
        else:
            reading.note("stat", failure)

    def _end(self, entry: Entry) -> None:
        """A process went away; its pid may be another one's in the same clock tick."""
        if entry.identity != UNKNOWN:
            self._ended.pop(entry.pid, None)
            self._ended[entry.pid] = entry.identity
            if len(self._ended) > _MOST_ENDED:
                del self._ended[next(iter(self._ended))]
            entry.identity = UNKNOWN

    def _forget(self, entry: Entry) -> None:
        self._steady = None
        self._end(entry)
        if entry.kept:
            self._budget.give()
        self._let_go(entry)
        for state in entry.states:
            self._shut(state)

    def _shut(self, state: PartState) -> None:
        """Close the file of a part that was kept open."""
        if state.fd >= 0:
            os.close(state.fd)
            state.fd = -1
            self._budget.give()

    # A tree that is no procfs: every file may hang, and nothing lives behind it.

    def _strange(self, reading: Reading) -> Steps[dict[int, Any]]:
        [names] = yield [Names("/proc")]
        if isinstance(names, Failure):
            raise Unreadable(names)
        pids = numbers(names)
        shared = [part for part in self._source.parts if part.host is not None and reading.plain]
        answers = yield [Read(str(part.host), part.cap, part.slow) for part in shared]
        host = {
            part.name: self._value("", part, answer, b"", reading) for part, answer in zip(shared, answers, strict=True)
        }
        rows: dict[int, Any] = {}
        for start in range(0, len(pids), SMALL_CHUNK):
            yield from self._strangers(
                [(pid, str(pid)) for pid in pids[start : start + SMALL_CHUNK]], host, rows, reading
            )
        for pid in self._entries.keys() - rows.keys():
            self._forget(self._entries.pop(pid))
        if self._threads is not None:
            self._threads.prune()
        return rows

    def _strangers(
        self, chunk: list[tuple[int, str]], host: dict[str, Any], rows: dict[int, Any], reading: Reading
    ) -> Steps[None]:
        """Some processes: each batch asks for as much as can be asked for at once, since each may take a while."""
        source = self._source
        paths = [f"/proc/{path}" for _, path in chunk]
        stats: list[Any] = [None] * len(chunk)
        if self._choosy:
            answers = yield [request_of(source.stat, path) for path in paths]
            for i, answer in enumerate(answers):
                if isinstance(answer, bytes):
                    with suppress(Malformed):
                        stats[i] = source.stat.understand(answer, reading.host)
        wanted = [
            [i for i, (_, path) in enumerate(chunk) if self._wanted(path, stats[i], part, reading)]
            for part in source.parts
        ]
        files = [(i, part) for part, places in zip(source.parts, wanted, strict=True) if not part.plan for i in places]
        files += [(i, source.stat) for i in range(len(chunk))]
        answers = yield [request_of(part, paths[i]) for i, part in files]
        found: list[dict[str, Any]] = [{} for _ in chunk]
        for (i, part), answer in zip(files, answers, strict=True):
            found[i][part.name] = answer
        for part, places in zip(source.parts, wanted, strict=True):
            there = [paths[i] for i in places]
            if part.plan is not None:
                answers = yield from self._gather(part, there, reading)
            else:
                answers = [found[i][part.name] for i in places]
                yield from self._fall_back(part, there, answers)
            for i, answer in zip(places, answers, strict=True):
                found[i][part.name] = answer
        for (pid, path), answers_of in zip(chunk, found, strict=True):
            threads = (yield from self._threads.strangers(path, reading)) if self._threads is not None else None
            row = self._stranger(pid, path, answers_of, threads, host, reading)
            if row is not None:
                rows[pid] = row

    def _stranger(
        self,
        pid: int,
        path: str,
        answers: dict[str, Any],
        threads: dict[int, Any] | None,
        host: dict[str, Any],
        reading: Reading,
    ) -> Any:
        """The row of one process of a tree; None where there is none.

        No `stat`, no row. But nothing vanishes from a plain tree: there, what it has of a process is told without.
        """
        source = self._source
        stat = answers["stat"]
        data = stat if isinstance(stat, bytes) else b""
        values = [self._value(path, part, answers.get(part.name), data, reading) for part in source.parts]
        record = self._value(path, source.stat, stat, data, reading)
        if record is None and not (reading.plain and (threads or any(value is not None for value in values))):
            return None
        for i, part in enumerate(source.parts):
            if values[i] is None and is_missing(answers.get(part.name)):
                values[i] = host.get(part.name)
        if self._threads is not None:
            values.append(threads)
        return source.row(pid, 0 if record is None else record.start_ticks & _START, record, *values)

    def _value(self, path: str, part: Part[Any], answer: Any, stat: bytes, reading: Reading) -> Any:
        if isinstance(answer, Failure):
            reading.note(part.name, answer)
            return None
        if part.plan is not None:
            value, lost = self._folded(f"/proc/{path}", part, answer or {}, reading)
        else:
            entry = Entry(0, path, 0)
            entry.data = stat
            value, lost = self._understood(entry, part, answer, reading)
        for failure in lost:
            reading.note(part.name, failure)
        return value


class ThreadTable(ProcessTable):
    """What one reader knows of the threads of processes; tids are as unique as pids, so the rest is the same.

    A thread is met below its process, whose own `stat` is read after all of them: if that answers, they were its own.
    """

    def __init__(self, source: PerProcess[Any], files: Files, budget: Budget):
        super().__init__(source, files, budget)
        self._share = 0.6
        self._paths: dict[int, str] = {}
        """Where the threads are that this pass has met."""

    def visit(self, processes: list[Entry], proc: int, reading: Reading) -> Steps[None]:
        """Read the threads of some processes, and put their rows into the entries of these."""
        self._proc = proc
        until = monotonic_ns() + SLICE_NS
        for first in range(0, len(processes), LOOK):
            some = processes[first : first + LOOK]
            tids = [self._list(process, reading) for process in some]
            if monotonic_ns() >= until:
                yield TURN
                until = monotonic_ns() + SLICE_NS
            every = [tid for those in tids for tid in those or ()]
            rows: dict[int, Any] = {}
            size = len(every) if not self._slow else CHUNK if self._budget.limit > 2 * len(every) else SMALL_CHUNK
            for start in range(0, len(every), size or 1):
                if self._slow:
                    chunk = [entry for tid in every[start : start + size] if (entry := self._entry(tid, reading))]
                    yield from self._ask_slow(chunk, reading)
                    until = yield from self._read([entry.pid for entry in chunk], rows, until, reading)
                else:
                    until = yield from self._read(every, rows, until, reading)
            if self._replaced:
                chunk = [entry for tid in self._replaced if (entry := self._entry(tid, reading))]
                yield from self._ask_slow(chunk, reading)
                until = yield from self._read([entry.pid for entry in chunk], rows, until, reading)
                self._replaced.clear()
            for process, those in zip(some, tids, strict=True):
                found = None if those is None else {tid: rows[tid] for tid in those if tid in rows}
                if not the_same(process.threads, found):
                    process.threads = found
                    process.row = None

    def _read(self, tids: list[int], rows: dict[int, Any], until: int, reading: Reading) -> Steps[int]:
        """Read the fast parts and then `stat` of each thread into `rows`; return when the loop gets its next turn."""
        now = monotonic_ns()
        for start in range(0, len(tids), LOOK):
            self._renew(tids[start : start + LOOK], rows, now, reading)
            if monotonic_ns() >= until:
                yield TURN
                now = monotonic_ns()
                until = now + SLICE_NS
        return until

    def prune(self) -> None:
        """Forget the threads that were not met in this pass."""
        if len(self._entries) > len(self._paths):
            for tid in self._entries.keys() - self._paths.keys():
                self._forget(self._entries.pop(tid))
        self._paths = {}

    def close(self) -> None:
        """Close every descriptor, but that of /proc, which is the process table's."""
        self._proc = -1
        super().close()

    def strangers(self, process: str, reading: Reading) -> Steps[dict[int, Any] | None]:
        """The threads of a process of a tree that is no procfs."""
        [names] = yield [Names(f"/proc/{process}/task")]
        rows: dict[int, Any] = {}
        if isinstance(names, Failure):
            reading.note("threads", names)
            return None
        tids = numbers(names)
        for start in range(0, len(tids), SMALL_CHUNK):
            chunk = [(tid, f"{process}/task/{tid}") for tid in tids[start : start + SMALL_CHUNK]]
            self._paths.update(chunk)
            yield from self._strangers(chunk, {}, rows, reading)
        return rows

    def _list(self, process: Entry, reading: Reading) -> list[int] | None:
        """The threads of a process; None where they cannot be listed."""
        try:
            task = os.open(f"{process.path}/task", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._proc)
            try:
                tids = [int(name) for name in os.listdir(task)]
            finally:
                os.close(task)
        except OSError as error:
            reading.note("threads", failed(error, f"/proc/{process.path}/task"))
            return None
        for tid in tids:
            self._paths[tid] = path = f"{process.path}/task/{tid}"
            entry = self._entries.get(tid)
            if entry is not None and entry.path != path:
                self._forget(self._entries.pop(tid))  # that was a thread of another process
        return tids

    def _entry(self, pid: int, reading: Reading) -> Entry | None:
        entry = self._entries.get(pid)
        if entry is not None and entry.fd >= 0:
            return entry
        return self._meet(pid, self._paths[pid], entry, reading)
