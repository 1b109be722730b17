from procpulse import Reason
from procpulse.sources import CLASS_SAS_PORT
from procpulse.sources.sysfs.class_sas_port import SasPort
from tests.cases import failure, read, reading

P = "/sys/class/sas_port"


def test_a_wide_port_to_an_expander_and_a_narrow_one_to_a_disk() -> None:
    files = {
        f"{P}/port-6:0/num_phys": "2\n",
        f"{P}/port-6:0/device/phy-6:10@": "../phy-6:10",
        f"{P}/port-6:0/device/phy-6:9@": "../phy-6:9",
        f"{P}/port-6:0/device/expander-6:0/uevent": "",
        f"{P}/port-6:0:1/num_phys": "1\n",
        f"{P}/port-6:0:1/device/phy-6:0:4@": "../phy-6:0:4",
        f"{P}/port-6:0:1/device/end_device-6:0:1/uevent": "",
        f"{P}/port-6:0:1/device/sas_port/port-6:0:1/num_phys": "1\n",
    }
    assert read(CLASS_SAS_PORT, files) == [
        SasPort("port-6:0", 2, ["phy-6:9", "phy-6:10"], ["expander-6:0"]),
        SasPort("port-6:0:1", 1, ["phy-6:0:4"], [], ["end_device-6:0:1"]),
    ]


def test_garbage_and_hostile_names() -> None:
    found, this = reading(
        CLASS_SAS_PORT, {f"{P}/port-6:0/num_phys": "two", f"{P}/port-6:0/device/phy-\x07@": "../phy-6:9"}
    )
    assert found == [SasPort("port-6:0", None, ["phy-\\x07"])]
    assert this.failures["num_phys"].reason is Reason.MALFORMED


def test_no_sas() -> None:
    assert failure(CLASS_SAS_PORT, {}).reason is Reason.MISSING
