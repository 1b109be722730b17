"""Tokens: what is one, what it opens, how it is stored, and the sessions of browsers."""

from hashlib import sha256

import pytest

from procpulse.web import tokens
from procpulse.web.tokens import Tokens
from tests.web import TOKEN


def _line(token: str, scopes: str = "all", name: str = "") -> str:
    return tokens.line_of(token, scopes.split(","), name)


def test_a_plain_token_and_its_sessions() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        Tokens.of("short")
    with pytest.raises(ValueError, match="5 different"):
        Tokens.of("abab" * 8)
    mine = Tokens.of(f" {TOKEN}\n")
    found = mine.find(TOKEN.encode())
    assert found is not None
    assert found.scopes == {"all"}
    assert mine.find(TOKEN.encode() + b"x") is None
    assert mine.find(b"") is None
    session = mine.session(found, 1000)
    assert mine.admits(session, 1000) == found
    assert mine.admits(session, 1000 + 8 * 86400) is None
    assert Tokens.of(TOKEN).admits(session, 1000) == found, "a server that starts anew knows it"
    assert Tokens.of(TOKEN + "2").admits(session, 1000) is None
    assert Tokens.of(TOKEN).cookie == mine.cookie != Tokens.of(TOKEN + "2").cookie
    for forged in ("é.ü", "", "..", session[:-1], "9" + session, session.partition(".")[2]):
        assert mine.admits(forged, 0) is None


def test_made_stored_and_found_again() -> None:
    made = [tokens.new_token() for _ in range(3)]
    assert len(set(made)) == 3
    assert min(map(len, made)) > 50
    text = "\n".join(
        [
            "# who may ask",
            "",
            _line(made[0], "metrics", "the scraper"),
            "  " + _line(made[1], "metrics,usage"),
            _line(made[2]),
        ]
    )
    assert not any(token in text for token in made)
    found = Tokens(tokens.parse(text + "\n"))
    by = [found.find(token.encode()) for token in made]
    assert [token and token.scopes for token in by] == [{"metrics"}, {"metrics", "usage"}, {"all"}]
    assert by[0] is not None
    assert by[0].name == "the scraper"
    assert found.find(sha256(made[0].encode()).hexdigest().encode()) is None, "the hash is no token"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no token"), ("# nothing\n\n", "no token"), ("everything sha256:" + "a" * 64, "line 1: scopes"),
        ("all", "line 1: after the scopes"), ("\nall md5:abc", "line 2: after the scopes"),
        ("all sha256:" + "A" * 64, "hexadecimal"), ("all sha256:" + "a" * 63, "hexadecimal"),
        ("all,,usage sha256:" + "a" * 64, "scopes"), ("secret-of-mine-0123456789", "scopes"),
        (2 * ("all sha256:" + "a" * 64 + "\n"), "twice"),
        ("".join(f"all sha256:{number:064x}\n" for number in range(1025)), "more than 1024"),
    ],
)  # fmt: skip
def test_files_that_make_no_sense(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as error:
        tokens.parse(text)
    assert "secret-of-mine" not in str(error.value)


def test_hashes_alone_do_not_make_a_cookie() -> None:
    """Who reads the file of tokens must not be able to forge a session."""
    stored = tokens.parse(_line(TOKEN))
    one, other = Tokens(stored), Tokens(stored)
    session = one.session(one.tokens[0], 1000)
    assert one.admits(session, 1000)
    assert other.admits(session, 1000) is None


def test_other_tokens_from_now_on() -> None:
    first, second = tokens.new_token(), tokens.new_token()
    mine = Tokens(tokens.parse(f"{_line(first)}\n{_line(second, 'usage')}"))
    kept, gone = (mine.session(token, 1000) for token in mine.tokens)
    assert not mine.replace(Tokens(tokens.parse(f"{_line(first)}\n{_line(second, 'usage,metrics')}"))), (
        "more is no loss"
    )
    assert mine.replace(Tokens(tokens.parse(_line(first))))
    assert mine.admits(kept, 1000)
    assert mine.admits(gone, 1000) is None
    assert mine.find(second.encode()) is None
    assert mine.replace(Tokens(tokens.parse(_line(first, "metrics")))), "it opens less"


def test_a_session_that_was_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_MOST_REVOKED", 3)
    mine = Tokens.of(TOKEN)
    token = mine.tokens[0]
    sessions = [mine.session(token, 4e9 + number) for number in range(6)]
    for session in [*sessions[:3], "no.session", ""]:
        mine.revoke(session)
    assert [mine.admits(session, 1000) is None for session in sessions] == [True, True, True, False, False, False]
    mine.revoke(sessions[4])
    ended = [mine.admits(session, 1000) is None for session in sessions]
    assert ended == [True, True, True, True, True, False], "who ends many makes none good again"
    assert mine.admits(mine.session(token, 4e9 + 4), 1000), "who comes back in the same second is let in"
    assert mine.session(token, 4e9) != mine.session(token, 4e9)
