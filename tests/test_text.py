"""The shapes of kernel text: tables of what is understood and what is not, and properties over any bytes at all."""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from procpulse import text
from procpulse.source import PARSE_ERRORS

TOP = 2**64 - 1
BOTTOM = -(2**63)

properties = settings(deadline=None, derandomize=True, max_examples=150)

numbers = st.integers(BOTTOM, TOP)
tokens = st.one_of(
    numbers.map(lambda n: b"%d" % n),
    st.sampled_from(
        [b"-", b"+1", b"1_0", b"1.0", b"1e3", b"0x1f", b"007", b"-0", b"nan", b"null", b"1,2", b"[1]", b"\xd9\xa3"]
    ),
    st.binary(max_size=24),
)
lots = st.lists(st.one_of(tokens, st.sampled_from([b" ", b"\n", b"\t", b"\0", b":", b"  ", b"\r\n"])), max_size=30)
soup = lots.map(b"".join)


def outcome(parse: Callable[..., Any], *args: Any) -> Any:
    """What a parser gives, or ValueError where it raises that; any other error is one of the test."""
    try:
        return parse(*args)
    except ValueError:
        return ValueError


# Numbers.


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (b"0", 0), (b"4096", 4096), (b"-1", -1), (b"-0", 0), (b"007", 7), (b"9007199254740993", 9007199254740993),
        (b"18446744073709551615", TOP), (b"-9223372036854775808", BOTTOM), (b"00000000000000000009", 9),
    ],
)  # fmt: skip
def test_number(token: bytes, value: int) -> None:
    assert text.number(token) == value


@pytest.mark.parametrize(
    "token",
    [
        b"", b"-", b"--1", b"+1", b" 1", b"1 ", b"1_000", b"1.0", b"1e3", b"0x10", b"\xd9\xa3", b"1\n", b"1\0",
        b"18446744073709551616", b"-9223372036854775809", b"000000000000000000001", b"9" * 5000,
    ],
)  # fmt: skip
def test_no_number(token: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a number|over 64 bits"):
        text.number(token)


@properties
@given(numbers)
def test_every_number_of_64_bits_is_read_exactly(value: int) -> None:
    assert text.number(b"%d" % value) == value


@properties
@given(tokens)
def test_number_is_total(token: bytes) -> None:
    value = outcome(text.number, token)
    if value is not ValueError:
        assert re.fullmatch(rb"-?[0-9]{1,20}", token)
        assert value == int(token)
        assert BOTTOM <= value <= TOP
    elif re.fullmatch(rb"-?[0-9]{1,20}", token):
        assert not BOTTOM <= int(token) <= TOP


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (b"0", 0),
        (b"0x1f", 31),
        (b"0XFF", 255),
        (b"ffffffffffffffff", TOP),
        (b"DeadBeef", 0xDEADBEEF),
        (b"0" * 40 + b"1f", 31),
    ],
)
def test_hexadecimal(token: bytes, value: int) -> None:
    assert text.hexadecimal(token) == value


@pytest.mark.parametrize("token", [b"", b"0x", b"-1", b"0x0x1", b"1_0", b" 1", b"g", b"0o7"])
def test_no_hexadecimal(token: bytes) -> None:
    with pytest.raises(ValueError, match="not a hexadecimal number"):
        text.hexadecimal(token)


def test_a_mask_may_be_of_any_width() -> None:
    assert text.mask(b"0" * 24 + b"ffffffffffffffff") == TOP
    assert text.mask(b"1" + b"0" * 16) is None
    assert text.mask(b"f" * 500) is None
    for wrong in (b"", b"g", b"1" * 30 + b"g", b"-1"):
        with pytest.raises(ValueError, match="not a hexadecimal number"):
            text.mask(wrong)
    with pytest.raises(ValueError, match="over 64 bits"):
        text.hexadecimal(b"1" + b"0" * 16)


@pytest.mark.parametrize(
    ("column", "found"),
    [
        (b"rw", [b"rw"]),
        (b"", [b""]),
        (b"rw,,ro,", [b"rw", b"", b"ro", b""]),
        (b'rw,context="a:s0:c1,c2",ro', [b"rw", b'context="a:s0:c1,c2"', b"ro"]),
        (b'context="a,b",fscontext="c,d,e"', [b'context="a,b"', b'fscontext="c,d,e"']),
        (b'a="b",c', [b'a="b"', b"c"]),
        (b'lowerdir=/x"y,upperdir=/z"', [b'lowerdir=/x"y', b'upperdir=/z"']),
        (b'a="no end,b=c', [b'a="no end', b"b=c"]),
        (b'a="b"c,d"', [b'a="b"c', b'd"']),
    ],
)
def test_options(column: bytes, found: list[bytes]) -> None:
    assert text.options(column) == found


@properties
@given(soup)
def test_options_lose_nothing(column: bytes) -> None:
    assert b",".join(text.options(column)) == column


@properties
@given(tokens)
def test_hexadecimal_is_total(token: bytes) -> None:
    value = outcome(text.hexadecimal, token)
    assert (value is not ValueError) == bool(re.fullmatch(rb"(0[xX])?0*[0-9a-fA-F]{1,16}", token))


@pytest.mark.parametrize(
    ("token", "size"),
    [
        (b"0 kB", 0),
        (b"4 kB", 4096),
        (b"4", 4096),
        (b"   4 kB", 4096),
        (b"4\tkB", 4096),
        (b"4kB", 4096),
        (b"-1 kB", -1024),
    ],
)
def test_kib(token: bytes, size: int) -> None:
    assert text.kib(token) == size


@pytest.mark.parametrize("token", [b"", b"kB", b"4 MB", b"4 kB kB", b"4.5 kB", b"4 KB"])
def test_no_kib(token: bytes) -> None:
    with pytest.raises(ValueError, match="not a number"):
        text.kib(token)


@pytest.mark.parametrize(
    ("count", "unit", "size"),
    [(3, 512, 1536), (0, 4096, 0), (TOP, 1, TOP), (TOP, 512, TOP - 511), (2**52, 4096, 0), (-1, 4096, -4096)],
)
def test_sized(count: int, unit: int, size: int) -> None:
    assert text.sized(count, unit) == size


@properties
@given(st.integers(0, TOP), st.sampled_from([1, 512, 1024, 4096, 65536]))
def test_sizes_stay_within_64_bits(count: int, unit: int) -> None:
    size = text.sized(count, unit)
    assert 0 <= size <= TOP
    assert (size - count * unit) % 2**64 == 0


@pytest.mark.parametrize(("token", "value"), [(b"0.42", 0.42), (b"-1.5", -1.5), (b"7", 7.0), (b"00.10", 0.1)])
def test_decimal(token: bytes, value: float) -> None:
    assert text.decimal(token) == value


@pytest.mark.parametrize(
    "token", [b"", b".", b"1.", b".5", b"1e3", b"nan", b"inf", b"1.5\n", b"1_0.0", b"1,5", b"9" * 21]
)
def test_no_decimal(token: bytes) -> None:
    with pytest.raises(ValueError, match="not a decimal number"):
        text.decimal(token)


@pytest.mark.parametrize(
    ("token", "digits", "value"),
    [
        (b"12.34", 2, 1234), (b"12.3", 2, 1230), (b"12", 2, 1200), (b"12.", 2, 1200), (b".5", 1, 5), (b"-0.5", 3, -500),
        (b"9007199254740993.01", 2, 900719925474099301),
    ],
)  # fmt: skip
def test_fraction(token: bytes, digits: int, value: int) -> None:
    assert text.fraction(token, digits) == value


@pytest.mark.parametrize("token", [b"", b".", b"-", b"1.234", b"1.-5", b"1.2.3", b"x.5", b"99999999999999999999.99"])
def test_no_fraction(token: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a number|over 64 bits"):
        text.fraction(token, 2)


@properties
@given(st.integers(0, 10**15), st.integers(0, 999))
def test_fractions_are_exact(whole: int, thousandths: int) -> None:
    assert text.fraction(b"%d.%03d" % (whole, thousandths), 3) == whole * 1000 + thousandths


@pytest.mark.parametrize(
    ("token", "value"),
    [
        (b"0", 0), (b"512", 512), (b"4.0k", 4096), (b"1.5G", 3 << 29), (b"-320.5k", -328192), (b"99.9P", 999 * (1 << 50) // 10),
        (b"1.50GiB", 3 << 29), (b"1.50 GiB", 3 << 29), (b"2Mi", 2 << 20), (b"7B", 7), (b"1.1k", 1126),
    ],
)  # fmt: skip
def test_rounded(token: bytes, value: int) -> None:
    assert text.rounded(token) == value


@pytest.mark.parametrize("token", [b"", b"k", b"1.k", b".5k", b"1.5Q", b"1 5k", b"1.5G/sec", b"1k\n", b"99.9E", b"1_0"])
def test_nothing_rounded(token: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a (rounded )?number|over 64 bits"):
        text.rounded(token)


# Rows and tables.


@pytest.mark.parametrize(
    ("row", "values"),
    [
        (b"1 2 3", [1, 2, 3]), (b"  1\t-2  3\n", [1, -2, 3]), (b"", []), (b"007", [7]),
        (b"18446744073709551615 0", [TOP, 0]), (b"9007199254740993", [9007199254740993]),
    ],
)  # fmt: skip
def test_integers(row: bytes, values: list[int]) -> None:
    assert text.integers(row) == values


@pytest.mark.parametrize(
    "row",
    [
        b"1 x",
        b"1.0",
        b"1e3",
        b"1,2 3",
        b"[1] 2",
        b"null",
        b"true",
        b'"1"',
        b"18446744073709551616",
        b"-9223372036854775809",
    ],
)
def test_no_integers(row: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a number|over 64 bits"):
        text.integers(row)


def test_fewer_integers_than_needed() -> None:
    assert text.integers(b"1 2", 2) == [1, 2]
    with pytest.raises(ValueError, match="fewer than 3 columns: 1 2"):
        text.integers(b"1 2", 3)


@properties
@given(st.lists(st.one_of(tokens, numbers.map(lambda n: b"%d" % n)), max_size=12).map(b" ".join))
def test_integers_are_what_number_says_of_each_column(row: bytes) -> None:
    assert outcome(text.integers, row) == outcome(lambda: [text.number(token) for token in row.split()])


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (b"", {}), (b"\n \n", {}), (b"a 1\n", {"a": 1}), (b"a 1\nb -2\n", {"a": 1, "b": -2}), (b"a  1\n", {"a": 1}),
        (b"a\t1\r\n\nb 2\0\n", {"a": 1, "b": 2}), (b" a 1 \n  b 2", {"a": 1, "b": 2}), (b"a 1\na 2\n", {"a": 2}),
        (b'a" 1\n\\b 2\n', {'a"': 1, "\\b": 2}), (b"a\x7f\x1b 1\n", {"a\\x7f\\x1b": 1}), (b"\xc3\xa9 1\n", {"\u00e9": 1}),
        (b"n 18446744073709551615\n", {"n": TOP}), (b"n 007\n", {"n": 7}), (b"{:, 1\n", {"{:,": 1}),
    ],
)  # fmt: skip
def test_mapping(data: bytes, values: dict[str, int]) -> None:
    assert text.mapping(data) == values


@pytest.mark.parametrize(
    "data",
    [
        b"a\n", b"7\n", b"a 1\n 5\n", b"a 1 2\n", b"a x\n", b"a 1.0\n", b"a 1e3\n", b"a null\n", b"a 1,\nb 2\n",
        b'a 1,"b":2\n', b"a 1}\n", b"a 18446744073709551616\n", b"a -9223372036854775809\n", b"a [1]\n",
    ],
)  # fmt: skip
def test_no_mapping(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        text.mapping(data)


def slowly(data: bytes) -> dict[str, int]:
    """What a mapping is, said without a trick."""
    found = {}
    for line in text.lines(data):
        key, value = line.split()
        found[text.inert(key)] = text.number(value)
    return found


@properties
@given(st.lists(st.tuples(tokens, st.sampled_from([b" ", b"  ", b"\t", b"\n"]), tokens), max_size=8), st.sampled_from([b"\n", b"\r\n", b" \n", b"\n "]))  # fmt: skip
def test_a_mapping_is_what_its_lines_say(rows: list[tuple[bytes, bytes, bytes]], end: bytes) -> None:
    data = end.join(map(b"".join, rows)) + end
    assert outcome(text.mapping, data) == outcome(slowly, data)


@properties
@given(soup)
def test_a_mapping_of_anything(data: bytes) -> None:
    assert outcome(text.mapping, data) == outcome(slowly, data)


def test_words() -> None:
    assert text.words(b" a  b\tc\n", 3) == [b"a", b"b", b"c"]
    with pytest.raises(ValueError, match="fewer than 4 words: a b c"):
        text.words(b"a b c", 4)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", []), (b"a\nb", [b"a", b"b"]), (b"\n a \n\t\n", [b" a "]), (b"a\r\n\0\0\nb\0c\n", [b"a ", b"b c"]),
        (b"a\x0cb\x0bc\x1cd\n", [b"a\x0cb\x0bc\x1cd"]),
    ],
)  # fmt: skip
def test_lines(data: bytes, found: list[bytes]) -> None:
    assert text.lines(data) == found


@pytest.mark.parametrize(
    ("data", "separator", "found"),
    [
        (b"a: 1 2\n b :\nnothing\nc:d:e\n", b":", [(b"a", b"1 2"), (b"b", b""), (b"c", b"d:e")]),
        (b"a = 1\nb=\n", b"=", [(b"a", b"1"), (b"b", b"")]),
        (b"", b":", []),
    ],
)
def test_keyed(data: bytes, separator: bytes, found: list[tuple[bytes, bytes]]) -> None:
    assert list(text.keyed(data, separator)) == found


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"", {}),
        (b"Ip: A B\nIp: 1 -2\n", {"Ip": {"A": 1, "B": -2}}),
        (b"Ip: A B\nIp: 1\nTcp: C\nTcp: 2 3\n", {"Ip": {"A": 1}, "Tcp": {"C": 2}}),
        (b"Ip: A\nIp: 1\nIp: B\nIp: 2\n", {"Ip": {"A": 1, "B": 2}}),
        (b"Ip: A\nIp: 1\nTcp: B\n", {"Ip": {"A": 1}}),
        (b"I\x1b: \xffA\nI\x1b: 1\n", {"I\\x1b": {"\\xffA": 1}}),
        (b"Ip:\nIp:\n", {}),
    ],
    ids=["empty", "one", "unequal", "the same again", "names alone at the end", "hostile", "no columns"],
)
def test_headed(data: bytes, found: dict[str, dict[str, int]]) -> None:
    lost: list[str] = []
    assert text.headed(data, lambda prefix, error: lost.append(prefix)) == found


@pytest.mark.parametrize(
    ("data", "found", "told"),
    [
        (b"Ip: A\nTcp: 1\n", {}, ["Ip", "Tcp"]),
        (b"Ip: A B\nIp: x 5\n", {}, ["Ip", "Ip"]),
        (b"Ip: A B\nIp: 5 x\n", {"Ip": {"A": 5}}, ["Ip"]),
        (b"Ip: A\nIp 1\n", {}, ["Ip", "Ip 1"]),
        (b"Ip: A B C\nIp: 7 18446744073709551616 9\n", {"Ip": {"A": 7, "C": 9}}, ["Ip"]),
        (b"Tcp: 1\nIp: A\nIp: 7\nUdp: B\n", {"Ip": {"A": 7}}, ["Tcp", "Udp"]),
        (b"Tcp: B\nIp: A\nIp: 7\nIp: 8\n", {"Ip": {"A": 7}}, ["Tcp", "Ip"]),
    ],
)
def test_what_does_not_belong_together_costs_itself_only(
    data: bytes, found: dict[str, dict[str, int]], told: list[str]
) -> None:
    lost: list[str] = []
    assert text.headed(data, lambda prefix, error: lost.append(prefix)) == found
    assert lost == told


def test_a_wrong_line_costs_itself_only() -> None:
    lost: list[str] = []
    data = b"a 1\nb x\nc 18446744073709551616\nd\ne 5\n"
    assert text.known_of(data, lambda part, error: lost.append(part)) == {"a": 1, "e": 5}
    assert lost == ["rows"]


@pytest.mark.parametrize(
    ("data", "ids"),
    [
        (b"", []), (b"\n", []), (b"0", [0]), (b"0-2,5\n", [0, 1, 2, 5]), (b"3,1", [3, 1]), (b"7-7", [7]), (b"1,,2,", [1, 2]),
        (b"0-65535", list(range(65536))),
    ],
)  # fmt: skip
def test_span(data: bytes, ids: list[int]) -> None:
    assert text.span(data) == ids


@pytest.mark.parametrize(
    "data", [b"a", b"1-", b"-1", b"5-2", b"1 2", b"0-65536", b"0-65535,0", b"0-18446744073709551615", b"0-3:1/2"]
)
def test_no_span(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"not a number|no list of ids"):
        text.span(data)


@properties
@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 40)), max_size=20))
def test_spans_come_back(runs: list[tuple[int, int]]) -> None:
    data = ",".join(f"{low}-{low + more}" if more else f"{low}" for low, more in runs)
    assert text.span(data.encode()) == [n for low, more in runs for n in range(low, low + more + 1)]


@pytest.mark.parametrize(
    ("token", "name"),
    [
        (b"plain", b"plain"), (b"a\\040b", b"a b"), (b"a\\011\\012b", b"a\t\nb"), (b"a\\134040b", b"a\\040b"),
        (b"\\377", b"\xff"), (b"\\400", b"\\400"), (b"\\04", b"\\04"), (b"a\\", b"a\\"), (b"\\x20", b"\\x20"),
    ],
)  # fmt: skip
def test_unescape(token: bytes, name: bytes) -> None:
    assert text.unescape(token) == name


def mangle(name: bytes) -> bytes:
    """As the kernel writes a name into /proc/mounts."""
    return re.sub(rb"[ \t\n\\#]", lambda match: b"\\%03o" % match[0][0], name)


@properties
@given(st.lists(st.sampled_from([b"\\", b"0", b"4", b"1", b" ", b"a", b"\xff", b"\n"]), max_size=12).map(b"".join))
def test_the_kernel_s_escapes_come_back(name: bytes) -> None:
    assert text.unescape(mangle(name)) == name


# Names.

NAMES = [
    pytest.param(b"", "", id="none"),
    pytest.param(b"eth0", "eth0", id="plain"),
    pytest.param("na\u00efve \u732b \U0001f600".encode(), "na\u00efve \u732b \U0001f600", id="letters of the world"),
    pytest.param(b"a\nb\tc\0", "a\\x0ab\\x09c\\x00", id="control characters"),
    pytest.param(b"\x1b[2J\x7f", "\\x1b[2J\\x7f", id="a terminal escape"),
    pytest.param(b"\xff\xc3", "\\xff\\xc3", id="no UTF-8"),
    pytest.param(b"\xf0\x9f\x98", "\\xf0\\x9f\\x98", id="cut inside a character"),
    pytest.param(b"\xc0\xaf\xed\xa0\x80", "\\xc0\\xaf\\xed\\xa0\\x80", id="what UTF-8 forbids"),
    pytest.param("\u202eevil\u2066\u200f".encode(), "\\u202eevil\\u2066\\u200f", id="from right to left"),
    pytest.param("a\u200b\u200d\ufeffb".encode(), "a\\u200b\\u200d\\ufeffb", id="nothing to see"),
    pytest.param("\u0085\u009b\u2028\u2029".encode(), "\\u0085\\u009b\\u2028\\u2029", id="lines and C1"),
    pytest.param("\u00a0\u3000".encode(), "\\u00a0\\u3000", id="odd blanks"),
    pytest.param("\U000e0041\U000f0000".encode(), "\\U000e0041\\U000f0000", id="tags and private use"),
    pytest.param(
        b"dev-disk-by\\x2dlabel-x\\x41", "dev-disk-by\\x2dlabel-x\\x41", id="escapes of others are left alone"
    ),
    pytest.param(b"C:\\dir\\", "C:\\dir\\", id="backslashes"),
    pytest.param(b"\\x1b", "\\x5cx1b", id="looks like ours"),
    pytest.param(b"\\x5cx1b", "\\x5cx5cx1b", id="looks like ours, twice"),
    pytest.param(b"\\u202e\\U0001f600", "\\x5cu202e\\x5cU0001f600", id="looks like a character"),
    pytest.param(b"\\\x1b", "\\\\x1b", id="a backslash before an escape"),
    pytest.param(b"\\u12\xff", "\\u12\\xff", id="half an escape before one"),
    pytest.param(b"\\X1B\\x1B", "\\X1B\\x1B", id="capitals are not ours"),
    pytest.param(b"<b>&\"'`$(x)", "<b>&\"'`$(x)", id="what others have to quote"),
]


@pytest.mark.parametrize(("name", "shown"), NAMES)
def test_inert(name: bytes, shown: str) -> None:
    assert text.inert(name) == shown


OURS = re.compile(r"\\(?:x([0189a-f][0-9a-f]|7f|5c)|u([0-9a-f]{4})|U([0-9a-f]{8}))")


def alive(shown: str) -> bytes:
    """The bytes that became this text: the inverse of `inert`."""
    found, at = bytearray(), 0
    for match in OURS.finditer(shown):
        found += shown[at : match.start()].encode()
        found += bytes([int(match[1], 16)]) if match[1] else chr(int(match[2] or match[3], 16)).encode()
        at = match.end()
    return bytes(found + shown[at:].encode())


hostile = st.one_of(
    st.binary(max_size=40),
    st.text(max_size=20).map(lambda name: name.encode("utf-8", "replace")),
    st.lists(
        st.sampled_from(
            [b"\\", b"x", b"u", b"U", b"5", b"c", b"1", b"b", b"0", b"7f", b"202e", b"\x1b", b"\xff", b"\xc2", b"\x9b",
             b"\xe2\x80\xae", b" ", b"\n", b"\\x5c", b"\\x1b", b"\\u202e", b"\\U000e0041", b"\xf3\xa0\x81\x81"]
        ),
        max_size=16,
    ).map(b"".join),
)  # fmt: skip


@settings(properties, max_examples=500)
@given(hostile)
def test_inert_comes_back(name: bytes) -> None:
    assert alive(text.inert(name)) == name


@settings(properties, max_examples=500)
@given(hostile, hostile)
def test_different_names_are_different_texts(one: bytes, other: bytes) -> None:
    assert (text.inert(one) == text.inert(other)) == (one == other)


@settings(properties, max_examples=500)
@given(hostile)
def test_inert_text_is_harmless(name: bytes) -> None:
    shown = text.inert(name)
    assert shown.isprintable()
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert shown.splitlines() == ([shown] if shown else [])
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]", shown)
    assert msgspec.json.decode(msgspec.json.encode(shown)) == shown
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(shown)) == shown
    assert json.loads(json.dumps(shown)) == shown


@pytest.mark.parametrize("byte", range(256))
def test_every_byte_alone(byte: int) -> None:
    shown = text.inert(bytes([byte]))
    assert shown == (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")


def test_shorten() -> None:
    assert text.shorten(b"short\n") == "short\\x0a"
    assert text.shorten(b"a" * 60) == "a" * 60
    assert text.shorten(b"a" * 61) == "a" * 60 + "..."
    assert text.shorten(b"abcdef", 3) == "abc..."


# All of them.


@pytest.mark.parametrize(
    "parse",
    [
        text.number, text.hexadecimal, text.mask, text.options, text.kib, text.decimal, text.integers, text.mapping, text.lines,
        text.span, text.unescape, text.inert, text.shorten, text.rounded,
        lambda data: text.fraction(data, 3), lambda data: text.words(data, 2), lambda data: list(text.keyed(data)),
        lambda data: text.headed(data, lambda part, error: None),
        lambda data: text.known_of(data, lambda part, error: None),
    ],
    ids=[
        "number", "hexadecimal", "mask", "options", "kib", "decimal", "integers", "mapping", "lines", "span", "unescape", "inert",
        "shorten", "rounded", "fraction", "words", "keyed", "headed", "known_of",
    ],
)  # fmt: skip
@settings(properties, max_examples=50)
@given(data=soup)
def test_every_shape_is_total(parse: Callable[[bytes], Any], data: bytes) -> None:
    try:
        parse(data)
    except PARSE_ERRORS:
        pass


@pytest.mark.parametrize("multiply", [text.sized, text.scaled])
def test_what_is_far_below_zero_is_no_size(multiply: Any) -> None:
    with pytest.raises(ValueError, match="over 64 bits"):
        multiply(-(1 << 63), 1024)


def test_scaled() -> None:
    assert text.scaled(1_900_000, 1000) == 1_900_000_000
    assert text.scaled(-1, 1000) == -1000
    with pytest.raises(ValueError, match="over 64 bits"):
        text.scaled(1 << 62, 1000)
