import pytest

from procpulse.sources import CMDLINE
from procpulse.sources.proc.cmdline import Cmdline
from tests.cases import parse

CASES = [
    pytest.param(
        "BOOT_IMAGE=/vmlinuz-6.18 root=UUID=5b0e-0c51 ro quiet\n",
        ["BOOT_IMAGE=/vmlinuz-6.18", "root=UUID=5b0e-0c51", "ro", "quiet"],
        id="plain",
    ),
    pytest.param(
        'ro dyndbg="file a.c +p; file b.c +p" "module.name=a b" quiet\n',
        ["ro", 'dyndbg="file a.c +p; file b.c +p"', '"module.name=a b"', "quiet"],
        id="blanks inside quotes",
    ),
    pytest.param('ro name="a b\n', ["ro", 'name="a b'], id="a quote that nobody closes"),
    pytest.param("  ro   rw\t \n", ["ro", "rw"], id="more blanks than needed"),
    pytest.param("console=ttyS0 -- single\n", ["console=ttyS0", "--", "single"], id="parameters of init"),
    pytest.param(b"a=\x1b[31m b=\xff\n", ["a=\\x1b[31m", "b=\\xff"], id="hostile text"),
    pytest.param("x=" + "y" * 100_000 + "\n", ["x=" + "y" * 100_000], id="longer than a page"),
    pytest.param("\n", [], id="no parameters"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_cmdline(text: str | bytes, expected: list[str]) -> None:
    assert parse(CMDLINE, text) == Cmdline(expected)
