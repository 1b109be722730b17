"""Looks at msgpack before it is decoded: is it whole, how deep is it, how much memory will it take, is its text inert?

A decoder believes what it is given. Whoever wrote the bytes may have nested lists until the stack is full, promised a
billion elements, or put escape sequences into a name. So nothing of a recording, and nothing that a server sends, is decoded before it was looked at.

Most of a snapshot are flat maps of short names and numbers. A regular expression walks those in C; only what is nested,
long or not ASCII is looked at byte by byte.
"""

import re
from functools import cache

import msgspec

from procpulse import text

DEPTH = 32
"""Containers within each other, at most."""
LONGEST = 1 << 20
"""Bytes of a text, at most."""
ODD = 1 << 18
"""Bytes of text that is not printable, at most. Who writes by our rules writes none: names are printable since they were
read from the kernel. Making them so takes ten times as long as anything else."""

FREE = (160, 160)
"""Bytes that a dict takes in memory, and each of its entries, besides those of the message."""

LIST = (100, 64)
"""And a list, and each of its items."""
_RUN = 32

_NUMBER = rb"\xcf.{8}|\xce.{4}|\xcd..|\xcc.|\xd0.|\xd1..|\xd2.{4}|\xd3.{8}"
_SHORT = [b"\\x%02x[ -~]{%d}" % (0xA0 + size, size) for size in range(32)]
_LONG = b"|".join(b"\\x%02x[ -~]{%d}" % (size, size) for size in range(32, 64))
# A tree rather than a list of alternatives: they are tried one after the other.
_WORD = (
    b"|".join(
        b"(?=[\\x%02x-\\x%02x])(?>%s)" % (0xA0 + first, 0xA7 + first, b"|".join(_SHORT[first : first + 8]))
        for first in (8, 16, 0, 24)
    )
    + b"|\xd9(?>%s)" % _LONG
)
_KEY = rb"(?>%s|[\x00-\x7f\xe0-\xff]|%s)" % (_WORD, _NUMBER)
_VALUE = rb"(?>[\x00-\x7f\xc0\xc2\xc3\xe0-\xff]|%s|\xcb.{8}|\xca.{4}|%s)" % (_NUMBER, _WORD)

# Bytes of a token by its first one, for tokens of one size.
_SIZES = [0] * 256
for _code in (*range(0x80), *range(0xE0, 0x100), 0xC0, 0xC2, 0xC3):
    _SIZES[_code] = 1
for _code, _size in ((0xCA, 5), (0xCB, 9), (0xCC, 2), (0xCD, 3), (0xCE, 5), (0xCF, 9)):
    _SIZES[_code] = _size
for _code, _size in ((0xD0, 2), (0xD1, 3), (0xD2, 5), (0xD3, 9)):
    _SIZES[_code] = _size
_STRINGS = {0xD9: 1, 0xDA: 2, 0xDB: 4}
_BINARIES = {0xC4: 1, 0xC5: 2, 0xC6: 4}
_ARRAYS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}


class Unfit(ValueError):
    """The bytes are no message that would be decoded: cut, too deep, too large, or of a kind that is not used."""


class Look:
    """What there is to know of one msgpack object.

    Attributes:
        end: Where it ends.
        weight: Bytes of memory that it takes at most once it is decoded.
        odd: Where its texts are that are not inert: (start, end) of each token.
    """

    __slots__ = ("_entries", "_maps", "_rest", "end", "odd", "weight")

    def __init__(
        self, end: int, rest: int, maps: int, entries: int, odd: list[tuple[int, int]], sizes: tuple[int, int]
    ):
        self.end = end
        self.odd = odd
        self._rest, self._maps, self._entries = rest, maps, entries
        self.weight = self.weigh(sizes)

    def weigh(self, sizes: tuple[int, int]) -> int:
        """Its weight if a map and each of its entries take so many bytes."""
        return self._rest + self._maps * sizes[0] + self._entries * sizes[1]


@cache
def _pairs(count: int) -> re.Pattern[bytes]:
    return re.compile(b"(?>%s%s){%d}+" % (_KEY, _VALUE, count), re.DOTALL)


@cache
def _items(count: int) -> re.Pattern[bytes]:
    return re.compile(b"%s{%d}+" % (_VALUE, count), re.DOTALL)


def look(data: bytes, start: int = 0, limit: int = 1 << 24, sizes: tuple[int, int] = FREE) -> Look:
    """Walk over the msgpack object at `start`.

    Args:
        data: Holds the object, and perhaps more.
        start: Where it begins.
        limit: Most bytes of memory that it may take once it is decoded.
        sizes: What a map and each of its entries take, where every map becomes a record and not a dict.

    Raises:
        Unfit: it is cut, nested more than 32 deep, heavier than the limit, has a kind of value that is not used in
            recordings, or a key that is neither text nor a number.
    """
    size, (container, pair) = len(data), sizes
    pos, weight = start, 0
    maps = entries = odd_bytes = 0
    odd: list[tuple[int, int]] = []
    around: list[tuple[int, bool]] = []  # (tokens left, whether a map) of the containers around this one
    left, keyed = 1, False
    while True:
        while not left:
            if not around:
                if pos > size:
                    raise Unfit("cut")
                rest = weight + pos - start - maps * container - entries * pair
                return Look(pos, rest, maps, entries, odd, sizes)
            left, keyed = around.pop()
        if pos >= size:
            raise Unfit("cut")
        code = data[pos]
        key = keyed and not left & 1
        left -= 1
        step = _SIZES[code]
        if step:
            if key and (code in (0xC0, 0xC2, 0xC3, 0xCA, 0xCB)):
                raise Unfit("a key that is neither text nor a number")
            pos += step
            continue
        if 0xA0 <= code <= 0xBF or code in _STRINGS:
            wide = _STRINGS.get(code, 0)
            length = int.from_bytes(data[pos + 1 : pos + 1 + wide], "big") if wide else code - 0xA0
            end = pos + 1 + wide + length
            if length > LONGEST:
                raise Unfit(f"a text of more than {LONGEST} bytes")
            if end > size:
                raise Unfit("cut")
            try:
                string = data[end - length : end].decode()
            except UnicodeDecodeError:
                raise Unfit("text that is no UTF-8") from None
            if not string.isascii():
                weight += 4 * length
            if not string.isprintable():
                odd.append((pos, end))
                odd_bytes += length
                if odd_bytes > ODD:
                    raise Unfit(f"over {ODD} bytes of text that is not printable")
                # Four characters for one, of up to four bytes, as bytes and as text.
                weight += 24 * length
            if weight > limit:
                raise Unfit(f"over {limit} bytes in memory")
            pos = end
            continue
        if key:
            raise Unfit("a key that is neither text nor a number")
        if code in _BINARIES:
            wide = _BINARIES[code]
            pos += 1 + wide + int.from_bytes(data[pos + 1 : pos + 1 + wide], "big")
            continue
        if 0x80 <= code <= 0x9F:
            count, pos, map_ = code & 15, pos + 1, code < 0x90
        elif code in _ARRAYS or code in _MAPS:
            map_ = code in _MAPS
            wide = _MAPS[code] if map_ else _ARRAYS[code]
            count = int.from_bytes(data[pos + 1 : pos + 1 + wide], "big")
            pos += 1 + wide
        else:
            raise Unfit(f"a kind of value that is not used: {code:#x}")
        if count * (1 + map_) > size - pos:
            raise Unfit("a length that cannot be true")
        if map_:
            maps += 1
            entries += count
            weight += container + count * pair
        else:
            weight += LIST[0] + count * LIST[1]
        if weight + pos - start > limit:
            raise Unfit(f"over {limit} bytes in memory")
        if len(around) >= DEPTH:
            raise Unfit(f"nested more than {DEPTH} deep")
        run = _pairs if map_ else _items
        while count:
            some = min(count, _RUN)
            match = run(some).match(data, pos)
            if match is None:
                break
            pos = match.end()
            count -= some
        if count:
            around.append((left, keyed))
            left, keyed = count * (1 + map_), map_


def first_row(data: bytes, start: int = 0) -> bytes:
    """The first value of the map at `start`, still encoded; nothing where it is empty or no map."""
    code = data[start]
    wide = _MAPS.get(code, 0)
    if not wide and not 0x81 <= code <= 0x8F:
        return b""
    if wide and not any(data[start + 1 : start + 1 + wide]):
        return b""
    key = look(data, start + 1 + wide)
    return data[key.end : look(data, key.end).end]


def made_inert(data: bytes, start: int, seen: Look) -> bytes:
    """The object at `start` with its odd texts made inert, as if they had been names in a kernel file."""
    pieces, done = [], start
    for at, end in seen.odd:
        content = data[at + 1 + _STRINGS.get(data[at], 0) : end]
        pieces += [data[done:at], msgspec.msgpack.encode(text.inert(content))]
        done = end
    return b"".join([*pieces, data[done : seen.end]])
