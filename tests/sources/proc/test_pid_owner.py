import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_owner import PID_OWNER, PidOwner
from tests.cases import parse, partly

CASES = [
    pytest.param(
        "Name:\tnginx\nUmask:\t0022\nUid:\t33\t33\t33\t33\nGid:\t34\t34\t34\t34\nFDSize:\t64\n",
        PidOwner(33, 33, 34, 34),
        id="a service",
    ),
    pytest.param(
        "Name:\tpasswd\nUid:\t1000\t0\t0\t0\nGid:\t1000\t42\t42\t42\n",
        PidOwner(1000, 0, 1000, 42),
        id="a setuid program",
    ),
    pytest.param(
        "Name:\tUid:\\n0\nUid:\t4294967294\t5\t5\t5\nGid:\t1\t2\t3\t4\n",
        PidOwner(4294967294, 5, 1, 2),
        id="a name that looks like a row",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_owner(text: str, expected: PidOwner) -> None:
    assert parse(PID_OWNER, text) == expected


@pytest.mark.parametrize(
    ("text", "expected", "lost"),
    [
        pytest.param("Uid:\t1\t2\t3\t4\n", PidOwner(1, 2, None, None), set(), id="one only"),
        pytest.param("Uid:\t1\t2\t3\nGid:\t5\t6\t7\t8\n", PidOwner(None, None, 5, 6), {"uid"}, id="three ids"),
        pytest.param("Uid:\t1\t2\t3\t4\nGid:\ta\tb\tc\td\n", PidOwner(1, 2, None, None), {"gid"}, id="words"),
    ],
)
def test_a_row_that_is_missing_or_odd_costs_itself(text: str, expected: PidOwner, lost: set[str]) -> None:
    value, told = partly(PID_OWNER, text)
    assert (value, told.keys()) == (expected, lost)


@pytest.mark.parametrize("text", ["", "Name:\ta\n"], ids=["empty", "neither"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_OWNER, text)
