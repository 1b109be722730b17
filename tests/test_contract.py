"""What every source promises, whatever it reads: one test each over the whole catalogue and every fixture tree."""

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tools import house

from procpulse import Kind, Unit, catalog, fields
from procpulse.encode import json, msgpack
from procpulse.encode.schema import every_source, records
from procpulse.fields import Shape, unit_of
from procpulse.process import Part, PerProcess
from procpulse.reader import Reader
from procpulse.snapshot import Snapshot
from procpulse.source import PARSE_ERRORS, Host, Read, Reading, Reason, Request, Source, Unreadable
from tests.conftest import roots, trees

SOURCES = {source.name: source for source in every_source()}
PARTS = {name: catalog.part(name) for name in catalog.part_modules()}
RECORDS = sorted(set(records(source.type for source in SOURCES.values())), key=lambda record: record.__name__)

each_source = pytest.mark.parametrize("name", SOURCES)
each_record = pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)

# Sources that no fixture tree can have: they ask the running host.
LIVE_ONLY = {"statfs"}


@cache
def answered(tree: Path) -> tuple[dict[str, Any], dict[Request, Any], Host]:
    """The values that all sources have in a tree, and everything that was read from it."""
    seen: dict[Request, Any] = {}
    reader = Reader(roots(tree), observe=seen.__setitem__)
    results = reader.read_sync(SOURCES.values(), lambda source: 30.0)
    host = reader.host
    reader.close()
    for name, result in results.items():
        assert result.failure is None or result.failure.reason is not Reason.BUG, f"{name}: {result.failure}"
    return {name: result.value for name, result in results.items() if result.failure is None}, seen, host


def everywhere(name: str) -> Iterator[Any]:
    """The values of a source in all trees."""
    for tree in trees():
        values = answered(tree)[0]
        if name in values:
            yield values[name]


@each_source
def test_is_named_after_its_module_and_path(name: str) -> None:
    module = catalog.module(name)
    assert getattr(module, name.upper()).name == name
    path = SOURCES[name].path
    assert path.startswith("/proc/" if ".proc." in module.__name__ else "/sys/")


@pytest.mark.parametrize("name", [*SOURCES, *(f"pid_{name}" for name in PARTS)])
def test_module_reads_in_the_same_order(name: str) -> None:
    """Docstring with the kernel's documentation, structs, parse, and the constant last."""
    full = catalog.part_modules()[name[4:]] if name.startswith("pid_") else catalog.modules()[name]
    module = __import__(full, fromlist=["_"])
    assert re.search(r"https://\S+", module.__doc__), "no address of the documentation"
    body = ast.parse(inspect.getsource(module)).body
    last = body[-1]
    target = (
        last.targets[0] if isinstance(last, ast.Assign) else last.target if isinstance(last, ast.AnnAssign) else None
    )
    assert isinstance(target, ast.Name)
    assert target.id == name.upper()


@each_source
def test_has_a_fixture(name: str) -> None:
    if name in LIVE_ONLY:
        pytest.skip("asks the running host")
    assert any(value or value == 0 for value in everywhere(name)), "no fixture tree has a value, or a row, of it"


@each_record
def test_every_field_says_what_it_means(record: type[msgspec.Struct]) -> None:
    assert (record.__doc__ or "").strip().endswith("."), "a record has a sentence"
    for field in fields(record):
        assert re.match(r"[A-Z0-9].*[.)]\Z", field.help), f"{field.name}: help is a sentence: {field.help!r}"
        if field.kind in (Kind.COUNTER, Kind.GAUGE):
            named = unit_of(field.name)
            assert field.unit == named or named is Unit.NONE, f"{field.name}: {field.unit} contradicts its name"
        assert not field.name.endswith(("_total", "_kb", "_seconds_total")) or field.name == "huge_pages_total"
        if field.kind is Kind.GROUP:
            assert field.shape in (Shape.RECORD, Shape.ROWS, Shape.TABLE), f"{field.name}: a group holds records"
        if field.kind in (Kind.COUNTER, Kind.GAUGE):
            assert field.shape in (Shape.SCALAR, Shape.MAPPING), f"{field.name}: cannot be counted"
            assert field.type in (int, float), f"{field.name}: is no number"
        if field.kind is Kind.COUNTER:
            assert field.type is int, f"{field.name}: only integers subtract exactly"


@each_record
def test_rows_can_be_told_apart(record: type[msgspec.Struct]) -> None:
    for field in fields(record):
        if field.shape is Shape.ROWS:
            assert any(inner.kind is Kind.LABEL for inner in fields(field.type)), f"{field.name}: rows without a label"


@each_source
def test_rows_have_labels_and_no_two_the_same(name: str) -> None:
    record = SOURCES[name].record
    if record is None or msgspec.structs.fields(record) is None:
        return
    labels = [field.name for field in fields(record) if field.kind is Kind.LABEL]
    for value in everywhere(name):
        if isinstance(value, list) and value:
            assert labels, "rows without a label"
            keys = [tuple(getattr(row, label) for label in labels) for row in value]
            assert len(set(keys)) == len(keys), "two rows of one label"


@each_record
def test_every_optional_field_is_filled_in_some_fixture(record: type[msgspec.Struct]) -> None:
    if record in {SOURCES[name].record for name in LIVE_ONLY}:
        pytest.skip("asks the running host")
    filled = _filled().get(record, set())
    never = [field.name for field in fields(record) if field.optional and field.name not in filled]
    assert not never, f"None in every fixture: {never}"


@cache
def _filled() -> dict[type, set[str]]:
    filled: dict[type, set[str]] = {}
    for name in SOURCES:
        for value in everywhere(name):
            for record in _inside(value):
                kind = _plain(type(record))
                filled.setdefault(kind, set()).update(
                    field for field in record.__struct_fields__ if getattr(record, field) is not None
                )
    return filled


def _plain(record: type) -> type:
    """Processes have a type a choice of parts."""
    return next(
        (known for known in RECORDS if known.__name__ == record.__name__ and known.__module__ == record.__module__),
        record,
    )


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, msgspec.Struct):
        yield value
        for field in value.__struct_fields__:
            yield from _inside(getattr(value, field))
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _inside(item)


@pytest.mark.parametrize("tree", trees(), ids=lambda tree: tree.name)
@pytest.mark.parametrize("format", [json, msgpack], ids=["json", "msgpack"])
def test_survives_the_wire(tree: Path, format: Any) -> None:
    values, _, host = answered(tree)
    snapshot = Snapshot(7, 1.5, 2_000, host, values, {}, dict.fromkeys(values, 1_900), {}, 1.0)
    assert format.decode(format.encode(snapshot)) == snapshot


@pytest.mark.parametrize("tree", trees(), ids=lambda tree: tree.name)
@each_source
def test_cut_input_is_malformed_or_less_but_never_wrong(name: str, tree: Path) -> None:
    """Cut at every byte: nothing but the malformed errors, and no number that the whole file does not have."""
    source = SOURCES[name]
    values, seen, host = answered(tree)
    if isinstance(source, PerProcess) or name not in values or name in LIVE_ONLY:
        return
    if type(source).steps is Source.steps:
        data = next(a for r, a in seen.items() if isinstance(r, Read) and r.path == source.path)
        whole = _numbers(values[name])
        for cut in _cuts(data):
            try:
                value = source.understand(data[:cut], host)
            except PARSE_ERRORS:
                continue
            if source.newline:
                assert _numbers(value) <= whole, f"cut at {cut}"
        return
    for damage in (b"", b"\n", b"x", b"-", b"99999999999999999999999", b"\xff\xfe", b"1 2 3", b"a:b\nc d\n"):
        _feed(source, seen, host, lambda data, damage=damage: damage)
    for share in range(1, 8):
        _feed(source, seen, host, lambda data, share=share: data[: len(data) * share // 8])


def _feed(source: Source[Any], seen: dict[Request, Any], host: Host, damage: Any) -> None:
    """Read a source of many files, each of them damaged."""
    steps = source.steps(Reading(host))
    try:
        requests = next(steps)
        while True:
            # Where a long file is cut, the next piece of it is its end, and stays it.
            answers = [seen.get(request) for request in requests]
            requests = steps.send(
                [
                    damage(answer) if isinstance(answer, bytes) else b"" if answer is None else answer
                    for answer in answers
                ]
            )
    except (StopIteration, Unreadable):
        pass


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_cut_parts_of_a_process(part: Part[Any]) -> None:
    if part.plan is not None:
        return
    for tree in trees():
        _, seen, host = answered(tree)
        files = [
            a for r, a in seen.items() if re.fullmatch(rf"/proc/[0-9]+/{part.path}", r.path) and isinstance(a, bytes)
        ]
        for data in files:
            try:
                whole = _numbers(part.understand(data, host))
            except PARSE_ERRORS:
                continue
            for cut in _cuts(data):
                try:
                    value = part.understand(data[:cut], host)
                except PARSE_ERRORS:
                    continue
                if part.newline:
                    assert _numbers(value) <= whole, f"cut at {cut}"


def _cuts(data: bytes) -> list[int]:
    """Every place to cut a short file; of a long one its end, and some places before."""
    if len(data) <= 3000:
        return list(range(len(data)))
    return [*range(0, len(data), len(data) // 200), *range(len(data) - 300, len(data))]


def _numbers(value: Any) -> set[Any]:
    if isinstance(value, msgspec.Struct):
        return set().union(*(_numbers(getattr(value, field)) for field in value.__struct_fields__))
    if isinstance(value, list):
        return set().union(*map(_numbers, value))
    if isinstance(value, dict):
        return set().union(*map(_numbers, value.values()))
    return {value} if isinstance(value, int | float) and not isinstance(value, bool) else set()


def test_the_house_is_in_order() -> None:
    assert list(house.broken()) == []
