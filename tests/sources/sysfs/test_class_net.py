import pytest

from procpulse import Failure, Reason
from procpulse.sources import CLASS_NET
from procpulse.sources.sysfs.class_net import LinkStatistics, NetDevice
from tests.cases import failure, read, reading

NET = "/sys/class/net"

STATISTICS = {
    "rx_packets": "1", "tx_packets": "2", "rx_bytes": "3", "tx_bytes": "4", "rx_errors": "5", "tx_errors": "6",
    "rx_dropped": "7", "tx_dropped": "8", "multicast": "9", "collisions": "10", "rx_length_errors": "11",
    "rx_over_errors": "12", "rx_crc_errors": "13", "rx_frame_errors": "14", "rx_fifo_errors": "15",
    "rx_missed_errors": "16", "tx_aborted_errors": "17", "tx_carrier_errors": "18", "tx_fifo_errors": "19",
    "tx_heartbeat_errors": "20", "tx_window_errors": "21", "rx_compressed": "22", "tx_compressed": "23",
    "rx_nohandler": "24",
}  # fmt: skip
ETH0 = {
    "ifindex": "2", "address": "02:4b:00:10:00:01", "broadcast": "ff:ff:ff:ff:ff:ff", "addr_assign_type": "3",
    "addr_len": "6", "carrier": "1", "carrier_changes": "7", "carrier_up_count": "4", "carrier_down_count": "3",
    "dev_id": "0x20", "dev_port": "1", "dormant": "0", "testing": "0", "duplex": "full", "flags": "0x1303",
    "ifalias": "uplink, port 7", "iflink": "2", "link_mode": "1", "mtu": "1500", "name_assign_type": "4",
    "netdev_group": "10", "operstate": "up", "phys_port_id": "024b00100001", "phys_port_name": "p0",
    "phys_switch_id": "024b0010000100ff", "speed": "2500", "tx_queue_len": "1000", "type": "1",
}  # fmt: skip
EXPECTED = NetDevice(
    "eth0", ifindex=2, address="02:4b:00:10:00:01", broadcast="ff:ff:ff:ff:ff:ff", addr_assign_type=3, addr_len=6,
    carrier=True, carrier_changes=7, carrier_up_count=4, carrier_down_count=3, dev_id=32, dev_port=1, dormant=False,
    testing=False, duplex="full", flags=0x1303, ifalias="uplink, port 7", iflink=2, link_mode=1, mtu_bytes=1500,
    name_assign_type=4, netdev_group=10, operstate="up", phys_port_id="024b00100001", phys_port_name="p0",
    phys_switch_id="024b0010000100ff", speed_bits_per_second=2_500_000_000, tx_queue_len=1000, type=1, driver="igc",
    statistics=LinkStatistics(
        rx_packets=1, tx_packets=2, rx_bytes=3, tx_bytes=4, rx_errors=5, tx_errors=6, rx_dropped=7, tx_dropped=8,
        multicast=9, collisions=10, rx_length_errors=11, rx_over_errors=12, rx_crc_errors=13, rx_frame_errors=14,
        rx_fifo_errors=15, rx_missed_errors=16, tx_aborted_errors=17, tx_carrier_errors=18, tx_fifo_errors=19,
        tx_heartbeat_errors=20, tx_window_errors=21, rx_compressed=22, tx_compressed=23, rx_nohandler=24,
    ),
)  # fmt: skip


def at(name: str, files: dict[str, str]) -> dict[str, str]:
    """A folder of the class; every attribute ends in a newline."""
    return {f"{NET}/{name}/{file}": text + "\n" for file, text in files.items()}


def whole(name: str = "eth0") -> dict[str, str]:
    link = {f"{NET}/{name}/device/driver@": "../../../../bus/pci/drivers/igc"}
    return at(name, ETH0) | at(f"{name}/statistics", STATISTICS) | link


def test_everything() -> None:
    assert read(CLASS_NET, whole()) == [EXPECTED]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(
            {"ifindex": "1", "address": "00:00:00:00:00:00", "ifalias": "", "flags": "0x9", "type": "772"},
            NetDevice("eth0", 1, "00:00:00:00:00:00", flags=9, type=772),
            id="a virtual one: no driver, an empty alias",
        ),
        pytest.param(
            {"ifindex": "3", "speed": "-1", "duplex": "unknown", "carrier": "0", "operstate": "down"},
            NetDevice("eth0", 3, carrier=False, operstate="down"),
            id="no link",
        ),
        pytest.param({"ifindex": "3", "speed": "4294967295"}, NetDevice("eth0", 3), id="no link, printed unsigned"),
        pytest.param(
            {"ifindex": "3", "speed": "800000", "flags": "1003"},
            NetDevice("eth0", 3, flags=0x1003, speed_bits_per_second=800_000_000_000),
            id="a very fast link",
        ),
        pytest.param(
            {"ifindex": "3", "ifalias": "a\x1b]0;b\x07\u202e"},
            NetDevice("eth0", 3, ifalias="a\\x1b]0;b\\x07\\u202e"),
            id="a hostile alias",
        ),
        pytest.param(
            {"ifindex": "3", "statistics/rx_bytes": "18446744073709551615"},
            NetDevice("eth0", 3, statistics=LinkStatistics(rx_bytes=18446744073709551615)),
            id="64 bits, exactly",
        ),
    ],
)
def test_shapes(files: dict[str, str], expected: NetDevice) -> None:
    assert read(CLASS_NET, at("eth0", files)) == [expected]


def test_rows_are_in_natural_order_and_files_of_the_class_are_none() -> None:
    files = {f"{NET}/bonding_masters": "bond0\n"} | at("eth10", {"ifindex": "3"}) | at("eth9", {"ifindex": "4"})
    assert read(CLASS_NET, files) == [NetDevice("eth9", 4), NetDevice("eth10", 3)]


def test_a_hostile_name() -> None:
    [row] = read(CLASS_NET, at("e\x1b\udcff", {"ifindex": "3"}))
    assert row.name == "e\\x1b\\xff"


@pytest.mark.parametrize("code", ["EINVAL", "EOPNOTSUPP"])
def test_an_interface_that_is_down_costs_its_own_fields(code: str) -> None:
    lost = {f"{NET}/eth0/{name}" for name in ("speed", "duplex", "carrier")}
    [row], this = reading(CLASS_NET, whole() | {path: Failure(Reason.UNSUPPORTED, path, code) for path in lost})
    assert (row.speed_bits_per_second, row.duplex, row.carrier) == (None, None, None)
    assert row.statistics == EXPECTED.statistics
    assert set(this.failures) == {"speed", "duplex", "carrier"}


@pytest.mark.parametrize(
    ("name", "text"),
    [("speed", "fast"), ("carrier", "2"), ("flags", "0xzz"), ("mtu", "1.5"), ("statistics/rx_bytes", "1 2")],
)
def test_garbage_costs_its_own_field(name: str, text: str) -> None:
    [row], this = reading(CLASS_NET, at("eth0", {"ifindex": "3", name: text}))
    assert row == NetDevice("eth0", 3)
    assert this.failures[name].reason is Reason.MALFORMED


def test_one_that_went_away_meanwhile() -> None:
    gone = {path: Failure(Reason.MISSING, path, "ENODEV") for path in whole("eth1")}
    rows, this = reading(CLASS_NET, whole() | gone)
    assert rows == [EXPECTED]
    assert this.failures == {}


def test_no_sysfs() -> None:
    assert failure(CLASS_NET, {}) == Failure(Reason.MISSING, NET, "ENOENT")
