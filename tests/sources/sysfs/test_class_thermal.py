from procpulse import Failure, Reason
from procpulse.sources import CLASS_THERMAL
from procpulse.sources.sysfs.class_thermal import ThermalZone, TripPoint
from tests.cases import failure, read, reading

ZONE0 = {
    "/sys/class/thermal/thermal_zone0/type": "acpitz\n",
    "/sys/class/thermal/thermal_zone0/temp": "27800\n",
    "/sys/class/thermal/thermal_zone0/policy": "step_wise\n",
    "/sys/class/thermal/thermal_zone0/mode": "enabled\n",
    "/sys/class/thermal/thermal_zone0/trip_point_0_type": "critical\n",
    "/sys/class/thermal/thermal_zone0/trip_point_0_temp": "119000\n",
    "/sys/class/thermal/thermal_zone0/trip_point_0_hyst": "0\n",
    "/sys/class/thermal/thermal_zone0/trip_point_10_type": "passive\n",
}
EXPECTED0 = ThermalZone(
    0, "acpitz", 27800, "step_wise", "enabled", None, [TripPoint(0, "critical", 119000, 0), TripPoint(10, "passive")]
)


def test_zones() -> None:
    files = ZONE0 | {
        "/sys/class/thermal/thermal_zone10/type": "x86_pkg_temp",
        "/sys/class/thermal/thermal_zone10/temp": "-5000",
        "/sys/class/thermal/thermal_zone10/passive": "0",
        "/sys/class/thermal/cooling_device0/type": "Fan\n",
    }
    assert read(CLASS_THERMAL, files) == [EXPECTED0, ThermalZone(10, "x86_pkg_temp", -5000, passive_mc=0)]


def test_no_zones() -> None:
    assert read(CLASS_THERMAL, {"/sys/class/thermal/cooling_device0/type": "Fan\n"}) == []


def test_no_thermal_class() -> None:
    assert failure(CLASS_THERMAL, {}).reason is Reason.MISSING


def test_a_sensor_that_does_not_answer_costs_its_own_field() -> None:
    temp = "/sys/class/thermal/thermal_zone0/temp"
    [zone], this = reading(CLASS_THERMAL, ZONE0 | {temp: Failure(Reason.UNSUPPORTED, temp, "ENODATA")})
    assert zone.temp_mc is None
    assert zone.type == "acpitz"
    assert this.failures == {"temp": Failure(Reason.UNSUPPORTED, temp, "ENODATA")}


def test_garbage_costs_its_own_field() -> None:
    temp = "/sys/class/thermal/thermal_zone0/temp"
    [zone], this = reading(CLASS_THERMAL, ZONE0 | {temp: "hot"})
    assert zone.temp_mc is None
    assert this.failures["temp"].reason is Reason.MALFORMED
