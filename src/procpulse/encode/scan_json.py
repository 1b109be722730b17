"""Looks at JSON before and after it is decoded, as `scan` does at msgpack: how deep, how heavy, is its text printable?

A decoder makes a hundred bytes of objects of two bytes of text, and nests as deep as the text says. What is counted here
is counted by C, in a few passes over the text, whose time grows with its length and with nothing else.
"""

import re
from typing import Any

from procpulse.encode.scan import DEPTH, FREE, LIST, Unfit
from procpulse.text import inert

_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)', re.DOTALL)
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NO_BRACKETS = bytes(code for code in range(256) if code not in b"{}[]")
_ESCAPES = re.compile(rb'\\[^"\\/]')


def weigh(data: bytes, limit: int) -> int:
    """Bytes of memory that a JSON text takes at most once it is decoded.

    Args:
        data: The text; it need not be JSON.
        limit: Most that it may take.

    Raises:
        Unfit: it takes more, or is nested more than 32 deep.
    """
    weight = len(data) if data.isascii() else 4 * len(data)
    bare = _STRING.sub(b"", data)
    container, pair = FREE
    list_, item = LIST
    objects, lists = bare.count(b"{"), bare.count(b"[")
    # A comma comes before each entry but the first of an object or a list, and a colon in each of an object.
    weight += objects * container + lists * list_ + (objects + lists + bare.count(b",")) * item
    weight += bare.count(b":") * (pair - item)
    if weight > limit:
        raise Unfit(f"over {limit} bytes in memory")
    brackets = bare.translate(_BRACKETS, _NO_BRACKETS)
    for _ in range(DEPTH):
        if not brackets:
            return weight
        brackets = brackets.replace(b"[]", b"")
    if brackets:
        raise Unfit(f"nested more than {DEPTH} deep, or cut")
    return weight


def is_plain(data: bytes) -> bool:
    """Whether all text in a JSON text is printable, as far as that can be seen at a glance. May be wrong about no."""
    if _ESCAPES.search(data):
        return False
    try:
        return data.decode().isprintable()
    except UnicodeDecodeError:
        return False


def printable(value: Any) -> Any:
    """A decoded value with all text in it printable, as names are when they are read from the kernel."""
    if type(value) is str:
        return value if value.isprintable() else inert(value.encode("utf-8", "surrogatepass"))
    if type(value) is dict:
        return {printable(key): printable(member) for key, member in value.items()}
    if type(value) is list:
        return [printable(member) for member in value]
    return value
