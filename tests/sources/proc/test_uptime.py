import pytest

from procpulse.source import Malformed
from procpulse.sources import UPTIME
from procpulse.sources.proc.uptime import Uptime
from tests.cases import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("350735.47 234388.90\n", Uptime(350735470, 234388900), id="hundredths"),
        pytest.param("0.00 0.00\n", Uptime(0, 0), id="just booted"),
        pytest.param("12 7\n", Uptime(12000, 7000), id="whole seconds"),
        pytest.param("1.007 2.5 9.9\n", Uptime(1007, 2500), id="thousandths, and a column more"),
        pytest.param("9007199254740993.01 1.00\n", Uptime(9007199254740993010, 1000), id="exact beyond floats"),
    ],
)
def test_uptime(text: str, expected: Uptime) -> None:
    assert parse(UPTIME, text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "350735.47\n", "1.2345 1.00\n", "1e3 1.00\n", "nan inf\n", "1.-5 1.00\n", "1_0.00 1.00\n"],
    ids=["empty", "one column", "too fine", "an exponent", "words", "a sign inside", "an underscore"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(UPTIME, text)
