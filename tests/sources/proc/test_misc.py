import pytest

from procpulse.source import Malformed
from procpulse.sources import MISC
from procpulse.sources.proc.misc import MiscDevice
from tests.cases import parse

CASES = [
    pytest.param("229 fuse\n 63 vga_arbiter\n", [MiscDevice(229, "fuse"), MiscDevice(63, "vga_arbiter")], id="two"),
    pytest.param(
        b"256 a\x1bb c\n 60 \n", [MiscDevice(256, "a\\x1bb c"), MiscDevice(60, "")], id="a hostile name, and none"
    ),
    pytest.param("", [], id="none"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_misc(text: str | bytes, expected: list[MiscDevice]) -> None:
    assert parse(MISC, text) == expected


@pytest.mark.parametrize("text", ["fuse\n", "0x10 fuse\n"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(MISC, text)
