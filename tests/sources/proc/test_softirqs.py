import pytest

from procpulse.source import Malformed
from procpulse.sources import SOFTIRQS
from procpulse.sources.proc.softirqs import Softirq
from tests.cases import parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "                    CPU0       CPU1       \n"
            "          HI:          0          1\n"
            "       TIMER:    2831512    2733424\n"
            "      NET_TX:         12         15\n",
            [
                Softirq("HI", {0: 0, 1: 1}),
                Softirq("TIMER", {0: 2831512, 1: 2733424}),
                Softirq("NET_TX", {0: 12, 1: 15}),
            ],
            id="two CPUs",
        ),
        pytest.param("  CPU1  CPU3\nHI: 7 9\n", [Softirq("HI", {1: 7, 3: 9})], id="CPUs that are not there"),
        pytest.param("  CPU0\nRCU: 4294967295\n", [Softirq("RCU", {0: 4294967295})], id="the end of 32 bits"),
        pytest.param("  CPU0\n", [], id="no rows"),
        pytest.param(b"  CPU0\nR\x1bCU: 5\n", [Softirq("R\\x1bCU", {0: 5})], id="a hostile name"),
    ],
)
def test_softirqs(text: str | bytes, expected: list[Softirq]) -> None:
    assert parse(SOFTIRQS, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  CPU0 GPU1\nHI: 1 2\n",
        "  CPU0\nHI 1\n",
        "  CPU0\nHI: x\n",
        "  CPU0\nHI: 18446744073709551616\n",
        "  CPU0 CPU1\nHI: 1\n",
    ],
    ids=["empty", "another header", "a row without a type", "no number", "over 64 bits", "a count short"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(SOFTIRQS, text)
