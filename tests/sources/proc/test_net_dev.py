import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_DEV
from procpulse.sources.proc.net_dev import Interface, total
from tests.cases import parse

HEADER = (
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n"
)
ONE_TO_16 = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)

CASES = [
    pytest.param(
        "    lo: 5083132   11313    0    0    0     0          0         0  5083132   11313    0    0    0     0       0          0\n"
        "  eth0:       1       2    3    4    5     6          7         8        9      10   11   12   13    14      15         16\n",
        [
            Interface("lo", 5083132, 11313, 0, 0, 0, 0, 0, 0, 5083132, 11313, 0, 0, 0, 0, 0, 0),
            Interface(
                "eth0", rx_bytes=1, rx_packets=2, rx_errors=3, rx_dropped=4, rx_fifo_errors=5, rx_frame_errors=6,
                rx_compressed=7, rx_multicast=8, tx_bytes=9, tx_packets=10, tx_errors=11, tx_dropped=12,
                tx_fifo_errors=13, tx_collisions=14, tx_carrier_errors=15, tx_compressed=16,
            ),
        ],
        id="two interfaces",
    ),
    pytest.param(
        "enp0s31f6.4094:1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        [Interface("enp0s31f6.4094", *ONE_TO_16)],
        id="no blank after a long name",
    ),
    pytest.param(
        "eth0:1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", [Interface("eth0:1", *ONE_TO_16)], id="a colon in the name"
    ),
    pytest.param(
        b"e\x1b[0m\xe2\x80\xae\xff: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
        [Interface("e\\x1b[0m\\u202e\\xff", *ONE_TO_16)],
        id="a hostile name, and a column of a kernel to come",
    ),
    pytest.param(
        "e0: 18446744073709551615 9007199254740993 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
        [Interface("e0", 18446744073709551615, 9007199254740993, *[0] * 14)],
        id="64 bits, exactly",
    ),
    pytest.param("", [], id="no interfaces"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "expected"), CASES)
def test_net_dev(rows: str | bytes, expected: list[Interface]) -> None:
    assert parse(NET_DEV, HEADER.encode() + (rows.encode() if isinstance(rows, str) else rows)) == expected


@pytest.mark.parametrize(
    "rows",
    [
        "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n",
        "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 x\n",
        "eth0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        "eth0: 18446744073709551616 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
    ],
    ids=["a column short", "no number", "no name", "over 64 bits"],
)
def test_malformed(rows: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_DEV, HEADER + rows)


def test_cut() -> None:
    row = "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
    assert parse(NET_DEV, HEADER + row + row[:-2]) == [Interface("eth0", *ONE_TO_16)]


def test_total() -> None:
    a, b = Interface("a", *ONE_TO_16), Interface("b", *[1] * 16)
    assert total([a, b]) == Interface("a, b", *range(2, 18))
    assert total([]) == Interface("", *[0] * 16)
