import msgspec

from procpulse import Reason
from procpulse.sources import NET_DEV_SNMP6
from procpulse.sources.proc.net_dev_snmp6 import InterfaceSnmp6
from tests.cases import failure, read, reading

ETH0 = {
    "/proc/net/dev_snmp6/eth0": (
        "ifIndex                         \t2\n"
        "Ip6InReceives                   \t3057229\n"
        "Ip6InOctets                     \t18446744073709551615\n"
        "Icmp6OutType143                 \t5\n"
    )
}
EXPECTED = InterfaceSnmp6(
    "eth0", 2, {"Ip6InReceives": 3057229, "Ip6InOctets": 18_446_744_073_709_551_615, "Icmp6OutType143": 5}
)


def test_interfaces() -> None:
    files = ETH0 | {
        "/proc/net/dev_snmp6/eth10": "ifIndex 12\nIp6InReceives 0\n",
        "/proc/net/dev_snmp6/eth9": "ifIndex 3\n",
    }
    assert read(NET_DEV_SNMP6, files) == [
        EXPECTED,
        InterfaceSnmp6("eth9", 3, {}),
        InterfaceSnmp6("eth10", 12, {"Ip6InReceives": 0}),
    ]


def test_hostile_names() -> None:
    files = {"/proc/net/dev_snmp6/a\x1b\udcff": b"ifIndex 2\nIp6\xc2\x85 7\n"}
    assert read(NET_DEV_SNMP6, files) == [InterfaceSnmp6("a\\x1b\\xff", 2, {"Ip6\\u0085": 7})]


def test_a_row_that_makes_no_sense_costs_itself_only() -> None:
    for text, more in (
        ("ifIndex 3\nIp6InReceives x\n", [InterfaceSnmp6("wlan1", 3, {})]),
        ("ifIndex x\nIp6InReceives 4\n", [InterfaceSnmp6("wlan1", None, {"Ip6InReceives": 4})]),
        ("x\n", []),
    ):
        interfaces, this = reading(NET_DEV_SNMP6, ETH0 | {"/proc/net/dev_snmp6/wlan1": text})
        assert interfaces == [EXPECTED, *more]
        assert this.failures["wlan*"].reason is Reason.MALFORMED


def test_a_malformed_file_of_a_hostile_name_can_still_be_told() -> None:
    _, this = reading(NET_DEV_SNMP6, ETH0 | {"/proc/net/dev_snmp6/a\x1b\udcff": "x\n"})
    assert [failure.path for failure in this.failures.values()] == ["/proc/net/dev_snmp6/a\\x1b\\xff"]
    assert msgspec.json.encode(this.failures)


def test_an_interface_that_goes_away_while_it_is_read() -> None:
    interfaces, this = reading(NET_DEV_SNMP6, ETH0 | {"/proc/net/dev_snmp6/wlan1": ""})
    assert interfaces == [EXPECTED]
    assert not this.failures


def test_no_ipv6() -> None:
    assert failure(NET_DEV_SNMP6, {}).reason is Reason.MISSING
