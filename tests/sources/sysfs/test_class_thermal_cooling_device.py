from procpulse import Failure, Reason
from procpulse.sources import CLASS_THERMAL_COOLING_DEVICE
from procpulse.sources.sysfs.class_thermal_cooling_device import CoolingDevice
from tests.cases import failure, read, reading

T = "/sys/class/thermal"


def test_devices() -> None:
    files = {
        f"{T}/cooling_device10/type": "intel_powerclamp\n",
        f"{T}/cooling_device10/cur_state": "-1\n",
        f"{T}/cooling_device10/max_state": "100\n",
        f"{T}/cooling_device2/type": "Processor\n",
        f"{T}/cooling_device2/cur_state": "3\n",
        f"{T}/cooling_device2/max_state": "10\n",
        f"{T}/thermal_zone0/type": "acpitz\n",
    }
    assert read(CLASS_THERMAL_COOLING_DEVICE, files) == [
        CoolingDevice(2, "Processor", 3, 10),
        CoolingDevice(10, "intel_powerclamp", -1, 100),
    ]


def test_statistics_of_cooling() -> None:
    files = {
        f"{T}/cooling_device0/stats/total_trans": "38\n",
        f"{T}/cooling_device0/stats/time_in_state_ms": "state0\t90447120\nstate1\t20118\nstate10\t904\n",
        f"{T}/cooling_device0/stats/reset": "",
    }
    assert read(CLASS_THERMAL_COOLING_DEVICE, files) == [
        CoolingDevice(0, transitions=38, time_in_state_ms={"state0": 90447120, "state1": 20118, "state10": 904})
    ]


def test_a_fan_that_does_not_answer() -> None:
    path = f"{T}/cooling_device0/cur_state"
    [device], this = reading(
        CLASS_THERMAL_COOLING_DEVICE,
        {f"{T}/cooling_device0/type": "Fan\n", path: Failure(Reason.UNSUPPORTED, path, "EIO")},
    )
    assert device == CoolingDevice(0, "Fan")
    assert this.failures == {"cur_state": Failure(Reason.UNSUPPORTED, path, "EIO")}


def test_garbage_costs_its_own_field() -> None:
    files = {
        f"{T}/cooling_device0/type": "\x1b[2JFan\n",
        f"{T}/cooling_device0/cur_state": "fast",
        f"{T}/cooling_device0/stats/time_in_state_ms": "state0\n",
    }
    [device], this = reading(CLASS_THERMAL_COOLING_DEVICE, files)
    assert device == CoolingDevice(0, "\\x1b[2JFan")
    assert set(this.failures) == {"cur_state", "stats/time_in_state_ms"}


def test_a_folder_of_another_name_costs_itself() -> None:
    found, this = reading(
        CLASS_THERMAL_COOLING_DEVICE, {f"{T}/cooling_device0x/type": "Fan\n", f"{T}/cooling_device1/type": "Fan\n"}
    )
    assert found == [CoolingDevice(1, "Fan")]
    assert this.failures["*"].reason is Reason.MALFORMED


def test_no_thermal_class() -> None:
    assert failure(CLASS_THERMAL_COOLING_DEVICE, {}).reason is Reason.MISSING
