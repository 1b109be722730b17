import pytest

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


@pytest.mark.parametrize("nothing", [-274000, -273150, 2147483647, -2147483648])
def test_what_is_no_temperature_is_not_known(nothing: int) -> None:
    base = "/sys/class/thermal/thermal_zone3"
    files = {
        f"{base}/{name}": f"{nothing}\n"
        for name in ("temp", "trip_point_0_temp", "trip_point_0_hyst", "trip_point_1_temp", "passive")
    }
    assert read(CLASS_THERMAL, files) == [ThermalZone(3, trips=[TripPoint(0), TripPoint(1)])]


@pytest.mark.parametrize(("zone", "expected"), [("x86_pkg_temp", None), ("acpitz", 0)])
def test_a_trip_point_that_nobody_has_set(zone: str, expected: int | None) -> None:
    base = "/sys/class/thermal/thermal_zone3"
    files = {f"{base}/type": zone, f"{base}/trip_point_0_temp": "0\n", f"{base}/temp": "0\n"}
    assert read(CLASS_THERMAL, files) == [ThermalZone(3, zone, 0, trips=[TripPoint(0, None, expected)])]
