import pytest

from procpulse import Failure, Reason
from procpulse.sources import CLASS_FC_HOST
from procpulse.sources.sysfs.class_fc_host import FcHost, FcStatistics
from tests.cases import failure, read, reading

H = "/sys/class/fc_host/host3"
S = f"{H}/statistics"

ONLINE = {
    f"{H}/port_state": "Online\n",
    f"{H}/port_type": "NPort (fabric via point-to-point)\n",
    f"{H}/port_id": "0x0a1c00\n",
    f"{H}/port_name": "0x100000109b7c4e12\n",
    f"{H}/node_name": "0x200000109b7c4e12\n",
    f"{H}/fabric_name": "0x100088947110c2f1\n",
    f"{H}/symbolic_name": "Emulex LPe32002-M2 FV14.2 DV14.4 HN:db7 OS:Linux\n",
    f"{H}/speed": "32 Gbit\n",
    f"{H}/supported_speeds": "8 Gbit, 16 Gbit, 32 Gbit\n",
    f"{H}/supported_classes": "Class 2, Class 3\n",
    f"{H}/dev_loss_tmo": "30\n",
}
ONLINE_ROW = FcHost(
    "host3",
    "Online",
    "NPort (fabric via point-to-point)",
    "0x0a1c00",
    "0x100000109b7c4e12",
    "0x200000109b7c4e12",
    "0x100088947110c2f1",
    "Emulex LPe32002-M2 FV14.2 DV14.4 HN:db7 OS:Linux",
    "32 Gbit",
    32_000_000_000,
    ["8 Gbit", "16 Gbit", "32 Gbit"],
    ["Class 2", "Class 3"],
    30,
)
COUNTED = {
    f"{S}/seconds_since_last_reset": "0x2a4f1\n",
    f"{S}/tx_frames": "0x10\n",
    f"{S}/tx_words": "0x11\n",
    f"{S}/rx_frames": "0x12\n",
    f"{S}/rx_words": "0xfffffffffffffffe\n",
    f"{S}/lip_count": "0x14\n",
    f"{S}/nos_count": "0x15\n",
    f"{S}/error_frames": "0x16\n",
    f"{S}/dumped_frames": "0xffffffffffffffff\n",
    f"{S}/link_failure_count": "0x18\n",
    f"{S}/loss_of_sync_count": "0x19\n",
    f"{S}/loss_of_signal_count": "0x1a\n",
    f"{S}/prim_seq_protocol_err_count": "0x1b\n",
    f"{S}/invalid_tx_word_count": "0x1c\n",
    f"{S}/invalid_crc_count": "0x1d\n",
    f"{S}/fcp_input_requests": "0x1e\n",
    f"{S}/fcp_output_requests": "0x1f\n",
    f"{S}/fcp_control_requests": "0x20\n",
    f"{S}/fcp_input_megabytes": "0x21\n",
    f"{S}/fcp_output_megabytes": "0x22\n",
    f"{S}/fcp_packet_alloc_failures": "0x23\n",
    f"{S}/fcp_packet_aborts": "0x24\n",
    f"{S}/fcp_frame_alloc_failures": "0x25\n",
    f"{S}/fc_no_free_exch": "0x26\n",
    f"{S}/fc_no_free_exch_xid": "0x27\n",
    f"{S}/fc_xid_not_found": "0x28\n",
    f"{S}/fc_xid_busy": "0x29\n",
    f"{S}/fc_seq_not_found": "0x2a\n",
    f"{S}/fc_non_bls_resp": "0x2b\n",
    f"{S}/reset_statistics": "0x0\n",
}
STATISTICS = FcStatistics(
    173297, 16, 17, 18, 18446744073709551614, 20, 21, 22, None, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37,
    38, 39, 40, 41, 42, 43,
)  # fmt: skip


def test_online_kernel_4_18_and_a_counter_that_the_driver_does_not_keep() -> None:
    [host] = read(CLASS_FC_HOST, ONLINE | COUNTED)
    assert host == FcHost(**{name: getattr(ONLINE_ROW, name) for name in _WITHOUT}, statistics=STATISTICS)


_WITHOUT = FcHost.__struct_fields__[:-1]


def test_notifications_of_the_fabric_and_signals_of_congestion() -> None:
    files = {
        f"{S}/cn_sig_warn": "0x9\n",
        f"{S}/cn_sig_alarm": "0x1\n",
        f"{S}/fpin_dn": "0x2\n",
        f"{S}/fpin_li": "0xa\n",
        f"{S}/fpin_cn": "0xffffffffffffffff\n",
    }
    [host] = read(CLASS_FC_HOST, files)
    assert host == FcHost(
        "host3", statistics=FcStatistics(cn_sig_warn=9, cn_sig_alarm=1, fpin={"fpin_dn": 2, "fpin_li": 10})
    )


@pytest.mark.parametrize(
    ("speed", "bits"),
    [
        ("1 Gbit", 1_000_000_000),
        ("128 Gbit", 128_000_000_000),
        ("Unknown", None),
        ("Not Negotiated", None),
        ("16 Gbit, 32 Gbit", None),
    ],
)
def test_speeds(speed: str, bits: int | None) -> None:
    [host], this = reading(CLASS_FC_HOST, {f"{H}/speed": speed + "\n"})
    assert host == FcHost("host3", speed=speed, speed_bits_per_second=bits)
    assert this.failures == {}


def test_an_adapter_that_is_switched_off() -> None:
    """Its files are there, and answer ENOENT."""
    gone: dict[str, str | bytes | Failure] = {path: Failure(Reason.MISSING, path, "ENOENT") for path in COUNTED}
    [host], this = reading(CLASS_FC_HOST, gone | {f"{H}/port_state": "Offline\n"})
    assert host == FcHost("host3", "Offline")
    assert this.failures == {}


def test_garbage_costs_its_own_field() -> None:
    files = ONLINE | {f"{S}/tx_frames": "many", f"{S}/rx_frames": "0x12345678901234567", f"{S}/lip_count": "0x3"}
    [host], this = reading(CLASS_FC_HOST, files)
    assert host.statistics == FcStatistics(lip_count=3)
    assert {name: found.reason for name, found in this.failures.items()} == {
        "statistics/tx_frames": Reason.MALFORMED,
        "statistics/rx_frames": Reason.MALFORMED,
    }


def test_hostile_names() -> None:
    [host] = read(CLASS_FC_HOST, {"/sys/class/fc_host/host\u202e1/symbolic_name": b"\x1b]0;x\x07 \xff\n"})
    assert host == FcHost("host\\u202e1", symbolic_name="\\x1b]0;x\\x07 \\xff")


def test_no_fibre_channel() -> None:
    assert failure(CLASS_FC_HOST, {}).reason is Reason.MISSING
