"""Command lines without their secrets: what may be a password, a token or a key becomes `***`.

Nobody can know every program's options, so this errs on the side of hiding. It is done once, where arguments are
parsed, before anything else sees them; what is hidden there is in no snapshot, recording, log or page.

`redacted` shows words and hides what may be secret among them; `names` shows the program and the names of options, and
no value at all.
"""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum

from procpulse.redact import commands, programs
from procpulse.redact.names import is_secret, says_where
from procpulse.redact.shapes import HIDDEN
from procpulse.redact.values import value

__all__ = ["HIDDEN", "LARGEST", "Arguments", "is_secret", "names", "redacted", "says_where", "shown", "variables"]

LARGEST = 1 << 14
"""Letters of a command line that are looked at: more than the 4,096 bytes that are read of one. What is beyond is hidden."""

_SETTLES = 4
_OPTION = re.compile(r"(-{1,2})([A-Za-z][A-Za-z0-9_.\-]{0,63})(=?)(.*)", re.DOTALL)
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_.()%\-]{0,127})=(.*)", re.DOTALL)
_UPPER = re.compile(r"([A-Z_][A-Z0-9_]{0,127})=.+", re.DOTALL)


class Arguments(StrEnum):
    """How much of the arguments of processes is shown."""

    NAMES = "names"
    """The program and the names of options, without any values."""
    REDACTED = "redacted"
    """All, but for what may be secret."""
    RAW = "raw"
    """As they are."""


def redacted(arguments: Sequence[str], *, cut: bool = False, rewritten: bool = False) -> list[str]:
    """The arguments of a process, with what may be secret hidden; as many as there were. Twice is the same as once.

    Args:
        arguments: The program first.
        cut: Whether the last of them goes on beyond what is known: its last word is hidden, since half a secret looks
            like nothing.
        rewritten: Whether the process wrote over them, so that variables of its environment may be among them.
    """
    words = _bounded(arguments)
    if cut and words:
        words[-1] = _without_end(words[-1])
    if rewritten:
        words = [_UPPER.sub(rf"\1={HIDDEN}", word) for word in words]
    return _settled(words, commands.arguments)


def names(arguments: Sequence[str]) -> list[str]:
    """The program of a process and the names of its options, without values; as many as there were arguments.

    Args:
        arguments: The program first.
    """
    words = _bounded(arguments)
    if len(words) == 1 and " " in words[0]:
        program, _, rest = words[0].partition(" ")
        shown = " ".join(_names(program, rest.split(" ")))
        return [shown]
    return _names(words[0], words[1:]) if words else []


def shown(arguments: Sequence[str], how: Arguments, *, cut: bool = False, rewritten: bool = False) -> list[str]:
    """The arguments of a process as they may be shown.

    Args:
        arguments: The program first.
        how: How much of them.
        cut: Whether the last goes on beyond what is known.
        rewritten: Whether the process wrote over them.
    """
    if how is Arguments.RAW:
        return list(arguments)
    return names(arguments) if how is Arguments.NAMES else redacted(arguments, cut=cut, rewritten=rewritten)


def variables(environment: Sequence[str]) -> list[str]:
    """The variables of an environment, each as `NAME=***`.

    Args:
        environment: Each as `NAME=value`; what is not that is hidden whole.
    """
    found = []
    for word in environment:
        match = _VARIABLE.fullmatch(word)
        found.append(f"{match[1]}={HIDDEN if match[2] else ''}" if match else HIDDEN if word else word)
    return found


def _names(program: str, words: Sequence[str]) -> list[str]:
    found = _settled([program], lambda given: [value(given[0])])
    # What an interpreter runs is the program that people know.
    known = programs.program(program)
    script = known is not None and known.scripts
    for word in words:
        match = _OPTION.fullmatch(word)
        if not word or word in (HIDDEN, "--", "--" + HIDDEN, "-" + HIDDEN):
            found.append(word)
        elif match is None:
            is_file = script and word.startswith("/") and " " not in word
            found += _settled([word], lambda given: [value(given[0])]) if is_file else [HIDDEN]
            script = False
        else:
            found.append(_option_name(match))
    return found


def _option_name(match: re.Match[str]) -> str:
    dashes, name, equals, given = match.groups()
    if len(dashes) == 1 and not equals:
        return match[0] if len(name) == 1 and not given else f"-{name[0]}{HIDDEN}"
    if value(name) != name:
        return dashes + HIDDEN
    return f"{dashes}{name}{equals}{HIDDEN if given else ''}"


def _bounded(arguments: Sequence[str]) -> list[str]:
    """The arguments as far as they are looked at, and as text that can be shown."""
    left = LARGEST
    words = []
    for word in arguments:
        if len(word) > left:
            word = _without_end(word[:left]) if left else HIDDEN if word else word
            left = 0
        left -= min(left, len(word))
        words.append(word if word.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in word))
    return words


def _escape(char: str) -> str:
    """A character that cannot be shown, as `text.inert` writes it."""
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _without_end(word: str) -> str:
    """A word that was cut, without what stands last in it."""
    end = max(word.rfind(" "), word.rfind("\\x0a") + 3 if "\\x0a" in word else -1)
    return word[: end + 1] + HIDDEN


def _settled(words: list[str], step: Callable[[Sequence[str]], list[str]]) -> list[str]:
    """What a step makes of words, done until it changes nothing more; all hidden where that does not come."""
    for _ in range(_SETTLES):
        after = step(words)
        if after == words:
            return after
        words = after
    return [HIDDEN if word else word for word in words]
