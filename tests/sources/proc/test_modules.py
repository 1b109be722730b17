import pytest

from procpulse.encode import json
from procpulse.source import Malformed
from procpulse.sources import MODULES
from procpulse.sources.proc.modules import Module
from tests.cases import parse

CASES = [
    pytest.param(
        "ttm 122880 2 amdgpu,radeon, Live 0xffffffffc0a11000\n",
        [Module("ttm", 122880, 2, ["amdgpu", "radeon"], False, "Live")],
        id="needed by two",
    ),
    pytest.param(
        "zfs 6656000 6 - Live 0x0000000000000000 (POE)\ni915 4673536 0 - Loading 0x0000000000000000 (+)\n"
        "nft 16384 -1 - Unloading 0x0000000000000000 (OE-)\n",
        [
            Module("zfs", 6656000, 6, [], False, "Live", "POE"),
            Module("i915", 4673536, 0, [], False, "Loading"),
            Module("nft", 16384, -1, [], False, "Unloading", "OE"),
        ],
        id="taints and states",
    ),
    pytest.param(
        "libcrc 12288 3 xfs,[permanent], Live 0x0000000000000000\nbase 8192 1 [permanent], Live 0x0\n",
        [Module("libcrc", 12288, 3, ["xfs"], True, "Live"), Module("base", 8192, 1, [], True, "Live")],
        id="that stay for ever",
    ),
    pytest.param(
        "a 4096 - - Live 0x0\n", [Module("a", 4096, None, [], False, "Live")], id="a kernel without unloading"
    ),
    pytest.param(
        b"e\x1bvil 1 0 b\xff, Live 0x0\n", [Module("e\\x1bvil", 1, 0, ["b\\xff"], False, "Live")], id="hostile names"
    ),
    pytest.param("", [], id="no modules"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_modules(text: str | bytes, expected: list[Module]) -> None:
    assert parse(MODULES, text) == expected


def test_addresses_stay_here() -> None:
    [module] = parse(MODULES, "ttm 122880 0 - Live 0xffffffffc0a11000\n")
    assert b"c0a11000" not in json.encode(module)


@pytest.mark.parametrize("text", ["ttm 122880 2 - Live\n", "ttm big 2 - Live 0x0\n", "ttm 1 two - Live 0x0\n"])
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(MODULES, text)
