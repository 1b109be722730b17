import pytest

from procpulse.source import Malformed
from procpulse.sources import CONSOLES
from procpulse.sources.proc.consoles import Console
from tests.cases import parse

CASES = [
    pytest.param(
        "tty0                 -WU (EC  p  )    4:1\n",
        [
            Console(
                "tty0", False, True, True, enabled=True, preferred=True, boot=False, nbcon=False, printk=True,
                braille=False, anytime=False, device="4:1",
            )
        ],
        id="a screen, kernel 4.18",
    ),
    pytest.param(
        "ttyS1                RW- ( CBNpba)    4:65\n",
        [
            Console(
                "ttyS1", True, True, False, enabled=False, preferred=True, boot=True, nbcon=True, printk=True,
                braille=True, anytime=True, device="4:65",
            )
        ],
        id="all flags but enabled, kernel 6.7",
    ),
    pytest.param(
        b"net\x1b0              -W- (E      )\n",
        [Console("net\\x1b0", False, True, False, True, False, False, False, False, False, False)],
        id="without a device, a hostile name",
    ),
    pytest.param("", [], id="no consoles"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_consoles(text: str | bytes, expected: list[Console]) -> None:
    assert parse(CONSOLES, text) == expected


@pytest.mark.parametrize("text", ["tty0\n", "tty0 -WU\n", "tty0 -WU (EC\n", "tty0 (EC  p  )\n", "a b c (E)\n"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(CONSOLES, text)
