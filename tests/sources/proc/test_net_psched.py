import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_PSCHED
from procpulse.sources.proc.net_psched import NetPsched
from tests.cases import parse

CASES = [
    pytest.param("000003e8 00000040 000f4240 3b9aca00\n", NetPsched(1000, 64, 1_000_000, 10**9), id="a precise timer"),
    pytest.param("000003e8 00000040 000f4240 000000fa\n", NetPsched(1000, 64, 1_000_000, 250), id="a timer of 250 Hz"),
    pytest.param(
        "000003e8 00000040 000f4240 ffffffff 1\n", NetPsched(1000, 64, 10**6, 2**32 - 1), id="a column to come"
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_psched(text: str, expected: NetPsched) -> None:
    assert parse(NET_PSCHED, text) == expected


@pytest.mark.parametrize("text", ["", "000003e8 00000040 000f4240\n", "000003e8 00000040 000f4240 3b9acag0\n"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_PSCHED, text)
