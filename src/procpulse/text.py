"""The few shapes kernel text comes in, and how each becomes values.

Where msgspec is faster than Python's own loops, the text is turned into JSON with `bytes.replace` and decoded in C,
which validates on the way. Whatever a shape cannot be is a `ValueError`; the reader reports it as `malformed`.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Annotated, TypeAlias, TypeVar

import msgspec

T = TypeVar("T")

# What does not fit 63 bits goes the long way: the bounds are checked in C, for nothing.
Fitting = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""An integer as a decoder may take it, of 64 bits with a sign."""
_INTEGERS = msgspec.json.Decoder(list[Fitting])
_MAPPING = msgspec.json.Decoder(dict[str, Fitting])
_FLOAT = re.compile(rb"-?[0-9]{1,20}(\.[0-9]{1,20})?\Z")
_ROUNDED = re.compile(rb"(-?)([0-9]{1,20})(?:\.([0-9]{1,9}))? ?([kKMGTPE]?)(?:iB|i|B)?\Z")
_HUGE = 1 << 64
_SMALL = -(1 << 63)


Lose: TypeAlias = Callable[[str, Exception], None]
"""Takes the name of a part of a file that makes no sense, and why, where the rest goes on."""


def number(token: bytes) -> int:
    """One decimal integer, such as `b"4096"` or `b"-1"`.

    Raises:
        ValueError: anything else: blanks inside, underscores, more than 64 bits.
    """
    digits = token[1:] if token[:1] == b"-" else token
    if not digits.isdigit() or len(digits) > 20:
        raise ValueError(f"not a number: {shorten(token)}")
    value = int(token)
    if not _SMALL <= value < _HUGE:
        raise ValueError(f"over 64 bits: {shorten(token)}")
    return value


def amount(token: bytes, unit: int = 1) -> int | None:
    """A number of units that cannot be below 0, in the smaller one; None where it is, which says that it is not known.

    Raises:
        ValueError: not a number, or over 64 bits.
    """
    count = number(token)
    return None if count < 0 else sized(count, unit)


def hexadecimal(token: bytes) -> int:
    """One hexadecimal integer, with or without `0x`, up to 64 bits.

    Raises:
        ValueError: anything else.
    """
    digits = token[2:] if token[:2] in (b"0x", b"0X") else token
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise ValueError(f"not a hexadecimal number: {shorten(token)}")
    if len(digits) > 16 and len(digits.lstrip(b"0")) > 16:
        raise ValueError(f"over 64 bits: {shorten(token)}")
    return int(digits, 16)


def mask(token: bytes) -> int | None:
    """A hexadecimal mask of any width; None where a bit beyond the 64th is set, which no number here can hold.

    On MIPS a set of signals has 128 bits, and `status` writes them all.

    Raises:
        ValueError: not a hexadecimal number.
    """
    digits = token.lstrip(b"0")
    return hexadecimal(token) if len(digits) <= 16 or digits.strip(b"0123456789abcdefABCDEF") else None


def kib(token: bytes) -> int:
    """A size of so many kB (of 1,024 bytes, as the kernel means it), in bytes.

    Raises:
        ValueError: not a number, or over 64 bits.
    """
    return sized(number(token.removesuffix(b"kB").strip()), 1024)


def sized(count: int, unit: int) -> int:
    """So many units in bytes, within 64 bits as in the kernel itself, where some counts are -1 printed unsigned.

    Raises:
        ValueError: far below 0.
    """
    size = count * unit
    if _SMALL <= size < _HUGE:
        return size
    if size < 0:
        raise ValueError(f"over 64 bits: {count} times {unit}")
    return size % _HUGE


def rounded(token: bytes) -> int:
    """A number that the kernel rounded for people, in units of 1,024: `b"1.5G"`, `b"-320.5k"`, `b"1.50 GiB"`.

    What it rounded away is lost: `1.5G` is anything up to `1.6G`.

    Raises:
        ValueError: anything else, or over 64 bits.
    """
    match = _ROUNDED.match(token)
    if not match:
        raise ValueError(f"not a rounded number: {shorten(token)}")
    sign, whole, part, prefix = match[1], match[2], match[3] or b"", match[4].upper()
    unit = 1024 ** b"?KMGTPE".index(prefix) if prefix else 1
    value = int(whole + part) * unit // 10 ** len(part)
    return number(sign + b"%d" % value)


def rounded_amount(token: bytes) -> int | None:
    """A number as for `rounded` of what cannot be below 0; None where it is.

    Raises:
        ValueError: anything else, or over 64 bits.
    """
    value = rounded(token)
    return value if value >= 0 else None


def scaled(count: int, unit: int) -> int:
    """So many units in a smaller one, such as kHz in Hz.

    Raises:
        ValueError: over 64 bits.
    """
    return within_64_bits(count * unit)


def within_64_bits(value: int) -> int:
    """The number itself, if it is one that a snapshot can hold.

    Raises:
        ValueError: it needs more than 64 bits.
    """
    if not _SMALL <= value < _HUGE:
        raise ValueError(f"over 64 bits: {value}")
    return value


def decimal(token: bytes) -> float:
    """One decimal fraction, such as `b"0.42"`.

    Raises:
        ValueError: anything else: exponents, `nan`, `inf`.
    """
    if not _FLOAT.match(token):
        raise ValueError(f"not a decimal number: {shorten(token)}")
    return float(token)


def fraction(token: bytes, digits: int) -> int:
    """A decimal fraction as an integer of its last digit, exactly: `fraction(b"12.34", 2)` is 1234.

    Raises:
        ValueError: not a decimal fraction, or one with more digits than asked for.
    """
    whole, _, rest = token.partition(b".")
    if len(rest) > digits or not token.strip(b"-."):
        raise ValueError(f"not a number of up to {digits} decimals: {shorten(token)}")
    return number(whole + rest.ljust(digits, b"0"))


def integers(row: bytes, least: int = 0) -> list[int]:
    """The integers of a row of blank-separated columns, at least so many.

    Raises:
        ValueError: a column is no 64-bit integer, or there are fewer.
    """
    # A comma in a token would make two of it.
    body = b"," if b"," in row else row.strip().replace(b" ", b",") if b"  " not in row else b",".join(row.split())
    try:
        values = _INTEGERS.decode(b"[" + body + b"]")
    except msgspec.MsgspecError:
        values = [number(token) for token in row.split()]
    if len(values) < least:
        raise ValueError(f"fewer than {least} columns: {shorten(row)}")
    return values


def mapping(data: bytes) -> dict[str, int]:
    """Lines of one word and one integer, `nr_free_pages 4242`, by word.

    Raises:
        ValueError: a line that is not that.
    """
    body = data.strip().replace(b" ", b'":').replace(b"\n", b',"')
    if not body:
        return {}
    if data.isascii() and not (b'"' in data or b"\\" in data or b"\x7f" in data or b"\n " in data):
        try:
            return _MAPPING.decode(b'{"' + body + b"}")
        except msgspec.MsgspecError:
            pass
    return {inert(key): number(value) for key, value in (words(line, 2) for line in lines(data))}


def known_of(data: bytes, lose: Lose, part: str = "rows") -> dict[str, int]:
    """The same, where a line that is not that costs itself only."""
    try:
        return mapping(data)
    except ValueError as error:
        lose(part, error)
    found = {}
    for line in lines(data):
        with suppress(ValueError):
            key, value = line.split()
            found[inert(key)] = number(value)
    return found


def words(line: bytes, least: int) -> list[bytes]:
    """The blank-separated words of a line, at least so many.

    Raises:
        ValueError: there are fewer.
    """
    tokens = line.split()
    if len(tokens) < least:
        raise ValueError(f"fewer than {least} words: {shorten(line)}")
    return tokens


def lines(data: bytes) -> list[bytes]:
    """The lines that hold anything, without their ends; NUL and CR are blanks."""
    if b"\0" in data or b"\r" in data:
        data = data.replace(b"\0", b" ").replace(b"\r", b" ")
    return [line for line in data.split(b"\n") if line and not line.isspace()]


def keyed(data: bytes, separator: bytes = b":") -> Iterator[tuple[bytes, bytes]]:
    """Lines of `key: rest`, as (key, rest), blanks around both removed. Lines without the separator are left out."""
    for line in lines(data):
        key, found, rest = line.partition(separator)
        if found:
            yield key.strip(), rest.strip()


def headed(data: bytes, lose: Lose) -> dict[str, dict[str, int]]:
    """Pairs of lines with one prefix, names and then numbers, as in /proc/net/snmp, by prefix.

        Ip: Forwarding DefaultTTL
        Ip: 1 64

    A name that comes without a number, or a number without a name, is left out; so is a line without the other. A
    prefix that comes again adds to the first. What makes no sense is lost under its prefix.
    """
    found: dict[str, dict[str, int]] = {}
    rows = lines(data)
    at = 0
    while at < len(rows):
        prefix, colon, keys = rows[at].partition(b":")
        values = rows[at + 1] if at + 1 < len(rows) else b""
        if (
            not colon
            or not values.startswith(prefix + b":")
            or _numeric(keys)
            or not _numeric(values[len(prefix) + 1 :])
        ):
            if keys.strip() or not colon:
                lose(inert(prefix[:_LONG]), ValueError(f"not a line of names and one of values: {shorten(rows[at])}"))
            at += 1
            continue
        at += 2
        columns = _columns(keys) if len(keys) < _LONG else inert(keys).split()
        row = values[len(prefix) + 1 :]
        counts = found.setdefault(inert(prefix), {})
        try:
            counts.update(zip(columns, integers(row), strict=False))
        except ValueError as error:
            lose(inert(prefix), error)
            for name, token in zip(columns, row.split(), strict=False):
                with suppress(ValueError):
                    counts[name] = number(token)
    return found


def _numeric(row: bytes) -> bool:
    """Whether a row of columns is one of numbers: one of names begins with a letter."""
    return row.lstrip()[:1].isdigit() or row.lstrip()[:1] == b"-"


_LONG = 16384
"""No kernel's line of names is longer; longer ones are not kept."""


@lru_cache(64)
def _columns(row: bytes) -> list[str]:
    """The names of columns; they hardly ever change."""
    return inert(row).split()


def span(data: bytes) -> list[int]:
    """A kernel list of ids, `0-2,5`, as [0, 1, 2, 5].

    Raises:
        ValueError: anything else, or more than 65,536 ids.
    """
    ids: list[int] = []
    for piece in data.strip().split(b","):
        if not piece:
            continue
        first, dash, last = piece.partition(b"-")
        low = number(first)
        high = number(last) if dash else low
        if high < low or high - low + len(ids) >= 65_536:
            raise ValueError(f"no list of ids, or too long a one: {shorten(data)}")
        ids.extend(range(low, high + 1))
    return ids


def options(column: bytes) -> list[bytes]:
    r"""The options of a mount, which stand between commas: `rw`, `size=64k`, `context="a:s0:c1,c2"`.

    SELinux puts a context that holds a comma into double quotes, and writes quotes inside it as `\042`: a comma
    between the quotes ends no option. A quote anywhere else is a character of a name.
    """
    if b'="' not in column:
        return column.split(b",")
    return _OPTION.findall(column)


_OPTION = re.compile(rb'(?:(?<=,)|\A)([^,="]*="[^"]*"(?=,|\Z)|[^,]*)')


def unescape(token: bytes) -> bytes:
    r"""Undo the octal escapes of /proc/mounts and friends: `\040` is a blank."""
    if b"\\" not in token:
        return token
    return _OCTAL.sub(lambda match: bytes((int(match[1], 8),)), token)


_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")

# The escapes that `inert` may produce. A backslash in the name itself is left alone unless it begins one of these,
# so that `dev-disk-by\x2dlabel` stays readable and still no two names become the same text.
_OURS = re.compile(r"\\(?=x(?:[0189a-f][0-9a-f]|7f|5c)|u[0-9a-f]{4}|U[0-9a-f]{8})")


def inert(name: bytes) -> str:
    r"""Any bytes as text that is valid, printable and harmless in a terminal, a page, a log; one to one.

    Names can be chosen by anyone: processes, mounts, control groups, interfaces. What is not printable (control
    characters, invalid UTF-8, line and paragraph separators, bidirectional marks, zero-width and unassigned
    characters) becomes an escape: `\x1b` for a byte, `\u202e` for a character. Different bytes give different text.
    """
    if name.isascii():
        text = name.decode()
        if b"\\" not in name and text.isprintable():
            return text
    else:
        text = name.decode("utf-8", "surrogateescape")
    text = _OURS.sub(r"\\x5c", text)
    if text.isprintable():
        return text
    if text.isascii():
        return text.translate(_CONTROLS)
    # In parts: a list of all characters would take ten times as much memory as they.
    parts = (text[start : start + _PART] for start in range(0, len(text), _PART))
    return "".join(["".join([c if c.isprintable() else _escape(c) for c in part]) for part in parts])


_PART = 16384


def printable(path: str) -> str:
    """A path or message as `inert` text; itself where it can be printed as it is."""
    return path if path.isprintable() else inert(path.encode("utf-8", "surrogateescape"))


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F)}


def _escape(char: str) -> str:
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shorten(data: bytes, limit: int = 60) -> str:
    """The start of some input as inert text, for an error message."""
    return inert(data[:limit]) + ("..." if len(data) > limit else "")
