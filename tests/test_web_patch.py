"""Patches: whatever two values are, the patch makes the second of the first, in JSON and in msgpack."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procpulse.web.patch import SAME, Path, difference, patched, remove


class Point(msgspec.Struct, frozen=True):
    x: int
    y: Any = None


CASES: list[Any] = [
    pytest.param({"a": 1, "b": 2}, {"a": 1, "b": 3}, {"b": 3}, [], id="a member differs"),
    pytest.param({"a": 1}, {"a": 1}, SAME, [], id="nothing differs"),
    pytest.param({"a": 1}, {"a": 1, "b": None}, {"b": None}, [], id="a member is new, and null"),
    pytest.param({"a": {"b": 1, "c": 2}}, {"a": {"c": 2}}, SAME, [("a", "b")], id="a member is gone"),
    pytest.param({1: Point(1, 2)}, {1: Point(1, 3)}, {1: {"y": 3}}, [], id="a field of a record"),
    pytest.param({1: Point(1), 2: Point(2)}, {2: Point(2)}, SAME, [(1,)], id="a row is gone"),
    pytest.param({"a": [Point(1), Point(2)]}, {"a": [Point(1), Point(3)]}, {"a": {1: {"x": 3}}}, [], id="a row of a list"),
    pytest.param({"a": [1, 2]}, {"a": [1, 2, 3]}, {"a": [1, 2, 3]}, [], id="a longer list"),
    pytest.param({"a": None}, {"a": Point(1)}, {"a": Point(1)}, [], id="a record appears"),
    pytest.param({"a": Point(1)}, {"a": None}, {"a": None}, [], id="a record disappears"),
    pytest.param({"a": Point(1)}, {"a": {"z": 1}}, {"a": {"z": 1}}, [("a",)], id="another kind of object"),
    pytest.param({"a": [1]}, {"a": {"z": 1}}, {"a": {"z": 1}}, [("a",)], id="an object in place of a list"),
    pytest.param({"a": [[1]]}, {"a": [{}]}, {"a": {0: {}}}, [("a", 0)], id="the same inside a list"),
    pytest.param({"a": 1}, {"a": 1.0}, {"a": 1.0}, [], id="another kind of number"),
    pytest.param({"a": True}, {"a": 1}, {"a": 1}, [], id="a number and a truth"),
    pytest.param({"a": [1, {"b": 1}]}, {"a": [1, {"c": 1}]}, {"a": {1: {"c": 1}}}, [("a", 1, "b")], id="deep inside"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "patch", "gone"), CASES)
def test_patches(before: Any, after: Any, patch: Any, gone: list[Path]) -> None:
    found: list[Path] = []
    assert difference(before, after, found) == patch
    assert found == gone
    assert_leads_to(before, after)


def through(value: Any, text: bool) -> Any:
    """A value as the other side has it."""
    if text:
        return json.loads(msgspec.json.encode(value))
    return msgspec.msgpack.decode(msgspec.msgpack.encode(value), strict=False)


def assert_leads_to(before: Any, after: Any) -> None:
    gone: list[Path] = []
    patch = difference(before, after, gone)
    for text in (True, False):
        value = through(before, text)
        kept = through(before, text)
        for path in through(gone, text):
            remove(value, path, text)
        if patch is not SAME:
            value = patched(value, through(patch, text))
        assert json.dumps(value, sort_keys=True) == json.dumps(through(after, text), sort_keys=True)
        assert through(before, text) == kept, "the old one stays as it was"


leaves = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["", "a", "b"]) | st.floats(0, 1)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
        | st.dictionaries(st.integers(0, 3), inner, max_size=3)
        | st.builds(Point, st.integers(0, 2), inner)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(["a", "b"]), values)


@settings(max_examples=200, deadline=None)
@given(objects, objects)
def test_any_two_values(before: Any, after: Any) -> None:
    assert_leads_to(before, after)
