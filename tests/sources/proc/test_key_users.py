import pytest

from procpulse.source import Malformed
from procpulse.sources import KEY_USERS
from procpulse.sources.proc.key_users import KeyUser
from tests.cases import parse

CASES = [
    pytest.param(
        "    0:   212 211/203 97/1000000 2014/25000000\n4294967294:     1 1/1 0/200 0/20000\n",
        [
            KeyUser(0, 212, 211, 203, 97, 1000000, 2014, 25000000),
            KeyUser(4294967294, 1, 1, 1, 0, 200, 0, 20000),
        ],
        id="root and another",
    ),
    pytest.param("", [], id="no keys"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_key_users(text: str, expected: list[KeyUser]) -> None:
    assert parse(KEY_USERS, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "0: 212 211/203 97/1000000\n",
        "0 212 211/203 97/1000000 2014/25000000\n",
        "0: 212 211 97/1000000 2014/25000000\n",
        "0: 212 211/x 97/1000000 2014/25000000\n",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(KEY_USERS, text)
