import pytest

from procpulse.source import Malformed
from procpulse.sources import LOCKS
from procpulse.sources.proc.locks import Lock
from tests.cases import parse

CASES = [
    pytest.param(
        "1: POSIX  ADVISORY  WRITE 2711 fd:00:1311 128 255\n"
        "1: -> POSIX  ADVISORY  READ  3054 fd:00:1311 128 128\n"
        "1:  -> POSIX  ADVISORY  WRITE 3055 fd:00:1311 0 EOF\n"
        "2: FLOCK  ADVISORY  WRITE 901 103:19:774 0 EOF\n",
        [
            Lock(1, 0, False, "POSIX", "ADVISORY", "WRITE", 2711, "253:0", 1311, 128, 255),
            Lock(1, 1, True, "POSIX", "ADVISORY", "READ", 3054, "253:0", 1311, 128, 128),
            Lock(1, 2, True, "POSIX", "ADVISORY", "WRITE", 3055, "253:0", 1311, 0, None),
            Lock(2, 0, False, "FLOCK", "ADVISORY", "WRITE", 901, "259:25", 774, 0, None),
        ],
        id="two that wait, one for the other",
    ),
    pytest.param(
        "1: OFDLCK ADVISORY  READ  -1 00:2d:9223372036854775807 0 EOF\n"
        "2: LEASE  ACTIVE    READ  2033 08:02:5243177 0 EOF\n"
        "3: DELEG  BREAKER   UNLCK 0 <none>:0 0 EOF\n"
        "4: ACCESS *NOINODE* WRITE 77 <none>:0 0 EOF\n",
        [
            Lock(1, 0, False, "OFDLCK", "ADVISORY", "READ", -1, "0:45", 9223372036854775807, 0, None),
            Lock(2, 0, False, "LEASE", "ACTIVE", "READ", 2033, "8:2", 5243177, 0, None),
            Lock(3, 0, False, "DELEG", "BREAKER", "UNLCK", 0, None, None, 0, None),
            Lock(4, 0, False, "ACCESS", "*NOINODE*", "WRITE", 77, None, None, 0, None),
        ],
        id="other kinds, files that are gone",
    ),
    pytest.param(
        "1: FLOCK  MSNFS     RW    901 08:02:774 0 EOF\n2: POSIX  MANDATORY WRITE 44 08:02:775 0 9\n",
        [
            Lock(1, 0, False, "FLOCK", "MSNFS", "RW", 901, "8:2", 774, 0, None),
            Lock(2, 0, False, "POSIX", "MANDATORY", "WRITE", 44, "8:2", 775, 0, 9),
        ],
        id="kinds that went away, kernel 4.18",
    ),
    pytest.param("", [], id="no locks"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_locks(text: str, expected: list[Lock]) -> None:
    assert parse(LOCKS, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "1: POSIX  ADVISORY  WRITE 2711 fd:00:1311 128\n",
        "1: -> POSIX  ADVISORY  WRITE 2711 fd:00:1311 128\n",
        "x: POSIX  ADVISORY  WRITE 2711 fd:00:1311 128 255\n",
        "1: POSIX  ADVISORY  WRITE 2711 fd:1311 128 255\n",
        "1: POSIX  ADVISORY  WRITE 2711 zz:00:1311 128 255\n",
        "1: POSIX  ADVISORY  WRITE 2711 fd:00:1311 128 end\n",
        "1: POSIX  ADVISORY  WRITE 2711 fd:00:1311 128 99999999999999999999\n",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(LOCKS, text)


def test_many_are_read_in_time() -> None:
    rows = "".join(f"{i}: POSIX  ADVISORY  WRITE {i} fd:00:{i} 0 EOF\n" for i in range(20_000))
    assert len(parse(LOCKS, rows)) == 20_000
