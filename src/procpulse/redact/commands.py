"""A whole command line without its secrets: its words in order, whatever program they are for.

Words are looked at one after the other. A word says what the next one is: an option whose name is secret, `AUTH`,
`Bearer`, an option of one letter of a program that is known to take a secret there. The program may be behind others
(`sudo`, `ssh`, `kubectl exec`), and inside one argument (`sh -c "..."`): what has blanks is taken apart as a shell would.
"""

import re
from collections.abc import Sequence
from enum import Enum

from procpulse.redact import programs
from procpulse.redact.names import is_secret, says_where
from procpulse.redact.programs import RUNNING, UNKNOWN
from procpulse.redact.shapes import HIDDEN, without_keys
from procpulse.redact.values import value

DEEPEST = 5
"""How many commands may be inside each other; what is deeper is hidden."""
MOST_LETTERS = 8
"""How many options of one letter a word may have, the last of them with a value."""

_LONG = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{1,127}")
_IS_OPTION = re.compile(r"-[A-Za-z]|--(?:[A-Za-z][A-Za-z0-9_.\-]{0,63}(?:=.*)?)?", re.DOTALL)
_SLASHED = re.compile(r"/([A-Za-z][A-Za-z0-9\-]{0,31})[:=](.+)", re.DOTALL)
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{1,63}")
_FILES = frozenset(
    [
        "js",
        "mjs",
        "ts",
        "py",
        "rb",
        "sh",
        "php",
        "pl",
        "lua",
        "go",
        "rs",
        "c",
        "h",
        "java",
        "jar",
        "war",
        "class",
        "json",
        "yaml",
        "yml",
        "toml",
        "xml",
        "conf",
        "cfg",
        "cnf",
        "ini",
        "env",
        "txt",
        "log",
        "md",
        "html",
        "css",
        "service",
        "socket",
        "timer",
        "pem",
        "crt",
        "cer",
        "p12",
        "pfx",
        "jks",
        "key",
        "db",
        "sql",
        "csv",
        "gz",
        "zip",
        "tar",
        "tgz",
        "so",
        "o",
        "exe",
        "bin",
        "sock",
        "pid",
    ]
)
_LAST_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}\Z")
_PAIR = re.compile(r"[^:%/=]*[:%](?![0-9./]+\Z)(?!//).+", re.DOTALL)
_PLAIN = re.compile(
    r"[0-9][0-9.:/,\-]*[A-Za-z%]{0,3}|\[[0-9a-fA-F:.]*\]:[0-9:]*|\.{0,2}/[^\s:@]*|~/[^\s:@]*|[A-Za-z][A-Za-z0-9_.]{0,63}=.*",
    re.DOTALL,
)
_WHOSE = frozenset(
    ["user", "proxy-user", "username", "login", "userpass", "auth-user", "account", "http-user", "ftp-user", "u", "U"]
)
_SCHEMES = frozenset(["bearer", "basic", "digest", "negotiate", "token", "apikey", "bot", "plain"])
_FILLERS = frozenset(("=", ":", "for", "is", "to", "as", "with", "by", "of", "value", ":=", "=>", "set", "("))
_LEADS = frozenset(("auth", "login", "identified", "requirepass", "masterauth", "bearer", "unseal", "send"))
MOST_WORDS = 3
"""How many words are hidden after a secret's name that is no option: `AUTH USER PASSWORD`."""
_GIVES = frozenset(
    [
        "-v",
        "--value",
        "--string-value",
        "--secret-string",
        "--secret-value",
        "--content",
        "--data",
        "--text",
        "--body",
        "--payload",
        "-w",
        "-b",
        "--set",
        "--new-value",
        "--field-value",
    ]
)
_ENDS = frozenset((";", "|", "||", "&&", "&", "(", "{", "then", "do", "else", "!", "|&"))
_BLANK = re.compile(r"(?:\s|\\x0[9abcd])+")
_SPECIAL = re.compile(r"\s|\\x0[9abcd]|[\\\"']")
_COMMANDS = re.compile(r"[;|&(`{]")
_FROM_OR_TO = re.compile(r"[<>]{1,3}[&/.~$|(-]|[<>]{1,2}[^.]{1,64}\.[a-z]{2,4}\Z|[<>]{1,3}\Z")
_EDIT = re.compile(r"s[/|,#@!]")
_AROUND = "\"'{}[](),:=\\"


def arguments(words: Sequence[str]) -> list[str]:
    """The arguments of a process without their secrets; as many as there were.

    Args:
        words: The program first.
    """
    words = [without_keys(word) for word in words]
    if len(words) == 1 and _BLANK.search(words[0]):
        return [_text(words[0], 1)]  # a process that set its own title has all of it in one argument
    return _Walk(0).over(words)


def _text(text: str, depth: int) -> str:
    """What has blanks in it: a command for a shell, a header, SQL, JSON, a title."""
    if depth > DEEPEST:
        return HIDDEN
    pieces = _split(text)
    walk = _Walk(depth, piped="|" in text)
    shown = walk.over(pieces[::2])
    found = [text for pair in zip(shown, [*pieces[1::2], ""], strict=True) for text in pair]
    return "".join(found)


def _split(text: str) -> list[str]:
    """Words and the blanks between them, in turns, as a shell would part them; quotes that nobody closes are letters."""
    pieces: list[str] = []
    start = at = 0
    closes = {"'": True, '"': True}
    while True:
        special = _SPECIAL.search(text, at)
        if special is None:
            return [*pieces, text[start:]]
        mark, at = special[0], special.end()
        if mark in closes:
            end = _closed(text, mark, at) if closes[mark] else -1
            closes[mark] = end >= 0
            at = max(at, end + 1)
        elif mark == "\\":
            # What is escaped belongs to the word, unless it is one of the escapes of unprintable blanks.
            at += not text.startswith(("x09", "x0a", "x0b", "x0c", "x0d"), at) and at < len(text)
        else:
            blank = _BLANK.match(text, special.start())
            assert blank is not None
            pieces += (text[start : special.start()], blank[0])
            start = at = blank.end()


def _closed(text: str, quote: str, at: int) -> int:
    """Where a quote that was opened is closed; -1 where it is not."""
    end = text.find(quote, at)
    if quote == '"':
        while end > at and text[end - 1] == "\\":
            end = text.find(quote, end + 1)
    return end


class _Next(Enum):
    """What the word that comes next is."""

    ANY = 0
    SECRET = 1
    LIKELY = 2
    """Secret unless it is a number or a path."""
    PAIR = 3
    """A user, and perhaps a password behind a colon."""


class _Walk:
    """What the words so far say of those that follow.

    Args:
        depth: How many commands this one is inside of.
        piped: Whether what is printed goes into something that reads it.
    """

    def __init__(self, depth: int, piped: bool = False):
        self._depth = depth
        self._piped = piped
        self._program = UNKNOWN
        self._next = _Next.ANY
        self._starts = True
        """Whether the next word is a program."""
        self._left = 0
        """How many words without a dash are still secret."""
        self._lends = False
        """Whether the last word was a secret's name, so that the value of the next option may be secret."""
        self._told = False
        """Whether a secret's name was there: then what is in quotes may be it."""
        self._all = False
        """Whether all words are secret, up to the end of the command."""
        self._rest = False
        """Whether all that follows is: it is the value of a header."""
        self._name = ""
        """The option whose value the next word may be."""

    def over(self, words: Sequence[str]) -> list[str]:
        """The words as they may be shown."""
        found = []
        for at, word in enumerate(words):
            if self._rest and word:
                found.append(HIDDEN)
                continue
            found.append(self._one(word))
            self._rest = at == 0 and self._depth > 0 and word.endswith(":") and self._next is _Next.SECRET
        return found

    def _one(self, word: str) -> str:
        quote = word[0] if len(word) > 1 and self._depth and word[0] in "\"'" and word[-1] == word[0] else ""
        inner = word[1:-1] if quote else word
        if not inner:
            self._next = _Next.ANY
            return word
        if self._depth and not quote and inner in _ENDS and not (self._next is _Next.SECRET and inner in _FILLERS):
            self._end()
            return word
        shown = self._secret(inner) if self._next is not _Next.ANY else None
        if shown is None:
            if quote and self._told:
                return HIDDEN
            if inner[0] != "-" and (self._all or self._left):
                self._left = max(0, self._left - 1)
                return HIDDEN
            if inner[0] == "-" and len(inner) > 1:
                shown = self._option(inner)
            elif self._starts:
                shown = self._begins(inner)
            else:
                shown = self._bare(inner)
        if self._depth and not quote and self._next is _Next.ANY and _COMMANDS.search(inner):
            self._follow(inner)
        return shown if shown == HIDDEN else f"{quote}{shown}{quote}"

    def _secret(self, word: str) -> str | None:
        """The word where the one before says what it is; None where it is to be looked at like any other."""
        what = self._next
        if what is _Next.SECRET and (
            word.lower() in _SCHEMES or (self._depth and word.lower() in _FILLERS) or word.lower() == "identified"
        ):
            return word
        self._next = _Next.ANY
        if _IS_OPTION.fullmatch(word):
            return None
        self._lends = False
        if what is _Next.SECRET or (what is _Next.LIKELY and not _PLAIN.fullmatch(word)):
            if self._depth and (word[-1] == ":" or (word[-1] == ";" and "=" in word)):
                self._next = what  # of a header, or of cookies, more follows
            return HIDDEN
        if what is _Next.PAIR and _PAIR.fullmatch(word):
            return HIDDEN
        self._name = ""
        return self._inside(word)

    def _end(self) -> None:
        """A new command begins."""
        self._starts = True
        self._next = _Next.ANY
        self._lends = self._all = False
        self._left = 0
        self._program = UNKNOWN

    def _follow(self, word: str) -> None:
        """A command that begins inside a word, as in `export A=b;mysql`."""
        last = _COMMANDS.split(word)[-1]
        if not last:
            self._end()
            return
        found = programs.program(last)
        if found is not None:
            self._program, self._starts, self._all = found, False, False

    def _begins(self, word: str) -> str:
        """The program, or what is said before it."""
        name, equals, _ = word.partition("=")
        if equals and _IDENTIFIER.fullmatch(name):
            self._lead(word)
            return self._inside(word)  # NAME=value before a command
        self._starts = False
        if _BLANK.search(word):
            return _text(word, self._depth + 1)
        found = programs.program(word)
        self._program = found or UNKNOWN
        self._all = self._piped and programs.is_echo(word)
        if found is None and (self._depth or word.lower() in _LEADS):
            return self._bare(word)
        return value(word)

    def _option(self, word: str) -> str:
        """A word that begins with a dash."""
        lends, self._lends = self._lends, False
        self._name = word
        program = self._program
        if word == "--":
            self._starts = program.runs
            return word
        name, equals, given = word.partition("=")
        bare = name.lstrip("-")
        if lends and name in _GIVES:
            if equals:
                return f"{name}={HIDDEN}" if given else word
            self._next = _Next.SECRET
            return word
        if not word.startswith("--") and not self._is_long(bare, equals):
            return self._letters(word)
        if not equals:
            if bare in program.options or (_LONG.fullmatch(bare) and is_secret(bare) and not says_where(bare)):
                self._next = _Next.SECRET
            elif bare.lower() in _WHOSE:
                self._next = _Next.PAIR
            return self._dashed(word)
        if bare in program.options or (bare.lower() in _WHOSE and _PAIR.fullmatch(given)):
            if self._depth and word[-1] == ":":
                self._next = _Next.SECRET
            return f"{name}={HIDDEN}" if given else word
        if program.assigns and "=" in given:
            return f"{name}={given.partition('=')[0]}={HIDDEN}"
        if _BLANK.search(given) and not is_secret(bare):
            return f"{name}={_text(given, self._depth + 1)}"
        return self._dashed(word)

    def _is_long(self, bare: str, equals: str) -> bool:
        """Whether what follows one dash is a name: -password, -Dfile.encoding, -port; not -pPASSWORD."""
        if not _LONG.fullmatch(bare):
            return False
        letters = self._program.secret
        if self._program.surely:
            return is_secret(bare) and not any(letter in letters for letter in bare)
        if len(bare) < 3:
            return False
        return is_secret(bare) or bare[0] not in letters or programs.is_common(bare) or bool(equals and bare.isalpha())

    def _letters(self, word: str) -> str:
        """Options of one letter, several of them perhaps, with or without a value in the same word."""
        program, bare = self._program, word[1:]
        most = MOST_LETTERS if program.surely or (bare.isalpha() and len(bare) <= 3) else 1
        for at, letter in enumerate(bare[:most]):
            given = bare[at + 1 :]
            if letter in program.secret:
                return self._letter(word[: at + 2], given)
            if letter in "uUal":
                if not given:
                    self._next = _Next.PAIR
                elif _PAIR.fullmatch(given):
                    return word[: at + 2] + HIDDEN
            if letter in program.valued or not letter.isalpha():
                break
        return self._dashed(word)

    def _letter(self, shown: str, given: str) -> str:
        """An option of one letter whose value is secret, and what follows it in the same word."""
        surely = self._program.surely
        if not given:
            self._next = _Next.SECRET if surely else _Next.LIKELY
            return shown
        if not surely and _PLAIN.fullmatch(given):
            return shown + value(given)
        # What may as well be a few letters more, the last of which has its value in the next word.
        if given.isalpha() and (len(given) <= 2 or is_secret(shown[-1] + given)):
            self._next = _Next.LIKELY
        return shown + HIDDEN

    def _dashed(self, word: str) -> str:
        """An option with what may be a value behind its first letter, or behind its name."""
        if word[1] == "-" or len(word) == 2:
            return self._inside(word)
        rest = self._inside(word[2:])
        return self._inside(word) if rest == word[2:] else word[:2] + rest

    def _inside(self, word: str) -> str:
        """A word that is somebody's value."""
        return _text(word, self._depth + 1) if _BLANK.search(word) else value(word)

    def _bare(self, word: str) -> str:
        """A word that is neither the program nor an option."""
        self._lends = False
        program = self._program
        if _BLANK.search(word):
            return _text(word, self._depth + 1)
        slashed = _SLASHED.fullmatch(word)
        if word.lower() in ("/p", "/pass", "/password"):
            self._next = _Next.SECRET
            return word
        if word[0] in "<>" and len(word) > 1 and (not self._depth or not _FROM_OR_TO.match(word)):
            return word[0] + HIDDEN  # ACL SETUSER takes a password so
        if word.startswith("secret,"):
            return "secret," + HIDDEN
        if slashed and (slashed[1].lower() in ("p", "gp", "pth") or is_secret(slashed[1])):
            return word[: slashed.start(2)] + HIDDEN
        if program.slash and "/" in word and word[0] not in "/@.":
            return HIDDEN
        if program.positions and not word.startswith("//"):
            return HIDDEN
        if program.assigns and "=" in word:
            return f"{word.partition('=')[0]}={HIDDEN}"
        if word.startswith("<<<") and len(word) > 3:
            return "<<<" + HIDDEN
        if _EDIT.match(word) and any(is_secret(piece) for piece in re.findall(r"[A-Za-z_]{3,64}", word[2:])):
            return word[:2] + HIDDEN
        hint, self._name = self._name, ""
        self._switch(word)
        self._lead(word)
        return value(word, hint, program.package)

    def _lead(self, word: str) -> None:
        """Take notice of a word that says that the next one is secret."""
        if word == "<<<":
            self._next = _Next.SECRET
            return
        opened = word.rfind("(")
        if opened > 0 and ")" not in word[opened:]:
            # What a function is told goes on in the words that follow.
            called = _LAST_NAME.search(word[max(0, opened - 66) : opened])
            if called and (called[0].lower().endswith("login") or is_secret(called[0])):
                self._next, self._left, self._told = _Next.SECRET, MOST_WORDS - 1, self._depth > 0
                return
        last = _LAST_NAME.search(word[-66:].rstrip(_AROUND))
        if last is None or (word[0] in "/.~" and not word.startswith("//") and not self._program.assigns):
            return
        name = last[0]
        if _IDENTIFIER.fullmatch(name) and (name.lower() in _LEADS or self._leads(name)):
            self._next, self._lends, self._left = _Next.SECRET, True, MOST_WORDS - 1
            self._told = self._depth > 0

    def _switch(self, word: str) -> None:
        """Take up the rules of a program that is named by a word."""
        program = self._program
        found = programs.program(word)
        if program.scripts or program.runs:
            self._all = self._piped and programs.is_echo(word)
        if program.scripts:
            self._program = found or UNKNOWN
        elif program.runs:
            self._program = found or RUNNING
        elif found is not None and found.surely and not found.positions:
            self._program = found

    @staticmethod
    def _leads(name: str) -> bool:
        """Whether a word is a secret's name, and no file that is called so."""
        if not is_secret(name) or says_where(name):
            return False
        return name.rpartition(".")[2].lower() not in _FILES or "." not in name
