"""Seventy ways in which a /proc and a /sys can be odd (F19, F21, F22, F24, F26 to F29, F38, S9, S21; P5, P6, P8).

Every source on every one gives a value, or a failure with its reason; never an exception, never a bug. What it gives can
be sent, every name in it is inert, and the rates between it and the tree as it was are physical.
"""

import math
import random
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import msgspec
import pytest

from procpulse import Host, Reason, difference
from procpulse.encode import json, msgpack
from procpulse.encode.schema import every_source
from procpulse.process import PerProcess
from procpulse.reader import Reader
from procpulse.reader.engine import _unfit
from procpulse.reader.files import Budget, Files
from procpulse.reader.processes import ProcessTable
from procpulse.snapshot import Snapshot
from procpulse.source import Failure, Link, Names, Piece, Read, Reading, Request, Statvfs, Unreadable
from tests.conftest import FIXTURES, roots

BASES = ("vm-6.18", "workstation")
SOURCES = {source.name: source for source in every_source()}

Variant = Callable[[Request, Any], Any]


# Variants of the bytes of every file.


def each_line(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[bytes], bytes]:
    return lambda data: b"".join(line + b"\n" for line in change(data.split(b"\n")[:-1] or [data]))


def each_number(number: bytes) -> Callable[[bytes], bytes]:
    return lambda data: re.sub(rb"(?<![\w.])-?[0-9]+(?![\w.])", number, data)


def fewer(count: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: [b" ".join(line.split()[:-count]) for line in lines]


def shuffled(lines: list[bytes]) -> list[bytes]:
    return random.Random(len(lines)).sample(lines, len(lines))


BYTES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "a newline": lambda data: b"\n",
    "all NUL": lambda data: b"\0" * len(data),
    "NUL at the end": lambda data: data + b"\0" * 50,
    "NUL for blanks": lambda data: data.replace(b" ", b"\0"),
    "CRLF": lambda data: data.replace(b"\n", b"\r\n"),
    "CR for newlines": lambda data: data.replace(b"\n", b"\r"),
    "no newline at the end": lambda data: data.rstrip(b"\n"),
    "cut in half": lambda data: data[: len(data) // 2],
    "cut by two bytes": lambda data: data[:-2],
    "cut at the front": lambda data: data[7:],
    "twice": lambda data: data * 2,
    "torn": lambda data: data[: len(data) // 2] + data[len(data) // 3 :],
    "blanks doubled": lambda data: data.replace(b" ", b"  "),
    "tabs for blanks": lambda data: data.replace(b" ", b"\t"),
    "blanks for tabs": lambda data: data.replace(b"\t", b" "),
    "no blanks": lambda data: data.replace(b" ", b""),
    "blank lines": lambda data: data.replace(b"\n", b"\n\n \n"),
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + data,
    "capitals": lambda data: data.upper(),
    "no colons": lambda data: data.replace(b":", b" "),
    "no UTF-8": lambda data: re.sub(rb"[a-z]{3}", b"\xff\xc3(", data),
    "escapes in names": lambda data: re.sub(rb"[a-z]{4}", b"\x1b[2J\x9b\xe2\x80\xae", data),
    "high bytes": lambda data: bytes(byte | 0x80 for byte in data),
    "zeros": each_number(b"0"),
    "minus one": each_number(b"-1"),
    "largest of 32 bits": each_number(b"4294967295"),
    "largest of 63 bits": each_number(b"9223372036854775807"),
    "largest of 64 bits": each_number(b"18446744073709551615"),
    "over 64 bits": each_number(b"18446744073709551616"),
    "most negative": each_number(b"-9223372036854775808"),
    "five hundred digits": each_number(b"9" * 500),
    "underscores": each_number(b"5_000"),
    "plus signs": each_number(b"+7"),
    "fractions": each_number(b"1.5"),
    "hexadecimal": each_number(b"0xff"),
    "Arabic digits": each_number("٣".encode()),
    "not a number": each_number(b"nan"),
    "infinite": each_number(b"inf"),
    "unknown": each_number(b"<unknown>"),
    "a column more": each_line(lambda lines: [line + b" 77" for line in lines]),
    "ten columns more": each_line(lambda lines: [line + b" 77" * 10 for line in lines]),
    "a word more": each_line(lambda lines: [line + b" new" for line in lines]),
    "a column in front": each_line(lambda lines: [b"77 " + line for line in lines]),
    "a column fewer": each_line(fewer(1)),
    "three columns fewer": each_line(fewer(3)),
    "one column": each_line(lambda lines: [line.split(None, 1)[0] if line.split() else b"" for line in lines]),
    "a new row": each_line(lambda lines: [*lines, b"zz_new_row: 77 kB"]),
    "a new row in front": each_line(lambda lines: [b"zz_new_row: 77 kB", *lines]),
    "every second row": each_line(lambda lines: lines[::2]),
    "no first row": each_line(lambda lines: lines[1:]),
    "no last row": each_line(lambda lines: lines[:-1]),
    "the first row only": each_line(lambda lines: lines[:1]),
    "rows shuffled": each_line(shuffled),
    "rows backwards": each_line(lambda lines: lines[::-1]),
    "rows three times": each_line(lambda lines: [line for line in lines for _ in range(3)]),
    "a line of a megabyte": lambda data: data.replace(b"\n", b"x" * (1 << 20) + b"\n", 1),
    "another file": lambda data: b"Inter-|   Receive\n face |bytes\n  eth0: 1 2 3\n",
}


# Variants of the tree.


def failing(code: str, reason: Reason, share: int = 1) -> Variant:
    def variant(request: Request, answer: Any) -> Any:
        if hash(request.path) % share == 0 and isinstance(request, Read | Piece | Link):
            return Failure(reason, request.path, code)
        return answer

    return variant


def without(*prefixes: str, but: tuple[str, ...] = ()) -> Variant:
    def variant(request: Request, answer: Any) -> Any:
        if request.path.startswith(prefixes) and not request.path.startswith(but or ("\0",)):
            return Failure(Reason.MISSING, request.path, "ENOENT")
        return answer

    return variant


def named(change: Callable[[list[tuple[str, int]]], list[tuple[str, int]]]) -> Variant:
    return lambda request, answer: change(answer) if isinstance(request, Names) and isinstance(answer, list) else answer


ODD = ["\x1b[2J", "a\nb", "\udcff", "-1", "0", "٣", "9" * 30, "eth0.ü", "..", "cpu-1", "cpu99999", "x" * 255, "a b"]


def odd_names(names: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return sorted({*names, *((name, i) for i, name in enumerate(ODD))})


def linked(target: bytes) -> Variant:
    return lambda request, answer: target if isinstance(request, Link) and isinstance(answer, bytes) else answer


def gvisor(request: Request, answer: Any) -> Any:
    """Five files, and all CPU times are 0."""
    kept = ("/proc/stat", "/proc/meminfo", "/proc/loadavg", "/proc/uptime", "/proc/version", "/proc/cpuinfo")
    if request.path not in kept and not isinstance(request, Names):
        return Failure(Reason.MISSING, request.path, "ENOENT")
    return each_number(b"0")(answer) if request.path == "/proc/stat" and isinstance(answer, bytes) else answer


def lxcfs(request: Request, answer: Any) -> Any:
    """CPU lines without their last columns, no rows of interrupts, zeros for what it does not know."""
    if not isinstance(answer, bytes):
        return answer
    if request.path == "/proc/stat":
        return each_line(
            lambda lines: [b" ".join(x.split()[:8]) for x in lines if not x.startswith((b"intr", b"softirq"))]
        )(answer)
    if request.path in ("/proc/swaps", "/proc/diskstats"):
        return b"" if request.path.endswith("diskstats") else answer.split(b"\n")[0] + b"\n"
    return each_number(b"0")(answer) if request.path == "/proc/vmstat" else answer


def ancient(request: Request, answer: Any) -> Any:
    """Long before the oldest kernel that is promised: fewer rows and columns."""
    if not isinstance(answer, bytes):
        return answer
    if request.path == "/proc/diskstats":
        return each_line(lambda lines: [b" ".join(line.split()[:14]) for line in lines])(answer)
    if request.path == "/proc/stat":
        return each_line(lambda lines: [b" ".join(x.split()[:8]) if x.startswith(b"cpu") else x for x in lines])(answer)
    if request.path in ("/proc/meminfo", "/proc/vmstat"):
        return each_line(lambda lines: lines[:2] + lines[4:20])(answer)
    return Failure(Reason.MISSING, request.path, "ENOENT") if "pressure" in request.path else answer


def hotplug(request: Request, answer: Any) -> Any:
    """The first CPU is gone, and every other counter starts again."""
    if request.path == "/proc/stat" and isinstance(answer, bytes):
        lines = [x for x in answer.split(b"\n") if not x.startswith(b"cpu0 ")]
        return b"\n".join(re.sub(rb"[0-9]{3,}", b"1", x) if x.startswith(b"cpu") else x for x in lines)
    return answer


TREES: dict[str, Variant] = {
    "nothing at all": without("/proc", "/sys"),
    "no /sys": without("/sys"),
    "no /proc": without("/proc"),
    "subset=pid": without("/proc/", but=(*(f"/proc/{i}" for i in range(1, 10)), "/proc/self")),
    "every second file is missing": failing("ENOENT", Reason.MISSING, 2),
    "every file is denied": failing("EACCES", Reason.DENIED),
    "every file fails": failing("EIO", Reason.UNSUPPORTED),
    "every third file fails": failing("EIO", Reason.UNSUPPORTED, 3),
    "every file hangs": failing("no answer", Reason.TIMEOUT),
    "every device is gone": failing("ENODEV", Reason.MISSING),
    "no descriptors": failing("EMFILE", Reason.EXHAUSTED),
    "empty directories": named(lambda names: []),
    "half of the directory entries": named(lambda names: names[::2]),
    "odd names": named(odd_names),
    "directories that cannot be listed": lambda request, answer: (
        Failure(Reason.DENIED, request.path, "EACCES") if isinstance(request, Names) else answer
    ),
    "links to nowhere": linked(b"../../../nowhere"),
    "links with escapes": linked(b"\x1b]0;x\x07\xff/\xe2\x80\xae"),
    "empty links": linked(b""),
    "gVisor": gvisor,
    "lxcfs": lxcfs,
    "an ancient kernel": ancient,
    "a CPU is gone": hotplug,
}


def in_bytes(change: Callable[[bytes], bytes], request: Request, answer: Any) -> Any:
    if not isinstance(answer, bytes) or isinstance(request, Link):
        return answer
    changed = change(answer)
    if isinstance(request, Read) and len(changed) > request.cap:
        return changed[: request.cap] if request.clip else Failure(Reason.MALFORMED, request.path, "over")
    return changed


VARIANTS: dict[str, Variant] = {name: partial(in_bytes, change) for name, change in BYTES.items()} | TREES


@cache
def answers(base: str) -> tuple[dict[Request, Any], Host]:
    """Everything that all sources ask of a tree."""
    seen: dict[Request, Any] = {}
    reader = Reader(roots(FIXTURES / base), observe=seen.__setitem__)
    reader.read_sync(SOURCES.values(), lambda source: 60.0)
    reader.close()
    whole: dict[str, bytes] = {}
    for request, answer in sorted(seen.items(), key=lambda item: getattr(item[0], "offset", 0)):
        if isinstance(request, Piece) and isinstance(answer, bytes):
            whole[request.path] = whole.get(request.path, b"") + answer
    return seen | {Piece(path): data for path, data in whole.items()}, reader.host


@cache
def as_it_was(base: str) -> Snapshot:
    return sampled(base, lambda request, answer: answer, 1)[0]


def sampled(base: str, variant: Variant, seq: int) -> tuple[Snapshot, dict[str, Failure]]:
    """What all sources say of a variant of a tree."""
    seen, host = answers(base)
    values: dict[str, Any] = {}
    failures: dict[str, Failure] = {}
    lost: dict[str, Failure] = {}
    files = Files(roots(FIXTURES / base), Budget(0))
    pieces: dict[str, Any] = {}

    def answer(request: Request) -> Any:
        if isinstance(request, Statvfs):
            return Failure(Reason.UNSUPPORTED, request.path, "")
        if isinstance(request, Piece):
            if request.path not in pieces:
                key = Piece(request.path)
                found = next((seen[r] for r in seen if isinstance(r, Piece) and r[:2] == key[:2]), None)
                pieces[request.path] = variant(key, found or Failure(Reason.MISSING, request.path, "ENOENT"))
            data = pieces[request.path]
            return data[request.offset : request.offset + 65536] if isinstance(data, bytes) else data
        found = seen.get(request)
        return variant(request, Failure(Reason.MISSING, request.path, "ENOENT") if found is None else found)

    rows_ns: dict[str, list[tuple[int, int]]] = {}
    for name, source in SOURCES.items():
        reading = Reading(host, plain=True)
        steps: Any = (
            ProcessTable(source, files, Budget(0)).steps(reading)
            if isinstance(source, PerProcess)
            else source.steps(reading)
        )
        try:
            requests = next(steps)
            while True:
                requests = steps.send([answer(request) for request in requests])
        except StopIteration as stop:
            unfit = _unfit(stop.value, source.path)
            if unfit is None:
                values[name] = stop.value
            else:
                failures[name] = unfit
        except Unreadable as error:
            failures[name] = error.failure
        lost |= {f"{name}/{part}": failure for part, failure in reading.failures.items()}
        if isinstance(source, PerProcess) and name in values:
            rows_ns[name] = [(seq * 10**9, len(values[name]))]
    read_ns = dict.fromkeys(values, seq * 10**9)
    return Snapshot(seq, float(seq), seq * 10**9, host, values, failures, read_ns, rows_ns, 1.0), lost


def test_there_are_enough() -> None:
    assert len(VARIANTS) >= 60


@pytest.mark.parametrize("name", VARIANTS)
def test_every_source_on_every_tree(name: str) -> None:
    base = BASES[list(VARIANTS).index(name) % len(BASES)]
    snap, lost = sampled(base, VARIANTS[name], 2)
    assert set(snap.values) | set(snap.failures) == set(SOURCES), "a value or a failure, nothing else"
    for where, failure in (snap.failures | lost).items():
        assert failure.reason is not Reason.BUG, f"{where}: {failure.detail}"
        assert failure.path.isprintable(), where
        assert failure.detail.isprintable(), where
    encoded = json.encode(snap)
    assert json.decode(encoded) == snap
    assert msgpack.decode(msgpack.encode(snap)) == snap
    for found in _leaves(snap.values):
        if isinstance(found, str):
            assert found.isprintable(), f"not inert: {found!r}"
        elif isinstance(found, float):
            assert math.isfinite(found)
    for before, after in ((as_it_was(base), snap), (snap, msgspec.structs.replace(as_it_was(base), **_later(base)))):
        delta = difference(before, after)
        rates = delta.usage.rates()
        json.encode(delta)
        for where, rate in _rates(msgspec.to_builtins(rates)):
            assert math.isfinite(rate), where
            assert rate >= 0, where
            if where.endswith(("cpu.busy_ratio", "cpu.user_ratio", "cpu.idle_ratio", "cpu.iowait_ratio")):
                assert rate <= 1.0001, where


def _later(base: str) -> dict[str, Any]:
    known = as_it_was(base)
    return {
        "seq": 3,
        "monotonic_ns": 3 * 10**9,
        "read_ns": dict.fromkeys(known.values, 3 * 10**9),
        "rows_ns": {name: [(3 * 10**9, count) for _, count in rows] for name, rows in known.rows_ns.items()},
    }


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from _leaves(getattr(value, field))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _leaves(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _leaves(item)
    else:
        yield value


def _rates(value: Any, where: str = "usage") -> Iterator[tuple[str, float]]:
    """Every rate and ratio, by where it stands."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _rates(item, f"{where}.{key}")
    elif isinstance(value, int | float) and where.endswith(("_ratio", "_per_second")):
        yield where, value


def test_the_tree_as_it_was_is_whole() -> None:
    """Else the variants would prove nothing."""
    for base in BASES:
        snap = as_it_was(base)
        assert len(snap.values) > 30, base
        assert not [f for f in snap.failures.values() if f.reason in (Reason.BUG, Reason.MALFORMED)]
