import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_NETFILTER_NFNETLINK_QUEUE
from procpulse.sources.proc.net_netfilter_nfnetlink_queue import NfnetlinkQueue
from tests.cases import parse

CASES = [
    pytest.param(
        "    0   4242    17 2 65531     3     1   902117  1\n   10 3221229714     0 1     0     0     0 4294967295  1\n",
        [
            NfnetlinkQueue(
                0, 4242, 17, 2, copy_range_bytes=65531, dropped=3, user_dropped=1, sequence_ids=902117, users=1
            ),
            NfnetlinkQueue(10, 3221229714, 0, 1, 0, 0, 0, 4294967295, 1),
        ],
        id="two queues, one of a second socket",
    ),
    pytest.param(
        "    0   4242    17 2 65531     3     1   902117  1  8\n",
        [NfnetlinkQueue(0, 4242, 17, 2, 65531, 3, 1, 902117, 1)],
        id="columns of a kernel to come are ignored",
    ),
    pytest.param("", [], id="no queues"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_netfilter_nfnetlink_queue(text: str, expected: list[NfnetlinkQueue]) -> None:
    assert parse(NET_NETFILTER_NFNETLINK_QUEUE, text) == expected


@pytest.mark.parametrize(
    "text",
    ["    0   4242    17 2 65531     3     1   902117\n", "    0   4242    17 2 all     3     1   902117  1\n"],
    ids=["a column short", "no number"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_NETFILTER_NFNETLINK_QUEUE, text)
