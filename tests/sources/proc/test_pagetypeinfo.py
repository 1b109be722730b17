import pytest

from procpulse.sources import PAGETYPEINFO
from procpulse.sources.proc.pagetypeinfo import FreeOfType, PageBlocks, Pagetypeinfo
from tests.cases import parse, spoiled

HEAD = """\
Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1      2
Node    0, zone      DMA, type    Unmovable      1      0      2
Node    0, zone      DMA, type      Movable      4      5      6
"""
BLOCKS = """\

Number of blocks type     Unmovable      Movable
Node 0, zone      DMA            1            7
"""
FREE = [
    FreeOfType(0, "DMA", "Unmovable", {0: 1, 1: 0, 2: 2}),
    FreeOfType(0, "DMA", "Movable", {0: 4, 1: 5, 2: 6}),
]

CASES = [
    pytest.param(
        HEAD + BLOCKS,
        Pagetypeinfo(9, 512, FREE, [PageBlocks(0, "DMA", {"Unmovable": 1, "Movable": 7})]),
        id="a zone",
    ),
    pytest.param(
        HEAD
        + "Node    1, zone   Normal, type      Movable >100000  99999      0 \n"
        + BLOCKS
        + "Node 1, zone   Normal           20          300 \n",
        Pagetypeinfo(
            9,
            512,
            [*FREE, FreeOfType(1, "Normal", "Movable", {0: 100000, 1: 99999, 2: 0})],
            [
                PageBlocks(0, "DMA", {"Unmovable": 1, "Movable": 7}),
                PageBlocks(1, "Normal", {"Unmovable": 20, "Movable": 300}),
            ],
        ),
        id="more than the kernel counts, kernel 5.4",
    ),
    pytest.param(
        HEAD
        + BLOCKS
        + "\nNumber of mixed blocks     Unmovable      Movable \nNode 0, zone      DMA            0            3 \n",
        Pagetypeinfo(
            9,
            512,
            FREE,
            [PageBlocks(0, "DMA", {"Unmovable": 1, "Movable": 7}, {"Unmovable": 0, "Movable": 3})],
        ),
        id="mixed blocks, with page_owner=on",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_pagetypeinfo(text: str, expected: Pagetypeinfo) -> None:
    assert parse(PAGETYPEINFO, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "\n",
        HEAD + "\nNumber of blocks type Unmovable Movable\nNode 0, zone DMA 1\n",
        HEAD + "Node    0, zone      DMA, type\n",
        HEAD + "Node    0, zone      DMA, type Movable 1 x\n",
        HEAD.replace("512", "many"),
    ],
    ids=["blank", "a count short", "a type short", "no number", "a fact that is no number"],
)
def test_malformed(text: str) -> None:
    assert spoiled(PAGETYPEINFO, text)
