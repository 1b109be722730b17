"""What one row may cost, over all sources: itself. Each row of each file goes missing, is foreign, or has a number of 70 bits."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest
from tools import fuzz

from procpulse.process import Part
from procpulse.source import PARSE_ERRORS, Fold, Host, Malformed, Reading, Source, Unreadable, salvage
from tests.conftest import trees
from tests.test_contract import answered

HOST = Host(name="host", boot_id="boot", kernel="6.18.4", boot_time=1_700_000_000)
WIDE = b"1180591620717411303424"
FOREIGN = b"another thing: altogether"

# What everything else in a file hangs on: without the names of columns, numbers mean nothing.
HEADINGS = re.compile(
    rb"\s+CPU\d|Node \d+, zone|version \d|entries |lookups hits|IP address +HW|Iface\t|Idx\t|protocol +size|Num +RefCount"
    rb"|sk +(RefCnt|Eth)|\s+sl +local_address|-{20}|\s+key +\w+id|compressed"
    rb"|(Character|Block) devices:|device .* mounted on|major minor|slabinfo - version|# name"
)
# Files of a single row, of which nothing is left without it, or without one of its numbers.
ONE_ROW = {
    "loadavg", "uptime", "net_psched", "net_rt6_stats", "pid_autogroup", "pid_loginuid", "pid_oom_score",
    "pid_oom_score_adj", "pid_personality", "pid_schedstat", "pid_stat", "pid_statm", "version", "pid_comm",
    "pid_wchan", "cmdline",
}  # fmt: skip
# Text without rows, or links.
NO_ROWS = {"pid_cmdline", "pid_environ", "pid_exe", "pid_cwd", "pid_root", "pid_fd", "pid_fd_count", "pid_ns", "statfs"}


@cache
def targets() -> dict[str, fuzz.Target]:
    return fuzz.targets(trees=[answered(tree)[1] for tree in trees()])


NAMES = sorted(
    {*fuzz.catalog.modules(), *(f"pid_{name}" for name in fuzz.catalog.part_modules())}
    - {"processes"}
    - ONE_ROW
    - NO_ROWS
)


def understood(target: fuzz.Target, files: dict[str, Any]) -> Any:
    """What a reader makes of these files; None where it has no value."""
    source = target.source
    try:
        if isinstance(source, Part):
            if source.plan is not None:
                return target.parse(files)
            data, stat = files.get("", b""), files.get("stat", b"")
            try:
                return source.understand(data, HOST, stat)
            except Malformed:
                rest = (
                    None
                    if source.rows is None
                    else salvage(lambda rows: source.understand(rows, HOST, stat), data, source.rows)
                )
                return None if rest is None else rest[0]
        if type(source).steps is Source.steps and not isinstance(source, Fold):
            return source.answered(next(iter(files.values()), b""), Reading(HOST))
        return target.parse(files)
    except (*PARSE_ERRORS, Unreadable):
        return None


def facts(value: Any) -> Counter[tuple[str, str]]:
    """What a value says, by the name of the field: however often."""
    found: Counter[tuple[str, str]] = Counter()

    def look(inner: Any, name: str) -> None:
        if isinstance(inner, msgspec.Struct):
            for field in inner.__struct_fields__:
                look(getattr(inner, field), field)
        elif isinstance(inner, dict):
            for key, item in inner.items():
                look(item, f"{name}.{key}")
        elif isinstance(inner, list):
            for item in inner:
                look(item, name)
        elif inner is not None:
            found[name, repr(inner)] += 1

    look(value, "")
    return found


def rows(files: dict[str, Any]) -> Iterator[tuple[str, list[bytes], int]]:
    """Some of the rows of each file that has several: the path, all of them, and which it is."""
    for path, data in list(files.items())[:40]:
        if isinstance(data, bytes) and path != "stat" and not path.endswith("@"):
            lines = data.split(b"\n")[:-1]
            step = max(1, len(lines) // 25)
            for nth in range(0, len(lines), step) if len(lines) > 1 else ():
                if lines[nth].strip() and not HEADINGS.match(lines[nth]):
                    yield path, lines, nth


def seed(target: fuzz.Target) -> dict[str, Any]:
    """The largest that a fixture tree has for it."""
    return max(target.seeds, key=lambda files: sum(len(data) for data in files.values() if isinstance(data, bytes)))


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_row_costs_itself_only(name: str) -> None:
    target = targets()[name]
    files = seed(target)
    whole = understood(target, files)
    known = facts(whole)
    for path, lines, nth in rows(files):
        value = understood(target, {**files, path: b"\n".join([*lines[:nth], *lines[nth + 1 :], b""])})
        assert value is not None, f"all is lost without {lines[nth]!r}"
        lost = known - facts(value)
        assert lost.total() <= max(len(re.findall(rb"[^\s:,=/]+", lines[nth])) * 3 + 40, known.total() // 2), lines[nth]


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_row_costs_itself_only(name: str) -> None:
    target = targets()[name]
    files = seed(target)
    known = facts(understood(target, files))
    for path, lines, nth in rows(files):
        if nth + 1 < len(lines) and HEADINGS.match(lines[nth + 1]):
            continue  # it would stand in the heading
        value = understood(target, {**files, path: b"\n".join([*lines[: nth + 1], FOREIGN, *lines[nth + 1 :], b""])})
        assert value is not None, f"all is lost after {lines[nth]!r}"
        lost = known - facts(value)
        assert lost.total() <= len(re.findall(rb"[^\s:,=/]+", lines[nth])) + 40, lines[nth]


@pytest.mark.parametrize("name", NAMES)
def test_a_number_of_70_bits_costs_its_field_or_row_only(name: str) -> None:
    target = targets()[name]
    files = seed(target)
    whole = understood(target, files)
    known = facts(whole)
    for path, lines, nth in rows(files):
        numbers = list(re.finditer(rb"(?<![\w.])[0-9]+(?![\w.])", lines[nth]))
        for match in numbers[:: max(1, len(numbers) // 4)]:
            row = lines[nth][: match.start()] + WIDE + lines[nth][match.end() :]
            value = understood(target, {**files, path: b"\n".join([*lines[:nth], row, *lines[nth + 1 :], b""])})
            if value is None and len([line for line in lines if line.strip() and not HEADINGS.match(line)]) == 1:
                continue  # a table of one row
            assert value is not None, f"all is lost by {row!r}"
            assert not any(WIDE.decode() == text for _, text in facts(value)), "no number of a snapshot has 70 bits"
            lost = known - facts(value)
            assert lost.total() <= max(len(re.findall(rb"[^\s:,=/]+", lines[nth])) + 40, known.total() // 2), row
