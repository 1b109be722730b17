import pytest

from procpulse.source import Malformed
from procpulse.sources import NET_WIRELESS
from procpulse.sources.proc.net_wireless import Wireless
from tests.cases import parse

HEADING = (
    "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
    " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n"
)
CASES = [
    pytest.param(
        HEADING + " wlan0: 0000   58.  -52.  -256        1      2      3      4      5        6\n",
        [
            Wireless(
                "wlan0", 0, 58, -52, None, discarded_nwid=1, discarded_crypt=2, discarded_frag=3, discarded_retry=4,
                discarded_misc=5, missed_beacons=6,
            )
        ],
        id="in dBm, noise unknown",
    ),
    pytest.param(
        HEADING
        + " wlan0: 001f    9    208.   12        0      0      0      0      0        0\n"
        + "wlp0s20f3: 0000    0     0     0        0      0      0      0      0        0\n",
        [
            Wireless("wlan0", 31, 9, 208, 12, 0, 0, 0, 0, 0, 0),
            Wireless("wlp0s20f3", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        ],
        id="on a scale of the driver, and one that is down",
    ),
    pytest.param(
        HEADING + " wlan0: 0000   58.  -52.  -256        0      0      0     -1      0 -2147483648\n",
        [Wireless("wlan0", 0, 58, -52, None, 0, 0, 0, 4_294_967_295, 0, 2_147_483_648)],
        id="counters over 31 bits",
    ),
    pytest.param(
        HEADING.encode() + b" w\x1b:x: 0000   58.  -52.  -256        0      0      0      0      0        0\n",
        [Wireless("w\\x1b:x", 0, 58, -52, None, 0, 0, 0, 0, 0, 0)],
        id="a hostile name",
    ),
    pytest.param(HEADING, [], id="no wireless interfaces"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_net_wireless(text: str | bytes, expected: list[Wireless]) -> None:
    assert parse(NET_WIRELESS, text) == expected


@pytest.mark.parametrize(
    "text",
    [
        HEADING + " wlan0: 0000   58.  -52.  -256        0      0      0      0      0\n",
        HEADING + " wlan0  0000   58.  -52.  -256        0      0      0      0      0        0\n",
        HEADING + " wlan0: 0000   58..  -52.  -256        0      0      0      0      0        0\n",
    ],
    ids=["a column short", "no name", "no number"],
)
def test_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        parse(NET_WIRELESS, text)
