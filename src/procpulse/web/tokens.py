"""Tokens: secrets that clients show, what each of them opens, and the cookie that a browser gets for one.

A file of tokens keeps their hashes, a line each:

    # scopes        hash                 name
    metrics         sha256:6ca13d52...   prometheus
    metrics,usage   sha256:0f3c77a1...   wallboard
    all             sha256:a8b2e960...

Tokens that `procpulse token` makes have 256 random bits, so a plain hash of one tells nothing about it.
"""

import hmac
import re
import secrets
import time
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple

ALL, METRICS, USAGE = "all", "metrics", "usage"
SCOPES = (METRICS, USAGE, ALL)
EVERYTHING = frozenset({ALL})

SESSION_SECONDS = 7 * 86400.0
LEAST_TOKEN = 16
"""Characters that a token has at least."""
LEAST_VARIETY = 5
"""Different ones among them; random digits have as many, a key that was held down has not."""
MOST_TOKENS = 1024
_MOST_REVOKED = 1024
_HASH = re.compile(r"sha256:([0-9a-f]{64})")


class Token(NamedTuple):
    """One token, without itself."""

    scopes: frozenset[str]
    digest: bytes
    name: str = ""


def new_token() -> str:
    """A token that nobody can guess."""
    return f"procpulse_{secrets.token_urlsafe(32)}"


def line_of(token: str, scopes: Iterable[str], name: str = "") -> str:
    """What stands for a token in a file of tokens."""
    digest = sha256(token.encode()).hexdigest()
    return f"{','.join(scopes)} sha256:{digest} {name}".rstrip()


def plain(token: str) -> Token:
    """A token that opens everything.

    Raises:
        ValueError: it is too short to be one.
    """
    token = token.strip()
    if len(token) < LEAST_TOKEN:
        raise ValueError(f"a token has at least {LEAST_TOKEN} characters")
    if len(set(token)) < LEAST_VARIETY:
        raise ValueError(f"a token has at least {LEAST_VARIETY} different characters")
    return Token(EVERYTHING, sha256(token.encode()).digest())


def parse(text: str) -> list[Token]:
    """The tokens of a file.

    Raises:
        ValueError: a line makes no sense, or there is none; says which, and not what stands in it.
    """
    found: list[Token] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(maxsplit=2)
        if not words or words[0].startswith("#"):
            continue
        scopes = frozenset(words[0].split(","))
        if not scopes <= set(SCOPES):
            raise ValueError(f"line {number}: scopes are {', '.join(SCOPES)}, with commas between")
        match = _HASH.fullmatch(words[1]) if len(words) > 1 else None
        if match is None:
            raise ValueError(
                f"line {number}: after the scopes comes sha256: and 64 hexadecimal digits; see `procpulse token`"
            )
        found.append(Token(scopes, bytes.fromhex(match[1]), words[2] if len(words) > 2 else ""))
    if not found:
        raise ValueError("there is no token in it")
    if len(found) > MOST_TOKENS:
        raise ValueError(f"there are more than {MOST_TOKENS} tokens")
    if len({token.digest for token in found}) < len(found):
        raise ValueError("a token stands there twice")
    return found


class Tokens:
    """The tokens of a server, and the sessions that browsers have for them.

    Args:
        tokens: What may be shown.
        secret: With what sessions are sealed. Where it is the same after a restart, sessions go on.
        session_seconds: How long a session lasts.
    """

    def __init__(self, tokens: Iterable[Token], secret: bytes | None = None, session_seconds: float = SESSION_SECONDS):
        self.tokens = list(tokens)
        self.session_seconds = int(session_seconds)
        self._secret = secrets.token_bytes(32) if secret is None else secret
        self._revoked: dict[str, dict[str, int]] = {}
        """Until when sessions would be good that were ended, by seal, of each token."""
        self._ended: dict[str, int] = {}
        """Of each token, until when those sessions are good at most that were all ended together."""
        first = min(token.digest for token in self.tokens)
        self.cookie = f"procpulse_{sha256(b'procpulse cookie ' + first).hexdigest()[:8]}"
        """Its name: servers on other ports of this host have other cookies."""

    @classmethod
    def of(cls, token: str, more: Iterable[Token] = (), session_seconds: float = SESSION_SECONDS) -> "Tokens":
        """One that opens everything, whose sessions outlive a restart, and others.

        Raises:
            ValueError: it is too short.
        """
        secret = hmac.new(token.strip().encode(), b"procpulse sessions", sha256).digest()
        return cls([plain(token), *more], secret, session_seconds)

    def replace(self, other: "Tokens") -> bool:
        """Take over other tokens; sessions of those that are still there go on. True where some are gone."""
        gone = {token.digest for token in self.tokens} - {token.digest for token in other.tokens}
        narrowed = {token.digest: token.scopes for token in other.tokens}
        less = any(not token.scopes <= narrowed.get(token.digest, token.scopes) for token in self.tokens)
        self.tokens = other.tokens
        return bool(gone) or less

    def find(self, given: bytes) -> Token | None:
        """The token that was shown, in a time that does not tell where it differs."""
        digest, found = sha256(given).digest(), None
        for token in self.tokens:
            if hmac.compare_digest(digest, token.digest):
                found = token
        return found

    def session(self, token: Token, now: float) -> str:
        """The value of a cookie: until when it is good, for which token, what no other has, and a seal on all of it."""
        mark = self._mark(token)
        until = max(int(now) + self.session_seconds, self._ended.get(mark, 0) + 1)
        what = f"{until}.{mark}.{secrets.token_hex(8)}"
        return f"{what}.{self._seal(what)}"

    def admits(self, session: str, now: float) -> Token | None:
        """The token that a cookie stands for, if it is ours and still good."""
        what, _, seal = session.rpartition(".")
        until, _, rest = what.partition(".")
        mark = rest.partition(".")[0]
        if not hmac.compare_digest(seal.encode("utf-8", "replace"), self._seal(what).encode()):
            return None
        if not (
            until.isascii() and until.isdigit() and len(until) < 12 and int(until) > now
        ) or seal in self._revoked.get(mark, ()):
            return None
        if int(until) <= self._ended.get(mark, 0):
            return None
        return next((token for token in self.tokens if hmac.compare_digest(self._mark(token), mark)), None)

    def revoke(self, session: str) -> None:
        """Forget a session: its cookie is no longer good, wherever it is."""
        now = time.time()
        if self.admits(session, now) is None:
            return
        what, _, seal = session.rpartition(".")
        until, mark = what.split(".")[:2]
        gone = {seal: when for seal, when in self._revoked.get(mark, {}).items() if when > now} | {seal: int(until)}
        if len(gone) > _MOST_REVOKED:
            # None that was ended may become good again: rather than forget one, all of this token end that there are.
            self._ended[mark] = max(gone.values())
            gone = {}
        self._revoked[mark] = gone

    def sessions(self, lines: Iterable[bytes]) -> list[str]:
        """The sessions among the Cookie headers of a request."""
        pieces = (piece.strip().partition("=") for line in lines for piece in line.decode("latin-1").split(";"))
        return [value for name, _, value in pieces if name == self.cookie]

    def _mark(self, token: Token) -> str:
        return self._seal(f"token {token.digest.hex()}")[:16]

    def _seal(self, what: str) -> str:
        return hmac.new(self._secret, what.encode("utf-8", "replace"), sha256).hexdigest()
