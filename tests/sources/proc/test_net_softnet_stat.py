import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_SOFTNET_STAT
from procpulse.sources.proc.net_softnet_stat import Softnet
from tests.cases import parse

ZEROS = " 00000000 00000000 00000000 00000000 00000000"
CASES = [
    pytest.param(
        f"0000001a 00000002 00000003{ZEROS} 00000004 00000005 00000006\n"
        f"ffffffff 00000000 00000000{ZEROS} 00000000 00000000 00000000\n",
        [
            Softnet(0, 11, 26, 2, 3, 4, 5, 6),
            Softnet(1, 11, 0xFFFF_FFFF, 0, 0, 0, 0, 0),
        ],
        id="11 columns, before the number of the CPU, kernel 4.18",
    ),
    pytest.param(
        f"00000001 00000002 00000003{ZEROS} 00000000 00000005 00000006 00000007 00000000\n"
        f"0000000b 0000000c 0000000d{ZEROS} 00000000 0000000f 00000010 00000011 00000003\n",
        [
            Softnet(0, 13, 1, 2, 3, 0, 5, 6, 7),
            Softnet(3, 13, 11, 12, 13, 0, 15, 16, 17),
        ],
        id="13 columns, CPUs 1 and 2 offline, kernel 5.10",
    ),
    pytest.param(
        f"00000001 00000002 00000003{ZEROS} 00000000 00000005 00000006 00000007 00000001 00000004 00000003\n",
        [Softnet(1, 15, 1, 2, 3, 0, 5, 6, backlog=7, input_queue=4, process_queue=3)],
        id="15 columns, CPU 0 offline, kernel 6.18",
    ),
    pytest.param(
        f"00000001 00000002 00000003{ZEROS} 00000004 00000005 00000006 00000007 00000008 00000009 0000000a 0000000b\n",
        [Softnet(8, 16, 1, 2, 3, 4, 5, 6, 7, 9, 10)],
        id="columns of a kernel to come are ignored",
    ),
    pytest.param(
        f"00000001 00000002 00000003{ZEROS} 00000004 00000005\n",
        [Softnet(0, 10, 1, 2, 3, 4, 5)],
        id="10 columns, before the flow limit, kernel 3.10",
    ),
    pytest.param("", [], id="no CPUs"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_softnet_stat(text: str, expected: list[Softnet]) -> None:
    assert parse(NET_SOFTNET_STAT, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        f"00000001 00000002 00000003{ZEROS}\n",
        f"00000001 00000002 0000000g{ZEROS} 00000004\n",
        f"00000001 00000002 0000_003{ZEROS} 00000004\n",
        f"10000000000000000 00000002 00000003{ZEROS} 00000004\n",
        "-1 2 3 4 5 6 7 8 9\n",
    ],
    ids=["a column short", "no digit", "an underscore", "over 64 bits", "below 0"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_SOFTNET_STAT, text)
