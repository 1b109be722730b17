"""/sys/class/thermal/thermal_zone*: temperatures of the zones that the host watches.

    type: x86_pkg_temp, temp: 49925, policy: step_wise

https://docs.kernel.org/driver-api/thermal/sysfs-api.html
"""

from typing import Annotated

import msgspec

from procpulse.fields import gauge, group, info, label
from procpulse.text import number
from procpulse.tree import Folder, Tree


class TripPoint(msgspec.Struct, frozen=True, gc=False):
    """A temperature at which something is done."""

    trip: Annotated[int, label("Number of the trip point.")]
    type: Annotated[str | None, info("What is done: active, passive, hot or critical.")] = None
    temp_mc: Annotated[int | None, gauge("The temperature; None where none is set.")] = None
    hyst_mc: Annotated[int | None, gauge("How much it has to fall below it again.")] = None


class ThermalZone(msgspec.Struct, frozen=True, gc=False):
    """One thermal zone."""

    zone: Annotated[int, label("Number of the zone.")]
    type: Annotated[str | None, info("What is measured.")] = None
    temp_mc: Annotated[int | None, gauge("Temperature; None where the sensor does not answer.")] = None
    policy: Annotated[str | None, info("Governor that decides about cooling.")] = None
    mode: Annotated[str | None, info("Whether the kernel takes care of the zone: enabled or disabled.")] = None
    passive_mc: Annotated[
        int | None, gauge("Temperature at which the CPUs are slowed down; gone since Linux 5.19.")
    ] = None
    trips: Annotated[list[TripPoint], group("Trip points.")] = []


_COLDEST, _HOTTEST = -273_150, 10_000_000
_PACKAGE = "x86_pkg_temp"


def temperature(data: bytes) -> int | None:
    """A temperature; None for what is none: at or below 0 K, where the kernel's own word for it is, or beyond the sun's."""
    value = number(data)
    return value if _COLDEST < value < _HOTTEST else None


def unset(data: bytes) -> int | None:
    """The temperature of a trip point that somebody has to set; until then older kernels say 0."""
    return temperature(data) or None


def _difference(data: bytes) -> int | None:
    value = number(data)
    return value if 0 <= value < _HOTTEST else None


def parse(folder: Folder) -> ThermalZone:
    trips: dict[int, TripPoint] = {}
    type_ = folder.text("type")
    for name in folder.found("trip_point_*"):
        trip = int(name.split("_")[2])
        prefix = f"trip_point_{trip}_"
        trips[trip] = TripPoint(
            trip,
            folder.text(f"{prefix}type"),
            folder.parsed(f"{prefix}temp", unset if type_ == _PACKAGE else temperature),
            folder.parsed(f"{prefix}hyst", _difference),
        )
    return ThermalZone(
        int(folder.name.removeprefix("thermal_zone")),
        type_,
        folder.parsed("temp", temperature),
        folder.text("policy"),
        folder.text("mode"),
        folder.parsed("passive", temperature),
        list(trips.values()),
    )


FILES = (
    "type", "temp", "policy", "mode", "passive", "trip_point_[0-9]+_type", "trip_point_[0-9]+_temp",
    "trip_point_[0-9]+_hyst",
)  # fmt: skip
CLASS_THERMAL = Tree(
    "class_thermal", "/sys/class/thermal/thermal_zone[0-9]*", FILES, ThermalZone, parse, slow=True, cadence=2.0
)
