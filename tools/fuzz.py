"""Feeds damaged kernel text to every parser: it must give values or `malformed`, in bounded time and memory.

python tools/fuzz.py --minutes 10             # all sources and parts of processes
python tools/fuzz.py --minutes 1 cpuinfo stat # these
python tools/fuzz.py --cases 1000000 --jobs 2 # until each has had so many, in two processes

Of every case: no exception but those of malformed text, bounded time, and a value that both formats can encode. Of one
in WHOLE also that it is the same when decoded, and that no counter grows by less than nothing; of one in MEMORY that it
took bounded memory. What it starts from are the fixture trees. What breaks a promise is saved below out/fuzz/, and run again with --again FILE.
"""

import argparse
import gc
import math
import multiprocessing
import os
import pickle
import random
import re
import sys
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from procpulse import catalog
from procpulse.delta import difference
from procpulse.encode import json, msgpack
from procpulse.encode.schema import every_source
from procpulse.fields import Kind, Shape, fields
from procpulse.process import Part, PerProcess
from procpulse.reader import Reader
from procpulse.snapshot import Snapshot
from procpulse.source import (
    PARSE_ERRORS,
    Failure,
    Fold,
    Host,
    Link,
    Piece,
    Read,
    Reading,
    Reason,
    Request,
    Roots,
    Source,
    Unreadable,
)
from procpulse.tree import Folder

HOME = Path(__file__).parent.parent
SAVED = HOME / "out/fuzz"

MS_PER_KIB = 1.0
MS_PER_FILE = 0.1
LEAST_MS = 20.0
TIMES_MEMORY = 10
LEAST_BYTES = 4 << 20
WHOLE, MEMORY = 8, 64
TURN_SECONDS = 0.25
"""Bounds of a small input: what a list of as many CPUs as a kernel can have takes."""

HOST = Host(name="host", boot_id="boot", kernel="6.18.4", boot_time=1_700_000_000)

TOKENS = [
    b"", b" ", b"\n", b"\t", b"\0", b":", b"=", b"-", b",", b"(", b")", b"[", b"]", b"/", b"%", b"\\", b"\\040", b"\\x1b",
    b"0", b"1", b"-1", b"+1", b"1.5", b".", b"1e9", b"nan", b"inf", b"0x", b"0xffffffffffffffff", b"1_0", b"4294967295",
    b"4294967296", b"9223372036854775807", b"9223372036854775808", b"18446744073709551615", b"18446744073709551616",
    b"-9223372036854775809", b"9" * 30, b"9" * 5000, b"0-65535", b"0-4294967295", b"kB", b"<none>", b"unlimited",
    b"\xff", b"\xe2\x80\xae", b"\xed\xa0\x80", b"\xc2\x9b", b"\x1b[2J", b"\xd9\xa3", b'"', b"{", b"}", b"a" * 300,
    b"cpu0", b"node 0, zone", b"\n\n", b" : ", b"\r\n", b"0" * 40,
]  # fmt: skip


class Edit(NamedTuple):
    """One change: what to do, where (0 to 1), to how much (0 to 1), and with what."""

    kind: str
    where: float
    much: float
    token: bytes


WORD = re.compile(rb"[^\s:=,()\[\]/%-]+")
KINDS = ("cut", "drop", "twice", "insert", "token", "line", "swap", "flip", "many")


def edited(data: bytes, edit: Edit) -> bytes:
    """The data after one change."""
    kind, where, much, token = edit
    at = int(where * len(data))
    size = max(1, int(much * much * min(len(data), 400)))
    if kind == "cut":
        return data[:at]
    if kind == "drop":
        return data[:at] + data[at + size :]
    if kind == "twice":
        return data[: at + size] + data[at:]
    if kind == "insert":
        return data[:at] + token + data[at:]
    if kind == "flip":
        return data[:at] + bytes(b ^ 1 << int(much * 7.99) for b in data[at : at + 1]) + data[at + 1 :]
    if kind == "token":
        word = WORD.search(data, at) or WORD.search(data)
        if not word:
            return token
        return data[: word.start()] + token + data[word.end() :]
    lines = data.split(b"\n")
    nth, other = int(where * (len(lines) - 1)), int(much * (len(lines) - 1))
    if kind == "swap":
        lines[nth], lines[other] = lines[other], lines[nth]
    elif kind == "many":
        lines[nth:nth] = [lines[other]] * 50
    else:
        del lines[nth]
    return b"\n".join(lines)


def damaged(data: bytes, edits: Iterable[Edit]) -> bytes:
    """The data after some changes; it does not grow for ever."""
    for edit in edits:
        data = edited(data, edit)[: 1 << 16]
    return data


class Broken(AssertionError):
    """A promise that was broken, and by what."""


class Target:
    """One source, or one part of a process, with what it has in the fixture trees.

    Args:
        name: Of the source, or `pid_` and that of the part.
        seeds: What there is to start from: the bytes of each file, by path.
        parse: From the bytes of the files to a value; raises nothing but the malformed errors.
        source: What it is.
    """

    def __init__(
        self,
        name: str,
        seeds: list[dict[str, Any]],
        parse: Callable[[dict[str, Any]], Any],
        source: Source[Any] | Part[Any],
    ):
        self.name = name
        self.seeds = seeds
        self.parse = parse
        self.source = source
        self.before: Any = None

    def run(self, files: dict[str, Any], memory: bool = False, whole: bool = True) -> Any:
        """Parse some files, and hold what comes out to what is promised.

        Args:
            files: Their bytes, by path.
            memory: Measure memory, not time: to trace it takes time of its own.
            whole: Hold it to everything, not only to what is checked at every case.

        Raises:
            Broken: a promise is broken.
        """
        size = sum(len(answer) for answer in files.values() if isinstance(answer, bytes))
        most_ms = max(LEAST_MS, size / 1024 * MS_PER_KIB + len(files) * MS_PER_FILE)
        # Wall time is cheap to ask for, and no less than time on the CPU, of which a case that seems slow has three tries.
        clocks = [time.perf_counter, *[time.thread_time] * 3]
        for attempt, clock in enumerate(clocks):
            if memory:
                tracemalloc.start()
            began = clock()
            try:
                value = self.parse(files)
            except (*PARSE_ERRORS, Unreadable) as error:
                value = error
            except Exception as error:
                raise Broken(f"{self.name}: {type(error).__name__}: {error}\n{traceback.format_exc()}") from error
            finally:
                took_ms = (clock() - began) * 1e3
                peak = 0
                if memory:
                    peak = tracemalloc.get_traced_memory()[1]
                    tracemalloc.stop()
            if peak > max(LEAST_BYTES, size * TIMES_MEMORY):
                raise Broken(f"{self.name}: {peak} bytes of memory for {size} bytes")
            if memory or took_ms <= most_ms:
                break
            if attempt == len(clocks) - 1:
                raise Broken(f"{self.name}: {took_ms:.1f} ms for {size} bytes")
        if isinstance(value, Exception):
            return value
        self.hold(value, whole)
        return value

    def hold(self, value: Any, whole: bool = True) -> None:
        """Hold a value to what is promised of every value."""
        snapshot = self.snapshot(2, value)
        try:
            for format in (json, msgpack):
                data: Any = format.encode(snapshot)
                if not whole:
                    continue
                again = format.decode(data, [self.source] if isinstance(self.source, Source) else ())
                if isinstance(self.source, Source) and again != snapshot:
                    raise Broken(f"{self.name}: is another after {format.__name__}: {again.failures}")
            if whole and isinstance(self.source, Source):
                for before in (self.before, value):
                    if before is not None:
                        _not_negative(self.name, difference(self.snapshot(1, before), snapshot).values)
            self.before = value
        except Broken:
            raise
        except Exception as error:
            raise Broken(f"{self.name}: {type(error).__name__}: {error}\n{traceback.format_exc()}") from error

    def snapshot(self, seq: int, value: Any) -> Snapshot:
        """A snapshot of one value."""
        values = {self.name: value}
        return Snapshot(seq, float(seq), seq * 10**9, HOST, values, {}, {self.name: seq * 10**9}, {}, 1.0)


def _not_negative(name: str, growth: Any) -> None:
    """Growth is never negative."""

    def look(record: Any) -> None:
        if isinstance(record, msgspec.Struct):
            for field in fields(type(record)):
                inner = getattr(record, field.name)
                if field.kind is Kind.COUNTER and inner is not None:
                    counts = inner.values() if field.shape is Shape.MAPPING else [inner]
                    if min(counts, default=0) < 0:
                        raise Broken(f"{name}: {field.name} grew by {inner}")
                elif field.kind is Kind.GROUP:
                    look(inner)
        elif isinstance(record, list | dict):
            for inner in record.values() if isinstance(record, dict) else record:
                look(inner)

    look(growth)


def targets(names: Iterable[str] = (), trees: list[dict[Request, Any]] | None = None) -> dict[str, Target]:
    """Every source and every part of a process, or those named.

    Args:
        names: Of sources, and of parts with `pid_` before.
        trees: Each request for a file of a tree, and its answer; by default of all fixture trees.
    """
    chosen = frozenset(names)
    sources = {source.name: source for source in every_source()}
    if trees is None:
        trees = [_seen(tree, list(sources.values())) for tree in sorted((HOME / "fixtures").iterdir()) if tree.is_dir()]
    found: dict[str, Target] = {}
    for name, source in sources.items():
        if isinstance(source, PerProcess) or (chosen and name not in chosen):
            continue
        found[name] = Target(name, list(_of_source(source, trees)) or [{}], _reading(source, trees), source)
    for name in catalog.part_modules():
        part = catalog.part(name)
        if not chosen or f"pid_{name}" in chosen or name in chosen:
            found[f"pid_{name}"] = Target(
                f"pid_{name}", list(_of_part(part, trees)) or [{}], _understanding(part), part
            )
    return found


def _seen(tree: Path, sources: list[Source[Any]]) -> dict[Request, Any]:
    seen: dict[Request, Any] = {}
    reader = Reader(Roots(proc=str(tree / "proc"), sys=str(tree / "sys")), observe=seen.__setitem__)
    reader.read_sync(sources, lambda source: 30.0)
    reader.close()
    return seen


def _walk(source: Source[Any], answer: Callable[[Request], Any]) -> Any:
    """Read a source, whatever the answers are."""
    steps = source.steps(Reading(HOST))
    try:
        requests = next(steps)
        for _ in range(200):
            requests = steps.send([answer(request) for request in requests])
        raise Broken(f"{source.name}: asks for ever")
    except StopIteration as stop:
        return stop.value


def _of_source(source: Source[Any], trees: list[dict[Request, Any]]) -> Iterator[dict[str, Any]]:
    """What a source read from each tree that has something for it."""
    for seen in trees:
        files: dict[str, Any] = {}

        def answer(request: Request, seen: dict[Request, Any] = seen, files: dict[str, Any] = files) -> Any:
            if isinstance(request, Piece):
                found = _joined(seen, request)
                if found is not None:
                    files[request.path] = found
                return b"" if found is None or request.offset else found
            found = seen.get(request)
            if isinstance(found, bytes):
                files[_key(request)] = found
            return Failure(Reason.MISSING, request.path, "ENOENT") if found is None else found

        try:
            _walk(source, answer)
        except Unreadable:
            pass
        if files:
            yield files


def _joined(seen: dict[Request, Any], first: Piece) -> bytes | None:
    data = b""
    while isinstance(piece := seen.get(first._replace(offset=len(data))), bytes) and piece:
        data += piece
    return data or None


def _key(request: Request) -> str:
    return request.path if isinstance(request, Read | Piece) else request.path + "@"


def _reading(source: Source[Any], trees: list[dict[Request, Any]]) -> Callable[[dict[str, Any]], Any]:
    """Reads a source from files in memory; directories are those of the tree that has most of the files."""

    def parse(files: dict[str, Any]) -> Any:
        if isinstance(source, Fold) or type(source).steps is Source.steps:
            data = next(iter(files.values()), b"")
            if isinstance(source, Fold):
                return _walk(source, lambda request: data[request.offset : request.offset + 65536])  # type: ignore[union-attr]
            return _walk(source, lambda request: data)
        paths = tuple(files)
        seen = nearest.get(paths)
        if seen is None:
            seen = nearest[paths] = max(trees, key=lambda seen: len(known[id(seen)].intersection(paths)))

        def answer(request: Request) -> Any:
            found = files.get(_key(request)) if isinstance(request, Read | Piece | Link) else None
            if found is None:
                found = seen.get(request)
            return Failure(Reason.MISSING, request.path, "ENOENT") if found is None else found

        return _walk(source, answer)

    known = {id(seen): {_key(request) for request in seen} for seen in trees}
    nearest: dict[tuple[str, ...], dict[Request, Any]] = {}
    return parse


def _of_part(part: Part[Any], trees: list[dict[Request, Any]]) -> Iterator[dict[str, Any]]:
    """What a part of a process is in each tree, process by process."""
    whole = part.plan is not None and _first(part).startswith("task/")
    pattern = re.compile(r"/proc/([0-9]+)/(.+)" if whole else r"/proc/([0-9]+(?:/task/[0-9]+)?)/(.+)")
    for seen in trees:
        found: dict[str, dict[str, Any]] = {}
        for request, answer in seen.items():
            match = pattern.fullmatch(_key(request))
            if match and isinstance(answer, bytes):
                found.setdefault(match[1], {})[match[2]] = answer
        for files in found.values():
            if part.plan is None:
                data = files.get(str(part.path), files.get(part.fallback or ""))
                if data is not None:
                    yield {"": data, "stat": files.get("stat", b"")}
            else:
                wanted = {name: data for name, data in files.items() if name.startswith(_first(part))}
                if wanted:
                    yield wanted


def _first(part: Part[Any]) -> str:
    return re.split(r"[*@\[]", part.path[0])[0]


def _understanding(part: Part[Any]) -> Callable[[dict[str, Any]], Any]:
    def parse(files: dict[str, Any]) -> Any:
        if part.plan is None:
            return part.understand(files.get("", b""), HOST, files.get("stat", b""))
        names = sorted({name.partition("/")[2].split("/")[0].rstrip("@") for name in files} - {""})
        entries = dict(files)
        for entry in part.path:
            if entry.endswith("/"):
                entries[entry] = names
        folder = Folder("/proc/1", entries, HOST)
        value = part.parse(folder)
        folder.failures()
        return value

    return parse


def chance(rng: random.Random, files: dict[str, Any]) -> dict[str, Any]:
    """Some files, damaged by chance."""
    # `random` is the one method written in C: all others cost several times as much.
    by = rng.random
    if by() < 0.05:
        return {path: rng.randbytes(rng.randrange(200)) for path in files}
    paths = list(files)
    hit = (1, 1, 1, 2, 5, len(paths))[int(by() * 6)]
    edits = [
        Edit(KINDS[int(by() * len(KINDS))], by(), by(), TOKENS[int(by() * len(TOKENS))])
        for _ in range((1, 1, 2, 3, 8)[int(by() * 5)])
    ]
    chosen = paths if hit >= len(paths) else {paths[int(by() * len(paths))] for _ in range(hit)}
    return files | {path: damaged(files[path], edits) for path in chosen}


class Found(NamedTuple):
    """What one process did: cases by parser, and the first input of each kind of broken promise."""

    cases: dict[str, int]
    broken: dict[str, str]


def search(names: list[str], seed: str, until: float, most: float) -> Found:
    """Damaged text for every parser in turns of equal time, until it is late or each had enough."""
    chosen = targets(names)
    # What stays for ever need not be looked through again and again.
    gc.freeze()
    chances = {name: random.Random(f"{seed} {name}") for name in chosen}
    found = Found(dict.fromkeys(chosen, 0), {})
    left = list(chosen)
    while left and time.monotonic() < until:
        for name in left:
            target, rng, nth = chosen[name], chances[name], found.cases[name]
            end = min(until, time.monotonic() + TURN_SECONDS)
            while nth < most and time.monotonic() < end:
                files = chance(rng, rng.choice(target.seeds))
                try:
                    target.run(files, memory=not nth % MEMORY, whole=not nth % WHOLE)
                except Broken as error:
                    _save(error, target, files, found.broken)
                nth += 1
            found.cases[name] = nth
        left = [name for name in left if found.cases[name] < most]
    gc.unfreeze()
    return found


def _save(error: Broken, target: Target, files: dict[str, Any], broken: dict[str, str]) -> None:
    """Keep the input that broke a promise, unless one of its kind is kept."""
    kind = re.sub(r"[0-9]+", "N", str(error).splitlines()[0])[:120]
    if kind not in broken:
        SAVED.mkdir(parents=True, exist_ok=True)
        file = SAVED / f"{target.name}-{os.getpid()}-{len(broken)}"
        file.write_bytes(pickle.dumps((target.name, files)))
        broken[kind] = str(file)
        print(f"{error}\n  saved as {file}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="sources, and parts of processes as pid_NAME; default: all")
    parser.add_argument("--minutes", type=float, default=None, help="default: 10, or without end with --cases")
    parser.add_argument("--cases", type=int, default=None, help="of each parser; default: as many as there is time for")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the cases")
    parser.add_argument("--seed", type=int, default=None, help="of the chance; default: another each time")
    parser.add_argument("--again", type=Path, metavar="FILE", help="run one saved input again")
    parser.add_argument("--list", action="store_true", help="print how many cases each parser had")
    options = parser.parse_args()
    if options.again:
        name, files = pickle.loads(options.again.read_bytes())
        targets([name])[name].run(files, memory=True)
        targets([name])[name].run(files)
        print("holds now")
        return 0
    seed = random.randrange(1 << 32) if options.seed is None else options.seed
    most = math.inf if options.cases is None else -(-options.cases // options.jobs)
    minutes = (math.inf if options.cases else 10.0) if options.minutes is None else options.minutes
    began = time.monotonic()
    print(f"seed {seed}, {minutes:g} minutes, {options.jobs} processes", flush=True)
    work = [(options.names, f"{seed} {job}", began + minutes * 60, most) for job in range(options.jobs)]
    if options.jobs == 1:
        results = [search(*work[0])]
    else:
        with multiprocessing.Pool(options.jobs) as pool:
            results = pool.starmap(search, work, chunksize=1)
    cases: Counter[str] = Counter()
    broken: dict[str, str] = {}
    for found in results:
        cases.update(found.cases)
        broken.update(found.broken)
    counts = sorted(cases.values())
    if options.list:
        for name, count in sorted(cases.items(), key=lambda item: item[1]):
            print(f"{count:10} {name}")
    print(
        f"{len(counts)} parsers, cases each: least {counts[0]} ({min(cases, key=cases.__getitem__)}), "
        f"median {counts[len(counts) // 2]}, most {counts[-1]}; {sum(counts)} in {time.monotonic() - began:.0f} s"
    )
    print(f"{len(broken)} kinds of broken promises")
    for kind, where in broken.items():
        print(f"  {kind}: {where}")
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
