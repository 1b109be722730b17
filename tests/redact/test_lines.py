"""None of the secrets of a long table of command lines is shown in any form; ordinary command lines stay as they are."""

from difflib import SequenceMatcher

import pytest

from procpulse.redact import HIDDEN, Arguments, is_secret, names, redacted, shown, variables
from procpulse.redact.names import hides
from tests.redact.lines import LOOKS, SECRETS, hostile, ordinary

LINES = [
    pytest.param(line, secret, id=f"{family}: {' '.join(line)[:60]}")
    for secret in SECRETS
    for family, line in hostile(secret)
]


def test_the_table_is_long() -> None:
    assert len(hostile("x")) >= 200


@pytest.mark.parametrize(("line", "secret"), LINES)
def test_secrets_are_hidden(line: list[str], secret: str) -> None:
    """As arguments, and as the title of a process, which has them in one."""
    for given in (line, [" ".join(line)]):
        found = redacted(given)
        text = " ".join(found)
        assert secret not in text
        assert HIDDEN in text
        assert len(found) == len(given)
        assert redacted(found) == found, "twice is the same as once"
        assert secret not in " ".join(names(given))


@pytest.mark.parametrize("token", LOOKS, ids=[token[:6] for token in LOOKS])
@pytest.mark.parametrize(
    "place",
    [
        "{}", "--x={}", "-x{}", "run {} now", "https://host/{}", "https://host/x?y={}", '{{"x":"{}"}}', "x:{},", "/srv/{}/x",
        "x={};y", "'{}'", "[{}]", "X-Thing: {}", "a={},b={}",
    ],
)  # fmt: skip
def test_tokens_are_known_by_their_looks(token: str, place: str) -> None:
    """Wherever they stand, whoever they are given to; nor is a part of them left."""
    text = redacted(["app", place.replace("{{", "{").replace("}}", "}").replace("{}", token)])[1]
    assert token not in text
    assert SequenceMatcher(None, token, text, autojunk=False).find_longest_match().size <= 6


def test_keys_in_armour() -> None:
    for kind in ("RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "PGP MESSAGE"):
        for end in ("\\x0a", " ", "\n"):
            found = redacted(["app", f"x=-----BEGIN {kind}-----{end}c2VjcmV0{end}c2Vj\\x0a-----END {kind}-----"])
            assert found[0] == "app"
            assert "c2Vj" not in found[1]


@pytest.mark.parametrize("line", [pytest.param(line, id=" ".join(line)[:70]) for line in ordinary()])
def test_ordinary_lines_stay(line: list[str]) -> None:
    assert redacted(line) == line
    assert redacted([" ".join(line)]) == [" ".join(line)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["mysql", "-uroot", "-ppw123", "shop"], ["mysql", "-uroot", "-p***", "shop"]),
        (["psql", "postgresql://app:pw123@db:5432/x"], ["psql", "postgresql://***@db:5432/x"]),
        (["curl", "https://h/?a=1&api_key=pw123&b=2"], ["curl", "https://h/?a=1&api_key=***&b=2"]),
        (["app", '{"user":"me","password":"pw123","x":1}'], ["app", '{"user":"me","password":"***","x":1}']),
        (["sh", "-c", "mysqldump -ppw123 x | gzip"], ["sh", "-c", "mysqldump -p*** x | gzip"]),
        (["app", "user=me;password=pw123;uid=0"], ["app", "user=me;password=***;uid=0"]),
        (["app", "--password", "-pw123", "--verbose"], ["app", "--password", "***", "--verbose"]),
        (["app", "--password", "--verbose", "x"], ["app", "--password", "--verbose", "x"]),
        (["app", "--password=", "x"], ["app", "--password=", "x"]),
        (["app", "--password", "", "x"], ["app", "--password", "", "x"]),
        ([], []), ([""], [""]), (["", "", "-p"], ["", "", "-p"]),
    ],
)  # fmt: skip
def test_what_is_left(given: list[str], expected: list[str]) -> None:
    """The rest can still be read."""
    assert redacted(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["/usr/bin/mysql", "-uroot", "-ppw", "-p", "--host=db", "--verbose", "shop"],
         ["/usr/bin/mysql", "-u***", "-p***", "-p", "--host=***", "--verbose", "***"]),
        (["/usr/bin/python3", "/srv/app.py", "/srv/x", "--port", "80"],
         ["/usr/bin/python3", "/srv/app.py", "***", "--port", "***"]),
        (["nginx: worker process"], ["nginx: *** ***"]),
        (["app", "-password", "pw", "-Dx.y=z", "-jar=x"], ["app", "-p***", "***", "-Dx.y=***", "-jar=***"]),
        (["app", "--", "x", "", "-"], ["app", "--", "***", "", "***"]),
        (["app", "--" + LOOKS[0]], ["app", "--***"]),
        ([LOOKS[0], "x"], ["***", "***"]),
        ([], []), ([""], [""]),
    ],
)  # fmt: skip
def test_names_alone(given: list[str], expected: list[str]) -> None:
    assert names(given) == expected
    assert names(expected) == expected


def test_how_much_is_shown() -> None:
    line = ["app", "--user=jane", "--password=pw"]
    assert shown(line, Arguments.RAW) == line
    assert shown(line, Arguments.REDACTED) == ["app", "--user=jane", "--password=***"]
    assert shown(line, Arguments.NAMES) == ["app", "--user=***", "--password=***"]


def test_what_was_cut_shows_no_half_secret() -> None:
    half = "https://jane:hal"
    assert redacted(["app", half], cut=True) == ["app", HIDDEN]
    assert redacted(["app --x " + half], cut=True) == ["app --x ***"]
    assert redacted(["app", "a" * 40000 + "tail", "next", ""])[2:] == [HIDDEN, ""]
    assert "tail" not in redacted(["app", "b " * 20000 + "tail"])[1]


def test_the_environment_behind_arguments_that_were_written_over() -> None:
    assert redacted(["title", "PLAIN=pw123", "x=y"], rewritten=True) == ["title", "PLAIN=***", "x=y"]


def test_variables() -> None:
    given = ["HOME=/root", "PLAIN=", "BASH_FUNC_x%%=() { pw; }", "pw123", "", "=pw123", "a b=pw123"]
    assert variables(given) == ["HOME=***", "PLAIN=", "BASH_FUNC_x%%=***", "***", "", "***", "***"]
    assert variables(variables(given)) == variables(given)


def test_names_of_secrets() -> None:
    for name in ("dbPassword", "DB_KEY", "requirepass", "X-Auth-Key", "PGPASSWORD", "accessToken", "a" * 200):
        assert is_secret(name), name
    for name in ("keyboard", "monkey", "author", "bypass", "port", "passive", "tokenizer", ""):
        assert not is_secret(name), name
    assert not hides("max-tokens", "512")
    assert hides("tokens", "512")
    assert not hides("auth", "true")
    assert not hides("ssl-key", "/etc/ssl/x.key")
    assert hides("password", "/etc/ssl/x.key")
