from typing import Any

import pytest

from procpulse import Failure, Reason
from procpulse.sources import PCI_DEVICES
from procpulse.sources.sysfs.pci_devices import PciDevice, PciLocation, PciSriov
from tests.cases import Files, failure, read, reading

B = "/sys/bus/pci/devices"
D = f"{B}/0000:a2:00.1"
OLD: Files = {
    f"{D}@": "../../../devices/pci0000:a0/0000:a0:03.1/0000:a2:00.1",
    f"{D}/class": "0x020000\n",
    f"{D}/vendor": "0x8086\n",
    f"{D}/device": "0x1592\n",
    f"{D}/subsystem_vendor": "0x8086\n",
    f"{D}/subsystem_device": "0x000d\n",
    f"{D}/revision": "0x02\n",
    f"{D}/driver@": "../../../../bus/pci/drivers/ice",
    f"{D}/numa_node": "1\n",
    f"{D}/local_cpulist": "32-63\n",
    f"{D}/irq": "73\n",
    f"{D}/enable": "1\n",
    f"{D}/max_link_speed": "16 GT/s\n",
    f"{D}/max_link_width": "16\n",
    f"{D}/current_link_speed": "8 GT/s\n",
    f"{D}/current_link_width": "8\n",
    f"{D}/d3cold_allowed": "1\n",
    f"{D}/power/runtime_status": "active\n",
    f"{D}/sriov_drivers_autoprobe": "1\n",
    f"{D}/sriov_numvfs": "4\n",
    f"{D}/sriov_totalvfs": "128\n",
    f"{D}/sriov_offset": "8\n",
    f"{D}/sriov_stride": "1\n",
    f"{D}/sriov_vf_device": "1889\n",
    f"{D}/config": b"\x86\x80",
}
NEW: Files = {
    **OLD,
    f"{D}/max_link_speed": "16.0 GT/s PCIe\n",
    f"{D}/current_link_speed": "2.5 GT/s PCIe\n",
    f"{D}/power_state": "D0\n",
    f"{D}/sriov_vf_total_msix": "4294967033\n",
    f"{D}/aer_dev_correctable": "RxErr 3\nTOTAL_ERR_COR 2\n",
    f"{D}/aer_dev_fatal": "DLP 0\nTOTAL_ERR_FATAL 0\n",
    f"{D}/aer_dev_nonfatal": "UnsupReq 5\nTOTAL_ERR_NONFATAL 5\n",
    f"{D}/aer_rootport_total_err_cor": "7\n",
    f"{D}/aer_rootport_total_err_fatal": "0\n",
    f"{D}/aer_rootport_total_err_nonfatal": "18446744073709551615\n",
}
OLD_VALUES: dict[str, Any] = {
    "name": "0000:a2:00.1",
    "location": PciLocation(0, 0xA2, 0, 1),
    "parent": PciLocation(0, 0xA0, 3, 1),
    "class_id": 0x020000,
    "vendor": 0x8086,
    "device": 0x1592,
    "subsystem_vendor": 0x8086,
    "subsystem_device": 0x000D,
    "revision": 2,
    "driver": "ice",
    "numa_node": 1,
    "local_cpulist": "32-63",
    "irq": 73,
    "enable": 1,
    "max_link_speed": 16.0,
    "max_link_width": 16,
    "current_link_speed": 8.0,
    "current_link_width": 8,
    "d3cold_allowed": True,
    "runtime_status": "active",
    "sriov": PciSriov(True, 4, 128, 8, 1, 0x1889),
}
NEW_VALUES: dict[str, Any] = OLD_VALUES | {
    "current_link_speed": 2.5,
    "power_state": "D0",
    "sriov": PciSriov(True, 4, 128, 8, 1, 0x1889, 4294967033),
    "aer_correctable": 2,
    "aer_fatal": 0,
    "aer_nonfatal": 5,
    "aer_rootport_correctable": 7,
    "aer_rootport_fatal": 0,
    "aer_rootport_nonfatal": 18446744073709551615,
}


def test_a_network_adapter_kernel_4_18() -> None:
    assert read(PCI_DEVICES, OLD) == [PciDevice(**OLD_VALUES)]


def test_with_errors_and_power_kernel_6_18() -> None:
    assert read(PCI_DEVICES, NEW) == [PciDevice(**NEW_VALUES)]


def test_at_the_root_in_a_wide_domain_and_a_virtual_function() -> None:
    files: Files = {
        f"{B}/10000:00:1f.7@": "../../../devices/pci10000:00/10000:00:1f.7",
        f"{B}/10000:00:1f.7/numa_node": "-1\n",
        f"{B}/0000:05:10.0@": "../../../devices/pci0000:00/0000:00:01.0/0000:05:10.0",
        f"{B}/0000:05:10.0/physfn@": "../0000:05:00.0",
        f"{B}/0000:05:10.0/enable": "0\n",
    }
    assert read(PCI_DEVICES, files) == [
        PciDevice("0000:05:10.0", PciLocation(0, 5, 16, 0), PciLocation(0, 0, 1, 0), enable=0, physfn="0000:05:00.0"),
        PciDevice("10000:00:1f.7", PciLocation(0x10000, 0, 31, 7)),
    ]


def test_one_that_sleeps_is_not_asked_for_its_link() -> None:
    [row] = read(PCI_DEVICES, {**NEW, f"{D}/power/runtime_status": "suspended\n", f"{D}/power_state": "D3cold\n"})
    links = {"max_link_speed": None, "max_link_width": None, "current_link_speed": None, "current_link_width": None}
    assert row == PciDevice(**(NEW_VALUES | links | {"runtime_status": "suspended", "power_state": "D3cold"}))


@pytest.mark.parametrize(
    ("text", "speed"),
    [
        ("2.5 GT/s\n", 2.5),
        ("5 GT/s\n", 5.0),
        ("8 GT/s\n", 8.0),
        ("64.0 GT/s PCIe\n", 64.0),
        ("133 MHz PCI-X\n", "malformed"),
        ("Unknown\n", None),
        ("Unknown speed\n", None),
        ("fast\n", "malformed"),
        ("1e3 GT/s\n", "malformed"),
        ("8.0.0 GT/s\n", "malformed"),
        ("", None),
    ],
)
def test_speeds(text: str, speed: float | str | None) -> None:
    [row], this = reading(PCI_DEVICES, {**OLD, f"{D}/current_link_speed": text})
    assert row.current_link_speed == (None if speed == "malformed" else speed)
    assert ("current_link_speed" in this.failures) == (speed == "malformed")


def test_a_device_that_does_not_answer_costs_its_own_field() -> None:
    path = f"{D}/current_link_width"
    files = {**OLD, path: Failure(Reason.UNSUPPORTED, path, "EINVAL"), f"{D}/class": "Ethernet\n"}
    [row], this = reading(PCI_DEVICES, files)
    assert row == PciDevice(**(OLD_VALUES | {"current_link_width": None, "class_id": None}))
    assert {part: failed.reason for part, failed in this.failures.items()} == {
        "current_link_width": Reason.UNSUPPORTED,
        "class": Reason.MALFORMED,
    }


def test_a_name_that_is_no_address() -> None:
    assert read(PCI_DEVICES, {f"{B}/bridge/irq": "0\n"}) == [PciDevice("bridge", irq=0)]


def test_no_pci() -> None:
    assert failure(PCI_DEVICES, {}).reason is Reason.MISSING


@pytest.mark.parametrize(("text", "lanes"), [("16\n", 16), ("0\n", 0), ("255\n", None), ("63\n", None), ("-1\n", None)])
def test_a_width_that_is_not_known(text: str, lanes: int | None) -> None:
    [row], this = reading(PCI_DEVICES, {**NEW, f"{D}/max_link_width": text, f"{D}/current_link_width": text})
    assert (row.max_link_width, row.current_link_width, this.failures) == (lanes, lanes, {})
