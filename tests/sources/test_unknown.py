"""What attributes may say when nothing is known: -1, nothing, a word. It is never a value, and costs nothing else."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest
from tools import fuzz

from procpulse import Kind, Unit, fields
from procpulse.source import PARSE_ERRORS, Unreadable
from procpulse.tree import Bundle, Tree
from tests.conftest import trees
from tests.test_contract import answered

# What can be below 0, or says so with a meaning of its own.
SIGNED_UNITS = {Unit.MC, Unit.MV, Unit.UV, Unit.MA, Unit.UA, Unit.UW}
SIGNED = {
    ("CoolingDevice", "cur_state"),
    ("SysKernelHungTask", "warnings"),
    ("Ksm", "general_profit_bytes"),
    ("PowerSupply", "charge_counter_uah"),
    ("Rtc", "since_epoch_seconds"),
    ("Sysctl", "numbers"),
    ("BcacheWriteback", "proportional_bytes"),
    ("BcacheWriteback", "integral_bytes"),
    ("BcacheWriteback", "change_bytes_per_second"),
}


@cache
def targets() -> dict[str, fuzz.Target]:
    return fuzz.targets(trees=[answered(tree)[1] for tree in trees()])


def attributes(files: dict[str, Any]) -> Iterator[str]:
    """The files of one line, one of each kind: digits are what repeats."""
    kinds = set()
    for path, data in files.items():
        kind = re.sub(r"[0-9a-f]*[0-9][0-9a-f-]*", "*", path)
        if isinstance(data, bytes) and not path.endswith("@") and b"\n" not in data.strip() and kind not in kinds:
            kinds.add(kind)
            yield path


def negatives(value: Any) -> Iterator[tuple[str, str]]:
    """Where a value has less than nothing of what there cannot be less than nothing of."""
    if isinstance(value, msgspec.Struct):
        for field in fields(type(value)):
            inner = getattr(value, field.name)
            if field.kind not in (Kind.COUNTER, Kind.GAUGE):
                yield from negatives(inner)
                continue
            counts = inner.values() if isinstance(inner, dict) else [] if inner is None else [inner]
            name = (type(value).__name__, field.name)
            if any(count < 0 for count in counts) and field.unit not in SIGNED_UNITS and name not in SIGNED:
                yield name
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from negatives(inner)


NAMES = sorted(
    name
    for name in fuzz.catalog.modules()
    if isinstance(fuzz.catalog.source(name), Tree | Bundle) or name == "cpu_idle"
)


def understood(target: fuzz.Target, files: dict[str, Any]) -> Any:
    try:
        return target.parse(files)
    except (*PARSE_ERRORS, Unreadable) as error:
        return error


@pytest.mark.parametrize(
    "text", [b"-1\n", b"\n", b"unknown\n", b"4294967295\n"], ids=["-1", "empty", "word", "32 bits"]
)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_known_is_no_value(name: str, text: bytes) -> None:
    target = targets()[name]
    for files in sorted(target.seeds, key=len)[-2:]:
        whole = understood(target, files)
        if isinstance(whole, Exception):
            continue
        for path in attributes(files):
            value = understood(target, {**files, path: text})
            assert type(value) is type(whole), f"all is lost by {path}: {value}"
            if isinstance(whole, list):
                assert len(value) == len(whole), f"a row is lost by {path}"
            if text == b"-1\n":
                assert not set(negatives(value)), path
