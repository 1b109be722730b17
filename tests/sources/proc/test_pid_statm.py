import msgspec
import pytest

from procpulse.source import Malformed
from procpulse.sources.proc.pid_statm import PID_STATM, PidStatm
from tests.cases import HOST, parse

P = 4096


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "149919 12547 3121 19864 0 14531 0\n",
            PidStatm(
                size_bytes=149919 * P, resident_bytes=12547 * P, shared_bytes=3121 * P, text_bytes=19864 * P,
                lib_bytes=0, data_bytes=14531 * P, dirty_bytes=0,
            ),
            id="a program",
        ),
        pytest.param("0 0 0 0 0 0 0\n", PidStatm(0, 0, 0, 0, 0, 0, 0), id="a kernel thread"),
        pytest.param("1 2 3 4 5 6 7 8\n", PidStatm(P, 2 * P, 3 * P, 4 * P, 5 * P, 6 * P, 7 * P), id="a column more"),
        pytest.param(
            "4503599627370495 0 0 0 0 0 0\n", PidStatm(18446744073709547520, 0, 0, 0, 0, 0, 0), id="64 bits, exactly"
        ),
    ],
)  # fmt: skip
def test_pid_statm(text: str, expected: PidStatm) -> None:
    assert parse(PID_STATM, text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "1 2 3 4 5 6\n", "1 2 3 4 5 6 x\n", "18446744073709551616 2 3 4 5 6 7\n", "1 2 3 4 5 6 7"],
    ids=["empty", "a column short", "no number", "over 64 bits", "cut"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(PID_STATM, text)


def test_pages_of_64_kb() -> None:
    host = msgspec.structs.replace(HOST, page_size=65536)
    assert parse(PID_STATM, "1 2 3 4 0 5 0\n", host) == PidStatm(65536, 131072, 196608, 262144, 0, 327680, 0)
