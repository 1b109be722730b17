import pytest

from procpulse.source import Malformed
from procpulse.sources import BUDDYINFO
from procpulse.sources.proc.buddyinfo import FreeBlocks
from tests.cases import parse

CASES = [
    pytest.param(
        "Node 0, zone      DMA      1      0      0      2 \nNode 0, zone   Normal   2647   1639   1272    796 \n",
        [
            FreeBlocks(0, "DMA", {0: 1, 1: 0, 2: 0, 3: 2}),
            FreeBlocks(0, "Normal", {0: 2647, 1: 1639, 2: 1272, 3: 796}),
        ],
        id="two zones",
    ),
    pytest.param(
        "Node 0, zone   Normal      7 \nNode 11, zone   Normal      9 \n",
        [FreeBlocks(0, "Normal", {0: 7}), FreeBlocks(11, "Normal", {0: 9})],
        id="two nodes",
    ),
    pytest.param(
        "Node 0, zone  Movable 18446744073709551615 9007199254740993 \n",
        [FreeBlocks(0, "Movable", {0: 18446744073709551615, 1: 9007199254740993})],
        id="numbers that a float would round",
    ),
    pytest.param(b"Node 0, zone Nor\x1bmal 1\n", [FreeBlocks(0, "Nor\\x1bmal", {0: 1})], id="a hostile name"),
    pytest.param("Node 0, zone Device\n", [FreeBlocks(0, "Device", {})], id="no orders"),
    pytest.param("", [], id="empty"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_buddyinfo(text: str | bytes, expected: list[FreeBlocks]) -> None:
    assert parse(BUDDYINFO, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Node 0, zone Normal 1 x 3\n",
        "Node x, zone Normal 1\n",
        "Node 0 zone Normal 1\n",
        "Node 0, area Normal 1\n",
        "Node 0,\n",
        "Node 0, zone Normal 18446744073709551616\n",
    ],
    ids=[
        "a count is no number",
        "a node is no number",
        "no comma",
        "no zone",
        "nothing behind the node",
        "over 64 bits",
    ],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(BUDDYINFO, text)
