"""Words that are made to take long, or to confuse: anybody on a host can choose the arguments of a process."""

import time
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from procpulse.redact import LARGEST, commands, names, redacted, values
from procpulse.redact.shapes import without_keys, without_tokens
from tests.redact.lines import FAMILIES, hostile, split

# What the rules look for, and what could make them look again and again.
PIECES = [
    "x-key", "key=", "pass=", "pass:", "pass", "token", "a", "A", "0", "a0", "aB3", "aB3/", "aB3-", "aB3.", "-", "--", "=", ":",
    "@", ":@", "u:p@", "a@", "a/b@", "://", "a://", "http://a:b@c/", "/", "//", "/token/", "?", "&a=", "?&", '"', "'", "\\", '\\"',
    "\\x0a", "\\x0", " ", "\t", "\n", "(", ")", "{", "}", '{"pwd":"', "[", "]", "%", "%3D", ";", "; ", ",", ", ", "| ", "|", "||",
    "-----", "-----BEGIN ", "***", "***.", "ghp_", "sk-", "eyJ", "eyJa.", "hook/", "bot1:", "user ", "password ", "password: ",
    "AUTH ", "-p ", "-p", "-pX ", "--password ", "--password=", "s/password/", "<<<", "$(", "`", "sh -c '", "echo ", "Bearer ",
    "a=b;", "a=b,", "a:", "uuid=", "550e8400-e29b-41d4-a716-446655440000", "{a:", "key=true,", 'key="', "pass=\\", "a'", "='",
    "pass='", "1.", "1:", "1/", "Authorization: ", 'x=\\"', "password=>", "cookie=a;", "\u00e9", "\u202e", "\x1b", "\U0001f600",
    "aaaaaaaaaaaaaaaaaaaa ", "aaaaaaaaaaaaaaaaaaaa/", "identified by ", "a.b.c.", "_", "A_", "aA",
]  # fmt: skip
RULES: dict[str, Callable[[str], object]] = {
    "the value of a word": values.value,
    "tokens": without_tokens,
    "keys": without_keys,
    "an argument": lambda text: commands.arguments(["mysql", text]),
    "a title": lambda text: commands.arguments([text]),
    "after an option": lambda text: commands.arguments(["curl", "-H", text]),
    "in an option": lambda text: commands.arguments(["app", "--x=" + text]),
    "letters": lambda text: commands.arguments(["curl", "-" + text]),
    "a command": lambda text: commands.arguments(["sh", "-c", text]),
    "many": lambda text: commands.arguments(text.split(" ")),
}
SMALL, LARGE = 4096, 32768
MOST = 24
FLOOR = 0.0005
"""Seconds below which a time says nothing."""
AROUND = [("", ""), ("x", "x"), ("--password=", ""), ("a://", "@"), ('"', '"')]


def took(rule: Callable[[str], object], text: str, tries: int) -> float:
    """The least CPU time that a rule takes."""
    least = float("inf")
    for _ in range(tries):
        start = time.process_time()
        rule(text)
        least = min(least, time.process_time() - start)
    return least


@pytest.mark.parametrize("rule", list(RULES))
def test_time_grows_with_the_length_and_no_faster(rule: str) -> None:
    """From 4 KiB to 32 KiB, 8 times as much: quadratic would be 64 times, cubic 512 times."""
    for piece in PIECES:
        for before, after in AROUND if rule == "the value of a word" else AROUND[:1]:
            small, large = (before + (piece * (size // len(piece) + 1))[:size] + after for size in (SMALL, LARGE))
            for tries in (1, 5):
                ratio = took(RULES[rule], large, tries) / max(took(RULES[rule], small, tries + 1), FLOOR)
                if ratio < MOST:
                    break
            assert ratio < MOST, (piece, before, after)


def test_what_is_read_of_one_process_takes_a_moment() -> None:
    """Of all hostile words of 4 KiB together: a hundredth of a second each would be 1.3 s."""
    words = [(piece * SMALL)[:SMALL] for piece in PIECES]
    assert took(lambda _: [redacted(["app", word]) for word in words], "", 3) / len(words) < 0.03


_CHARACTERS = st.one_of(
    st.sampled_from(PIECES),
    st.text(max_size=8),
    st.characters(),
    st.sampled_from(["\\x5c", "\udcff", "\x00", "\u2028"]),
)
_WORDS = st.lists(_CHARACTERS, max_size=12).map("".join)
_LINES = st.one_of(
    st.lists(_WORDS, max_size=8),
    st.sampled_from([line for _, line in hostile("pw123")]).flatmap(
        lambda line: st.lists(st.one_of(st.sampled_from(line), _WORDS), max_size=10)
    ),
)


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(_LINES, st.booleans(), st.booleans())
def test_any_arguments(line: list[str], cut: bool, rewritten: bool) -> None:
    """Nothing raises; as many come out; twice is once; printable; at most four times as long."""
    size = sum(len(word.encode("utf-8", "surrogatepass")) for word in line)
    for found in (redacted(line, cut=cut, rewritten=rewritten), names(line)):
        assert len(found) == len(line)
        assert all(word.isprintable() for word in found)
        assert sum(len(word.encode()) for word in found) <= 4 * size + 3
    once = redacted(line, cut=cut, rewritten=rewritten)
    assert redacted(once) == once
    assert redacted(once, cut=cut, rewritten=rewritten) == once or cut
    assert names(names(line)) == names(line)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from([line for lines in FAMILIES.values() for line in lines.strip().splitlines()]), st.data())
def test_any_password(line: str, data: st.DataObject) -> None:
    """Letters and digits of any kind in the place of the secret of a line."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    secret = "Q" + data.draw(st.text(letters, min_size=6, max_size=30)) + "q"

    found = redacted(split(line.strip().replace("{S}", secret)))
    assert secret not in " ".join(found)


def test_long_lines_are_bounded() -> None:
    found = redacted(["app", *["word"] * LARGEST])
    assert found[:3] == ["app", "word", "word"]
    assert found[-1] == "***"
