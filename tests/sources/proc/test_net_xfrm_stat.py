import pytest

from procpulse import Reason
from procpulse.source import Malformed
from procpulse.sources import NET_XFRM_STAT
from procpulse.sources.proc.net_xfrm_stat import NetXfrmStat
from tests.cases import failure, parse

CASES = [
    pytest.param(
        "XfrmInError             \t0\nXfrmInNoStates          \t17\n",
        NetXfrmStat({"XfrmInError": 0, "XfrmInNoStates": 17}),
        id="kernel 4.18",
    ),
    pytest.param(
        "XfrmOutStateDirError    \t1\nXfrmOutNoQueueSpace     \t18446744073709551615\n",
        NetXfrmStat({"XfrmOutStateDirError": 1, "XfrmOutNoQueueSpace": 18_446_744_073_709_551_615}),
        id="rows of its own, the largest number, kernel 6.18",
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_xfrm_stat(text: str, expected: NetXfrmStat) -> None:
    assert parse(NET_XFRM_STAT, text) == expected


@pytest.mark.parametrize(
    "text", ["\n", "XfrmInError\n", "XfrmInError 1.5\n"], ids=["no rows", "no value", "no integer"]
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_XFRM_STAT, text)


def test_no_ipsec() -> None:
    assert failure(NET_XFRM_STAT, {"/proc/net/xfrm_stat": ""}).reason is Reason.MISSING
