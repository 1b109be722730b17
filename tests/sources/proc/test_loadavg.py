import pytest

from procpulse.source import Malformed
from procpulse.sources import LOADAVG
from procpulse.sources.proc.loadavg import Loadavg
from tests.cases import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0.20 0.18 0.12 1/80 11206\n", Loadavg(0.20, 0.18, 0.12, 1, 80, 11206), id="idle"),
        pytest.param("512.07 498.51 300.00 513/9042 4194303\n", Loadavg(512.07, 498.51, 300.0, 513, 9042, 4194303), id="very busy"),
        pytest.param("0.00 0.00 0.00 0/0 0\n", Loadavg(0.0, 0.0, 0.0, 0, 0, 0), id="gVisor: all zero"),
        pytest.param("1.00 2.00 3.00 4/5 6 7\n", Loadavg(1.0, 2.0, 3.0, 4, 5, 6), id="a column more"),
    ],
)  # fmt: skip
def test_loadavg(text: str, expected: Loadavg) -> None:
    assert parse(LOADAVG, text) == expected


@pytest.mark.parametrize(
    "text", ["0.20 0.18 0.12 1/80\n", "0.20 0.18 0.12 180 1\n", "a b c 1/2 3\n", "0.20 0.18 0.12 1/80 11206", "\n"]
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(LOADAVG, text)
