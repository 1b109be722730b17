import pytest

from procpulse.sources.proc.pid_children import PID_CHILDREN, PidChildren
from tests.cases import folder

CASES = [
    pytest.param({"task/7/children": "402 31 "}, [31, 402], id="one thread"),
    pytest.param({"task/7/children": "402 ", "task/8/children": "31 402 "}, [31, 402], id="two threads"),
    pytest.param({"task/7/children": ""}, [], id="none"),
]


@pytest.mark.parametrize(("entries", "expected"), CASES)
def test_children(entries: dict[str, str], expected: list[int]) -> None:
    assert PID_CHILDREN.parse(folder("/proc/7", entries)) == PidChildren(expected)


def test_malformed() -> None:
    this = folder("/proc/7", {"task/7/children": "402 x", "task/8/children": "31"})
    assert PID_CHILDREN.parse(this) == PidChildren([31])
    assert list(this.failures()) == ["task/7/children"]
