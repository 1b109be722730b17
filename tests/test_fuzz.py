"""Any bytes into any parser: values or `malformed`, in bounded time and memory. `make fuzz` does the same for longer."""

import math
import random
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from tools import fuzz

from procpulse import Source
from procpulse.source import File, Malformed, salvage
from procpulse.sources.proc import loadavg
from procpulse.sources.proc.loadavg import Loadavg
from tests.cases import HOST
from tests.conftest import trees
from tests.test_contract import answered

NAMES = list(fuzz.catalog.modules().keys() - {"processes"}) + [f"pid_{name}" for name in fuzz.catalog.part_modules()]

edits = st.builds(
    fuzz.Edit,
    st.sampled_from(fuzz.KINDS),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(fuzz.TOKENS) | st.binary(max_size=20),
)


@cache
def targets() -> dict[str, fuzz.Target]:
    return fuzz.targets(trees=[answered(tree)[1] for tree in trees()])


@pytest.mark.parametrize("name", sorted(NAMES))
def test_damaged_input_gives_values_or_malformed(name: str) -> None:
    target = targets()[name]

    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        seed = data.draw(st.sampled_from(target.seeds))
        paths = data.draw(st.sets(st.sampled_from(sorted(seed)), min_size=1, max_size=3)) if seed else set()
        if data.draw(st.integers(0, 9)) == 0:
            files = dict(seed) | {path: data.draw(st.binary(max_size=200)) for path in paths}
        else:
            changes = data.draw(st.lists(edits, min_size=1, max_size=4))
            files = dict(seed) | {path: fuzz.damaged(seed[path], changes) for path in paths}
        target.run(files)

    holds()
    target.run(target.seeds[0], memory=True)


GOOD = b"0.20 0.18 0.12 1/80 11206\n"


@pytest.mark.parametrize(
    ("wrong", "memory", "told"),
    [
        pytest.param(lambda good: good.no_such_field, False, "AttributeError", id="raises what it must not"),
        pytest.param(lambda good: [0] * 1_000_000 and good, True, "bytes of memory for 26 bytes", id="takes memory"),
        pytest.param(lambda good: sum(range(5_000_000)) and good, False, "ms for 26 bytes", id="takes time"),
        pytest.param(lambda good: replace(good, load1="\udcff"), False, "surrogates", id="a name that is not inert"),
        pytest.param(lambda good: replace(good, last_pid=1 << 64), False, "OverflowError", id="over 64 bits"),
        pytest.param(lambda good: replace(good, runnable="many"), False, "is another after", id="not of its type"),
    ],
)
def test_what_breaks_a_promise_is_found(wrong: Callable[[Any], Any], memory: bool, told: str) -> None:
    source = Source("loadavg", "/proc/loadavg", Loadavg, lambda file: wrong(loadavg.parse(file)))
    target = fuzz.targets(["loadavg"], [])["loadavg"]
    target.parse, target.source = lambda files: source.parse(File(files[""], HOST)), source
    with pytest.raises(fuzz.Broken, match=told):
        target.run({"": GOOD}, memory=memory)


def test_the_same_seed_gives_the_same_cases() -> None:
    files = {"": b"a 1\nb 2\n"}
    assert [fuzz.chance(random.Random(3), files) for _ in range(9)] == [fuzz.chance(random.Random(3), files)] * 9


def test_each_parser_has_as_many_cases_as_asked_for() -> None:
    assert fuzz.search(["loadavg", "uptime"], "3 0", math.inf, 20) == ({"loadavg": 20, "uptime": 20}, {})


def test_facts_that_no_line_mends_cost_little() -> None:
    """Found by `make fuzz`: each of 100 lines was left out in turn, which took 25 ms every time."""
    seen: list[bytes] = []

    def understand(data: bytes) -> None:
        seen.extend(data.splitlines())
        raise Malformed("no MemTotal")

    assert salvage(understand, b"MemFree: 1 kB\n" * 100, 0) is None
    assert len(seen) <= 300
