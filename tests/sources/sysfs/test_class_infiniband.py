import pytest

from procpulse import Failure, Reason
from procpulse.sources import CLASS_INFINIBAND
from procpulse.sources.sysfs.class_infiniband import InfiniBandDevice, InfiniBandPort, PortCounters, PortCountersExt
from tests.cases import failure, read, reading

D = "/sys/class/infiniband/mlx5_0"
P = f"{D}/ports/1"

MLX5 = {
    f"{D}/board_id": "MT_0000000223\n",
    f"{D}/fw_ver": "20.31.1014\n",
    f"{D}/hca_type": "MT4123\n",
    f"{D}/hw_rev": "0\n",
    f"{D}/node_guid": "0c42:a103:00b1:77e0\n",
    f"{D}/node_desc": "db7 mlx5_0\n",
    f"{P}/link_layer": "InfiniBand\n",
    f"{P}/state": "4: ACTIVE\n",
    f"{P}/phys_state": "5: LinkUp\n",
    f"{P}/rate": "100 Gb/sec (4X EDR)\n",
    f"{P}/gids/0": "fe80:0000:0000:0000:0c42:a103:00b1:77e0\n",
    f"{P}/counters/VL15_dropped": "1\n",
    f"{P}/counters/excessive_buffer_overrun_errors": "2\n",
    f"{P}/counters/link_downed": "3\n",
    f"{P}/counters/link_error_recovery": "4\n",
    f"{P}/counters/local_link_integrity_errors": "5\n",
    f"{P}/counters/multicast_rcv_packets": "6\n",
    f"{P}/counters/multicast_xmit_packets": "7\n",
    f"{P}/counters/port_rcv_constraint_errors": "8\n",
    f"{P}/counters/port_rcv_data": "2305843009213693953\n",
    f"{P}/counters/port_rcv_discards": "9\n",
    f"{P}/counters/port_rcv_errors": "10\n",
    f"{P}/counters/port_rcv_packets": "11\n",
    f"{P}/counters/port_rcv_remote_physical_errors": "12\n",
    f"{P}/counters/port_rcv_switch_relay_errors": "13\n",
    f"{P}/counters/port_xmit_constraint_errors": "14\n",
    f"{P}/counters/port_xmit_data": "250\n",
    f"{P}/counters/port_xmit_discards": "15\n",
    f"{P}/counters/port_xmit_packets": "16\n",
    f"{P}/counters/port_xmit_wait": "17\n",
    f"{P}/counters/symbol_error": "18\n",
    f"{P}/counters/unicast_rcv_packets": "19\n",
    f"{P}/counters/unicast_xmit_packets": "20\n",
    f"{P}/hw_counters/lifespan": "10\n",
    f"{P}/hw_counters/out_of_sequence": "21\n",
    f"{P}/hw_counters/rx_read_requests": "0\n",
}
COUNTERS = PortCounters(
    port_rcv_data_bytes=9223372036854775812,
    port_xmit_data_bytes=1000,
    port_rcv_packets=11,
    port_xmit_packets=16,
    unicast_rcv_packets=19,
    unicast_xmit_packets=20,
    multicast_rcv_packets=6,
    multicast_xmit_packets=7,
    port_rcv_errors=10,
    port_rcv_remote_physical_errors=12,
    port_rcv_switch_relay_errors=13,
    port_rcv_constraint_errors=8,
    port_rcv_discards=9,
    port_xmit_discards=15,
    port_xmit_constraint_errors=14,
    port_xmit_wait=17,
    symbol_error=18,
    link_error_recovery=4,
    link_downed=3,
    local_link_integrity_errors=5,
    excessive_buffer_overrun_errors=2,
    vl15_dropped=1,
)
PORT = InfiniBandPort(
    1,
    "InfiniBand",
    "ACTIVE",
    4,
    "LinkUp",
    5,
    12_500_000_000,
    "4X EDR",
    COUNTERS,
    hw_counters={"out_of_sequence": 21, "rx_read_requests": 0},
    hw_lifespan_ms=10,
)


def test_a_device_and_its_port_in_full() -> None:
    assert read(CLASS_INFINIBAND, MLX5) == [
        InfiniBandDevice("mlx5_0", "MT_0000000223", "20.31.1014", "MT4123", "0", "0c42:a103:00b1:77e0", [PORT])
    ]


def test_counters_in_a_folder_of_their_own_from_older_drivers() -> None:
    files = {
        f"{P}/counters/port_rcv_data": "4294967295",
        f"{P}/counters_ext/port_multicast_rcv_packets": "1",
        f"{P}/counters_ext/port_multicast_xmit_packets": "2",
        f"{P}/counters_ext/port_rcv_data_64": "25000000000",
        f"{P}/counters_ext/port_rcv_packets_64": "4",
        f"{P}/counters_ext/port_unicast_rcv_packets": "5",
        f"{P}/counters_ext/port_unicast_xmit_packets": "6",
        f"{P}/counters_ext/port_xmit_data_64": "7",
        f"{P}/counters_ext/port_xmit_packets_64": "8",
    }
    ext = PortCountersExt(
        port_rcv_data_64_bytes=100_000_000_000,
        port_xmit_data_64_bytes=28,
        port_rcv_packets_64=4,
        port_xmit_packets_64=8,
        port_unicast_rcv_packets=5,
        port_unicast_xmit_packets=6,
        port_multicast_rcv_packets=1,
        port_multicast_xmit_packets=2,
    )
    port = InfiniBandPort(1, counters=PortCounters(port_rcv_data_bytes=17_179_869_180), counters_ext=ext)
    assert read(CLASS_INFINIBAND, files) == [InfiniBandDevice("mlx5_0", ports=[port])]


def test_two_ports_and_more_in_their_order() -> None:
    files = {f"{D}/ports/{n}/state": "1: DOWN\n" for n in (10, 2, 1)}
    [device] = read(CLASS_INFINIBAND, files)
    assert [port.port for port in device.ports] == [1, 2, 10]


def test_a_device_without_performance_management() -> None:
    [device], this = reading(
        CLASS_INFINIBAND,
        {f"{P}/counters/port_rcv_data": "N/A (no PMA)\n", f"{P}/counters/symbol_error": "N/A (no PMA)"},
    )
    assert device.ports == [InfiniBandPort(1)]
    assert this.failures == {}


def test_what_goes_up_and_down_is_no_counter() -> None:
    files = {f"{P}/hw_counters/active_qps": "6", f"{P}/hw_counters/watermark_qps": "9", f"{P}/hw_counters/rx_pkts": "7"}
    [device] = read(CLASS_INFINIBAND, files)
    assert device.ports == [
        InfiniBandPort(1, hw_counters={"rx_pkts": 7}, hw_gauges={"active_qps": 6, "watermark_qps": 9})
    ]


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        ("2.5 Gb/sec (1X SDR)", (312_500_000, "1X SDR")),
        ("40 Gb/sec (4X QDR)", (5_000_000_000, "4X QDR")),
        ("800 Gb/sec (8X NDR)", (100_000_000_000, "8X NDR")),
        ("56 Gb/sec (4X FDR)", (7_000_000_000, "4X FDR")),
        ("10 Gb/sec (4X)", (1_250_000_000, "4X")),
        ("10 Gb/sec", (1_250_000_000, None)),
    ],
)
def test_rates(rate: str, expected: tuple[int, str | None]) -> None:
    [device] = read(CLASS_INFINIBAND, {f"{P}/rate": rate + "\n"})
    assert (device.ports[0].rate_bytes_per_second, device.ports[0].rate_name) == expected


@pytest.mark.parametrize(
    "rate", ["fast", "Gb/sec", "-1 Gb/sec", "1e9 Gb/sec", "9999999999 Gb/sec", "10 Mb/sec", "1.25 Gb/sec"]
)
def test_rates_that_are_none(rate: str) -> None:
    [device], this = reading(CLASS_INFINIBAND, {f"{P}/rate": rate, f"{P}/state": "4: ACTIVE"})
    assert device.ports == [InfiniBandPort(1, state="ACTIVE", state_id=4)]
    assert this.failures["ports/*/rate"].reason is Reason.MALFORMED


def test_garbage_costs_its_own_field() -> None:
    files = MLX5 | {f"{P}/counters/symbol_error": "-", f"{P}/hw_counters/out_of_sequence": "99999999999999999999999"}
    files[f"{P}/state"] = "ACTIVE"
    [device], this = reading(CLASS_INFINIBAND, files)
    [port] = device.ports
    assert port.counters is not None
    assert (port.counters.symbol_error, port.counters.link_downed) == (None, 3)
    assert (port.hw_counters, port.state, port.state_id, port.phys_state) == (
        {"rx_read_requests": 0},
        None,
        None,
        "LinkUp",
    )
    assert set(this.failures) == {
        "ports/*/counters/symbol_error",
        "ports/*/hw_counters/out_of_sequence",
        "ports/*/state",
    }


def test_a_driver_that_fails() -> None:
    path = f"{P}/counters/symbol_error"
    [device], this = reading(CLASS_INFINIBAND, MLX5 | {path: Failure(Reason.UNSUPPORTED, path, "EIO")})
    assert device.ports[0].counters is not None
    assert device.ports[0].counters.symbol_error is None
    assert this.failures["ports/*/counters/symbol_error"].detail == "EIO"


def test_hostile_names() -> None:
    files = {"/sys/class/infiniband/a\x1b[2J/board_id": "\x1b[31m\u202eevil\n", f"{P}/hw_counters/a\u200bb": "1\n"}
    found = read(CLASS_INFINIBAND, files)
    assert found == [
        InfiniBandDevice("a\\x1b[2J", board_id="\\x1b[31m\\u202eevil"),
        InfiniBandDevice("mlx5_0", ports=[InfiniBandPort(1, hw_counters={"a\\u200bb": 1})]),
    ]


def test_no_such_devices() -> None:
    assert failure(CLASS_INFINIBAND, {}).reason is Reason.MISSING
