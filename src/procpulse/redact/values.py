"""One word of a command line without its secrets: addresses, assignments, headers, JSON, queries, tokens.

A word is gone through once, from separator to separator; what stands before a separator is a name, and its name says
whether what follows is hidden. What cannot be told apart is hidden.
"""

import re

from procpulse.redact.names import BEFORE, hides, is_secret, says_where
from procpulse.redact.shapes import HIDDEN, drawn, odd, without_tokens

_BODY = re.compile(r"[^\s\"'<>`]*")
_PORT = re.compile(r"(?:\[[^\]]*\]|[^\[\]:]*)(?::[0-9]{0,5})?")
_LAST_WORD = re.compile(r"[A-Za-z]{1,16}\Z")
# What follows these in an address is a token.
_NOTIFIERS = frozenset(
    [
        "slack",
        "discord",
        "tgram",
        "telegram",
        "msteams",
        "pover",
        "pushover",
        "pbul",
        "pushbullet",
        "gotify",
        "gotifys",
        "ntfy",
        "ntfys",
        "mailgun",
        "sendgrid",
        "twilio",
        "ifttt",
        "join",
        "matrix",
        "matrixs",
        "mmost",
        "mmosts",
        "ryver",
        "prowl",
        "bark",
        "otpauth",
    ]
)
_BOT = re.compile(r"bot[0-9]+:", re.IGNORECASE)
_CREDENTIALS = re.compile(r"[^\s\"'`(){}<>|]+")
# The pieces of a word: names, what joins them to values, what may stand between these, and everything else.
_TOKENS = re.compile(
    r"(?P<name>[A-Za-z0-9_.\-\[\]$]+)|(?P<joint>:=|=>|==?|:|\(|%3[AaDd])|(?P<quiet>[\"'\\ \t]|%22)"
    r"|(?P<other>[^A-Za-z0-9_.\-\[\]$=:(\"'\\ \t%]+|%)",
)
_OPENING = re.compile(r"[ \t\\]*[\"']?")
# Where the value of a list ends: before the next name, or at a bracket that ends all.
_NEXT = re.compile(r"[,;&]\\?[\s\"']{0,3}[A-Za-z_][A-Za-z0-9_.\-]{0,64}\\?[\s\"']{0,3}[=:]")
_QUERY_END = re.compile(r"[&#\s\"'`]")
_SCHEME = re.compile(r"(?:bearer|basic|digest|negotiate|token|apikey|bot)(?:\s|%20|\+)+", re.IGNORECASE)


def value(text: str, hint: str = "", package: bool = False) -> str:
    """A word without its secrets.

    Args:
        text: The word, with whatever is in it.
        hint: The name that it goes by, where that stands in another word.
        package: Whether `name/name@version` is meant, and no password.
    """
    if "@" in text or "://" in text:
        text = _addresses(text, package)
    return _named(text, hint)


def _addresses(text: str, package: bool) -> str:
    """Text in whose addresses user information is hidden, and pieces of paths that nobody else may know."""
    found: list[str] = []
    done = 0
    at = text.find("://")
    while at >= 0:
        found.append(_accounts(text[done : at + 3], package))
        after = text.find("://", at + 3)
        body = _BODY.match(text, at + 3, len(text) if after < 0 else after)
        assert body is not None  # it may be empty
        scheme = _LAST_WORD.search(text, max(done, at - 16), at)
        found.append(HIDDEN if body[0] and scheme and scheme[0].lower() in _NOTIFIERS else _address(body[0]))
        done, at = body.end(), after
    found.append(_accounts(text[done:], package))
    return "".join(found)


def _address(body: str) -> str:
    """What follows `://`."""
    first = min((at for at in map(body.find, "/?#") if at >= 0), default=len(body))
    last = body.rfind("@")
    authority = body[:first]
    if last >= 0 and (last < first or not _PORT.fullmatch(authority)):
        body = body[last:]
        first = min((at for at in map(body.find, "/?#") if at >= 0), default=len(body))
        return HIDDEN + body[:first] + _path(body[first:], body[:first])
    if not _PORT.fullmatch(authority) and "," not in authority:
        authority = authority.partition(":")[0] + ":" + HIDDEN
    return authority + _path(body[first:], authority)


def _path(path: str, host: str) -> str:
    """The path of an address: what follows a hook, what a secret is named before, and what looks drawn by lot."""
    if not path.startswith("/"):
        return path
    ends = [at for at in map(path.find, "?#") if at >= 0]
    end = min(ends, default=len(path))
    pieces = path[:end].split("/")
    hooked = "hook" in host.lower()
    for at, piece in enumerate(pieces):
        if not piece:
            continue
        if _BOT.match(piece):
            pieces[at] = "bot" + HIDDEN
        elif (hooked and at) or drawn(piece, 16) or (at and pieces[at - 1] and _leads(pieces[at - 1])):
            pieces[at] = HIDDEN
        hooked = hooked or "hook" in piece.lower()
    if HIDDEN in pieces:
        # What is between the slashes of base64, too.
        pieces = [HIDDEN if odd(piece) else piece for piece in pieces]
    return "/".join(pieces) + path[end:]


def _leads(piece: str) -> bool:
    return piece.lower() in ("token", "secret", "password", "passwd", "key", "apikey", "api_key", "api-key", "auth")


def _accounts(text: str, package: bool) -> str:
    """Text without `user:password` before an @ in it, where no scheme tells that an address begins."""
    if "@" not in text:
        return text
    return _CREDENTIALS.sub(lambda match: _account(match[0], package), text)


def _account(word: str, package: bool) -> str:
    last = word.rfind("@")
    if last <= 0:
        return word
    name, equals, rest = word[:last].partition("=")
    if not equals:
        name, rest = "", word[:last]
    pair = ":" in rest or "%" in rest
    oracle = not package and rest.count("/") == 1 and not rest.startswith(("/", ".", "~", "@", "-"))
    return f"{name}{equals}{HIDDEN}{word[last:]}" if pair or oracle or drawn(rest) else word


def _named(text: str, hint: str) -> str:
    """Text in which the values of secret names are hidden, and tokens."""
    found: list[str] = []
    name, asked = hint, False
    done = at = 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        assert match is not None  # a token is any one character at least
        start, at = at, match.end()
        kind = match.lastgroup
        if kind == "name":
            name, asked = match[0].strip("-[]$"), start > 0 and text[start - 1] in "?&"
        elif kind == "joint":
            if name and not text.startswith("//", at):
                place = _secret(text, name, at, asked)
                if place is not None:
                    found += (without_tokens(text[done : place[0]], hint), HIDDEN)
                    done = at = place[1]
            name = ""
        elif kind != "quiet":
            name = ""
    found.append(without_tokens(text[done:], hint))
    return "".join(found)


def _secret(text: str, name: str, at: int, asked: bool) -> tuple[int, int] | None:
    """Where the value of a name begins, after its quotes and blanks, and where it ends; None where it may be seen.

    Args:
        text: All of it.
        name: What the value goes by.
        at: Where what follows the name and its joint begins.
        asked: Whether it is in the query of an address.
    """
    called = text[at - 1] == "("
    known = (name.lower() in BEFORE and not text.startswith("-")) or (called and name.lower().endswith("login"))
    if not known and (not is_secret(name) or says_where(name)):
        return None
    match = _OPENING.match(text, at)
    opening = at if match is None else match.end()
    quote = text[opening - 1] if opening > at and text[opening - 1] in "\"'" else ""
    if called:
        # All of what a function is told, whose name is a secret's: which of it is one is not known.
        opening, stop = at, text.rfind(")", at)
        stop = len(text) if stop < 0 else stop
    elif quote:
        stop = _closing(text, quote, opening)
    else:
        end = (_QUERY_END if asked else _NEXT).search(text, opening)
        stop = len(text) if end is None else end.start()
    inside = text[opening:stop]
    if not inside or not (known or hides(name, inside)):
        return None
    scheme = _SCHEME.match(inside)
    return (opening + scheme.end() if scheme and scheme.end() < len(inside) else opening), stop


def _closing(text: str, quote: str, at: int) -> int:
    """Where a quote is closed, or the end of the text. Backslashes before it may be part of it: they stay."""
    end = text.find(quote, at)
    if end < 0:
        return len(text)
    if at > 1 and text[at - 2] == "\\":  # opened by \", closed by the next
        return end - 1 if end > at and text[end - 1] == "\\" else end
    while end > at and text[end - 1] == "\\":
        end = text.find(quote, end + 1)
        if end < 0:
            return len(text)
    return end
