from procpulse import Failure, Reason
from procpulse.sources import CLASS_SAS_DEVICE
from procpulse.sources.sysfs.class_sas_device import SasDevice
from tests.cases import Files, failure, read, reading

S = "/sys/class/sas_device"
DISK = {
    f"{S}/end_device-6:0:3/sas_address": "0x5000c0de00003001\n",
    f"{S}/end_device-6:0:3/device_type": "end device\n",
    f"{S}/end_device-6:0:3/phy_identifier": "3\n",
    f"{S}/end_device-6:0:3/initiator_port_protocols": "none\n",
    f"{S}/end_device-6:0:3/target_port_protocols": "stp, ssp\n",
    f"{S}/end_device-6:0:3/enclosure_identifier": "0x5000c0de00002000\n",
    f"{S}/end_device-6:0:3/bay_identifier": "7\n",
    f"{S}/end_device-6:0:3/scsi_target_id": "2\n",
    f"{S}/end_device-6:0:3/device/target6:0:2/6:0:2:1/block/sdaa/size": "8\n",
    f"{S}/end_device-6:0:3/device/target6:0:2/6:0:2:0/block/sdc/size": "8\n",
    f"{S}/end_device-6:0:3/device/target6:0:2/6:0:2:2/scsi_generic/sg3/dev": "21:3\n",
    f"{S}/end_device-6:0:3/device/uevent": "",
}
DISK_ROW = SasDevice(
    "end_device-6:0:3", "0x5000c0de00003001", "end device", 3, ["none"], ["stp", "ssp"], "0x5000c0de00002000", 7, 2,
    block_devices=["sdaa", "sdc"],
)  # fmt: skip


def test_a_disk_of_two_units() -> None:
    assert read(CLASS_SAS_DEVICE, DISK) == [DISK_ROW]


def test_an_expander() -> None:
    path = f"{S}/expander-6:0/bay_identifier"
    files: Files = {
        f"{S}/expander-6:0/sas_address": "0x5000c0de0000207f\n",
        f"{S}/expander-6:0/device_type": "edge expander\n",
        f"{S}/expander-6:0/initiator_port_protocols": "smp\n",
        path: Failure(Reason.MISSING, path, "ENXIO"),
        f"{S}/expander-6:0/enclosure_identifier": "",
        f"{S}/expander-6:0/device/phy-6:0:10/uevent": "",
        f"{S}/expander-6:0/device/phy-6:0:2/uevent": "",
        f"{S}/expander-6:0/device/port-6:0:0/uevent": "",
        f"{S}/expander-6:0/device/sas_expander/expander-6:0/level": "0\n",
    }
    found, this = reading(CLASS_SAS_DEVICE, files)
    assert found == [
        SasDevice(
            "expander-6:0", "0x5000c0de0000207f", "edge expander", initiator_port_protocols=["smp"],
            phys=["phy-6:0:2", "phy-6:0:10"], ports=["port-6:0:0"],
        )
    ]  # fmt: skip
    assert this.failures == {}


def test_garbage_and_hostile_names() -> None:
    files = {
        f"{S}/expander-6:0/phy_identifier": "x",
        f"{S}/expander-6:0/device_type": "\x1b[2J\n",
        f"{S}/expander-6:0/device/phy-\u202e/uevent": "",
    }
    found, this = reading(CLASS_SAS_DEVICE, files)
    assert found == [SasDevice("expander-6:0", device_type="\\x1b[2J", phys=["phy-\\u202e"])]
    assert this.failures["phy_identifier"].reason is Reason.MALFORMED


def test_no_sas() -> None:
    assert failure(CLASS_SAS_DEVICE, {}).reason is Reason.MISSING
