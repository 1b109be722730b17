"""/sys/class/hwmon/*: sensors of the host: temperatures, fans, voltages, currents, power, energy, humidity.

    name: coretemp, temp1_input: 46000, temp1_label: Package id 0, temp1_crit: 100000

Older drivers have all of this in the directory of the device, `device/temp1_input`; it is read there where the chip's own
has none. A number that a chip or its firmware uses to say that it knows none, or that no limit is set, is None.

Most sensors are asked through a slow bus, and their chips measure about once a second: they are read every two seconds.

https://docs.kernel.org/hwmon/sysfs-interface.html
"""

from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec

from procpulse.fields import counter, gauge, group, info, label
from procpulse.text import number
from procpulse.tree import Folder, Tree

T = TypeVar("T", bound=msgspec.Struct)


class Temperature(msgspec.Struct, frozen=True, gc=False):
    """A temperature."""

    sensor: Annotated[str, label("Name of the sensor, such as temp1.")]
    label: Annotated[str | None, info("What it measures.")] = None
    input_mc: Annotated[int | None, gauge("Temperature.")] = None
    min_mc: Annotated[int | None, gauge("Lower limit.")] = None
    max_mc: Annotated[int | None, gauge("Upper limit.")] = None
    crit_mc: Annotated[int | None, gauge("Critical limit.")] = None
    emergency_mc: Annotated[int | None, gauge("Limit above the critical one.")] = None
    lcrit_mc: Annotated[int | None, gauge("Critical lower limit.")] = None
    lowest_mc: Annotated[int | None, gauge("Lowest temperature so far.")] = None
    highest_mc: Annotated[int | None, gauge("Highest temperature so far.")] = None
    alarm: Annotated[bool | None, info("Whether a limit is passed.")] = None
    min_alarm: Annotated[bool | None, info("Whether the lower limit is passed.")] = None
    max_alarm: Annotated[bool | None, info("Whether the upper limit is passed.")] = None
    crit_alarm: Annotated[bool | None, info("Whether the critical limit is passed.")] = None
    fault: Annotated[bool | None, info("Whether the sensor is broken or missing.")] = None


class Fan(msgspec.Struct, frozen=True, gc=False):
    """A fan."""

    sensor: Annotated[str, label("Name of the sensor, such as fan1.")]
    label: Annotated[str | None, info("What it cools.")] = None
    input_rpm: Annotated[int | None, gauge("Speed.")] = None
    min_rpm: Annotated[int | None, gauge("Lower limit.")] = None
    max_rpm: Annotated[int | None, gauge("Upper limit.")] = None
    target_rpm: Annotated[int | None, gauge("Speed that it should have.")] = None
    alarm: Annotated[bool | None, info("Whether a limit is passed.")] = None
    min_alarm: Annotated[bool | None, info("Whether the lower limit is passed.")] = None
    fault: Annotated[bool | None, info("Whether the fan is broken or missing.")] = None


class Voltage(msgspec.Struct, frozen=True, gc=False):
    """A voltage."""

    sensor: Annotated[str, label("Name of the sensor, such as in0.")]
    label: Annotated[str | None, info("What it measures.")] = None
    input_mv: Annotated[int | None, gauge("Voltage.")] = None
    average_mv: Annotated[int | None, gauge("Voltage averaged.")] = None
    min_mv: Annotated[int | None, gauge("Lower limit.")] = None
    max_mv: Annotated[int | None, gauge("Upper limit.")] = None
    lcrit_mv: Annotated[int | None, gauge("Critical lower limit.")] = None
    crit_mv: Annotated[int | None, gauge("Critical upper limit.")] = None
    lowest_mv: Annotated[int | None, gauge("Lowest voltage so far.")] = None
    highest_mv: Annotated[int | None, gauge("Highest voltage so far.")] = None
    alarm: Annotated[bool | None, info("Whether a limit is passed.")] = None
    min_alarm: Annotated[bool | None, info("Whether the lower limit is passed.")] = None
    max_alarm: Annotated[bool | None, info("Whether the upper limit is passed.")] = None


class Current(msgspec.Struct, frozen=True, gc=False):
    """A current."""

    sensor: Annotated[str, label("Name of the sensor, such as curr1.")]
    label: Annotated[str | None, info("What it measures.")] = None
    input_ma: Annotated[int | None, gauge("Current.")] = None
    average_ma: Annotated[int | None, gauge("Current averaged.")] = None
    min_ma: Annotated[int | None, gauge("Lower limit.")] = None
    max_ma: Annotated[int | None, gauge("Upper limit.")] = None
    lcrit_ma: Annotated[int | None, gauge("Critical lower limit.")] = None
    crit_ma: Annotated[int | None, gauge("Critical upper limit.")] = None
    lowest_ma: Annotated[int | None, gauge("Lowest current so far.")] = None
    highest_ma: Annotated[int | None, gauge("Highest current so far.")] = None
    alarm: Annotated[bool | None, info("Whether a limit is passed.")] = None


class Power(msgspec.Struct, frozen=True, gc=False):
    """Power drawn or given."""

    sensor: Annotated[str, label("Name of the sensor, such as power1.")]
    label: Annotated[str | None, info("What it measures.")] = None
    input_uw: Annotated[int | None, gauge("Power now.")] = None
    average_uw: Annotated[int | None, gauge("Power averaged.")] = None
    min_uw: Annotated[int | None, gauge("Lower limit.")] = None
    max_uw: Annotated[int | None, gauge("Upper limit.")] = None
    crit_uw: Annotated[int | None, gauge("Critical limit.")] = None
    cap_uw: Annotated[int | None, gauge("Limit that the hardware keeps to.")] = None
    rated_max_uw: Annotated[int | None, gauge("Most that it is rated for.")] = None
    input_lowest_uw: Annotated[int | None, gauge("Lowest power so far.")] = None
    input_highest_uw: Annotated[int | None, gauge("Highest power so far.")] = None
    average_interval_ms: Annotated[int | None, gauge("Time that the average is taken over.")] = None
    alarm: Annotated[bool | None, info("Whether a limit is passed.")] = None


class Energy(msgspec.Struct, frozen=True, gc=False):
    """Energy used."""

    sensor: Annotated[str, label("Name of the sensor, such as energy1.")]
    label: Annotated[str | None, info("What it measures.")] = None
    input_uj: Annotated[int | None, counter("Energy used so far.", bits="long")] = None


class Humidity(msgspec.Struct, frozen=True, gc=False):
    """Relative humidity."""

    sensor: Annotated[str, label("Name of the sensor, such as humidity1.")]
    label: Annotated[str | None, info("What it measures.")] = None
    input_millipercent: Annotated[int | None, gauge("Humidity.")] = None
    min_millipercent: Annotated[int | None, gauge("Lower limit.")] = None
    max_millipercent: Annotated[int | None, gauge("Upper limit.")] = None
    alarm: Annotated[bool | None, info("Whether a limit is passed.")] = None
    fault: Annotated[bool | None, info("Whether the sensor is broken or missing.")] = None


class Pwm(msgspec.Struct, frozen=True, gc=False):
    """Control of a fan by pulse width."""

    sensor: Annotated[str, label("Name of the control, such as pwm1.")]
    value: Annotated[int | None, gauge("Width of the pulse, from 0 to 255.")] = None
    enable: Annotated[int | None, info("Who decides: 0 full speed, 1 by hand, 2 and more automatic.")] = None
    mode: Annotated[int | None, info("0 direct current, 1 pulses.")] = None
    freq_hz: Annotated[int | None, gauge("Frequency of the pulses.")] = None


class HwmonChip(msgspec.Struct, frozen=True, gc=False):
    """One chip with sensors."""

    chip: Annotated[str, label("Name of the chip's folder, such as hwmon0; may change at boot.")]
    name: Annotated[str | None, info("Name that its driver gives, such as coretemp.")] = None
    device: Annotated[str | None, info("The device behind it, such as coretemp.0.")] = None
    temperatures: Annotated[list[Temperature], group("Temperatures.")] = []
    fans: Annotated[list[Fan], group("Fans.")] = []
    voltages: Annotated[list[Voltage], group("Voltages.")] = []
    currents: Annotated[list[Current], group("Currents.")] = []
    powers: Annotated[list[Power], group("Power.")] = []
    energies: Annotated[list[Energy], group("Energy.")] = []
    humidities: Annotated[list[Humidity], group("Humidity.")] = []
    pwms: Annotated[list[Pwm], group("Fan controls.")] = []


_UNITS = ("_mc", "_rpm", "_mv", "_ma", "_uw", "_uj", "_millipercent", "_ms", "_hz")


def _attribute(field: str) -> str:
    """The kernel's name of a field: without its unit."""
    return next((field.removesuffix(unit) for unit in _UNITS if field.endswith(unit)), field)


_KINDS: dict[str, type[msgspec.Struct]] = {
    "temp": Temperature, "fan": Fan, "in": Voltage, "curr": Current, "power": Power, "energy": Energy,
    "humidity": Humidity, "pwm": Pwm,
}  # fmt: skip
_FLAGS = frozenset(("alarm", "min_alarm", "max_alarm", "crit_alarm", "fault"))


def _sensors(folder: Folder, kind: str, record: type[T]) -> list[T]:
    names = sorted({_sensor(name) for name in folder.found(f"{kind}[0-9]*")}, key=lambda name: (len(name), name))
    return [_one(folder, name, record) for name in names]


def _sensor(attribute: str) -> str:
    return attribute.partition("_")[0]


# What 32 bits are when all are set, or all but the sign: firmware and drivers put them where they know no number. ACPI
# says 0xffffffff in thousandths of the unit of power.
_NOTHING = frozenset((0x7FFF_FFFF, -0x8000_0000, 0xFFFF_FFFF, 0x7FFF_FFFF * 1000, 0xFFFF_FFFF * 1000))
_COLDEST, _HOTTEST = -273_150, 10_000_000
"""0 K, which chips that count in Kelvin show for a limit that is not set; and what is far above anything that stays
solid. The highest limit of NVMe, 65,535 K, is for none."""


def _measure(data: bytes) -> int | None:
    """A number, or None where the chip says that it knows none: in a word, or in a number that cannot be."""
    if data.lower() in (b"unknown", b"n/a", b"na", b"nan"):
        return None
    value = number(data)
    return None if value in _NOTHING else value


def _temperature(data: bytes) -> int | None:
    value = _measure(data)
    return value if value is not None and _COLDEST < value < _HOTTEST else None


def _amount(data: bytes) -> int | None:
    """What cannot be below 0: there -1 is for a number that is not known."""
    value = _measure(data)
    return value if value is not None and value >= 0 else None


def _speed(data: bytes) -> int | None:
    """A speed of a fan; 65,535 is what the controllers of notebooks say when they do not know it."""
    value = _amount(data)
    return None if value == 0xFFFF else value


_READERS: dict[str, Callable[[bytes], int | None]] = {
    "_mc": _temperature, "_rpm": _speed, "_uj": _amount, "_millipercent": _amount, "_ms": _amount, "_hz": _amount,
    "value": _amount, "enable": _amount, "mode": _amount,
}  # fmt: skip


def _reader(field: str) -> Callable[[bytes], int | None]:
    return next((read for end, read in _READERS.items() if field.endswith(end)), _measure)


def _one(folder: Folder, sensor: str, record: type[T]) -> T:
    values: list[object] = [sensor]
    for field in record.__struct_fields__[1:]:
        attribute = _attribute(field)
        name = sensor if attribute == "value" else f"{sensor}_{attribute}"
        if attribute == "label":
            values.append(folder.text(name))
        elif attribute in _FLAGS:
            values.append(folder.flag(name))
        else:
            values.append(folder.parsed(name, _reader(field)))
    return record(*values)


def parse(folder: Folder) -> HwmonChip:
    sensors = [_sensors(folder, kind, record) for kind, record in _KINDS.items()]
    return HwmonChip(folder.name, folder.text("name"), folder.target("device@"), *sensors)  # type: ignore[arg-type]


FILES = (
    "name",
    "device@",
    "pwm[0-9]+",
    *(
        f"{kind}[0-9]+_{_attribute(field)}"
        for kind, record in _KINDS.items()
        for field in record.__struct_fields__[1:]
        if field != "value"
    ),
)
CLASS_HWMON = Tree(
    "class_hwmon",
    "/sys/class/hwmon/hwmon[0-9]*",
    FILES,
    HwmonChip,
    parse,
    slow=True,
    cadence=2.0,
    elsewhere="device",
)
