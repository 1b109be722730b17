import pytest

from procpulse.source import Malformed
from procpulse.sources import CGROUPS
from procpulse.sources.proc.cgroups import CgroupSubsystem
from tests.cases import parse

HEADER = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n"

CASES = [
    pytest.param(
        HEADER + "cpuset\t0\t187\t1\ndmem\t0\t187\t0\n",
        [CgroupSubsystem("cpuset", 0, 187, True), CgroupSubsystem("dmem", 0, 187, False)],
        id="version 2, one controller disabled",
    ),
    pytest.param(HEADER + "memory\t4\t14\t1\n", [CgroupSubsystem("memory", 4, 14, True)], id="version 1"),
    pytest.param(
        HEADER + "memory\t4\t14\t1\t7\n", [CgroupSubsystem("memory", 4, 14, True)], id="a column of a kernel to come"
    ),
    pytest.param(b"#subsys_name\na\x1bb\t0\t1\t1\n", [CgroupSubsystem("a\\x1bb", 0, 1, True)], id="a hostile name"),
    pytest.param(HEADER, [], id="no controllers"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_cgroups(text: str | bytes, expected: list[CgroupSubsystem]) -> None:
    assert parse(CGROUPS, text) == expected


@pytest.mark.parametrize("text", ["memory\t4\t14\n", "memory\t4\tx\t1\n", "memory\t4\t18446744073709551616\t1\n"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(CGROUPS, HEADER + text)
