import pytest

from procpulse.sources import DEVICES
from procpulse.sources.proc.devices import DeviceDriver
from tests.cases import parse, spoiled

CASES = [
    pytest.param(
        "Character devices:\n  4 /dev/vc/0\n  4 tty\n226 drm\n226 drm\n\nBlock devices:\n  8 sd\n259 blkext\n",
        [
            DeviceDriver("character", 4, "/dev/vc/0"),
            DeviceDriver("character", 4, "tty"),
            DeviceDriver("character", 226, "drm"),
            DeviceDriver("block", 8, "sd"),
            DeviceDriver("block", 259, "blkext"),
        ],
        id="shared numbers, one taken twice",
    ),
    pytest.param(
        b"Character devices:\n240 a\x1bb c\n", [DeviceDriver("character", 240, "a\\x1bb c")], id="a hostile name"
    ),
    pytest.param("Character devices:\n\nBlock devices:\n", [], id="none"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_devices(text: str | bytes, expected: list[DeviceDriver]) -> None:
    assert parse(DEVICES, text) == expected


@pytest.mark.parametrize(
    "text", ["  4 tty\n", "Block devices:\nsd\n", "Block devices:\n  8\n", "Block devices:\nx sd\n"]
)
def test_malformed(text: str) -> None:
    assert spoiled(DEVICES, text)
