"""Sources that are directories of small files: devices, ports, zones, and bundles of files that belong together.

    CLASS_THERMAL = Tree("class_thermal", "/sys/class/thermal/thermal_zone*", ("type", "temp"), ThermalZone, parse)
    PRESSURE = Bundle("pressure", "/proc/pressure", ("cpu", "io", "memory"), Pressure, parse)

Only what the allow-list names is ever opened: sysfs has files that act when they are read.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar, cast

from procpulse import text
from procpulse.source import (
    PARSE_ERRORS,
    Failure,
    Host,
    Link,
    Names,
    Read,
    Reading,
    Reason,
    Refresh,
    Request,
    Source,
    Steps,
    Unreadable,
    explain,
)

T = TypeVar("T")
R = TypeVar("R")

PAGE = 4096
"""What an attribute of sysfs can hold at most."""


class Folder:
    """The small files of one directory, as a parser gets them: by path, relative to the directory.

    What could not be read is None, and is noted as a failure of its own: one bad attribute never loses the rest.
    """

    __slots__ = ("_failures", "_prefix", "entries", "host", "name", "path", "wild")

    def __init__(self, path: str, entries: dict[str, Any], host: Host, wild: tuple[str, ...] = ()):
        self.path = path
        self.name = text.inert(path.rpartition("/")[2].encode("utf-8", "surrogateescape"))
        """The directory's own name, such as eth0."""
        self.wild = tuple(text.inert(name.encode("utf-8", "surrogateescape")) for name in wild)
        """What the `*` of the path stood for."""
        self.entries = entries
        self.host = host
        self._prefix = ""
        self._failures: dict[str, str] = {}

    def raw(self, name: str) -> bytes | None:
        """The content of a file, as it is; None where it could not be read."""
        data: bytes | None = self.entries.get(self._prefix + name)
        return data

    def text(self, name: str) -> str | None:
        """The content as inert text without blanks around it; None where it is empty or could not be read."""
        data = self._stripped(name)
        return text.inert(data) if data else None

    def number(self, name: str) -> int | None:
        """The content as a decimal integer from 0 on; None where it is empty or could not be read or is none (noted).

        Below 0 is None, too: what counts or measures cannot be, and -1 is what drivers say when they do not know.
        """
        return self._parsed(name, text.amount)

    def signed(self, name: str) -> int | None:
        """The content as a decimal integer that may be below 0; None as for `number`."""
        return self._parsed(name, text.number)

    def hexadecimal(self, name: str) -> int | None:
        """The content as a hexadecimal integer, with or without `0x`; None as for `number`."""
        return self._parsed(name, text.hexadecimal)

    def flag(self, name: str) -> bool | None:
        """The content `0` or `1`, or `N` or `Y`, as a truth value; None as for `number`."""
        return self._parsed(name, _flag)

    def mapping(self, name: str) -> dict[str, int] | None:
        """The content as lines of a word and a number, by word; None as for `number`. A wrong line costs itself only."""
        data = self._stripped(name)
        return (text.known_of(data, lambda _, error: self.lose(name, error)) or None) if data else None

    def parsed(self, name: str, parse: Callable[[bytes], T]) -> T | None:
        """The content as `parse` understands it; None where it is empty, could not be read or makes no sense (noted)."""
        return self._parsed(name, parse)

    def names(self, name: str) -> list[str] | None:
        """The names in a directory that was asked for with a final slash, `slaves/`; None where there is none."""
        names: list[str] | None = self.entries.get(self._prefix + name)
        return names

    def link(self, name: str) -> str | None:
        """The target of a link that was asked for with a final at sign, `driver@`, as inert text."""
        data = self._stripped(name)
        return text.inert(data) if data else None

    def target(self, name: str) -> str | None:
        """The last part of a link's target: the name of the thing that it points to."""
        whole = self.link(name)
        return whole.rstrip("/").rpartition("/")[2] if whole else None

    def found(self, pattern: str) -> Iterator[str]:
        """The files that were read whose path matches, in natural order (temp2 before temp10)."""
        match = glob(self._prefix + pattern)
        skip = len(self._prefix)
        return iter(sorted((name[skip:] for name in self.entries if match(name)), key=natural))

    def folders(self, pattern: str) -> Iterator["Folder"]:
        """Directories below this one, `ports/*`, each as a folder of its own, in natural order."""
        depth = (self._prefix + pattern).count("/") + 1
        match = glob(self._prefix + pattern)
        inside = {"/".join(name.split("/")[:depth]) for name in self.entries if name.count("/") >= depth}
        for relative in sorted(filter(match, inside), key=natural):
            folder = Folder(f"{self.path}/{relative[len(self._prefix) :]}", self.entries, self.host)
            folder._prefix = relative + "/"
            folder._failures = self._failures
            yield folder

    def lose(self, name: str, error: Exception) -> None:
        """Tell that a part of a file makes no sense, while the rest does."""
        self._failures.setdefault(self._prefix + name, explain(error))

    def failures(self) -> dict[str, str]:
        """What the parser asked for and could not be understood: detail by path."""
        return self._failures

    def _stripped(self, name: str) -> bytes | None:
        data: bytes | None = self.entries.get(self._prefix + name)
        return data.strip(b" \t\r\n\0") if data is not None else None

    def _parsed(self, name: str, parse: Callable[[Any], T]) -> T | None:
        data = self._stripped(name)
        if not data:
            return None
        try:
            return parse(data)
        except PARSE_ERRORS as error:
            self._failures[self._prefix + name] = explain(error)
            return None


def _flag(data: bytes) -> bool:
    if data in (b"0", b"N", b"n"):
        return False
    if data in (b"1", b"Y", b"y"):
        return True
    raise ValueError(f"neither 0 nor 1: {text.shorten(data)}")


@cache
def glob(pattern: str) -> Callable[[str], bool]:
    """Whether a path matches: `*` is any text without a slash, `?` one character, `[0-9]` one of a set, `[0-9]+` some."""
    expression = "".join(
        "[^/]*" if c == "*" else "[^/]" if c == "?" else c if c.startswith("[") else re.escape(c)
        for c in re.findall(r"\[[^]]+\]\+?|.", pattern)
    )
    match = re.compile(expression).fullmatch
    return lambda path: match(path) is not None


def natural(name: str) -> list[Any]:
    """A sort key in which numbers count as numbers: cpu2 before cpu10."""
    return [int(piece) if odd % 2 else piece for odd, piece in enumerate(re.split(r"([0-9]{1,18})", name))]


def is_pattern(path: str) -> bool:
    """Whether a path holds a wildcard."""
    return any(c in path for c in "*?[")


class _Node:
    """One step of the allow-list: what to do with a name below a directory."""

    __slots__ = ("children", "globs", "holds_others", "leaf", "slow")

    def __init__(self) -> None:
        self.holds_others = False
        """Whether a pattern stands for directories: which of them is there is told by inodes, not by names alone."""
        self.children: dict[str, _Node] = {}
        self.globs: list[tuple[Callable[[str], bool], _Node]] = []
        self.leaf = ""  # "" no leaf, "file", "names", "link"
        self.slow = False


class Row(NamedTuple):
    """One directory of a tree."""

    path: str
    wild: tuple[str, ...] = ()
    identity: int = 0


class Tree(Source[list[R]]):
    """Directories of small files, one row each: devices, ports, zones.

    Args:
        name: What it is called in snapshots.
        path: The directories, with `*` for what repeats: `/sys/class/thermal/thermal_zone*`. `**` is every
            directory below, however deep, links not followed.
        files: What may be opened in each, and nothing else: sysfs has files that act when they are read. A name
            (`temp`), a path (`device/numa_node`), a pattern (`temp[0-9]+_input`), the names in a directory (`slaves/`),
            the target of a link (`driver@`), of the directory's own link (`@`).
        type: The record of one row.
        parse: From a folder to the row, or None for a folder that is no row after all.
        slow: Whether reading may block on hardware; or only these of the files.
        cadence: Seconds between reads, where every tick would be too often.
        cap: Most bytes that each of the files may have; more than a page where they are tables.
        inside: A directory that each must have, such as `bonding`: in those without it nothing is read.
        once: Those of the files that never change while the device is there; not all of them. They are read again when
            files of the device come or go in another directory than before.
        seldom: Those of the files that are dear to read, and are read again after `every` seconds only. None of `once`.
        every: How many.
        wakes: Those of the files that would wake a device that sleeps; left out while it does. None of `once`.
        power: The file that says `suspended` while the device sleeps.
        elsewhere: A directory below the row, such as `device`, in which older drivers have the files: they are looked
            for there where the row itself has none of them.
        off: The errno that the files of a device give while it is switched off, such as EBUSY: no failure then.
    """

    def __init__(
        self,
        name: str,
        path: str,
        files: Sequence[str],
        type: type[R],
        parse: Callable[[Folder], R | None],
        *,
        slow: bool | Iterable[str] = False,
        cadence: float | None = None,
        cap: int = PAGE,
        inside: str = "",
        once: Iterable[str] = (),
        seldom: Iterable[str] = (),
        every: float = 60.0,
        wakes: Iterable[str] = (),
        power: str = "power/runtime_status",
        elsewhere: str = "",
        off: str = "",
    ):
        super().__init__(name, path, list[type], parse, slow=slow is True, cadence=cadence, cap=cap)  # type: ignore[valid-type, arg-type]
        self.files = tuple(files)
        self.inside = inside
        self.power = power
        self.off = off
        self.elsewhere = elsewhere
        waiting = self.files if slow is True else () if slow is False else tuple(slow)
        fixed, dear, waking = frozenset(once), frozenset(seldom), frozenset(wakes)
        changing = [file for file in self.files if file not in fixed and file not in dear]
        self._tells_power = bool(waking) and power in changing
        """Whether the file that is asked first, to see who sleeps, is one of the row's own: then it is not asked again."""
        if self._tells_power:
            changing.remove(power)
        self._plan = allow_list(changing, waiting)
        self._stored: list[tuple[str, _Node, int | None]] = []
        """What is read less often than the rest: under which name it is kept, what, and for how many nanoseconds."""
        self._refreshes = [
            Refresh(f"{path}/{file}", every if file in dear else math.inf, path)
            for file in self.files
            if file in fixed or file in dear
        ]
        if fixed:
            self._stored.append(("once", allow_list([f for f in self.files if f in fixed], waiting), None))
        if dear:
            plan = allow_list([f for f in self.files if f in dear], waiting)
            self._stored.append(("seldom", plan, int(every * 1e9)))
        below = [f"{elsewhere}/{file}" for file in changing if not file.endswith("@")] if elsewhere else []
        self._older = allow_list(below, [f"{elsewhere}/{file}" for file in waiting])
        self._asleep = allow_list([file for file in changing if file not in waking], waiting) if waking else None

    def refreshes(self, value: list[R]) -> Sequence[Refresh]:
        """The files that are read once for each device, and those that are dear."""
        return self._refreshes

    def understand(self, data: bytes, host: Host) -> list[R]:
        """A tree is not one file.

        Raises:
            TypeError: always.
        """
        raise TypeError(f"{self.name} is a tree of files: parse folders instead")

    def steps(self, reading: Reading) -> Steps[list[R]]:
        """Find the directories, read what the allow-list names, and parse each that changed."""
        rows = yield from _expand(self.path, self.slow, reading)
        if self.inside:
            answers = yield [Names(f"{row.path}/{self.inside}", self.slow) for row in rows]
            rows = [row for row, names in zip(rows, answers, strict=True) if not isinstance(names, Failure)]
        return (yield from self._rows(rows, reading))

    def _rows(self, rows: list[Row], reading: Reading) -> Steps[list[R]]:
        plans: _Node | list[_Node] = self._plan
        asked: list[Read] = []
        answers: list[Any] = []
        if self._asleep is not None:
            asked = [Read(f"{row.path}/{self.power}", PAGE, False, True, row.identity) for row in rows]
            answers = yield asked
            plans = [self._asleep if answer == b"suspended\n" else self._plan for answer in answers]
        found = yield from gather(self.name, rows, plans, reading, self.cap)
        stored = []
        for name, plan, lasts_ns in self._stored:
            stored.append((yield from self._read_stored(rows, found, name, plan, lasts_ns, reading)))
        if self.elsewhere:
            yield from self._look_elsewhere(rows, found, reading)
        if self._tells_power:
            for content, request, answer in zip(found, asked, answers, strict=True):
                content.take(self.power, request, answer)
        return self._understood(rows, found, stored, reading)

    def _look_elsewhere(self, rows: list[Row], found: list["Content"], reading: Reading) -> Steps[None]:
        """Read the files of older drivers, of those rows that have none of their own."""
        older = [
            i for i, content in enumerate(found) if not content.lost and all(e.endswith("@") for e in content.entries)
        ]
        if not older:
            return
        name = f"{self.name}/{self.elsewhere}"
        contents = yield from gather(name, [rows[i] for i in older], self._older, reading, self.cap)
        start = len(self.elsewhere) + 1
        for i, content in zip(older, contents, strict=True):
            found[i].entries.update({entry[start:]: data for entry, data in content.entries.items()})
            found[i].lost += content.lost
            found[i].alive |= content.alive

    def _understood(
        self, rows: list[Row], found: list["Content"], stored: "list[dict[str, _Stored]]", reading: Reading
    ) -> list[R]:
        """The records, from what was read; those of which nothing changed are the same objects as before."""
        values: list[R] = []
        before: dict[str, tuple[int, dict[str, Any], R | None, dict[str, str]]] = reading.memory.get("rows", {})
        after = {}
        for row, content in zip(rows, found, strict=True):
            if not content.alive and not (reading.plain and row.wild):
                continue
            if self.off:
                content.lost = [(part, failure) for part, failure in content.lost if failure.detail != self.off]
            entries = content.entries
            for kept in stored:
                content.lost += kept[row.path].content.lost
                entries |= kept[row.path].content.entries
            known = before.get(row.path)
            if known is None or known[0] != row.identity or known[1] != entries:
                folder = Folder(row.path, entries, reading.host, row.wild)
                try:
                    known = (row.identity, entries, self.parse(folder), folder.failures())
                except PARSE_ERRORS as error:
                    known = (row.identity, entries, None, {"*": explain(error)})
            after[row.path] = known
            if known[2] is not None or not content.leaving:
                content.note(reading)
            for entry, detail in known[3].items():
                path = row.path if entry == "*" else f"{row.path}/{entry}"
                reading.note(_part(entry), Failure(Reason.MALFORMED, path, detail))
            if known[2] is not None:
                values.append(known[2])
        reading.memory["rows"] = after
        return values

    def _read_stored(
        self, rows: list[Row], found: list["Content"], name: str, plan: _Node, lasts_ns: int | None, reading: Reading
    ) -> Steps[dict[str, "_Stored"]]:
        """What is not read every time, by the path of the row; read where it is not known yet, or too old by now.

        What is kept as long as the device is there is asked for again if it failed, or if the device has other parts
        than it had, by what was found of it at this read; what is dear only in its turn.
        """
        before: dict[str, _Stored] = reading.memory.get(name, {})
        stored: dict[str, _Stored] = {}
        fresh: list[Row] = []
        there: list[Content] = []
        for row, content in zip(rows, found, strict=True):
            known = before.get(row.path)
            if known is None or known.identity != row.identity:
                lasts = False
            elif lasts_ns is None:
                lasts = not known.content.lost and known.listed == content.listed
                lasts = lasts and _same_folders(known.names, content.entries)
            else:
                lasts = reading.now_ns - known.read_ns < lasts_ns
            if lasts and known is not None:
                stored[row.path] = known
            else:
                fresh.append(row)
                there.append(content)
        if fresh:
            read = yield from gather(name, fresh, plan, reading, self.cap)
            for row, content, rest in zip(fresh, read, there, strict=True):
                names = frozenset(rest.entries)
                stored[row.path] = _Stored(row.identity, reading.now_ns, content, names, rest.listed)
        reading.memory[name] = stored
        return stored


class Bundle(Source[T]):
    """Some files of one directory that make one record together.

    Args:
        name: What it is called in snapshots.
        path: The directory.
        files: What may be opened in it, as for `Tree`.
        type: The record.
        parse: From the folder to the record.
        slow: Whether reading may block on hardware; or only these of the files.
        cadence: Seconds between reads, where every tick would be too often.
        cap: Most bytes that each of the files may have; more than a page where they are tables.
    """

    def __init__(
        self,
        name: str,
        path: str,
        files: Sequence[str],
        type: type[T],
        parse: Callable[[Folder], T],
        *,
        slow: bool | Iterable[str] = False,
        cadence: float | None = None,
        cap: int = PAGE,
    ):
        super().__init__(name, path, type, parse, slow=slow is True, cadence=cadence, cap=cap)  # type: ignore[arg-type]
        self.files = tuple(files)
        self._tree: Tree[T] = Tree(name, path, files, type, parse, slow=slow, cap=cap)
        self._row = Row(path)

    def steps(self, reading: Reading) -> Steps[T]:
        """Read the files and parse them together."""
        memory = reading.memory
        asked: _Asked | None = memory.get(("asked", self.name), {}).get(self.path)
        answers: list[Any] | None = None
        if asked is None or asked.listings or not asked.requests:  # nothing is known yet, or a listing decides
            rows = yield from self._tree._rows([self._row], reading)
        else:  # the short way: the same files as the last time
            answers = yield asked.requests
            if answers == memory.get("answers"):
                value: T = memory["value"]
                return value
            content = _content(self._row, asked, answers)
            memory["asked", self.name] = {self.path: _thinned(self._row, asked, content)}
            rows = self._tree._understood([self._row], [content], [], reading)
        if rows:
            memory["answers"], memory["value"] = (None if reading.failures else answers), rows[0]
            return rows[0]
        broken = reading.failures.pop("*", None)
        lost = next(iter(reading.failures.values()), None)  # what cannot be understood is so since a file is lost
        raise Unreadable(lost or broken or Failure(Reason.MISSING, self.path, "ENOENT"))


def allow_list(files: Sequence[str], slow: Sequence[str]) -> _Node:
    """The allow-list as a tree of names, so that each directory is listed once at most."""
    root = _Node()
    for entry in files:
        leaf = "names" if entry.endswith("/") else "link" if entry.endswith("@") else "file"
        node = root
        *folders, _ = pieces = entry.rstrip("/@").split("/")
        for depth, piece in enumerate(pieces):
            if is_pattern(piece):
                node.holds_others |= depth < len(folders)
                child = _Node()
                node.globs.append((glob(piece), child))
            else:
                child = node.children.setdefault(piece, _Node())
            node = child
        node.leaf = leaf
        node.slow = entry in slow
    return root


class Content:
    """What was read below one directory, and what could not be."""

    __slots__ = ("alive", "entries", "listed", "lost", "missing")

    def __init__(self) -> None:
        self.listed: list[Any] = []
        """What the directories hold that had to be listed."""
        self.entries: dict[str, Any] = {}
        """Bytes, names and targets, by relative path."""
        self.alive = False
        """Whether anything answered as the files of a device do that is there."""
        self.missing: list[str] = []
        """What is not there, by relative path."""
        self.lost: list[tuple[str, Failure]] = []
        """The kind of file, and why it could not be read."""

    def take(self, relative: str, request: Request, answer: Any) -> None:
        """Keep what a file, a link or a directory holds, or that it could not be read."""
        if type(request) is Link and isinstance(answer, Failure) and answer.detail == "EINVAL":
            return  # a pattern matched what is no link
        if type(answer) is bytes:
            self.alive = True
            self.entries[relative + "@" if type(request) is Link else relative] = answer
        elif isinstance(answer, Failure):
            self.fail(relative, answer)
        else:
            self.alive = True
            self.entries[relative + "/"] = [text.inert(n.encode("utf-8", "surrogateescape")) for n, _ in answer]

    def fail(self, relative: str, failure: Failure) -> None:
        """Keep that a file or directory could not be read.

        All the files of a device that is going away answer EINVAL; of one that stays, some do.
        """
        if failure.reason is Reason.MISSING:
            self.missing.append(relative)
            return
        self.lost.append((_part(relative), failure))
        self.alive |= failure.detail != "EINVAL"

    @property
    def leaving(self) -> bool:
        """Whether what failed did so as the files of a device do that is going away."""
        return all(failure.detail == "EINVAL" for _, failure in self.lost)

    def note(self, reading: Reading) -> None:
        """Tell what could not be read."""
        for part, failure in self.lost:
            reading.note(part, failure)


class _Stored(NamedTuple):
    """What is kept of a device from one read to the next."""

    identity: int
    read_ns: int
    content: Content
    names: frozenset[str]
    """What was there of the rest of its files then."""
    listed: list[Any]
    """What their directories held."""


def _same_folders(names: frozenset[str], entries: dict[str, Any]) -> bool:
    """Whether what is there is in the same directories."""
    if names == entries.keys():
        return True
    before, now = ({name.rstrip("/").rpartition("/")[0] for name in some} for some in (names, entries))
    return before == now


def _expand(path: str, slow: bool, reading: Reading) -> Steps[list[Row]]:
    """The directories that a path with wildcards stands for."""
    pieces = path.split("/")
    first = next((i for i, piece in enumerate(pieces) if is_pattern(piece)), len(pieces))
    rows = [Row("/".join(pieces[:first]), (), 0)]
    for depth, piece in enumerate(pieces[first:]):
        if piece == "**":
            rows = yield from _descend(rows, slow, reading)
            continue
        if not is_pattern(piece):
            rows = [row._replace(path=f"{row.path}/{piece}") for row in rows]
            continue
        match = glob(piece)
        answers = yield [Names(row.path, slow) for row in rows]
        below = []
        for row, names in zip(rows, answers, strict=True):
            if isinstance(names, Failure):
                if depth == 0:
                    raise Unreadable(names)
                reading.note("*", names)
                continue
            below += [
                Row(f"{row.path}/{name}", (*row.wild, name), hash((row.identity, inode)))
                for name, inode in names
                if match(name)
            ]
        rows = sorted(below, key=lambda row: natural(row.path))
    return rows


def _descend(rows: list[Row], slow: bool, reading: Reading) -> Steps[list[Row]]:
    """Every directory below, the starting ones included."""
    found: list[Row] = []
    level = rows
    while level:
        found += level
        answers = yield [Names(row.path, slow, True) for row in level]
        below = []
        for row, names in zip(level, answers, strict=True):
            if isinstance(names, Failure):
                if not row.wild and row in rows:
                    raise Unreadable(names)
                reading.note("*", names)
                continue
            below += [Row(f"{row.path}/{name}", row.wild, hash((row.identity, inode))) for name, inode in names]
        level = below
    return found


class _Asked:
    """What is asked for below one directory; the same every time, as long as the listings stay the same."""

    __slots__ = ("identity", "listed", "listings", "places", "plan", "requests", "thin")

    def __init__(self, row: Row, plan: _Node, thin: frozenset[str] = frozenset()):
        self.identity = row.identity
        self.plan = plan
        self.thin = thin
        """Directories of which so much is missing that a listing costs less than asking in vain."""
        self.listings: list[Request] = []
        self.listed: list[Any] = []
        """The answers to the listings."""
        self.requests: list[Request] = []
        self.places: list[str] = []
        """What each request is for: a path relative to the directory."""


_THIN = 3
"""Files missing in a directory from which on it is listed first: a listing costs about as much as two failed opens."""


def gather(
    name: str, rows: list[Row], plan: _Node | list[_Node], reading: Reading, cap: int = PAGE
) -> Steps[list[Content]]:
    """Read what the allow-list names below each row.

    The allow-list is the same for all rows, or one for each. What was asked for is remembered under the name.
    """
    before: dict[str, _Asked] = reading.memory.get(("asked", name), {})
    plans = plan if isinstance(plan, list) else [plan] * len(rows)
    asked: list[_Asked | None] = []
    listings: list[Request] = []
    for row, own in zip(rows, plans, strict=True):
        known = before.get(row.path)
        if known is not None and known.identity == row.identity and known.plan is own:
            listings += known.listings
            asked.append(known)
        else:
            asked.append(None)
    if listings:
        listed = iter((yield listings))
        for i, known in enumerate(asked):
            if known is not None and known.listings and [next(listed) for _ in known.listings] != known.listed:
                asked[i] = _Asked(rows[i], plans[i], known.thin)
    for i, known in enumerate(asked):
        if known is None:
            asked[i] = _Asked(rows[i], plans[i])
    every = cast("list[_Asked]", asked)
    yield from _ask(rows, [i for i, known in enumerate(every) if not (known.requests or known.listings)], every, cap)
    answers = iter((yield [request for known in every for request in known.requests]))
    found = []
    after = {}
    for row, known in zip(rows, every, strict=True):
        content = _content(row, known, answers)
        found.append(content)
        after[row.path] = _thinned(row, known, content)
    reading.memory["asked", name] = after
    return found


def _content(row: Row, known: _Asked, answers: Iterable[Any]) -> Content:
    """What was read below a row, from the next of the answers."""
    content = Content()
    content.listed = known.listed
    for request, listing in zip(known.listings, known.listed, strict=True):
        if isinstance(listing, Failure):
            content.fail(request.path[len(row.path) + 1 :], listing)
    for request, relative, answer in zip(known.requests, known.places, answers, strict=False):
        content.take(relative, request, answer)
    return content


def _thinned(row: Row, known: _Asked, content: Content) -> _Asked:
    """What to ask next time: the same, unless much of a directory is missing that had better be listed first."""
    if not content.missing:
        return known
    missing = Counter(relative.rpartition("/")[0] for relative in content.missing)
    thin = known.thin | {folder for folder, count in missing.items() if count >= _THIN}
    return known if thin == known.thin else _Asked(row, known.plan, thin)


def _ask(rows: list[Row], which: list[int], asked: list[_Asked], cap: int) -> Steps[None]:
    """Find out what to ask for below some of the rows, level by level, and list what has to be listed for it."""
    level = [_Place(i, "", asked[i].plan, rows[i].identity) for i in which]
    while level:
        below: list[_Place] = []
        listings: list[_Place] = []
        for place in level:
            if place.node.globs or place.prefix.rstrip("/") in asked[place.row].thin:
                listings.append(place)
                continue
            for piece, child in place.node.children.items():
                _visit(place, rows, asked, piece, child, below, cap)
        level = below
        if not listings:
            continue
        requests = [
            Names(f"{rows[place.row].path}/{place.prefix}".rstrip("/"), bare=not place.node.holds_others)
            for place in listings
        ]
        answers = yield requests
        for place, request, names in zip(listings, requests, answers, strict=True):
            asked[place.row].listings.append(request)
            asked[place.row].listed.append(names)
            # What may not be listed may be read still. The directory's own link, `@`, is in no listing.
            failed = isinstance(names, Failure)
            there = {} if failed else dict(names)
            readable = failed and names.reason is not Reason.MISSING
            taken = set()
            for piece, child in place.node.children.items():
                if readable or not piece or piece in there:
                    _visit(place, rows, asked, piece, child, level, cap, inode=there.get(piece, 0))
                    if child.leaf:
                        taken.add(piece)
            for match, child in place.node.globs:
                for entry, inode in there.items():
                    if match(entry):
                        _visit(place, rows, asked, entry, child, level, cap, entry in taken, inode)
                        if child.leaf:
                            taken.add(entry)


class _Place(NamedTuple):
    """A directory below a row, where something is asked for."""

    row: int
    prefix: str
    node: _Node
    identity: int
    """Changes when another directory has come under the same name, or a link leads to another one."""


def _visit(
    place: _Place,
    rows: list[Row],
    asked: list[_Asked],
    name: str,
    node: _Node,
    below: list[_Place],
    cap: int,
    taken: bool = False,
    inode: int = 0,
) -> None:
    """Ask for what a node of the allow-list names in a directory, unless another one did, and go on below it."""
    i, relative = place.row, place.prefix + name
    if node.leaf and not taken:
        path = f"{rows[i].path}/{relative}" if relative else rows[i].path
        if node.leaf == "names":
            asked[i].requests.append(Names(path, node.slow, wanted=True, bare=True))
        elif node.leaf == "link":
            asked[i].requests.append(Link(path, node.slow))
        else:
            # Up to a page the kernel answers at once; tables come in pieces.
            asked[i].requests.append(Read(path, cap, node.slow, cap <= PAGE, place.identity))
        asked[i].places.append(relative)
    if node.children or node.globs:
        identity = hash((place.identity, inode)) if inode else place.identity
        below.append(_Place(i, relative + "/", node, identity))


def _part(relative: str) -> str:
    """The kind of file that a path is one of, for counting: digits are what repeats."""
    return re.sub(r"[0-9]+", "*", relative)
