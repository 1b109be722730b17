from procpulse import Failure, Reason
from procpulse.sources import CLASS_SAS_HOST
from procpulse.sources.sysfs.class_sas_host import SasHost
from tests.cases import failure, read, reading

H = "/sys/class/sas_host"


def test_two_adapters() -> None:
    files = {
        f"{H}/host10/device/uevent": "",
        f"{H}/host6/device/phy-6:10/uevent": "",
        f"{H}/host6/device/phy-6:2/uevent": "",
        f"{H}/host6/device/port-6:1/uevent": "",
        f"{H}/host6/device/port-6:0/uevent": "",
        f"{H}/host6/device/scsi_host/host6/state": "running\n",
    }
    assert read(CLASS_SAS_HOST, files) == [
        SasHost("host6", ["phy-6:2", "phy-6:10"], ["port-6:0", "port-6:1"]),
        SasHost("host10"),
    ]


def test_hostile_names() -> None:
    assert read(CLASS_SAS_HOST, {f"{H}/host6/device/phy-\x1b/uevent": ""}) == [SasHost("host6", ["phy-\\x1b"])]


def test_an_adapter_that_vanishes_while_it_is_read() -> None:
    found, this = reading(
        CLASS_SAS_HOST, {f"{H}/host6/device@": Failure(Reason.MISSING, f"{H}/host6/device", "ENOENT")}
    )
    assert found == []
    assert this.failures == {}


def test_no_sas() -> None:
    assert failure(CLASS_SAS_HOST, {}).reason is Reason.MISSING
