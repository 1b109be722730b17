"""/sys/class/power_supply/*: batteries, mains and USB supplies.

    type: Battery, status: Discharging, capacity: 81, energy_now: 41510000, power_now: 7204000

A supply has those files only that its driver can fill; many are asked through the embedded controller, which is slow.
Temperatures, which the kernel gives in tenths of a degree, are in thousandths here as everywhere.

https://docs.kernel.org/power/power_supply_class.html
"""

from collections.abc import Callable
from typing import Annotated

import msgspec

from procpulse.fields import counter, gauge, info, label
from procpulse.text import number, scaled
from procpulse.tree import Folder, Tree


class PowerSupply(msgspec.Struct, frozen=True, gc=False):
    """One power supply."""

    name: Annotated[str, label("Name of the supply, such as BAT0.")]
    type: Annotated[str | None, info("What it is: Battery, Mains, UPS, USB, Wireless.")] = None
    usb_type: Annotated[
        str | None, info("Kinds of USB supply that it can be; the one that it is stands in brackets.")
    ] = None
    scope: Annotated[str | None, info("What it feeds: System, or Device for that of a mouse.")] = None
    manufacturer: Annotated[str | None, info("Maker.")] = None
    model_name: Annotated[str | None, info("Model.")] = None
    serial_number: Annotated[str | None, info("Serial number.")] = None
    technology: Annotated[str | None, info("Chemistry of a battery, such as Li-ion.")] = None
    status: Annotated[
        str | None, info("What a battery does: Charging, Discharging, Not charging, Full or Unknown.")
    ] = None
    health: Annotated[str | None, info("Health, such as Good, Overheat or Dead.")] = None
    present: Annotated[bool | None, info("Whether the battery is there.")] = None
    online: Annotated[
        int | None, info("Whether it supplies power: 0 no, 1 at a fixed voltage, 2 at one to choose.")
    ] = None
    authentic: Annotated[bool | None, info("Whether it is a genuine one.")] = None
    calibrate: Annotated[int | None, info("Whether it is being calibrated.")] = None
    cycle_count: Annotated[int | None, counter("Times it was charged and discharged in full.", bits=32, falls=True)] = (
        None
    )
    capacity_percent: Annotated[int | None, gauge("How full it is.")] = None
    capacity_level: Annotated[
        str | None, info("How full it is, roughly: Critical, Low, Normal, High, Full or Unknown.")
    ] = None
    capacity_alert_min_percent: Annotated[int | None, gauge("How full it is when the low alert comes.")] = None
    capacity_alert_max_percent: Annotated[int | None, gauge("How full it is when the high alert comes.")] = None
    charge_type: Annotated[str | None, info("How it is charged, such as Trickle, Fast or Standard.")] = None
    charge_control_limit: Annotated[int | None, gauge("Step to which charging is throttled, for the heat.")] = None
    charge_control_limit_max: Annotated[int | None, gauge("Highest such step.")] = None
    charge_control_start_threshold_percent: Annotated[
        int | None, gauge("How full it is when charging begins (Linux 5.2).")
    ] = None
    charge_control_end_threshold_percent: Annotated[
        int | None, gauge("How full it is when charging ends (Linux 5.2).")
    ] = None
    charge_now_uah: Annotated[int | None, gauge("Charge now.")] = None
    charge_avg_uah: Annotated[int | None, gauge("Charge averaged.")] = None
    charge_full_uah: Annotated[int | None, gauge("Charge when it was last full.")] = None
    charge_full_design_uah: Annotated[int | None, gauge("Charge when it was new and full.")] = None
    charge_empty_uah: Annotated[int | None, gauge("Charge when it was last empty.")] = None
    charge_empty_design_uah: Annotated[int | None, gauge("Charge when it was new and empty.")] = None
    charge_counter_uah: Annotated[int | None, gauge("Charge that went in, less what came out; may be below 0.")] = None
    energy_now_uwh: Annotated[int | None, gauge("Energy now.")] = None
    energy_avg_uwh: Annotated[int | None, gauge("Energy averaged.")] = None
    energy_full_uwh: Annotated[int | None, gauge("Energy when it was last full.")] = None
    energy_full_design_uwh: Annotated[int | None, gauge("Energy when it was new and full.")] = None
    energy_empty_uwh: Annotated[int | None, gauge("Energy when it was last empty.")] = None
    energy_empty_design_uwh: Annotated[int | None, gauge("Energy when it was new and empty.")] = None
    power_now_uw: Annotated[int | None, gauge("Power now.")] = None
    power_avg_uw: Annotated[int | None, gauge("Power averaged.")] = None
    current_now_ua: Annotated[int | None, gauge("Current now; below 0 with some drivers while it discharges.")] = None
    current_avg_ua: Annotated[int | None, gauge("Current averaged.")] = None
    current_max_ua: Annotated[int | None, gauge("Highest current.")] = None
    current_boot_ua: Annotated[int | None, gauge("Current when the host booted.")] = None
    input_current_limit_ua: Annotated[int | None, gauge("Highest current that is taken in.")] = None
    constant_charge_current_ua: Annotated[int | None, gauge("Current of charging at a constant one.")] = None
    constant_charge_current_max_ua: Annotated[int | None, gauge("Highest such current.")] = None
    precharge_current_ua: Annotated[int | None, gauge("Current at the beginning, while the battery is low.")] = None
    charge_term_current_ua: Annotated[int | None, gauge("Current at which charging ends.")] = None
    voltage_now_uv: Annotated[int | None, gauge("Voltage now.")] = None
    voltage_avg_uv: Annotated[int | None, gauge("Voltage averaged.")] = None
    voltage_max_uv: Annotated[int | None, gauge("Highest voltage.")] = None
    voltage_min_uv: Annotated[int | None, gauge("Lowest voltage.")] = None
    voltage_max_design_uv: Annotated[int | None, gauge("Highest voltage by design.")] = None
    voltage_min_design_uv: Annotated[int | None, gauge("Lowest voltage by design.")] = None
    voltage_ocv_uv: Annotated[int | None, gauge("Voltage with nothing connected.")] = None
    voltage_boot_uv: Annotated[int | None, gauge("Voltage when the host booted.")] = None
    constant_charge_voltage_uv: Annotated[int | None, gauge("Voltage of charging at a constant one.")] = None
    constant_charge_voltage_max_uv: Annotated[int | None, gauge("Highest such voltage.")] = None
    temp_mc: Annotated[int | None, gauge("Temperature.")] = None
    temp_max_mc: Annotated[int | None, gauge("Highest temperature to work at.")] = None
    temp_min_mc: Annotated[int | None, gauge("Lowest temperature to work at.")] = None
    temp_alert_max_mc: Annotated[int | None, gauge("Temperature of the high alert.")] = None
    temp_alert_min_mc: Annotated[int | None, gauge("Temperature of the low alert.")] = None
    temp_ambient_mc: Annotated[int | None, gauge("Temperature around it.")] = None
    temp_ambient_alert_max_mc: Annotated[int | None, gauge("Temperature around it of the high alert.")] = None
    temp_ambient_alert_min_mc: Annotated[int | None, gauge("Temperature around it of the low alert.")] = None
    time_to_empty_now_seconds: Annotated[int | None, gauge("Time until it is empty, at this rate.")] = None
    time_to_empty_avg_seconds: Annotated[int | None, gauge("Time until it is empty, at the average rate.")] = None
    time_to_full_now_seconds: Annotated[int | None, gauge("Time until it is full, at this rate.")] = None
    time_to_full_avg_seconds: Annotated[int | None, gauge("Time until it is full, at the average rate.")] = None


_UNITS = ("_seconds", "_percent", "_uah", "_uwh", "_uv", "_ua", "_uw", "_mc")
_TEXTS = frozenset((
    "type", "usb_type", "scope", "manufacturer", "model_name", "serial_number", "technology", "status", "health",
    "capacity_level", "charge_type",
))  # fmt: skip


def _file(field: str) -> str:
    """The kernel's name of a field: without its unit."""
    return next((field.removesuffix(unit) for unit in _UNITS if field.endswith(unit)), field)


_NOTHING = frozenset((0x7FFF_FFFF, -0x8000_0000, 0xFFFF_FFFF))
"""What 32 bits are when all are set, or all but the sign, or the sign alone."""
_NO_TIME = 65_535 * 60
"""What a battery that tells minutes in 16 bits says while it is not charged, or not discharged."""


def _tenths(data: bytes) -> int | None:
    tenths = number(data)
    # At 0 K and below nothing is measured, and beyond 10,000 degrees there is no battery.
    return scaled(tenths, 100) if -2731 < tenths < 100_000 else None


def _temperature(folder: Folder, name: str) -> int | None:
    return folder.parsed(name, _tenths)


def _measure(folder: Folder, name: str) -> int | None:
    value = folder.signed(name)
    return None if value in _NOTHING else value


def _amount(folder: Folder, name: str) -> int | None:
    value = _measure(folder, name)
    return value if value is not None and value >= 0 else None


def _time(folder: Folder, name: str) -> int | None:
    value = _amount(folder, name)
    return None if value == _NO_TIME else value


def _cycles(folder: Folder, name: str) -> int | None:
    return _amount(folder, name) or None  # 0 says that the battery does not count


def _reader(field: str) -> Callable[[Folder, str], object]:
    if field in _TEXTS:
        return Folder.text
    if field in ("present", "authentic"):
        return Folder.flag
    if field == "cycle_count":
        return _cycles
    if field.endswith("_seconds"):
        return _time
    if field.startswith("current_") or field in ("charge_counter_uah", "power_now_uw", "power_avg_uw"):
        return _measure  # below 0 while it goes out
    return _temperature if field.endswith("_mc") else _amount


def parse(folder: Folder) -> PowerSupply:
    values = {field: read(folder, file) for field, file, read in _FIELDS}
    return PowerSupply(folder.name, **values)  # type: ignore[arg-type]


_FIELDS = tuple((field, _file(field), _reader(field)) for field in PowerSupply.__struct_fields__[1:])
FILES = tuple(file for _, file, _ in _FIELDS)
CLASS_POWER_SUPPLY = Tree(
    "class_power_supply", "/sys/class/power_supply/*", FILES, PowerSupply, parse, slow=True, cadence=5.0
)
