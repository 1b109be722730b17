from procpulse import Reason
from procpulse.sources import CLASS_SAS_END_DEVICE
from procpulse.sources.sysfs.class_sas_end_device import SasEndDevice
from tests.cases import failure, read, reading

E = "/sys/class/sas_end_device/end_device-6:1"
DISK = {
    f"{E}/I_T_nexus_loss_timeout": "2000\n",
    f"{E}/initiator_response_timeout": "500\n",
    f"{E}/ready_led_meaning": "1\n",
    f"{E}/tlr_supported": "1\n",
    f"{E}/tlr_enabled": "0\n",
    f"{E}/device/sas_device/end_device-6:1/sas_address": "0x5000c0de00004001\n",
    f"{E}/device/target6:0:4/6:0:4:0/block/sdd/size": "8\n",
}


def test_a_disk() -> None:
    assert read(CLASS_SAS_END_DEVICE, DISK) == [
        SasEndDevice("end_device-6:1", "0x5000c0de00004001", 2000, 500, True, True, False, ["sdd"])
    ]


def test_a_tape_has_no_disks() -> None:
    files = {f"{E}/tlr_enabled": "1\n", f"{E}/device/target6:0:4/6:0:4:0/scsi_tape/st0/stats/in_flight": "0\n"}
    assert read(CLASS_SAS_END_DEVICE, files) == [SasEndDevice("end_device-6:1", tlr_enabled=True)]


def test_garbage_and_hostile_names() -> None:
    [device], this = reading(
        CLASS_SAS_END_DEVICE, {f"{E}/tlr_enabled": "2", f"{E}/device/target6:0:4/6:0:4:0/block/sd\x1b[2J/size": "8"}
    )
    assert device == SasEndDevice("end_device-6:1", block_devices=["sd\\x1b[2J"])
    assert this.failures["tlr_enabled"].reason is Reason.MALFORMED


def test_no_sas() -> None:
    assert failure(CLASS_SAS_END_DEVICE, {}).reason is Reason.MISSING
