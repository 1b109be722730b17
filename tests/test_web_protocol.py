"""docs/protocol.md holds for the page's JavaScript, for the function that it prints, and for the Python client alike."""

import itertools
import json
import re
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tools import dashboard

from procpulse.web.client import State
from procpulse.web.patch import SAME, difference
from procpulse.web.patch import Path as Keys
from tests.conftest import program
from tests.test_web_patch import CASES, Point
from tests.web import application, served, socket

PAGE = Path(__file__).parent.parent / "docs/protocol.md"

# Reads lines of {frames: [...]}, and prints what the page has after each frame.
PAGES_OWN = """
import { Stream } from "%s";
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) {
  const stream = new Stream();
  console.log(JSON.stringify(JSON.parse(line).map((frame) => stream.apply(frame).data)));
}
"""
# The same with the function of the page of documentation.
DOCUMENTED = """
import { createInterface } from "node:readline";
%s
function without(value, [name, ...rest]) {
  const next = Array.isArray(value) ? value.slice() : { ...value };
  const set = (value) => Object.defineProperty(next, name, { value, writable: true, enumerable: true, configurable: true });
  if (rest.length) set(without(next[name], rest));
  else if (Array.isArray(next)) next[name] = null;
  else delete next[name];
  return next;
}
for await (const line of createInterface({ input: process.stdin })) {
  let values;
  console.log(JSON.stringify(JSON.parse(line).map((frame) => {
    if (frame.type === "snapshot") values = frame.data.values;
    else values = patched(frame.gone.reduce(without, values), frame.values);
    return values;
  })));
}
"""


def node() -> str:
    """The path of node; that of the tools of the page where the machine has none."""
    found = dashboard.find()
    return found.node[0] if found is not None else program("node")


def scripts() -> list[str]:
    [block] = re.findall(r"```js\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return [PAGES_OWN % (dashboard.SOURCES / "lib/protocol.js").as_uri(), DOCUMENTED % block]


def run(script: str, streams: list[list[Any]]) -> list[Any]:
    """What a script has after each frame of each stream."""
    given = "\n".join(json.dumps(frames) for frames in streams)
    done = subprocess.run(
        [node(), "--input-type=module", "-e", script],
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def rounded(value: Any) -> Any:
    """A value with its numbers as JavaScript has them."""
    return json.loads(json.dumps(value), parse_int=float)


def frames_of(before: Any, after: Any) -> list[Any]:
    """The two frames that lead from one value to the next, as they are sent."""
    gone: list[Keys] = []
    values = difference(before, after, gone)
    change = {"type": "change", "seq": 1, "gap": 0, "values": {} if values is SAME else values, "gone": gone}
    whole = {"type": "snapshot", "seq": 0, "gap": 0, "schema": "", "data": {"values": before}}
    return [json.loads(msgspec.json.encode(frame)) for frame in (whole, change)]


@pytest.mark.parametrize("script", scripts(), ids=["the page", "the documentation"])
def test_every_case_in_javascript(script: str) -> None:
    cases = [(case.values[0], case.values[1]) for case in CASES]
    cases += [({"a": Point(1, [1, None])}, {"a": Point(1, [None, {"b": 1}])})]
    found = run(script, [frames_of(before, after) for before, after in cases])
    for (_, after), (_, last) in zip(cases, found, strict=True):
        assert last == json.loads(msgspec.json.encode(after))


@pytest.mark.parametrize("script", scripts(), ids=["the page", "the documentation"])
def test_names_of_the_language_are_names_like_any_other(script: str) -> None:
    """An interface, a process, a control group may be called `__proto__`; a page must not take that for more."""
    hostile = ("__proto__", "constructor", "toString", "hasOwnProperty")
    states: list[Any] = [
        {"net_dev": {"eth0": {"rx": 1}}},
        {"net_dev": {"eth0": {"rx": 1}, **{name: {"rx": 1, "tx": 2} for name in hostile}}},
        {"net_dev": {"eth0": {"rx": 2}, **{name: {"rx": 3, "tx": 2} for name in hostile}}},
        {"net_dev": {"eth0": {"rx": 2}, **{name: {"rx": {name: 5}} for name in hostile}}},
        {"net_dev": {"eth0": {"rx": 2}}},
    ]
    found = run(script, [frames_of(before, after) for before, after in itertools.pairwise(states)])
    assert found == [list(pair) for pair in itertools.pairwise(states)]


async def test_frames_of_a_server_in_javascript() -> None:
    frames = []
    async with served(application()) as place, socket(place, "top=30", max_size=None) as connection:
        for _ in range(8):
            frames.append(json.loads(await connection.recv()))
    assert {frame["type"] for frame in frames[1:]} >= {"change"}
    state = State("json")
    ours = []
    for frame in frames:
        state.feed(json.dumps(frame))
        assert state._data is not None
        ours.append(deepcopy(state._data["values"]))
    for script in scripts():
        assert rounded(run(script, [frames])) == rounded([ours])
