import pytest

from procpulse import Reason
from procpulse.sources import CLASS_NET_AER
from procpulse.sources.sysfs.class_net_aer import NetAer
from tests.cases import failure, read, reading

D = "/sys/class/net/eth0/device"
NEW = {
    f"{D}/aer_dev_correctable": "RxErr 3\nBadTLP 0\nTimeout 18446744073709551615\nTOTAL_ERR_COR 2\n",
    f"{D}/aer_dev_fatal": "Undefined 0\nDLP 1\nTOTAL_ERR_FATAL 1\n",
    f"{D}/aer_dev_nonfatal": "UnsupReq 12\nUnknown bit[30] 4\nTOTAL_ERR_NONFATAL 16\n",
}


def test_errors_by_kind_kernel_6_18() -> None:
    assert read(CLASS_NET_AER, NEW) == [
        NetAer(
            "eth0",
            {"RxErr": 3, "BadTLP": 0, "Timeout": 18446744073709551615},
            {"Undefined": 0, "DLP": 1},
            {"UnsupReq": 12, "Unknown bit[30]": 4},
            2,
            1,
            16,
        )
    ]


def test_kinds_with_blanks_kernel_4_19() -> None:
    files = {
        f"{D}/aer_dev_correctable": "Receiver Error 2\nBad TLP 0\nRELAY_NUM Rollover 1\nTOTAL_ERR_COR 3\n",
        f"{D}/aer_dev_fatal": "Data Link Protocol 0\nTOTAL_ERR_FATAL 0\n",
    }
    assert read(CLASS_NET_AER, files) == [
        NetAer(
            "eth0",
            {"Receiver Error": 2, "Bad TLP": 0, "RELAY_NUM Rollover": 1},
            {"Data Link Protocol": 0},
            correctable_messages=3,
            fatal_messages=0,
        )
    ]


def test_interfaces_without_it_are_no_rows() -> None:
    files = {"/sys/class/net/lo/mtu": "65536\n", "/sys/class/net/veth0/ifindex": "3\n"}
    assert read(CLASS_NET_AER, files) == []


def test_a_hostile_kind_is_inert() -> None:
    [row] = read(CLASS_NET_AER, {f"{D}/aer_dev_fatal": b"\x1b[2J\xff 3\n"})
    assert row.fatal == {"\\x1b[2J\\xff": 3}


@pytest.mark.parametrize("data", ["RxErr\n", "RxErr many\n", " 3\n", "RxErr 99999999999999999999999\n", "RxErr 1.5\n"])
def test_garbage_costs_its_own_fields(data: str) -> None:
    [row], this = reading(CLASS_NET_AER, NEW | {f"{D}/aer_dev_correctable": data})
    assert (row.correctable, row.correctable_messages) == ({}, None)
    assert row.fatal == {"Undefined": 0, "DLP": 1}
    assert this.failures["device/aer_dev_correctable"].reason is Reason.MALFORMED


def test_no_network() -> None:
    assert failure(CLASS_NET_AER, {}).reason is Reason.MISSING
