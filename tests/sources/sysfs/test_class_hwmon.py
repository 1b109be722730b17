import msgspec
import pytest

from procpulse import Failure, Reason
from procpulse.sources import CLASS_HWMON
from procpulse.sources.sysfs.class_hwmon import (
    Current,
    Energy,
    Fan,
    Humidity,
    HwmonChip,
    Power,
    Pwm,
    Temperature,
    Voltage,
)
from tests.cases import failure, read, reading

HWMON = "/sys/class/hwmon"


def at(chip: str, files: dict[str, str]) -> dict[str, str]:
    return {f"{HWMON}/{chip}/{name}": text + "\n" for name, text in files.items()}


# Every attribute of one sensor of each kind, each with a number of its own.
EVERY = {
    "name": "every",
    "temp1_label": "Package", "temp1_input": "101", "temp1_min": "-102", "temp1_max": "103", "temp1_crit": "104",
    "temp1_emergency": "105", "temp1_lcrit": "106", "temp1_lowest": "107", "temp1_highest": "108", "temp1_alarm": "1",
    "temp1_min_alarm": "0", "temp1_max_alarm": "1", "temp1_crit_alarm": "0", "temp1_fault": "1",
    "fan1_label": "Case", "fan1_input": "201", "fan1_min": "202", "fan1_max": "203", "fan1_target": "204",
    "fan1_alarm": "1", "fan1_min_alarm": "0", "fan1_fault": "1",
    "in0_label": "Vcore", "in0_input": "301", "in0_average": "302", "in0_min": "303", "in0_max": "304",
    "in0_lcrit": "305", "in0_crit": "306", "in0_lowest": "307", "in0_highest": "308", "in0_alarm": "1",
    "in0_min_alarm": "0", "in0_max_alarm": "1",
    "curr1_label": "Supply", "curr1_input": "401", "curr1_average": "402", "curr1_min": "403", "curr1_max": "404",
    "curr1_lcrit": "405", "curr1_crit": "406", "curr1_lowest": "407", "curr1_highest": "408", "curr1_alarm": "0",
    "power1_label": "Board", "power1_input": "501", "power1_average": "502", "power1_min": "503", "power1_max": "504",
    "power1_crit": "505", "power1_cap": "506", "power1_rated_max": "507", "power1_input_lowest": "508",
    "power1_input_highest": "509", "power1_average_interval": "510", "power1_alarm": "1",
    "energy1_label": "Since boot", "energy1_input": "601",
    "humidity1_label": "Room", "humidity1_input": "701", "humidity1_min": "702", "humidity1_max": "703",
    "humidity1_alarm": "0", "humidity1_fault": "1",
    "pwm1": "128", "pwm1_enable": "2", "pwm1_mode": "1", "pwm1_freq": "25000",
}  # fmt: skip
EXPECTED = HwmonChip(
    "hwmon0", "every", None,
    [
        Temperature(
            "temp1", label="Package", input_mc=101, min_mc=-102, max_mc=103, crit_mc=104, emergency_mc=105,
            lcrit_mc=106, lowest_mc=107, highest_mc=108, alarm=True, min_alarm=False, max_alarm=True, crit_alarm=False,
            fault=True,
        )
    ],
    [
        Fan(
            "fan1", label="Case", input_rpm=201, min_rpm=202, max_rpm=203, target_rpm=204, alarm=True, min_alarm=False,
            fault=True,
        )
    ],
    [
        Voltage(
            "in0", label="Vcore", input_mv=301, average_mv=302, min_mv=303, max_mv=304, lcrit_mv=305, crit_mv=306,
            lowest_mv=307, highest_mv=308, alarm=True, min_alarm=False, max_alarm=True,
        )
    ],
    [
        Current(
            "curr1", label="Supply", input_ma=401, average_ma=402, min_ma=403, max_ma=404, lcrit_ma=405, crit_ma=406,
            lowest_ma=407, highest_ma=408, alarm=False,
        )
    ],
    [
        Power(
            "power1", label="Board", input_uw=501, average_uw=502, min_uw=503, max_uw=504, crit_uw=505, cap_uw=506,
            rated_max_uw=507, input_lowest_uw=508, input_highest_uw=509, average_interval_ms=510, alarm=True,
        )
    ],
    [Energy("energy1", label="Since boot", input_uj=601)],
    [
        Humidity(
            "humidity1", label="Room", input_millipercent=701, min_millipercent=702, max_millipercent=703,
            alarm=False, fault=True,
        )
    ],
    [Pwm("pwm1", value=128, enable=2, mode=1, freq_hz=25000)],
)  # fmt: skip


def test_everything() -> None:
    assert read(CLASS_HWMON, at("hwmon0", EVERY)) == [EXPECTED]


def test_the_device_behind_it() -> None:
    files = at("hwmon0", EVERY) | {f"{HWMON}/hwmon0/device@": "../../../coretemp.0"}
    assert read(CLASS_HWMON, files) == [msgspec.structs.replace(EXPECTED, device="coretemp.0")]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({"name": "acpi_fan"}, HwmonChip("hwmon0", "acpi_fan"), id="no sensors"),
        pytest.param(
            {"name": "n", "temp10_input": "3", "temp2_input": "2", "temp1_label": "\x1b[5mCPU\x00"},
            HwmonChip(
                "hwmon0", "n",
                temperatures=[
                    Temperature("temp1", "\\x1b[5mCPU"), Temperature("temp2", input_mc=2),
                    Temperature("temp10", input_mc=3),
                ],
            ),
            id="in the order of numbers, a hostile label",
        ),
        pytest.param(
            {
                "name": "n", "pwm1": "255", "pwm1_auto_point1_pwm": "7", "pwm12": "1", "temp1_offset": "5",
                "power1_cap_max": "9", "in0_input_extra": "4", "intrusion0_alarm": "1", "freq1_input": "8",
            },
            HwmonChip("hwmon0", "n", pwms=[Pwm("pwm1", 255), Pwm("pwm12", 1)]),
            id="attributes that nobody asked for",
        ),
        pytest.param(
            {"name": "n", "energy1_input": "18446744073709551615"},
            HwmonChip("hwmon0", "n", energies=[Energy("energy1", input_uj=18446744073709551615)]),
            id="64 bits, exactly",
        ),
        pytest.param({"temp1_input": "5"}, HwmonChip("hwmon0", None, None, [Temperature("temp1", None, 5)]), id="no name"),
    ],
)  # fmt: skip
def test_shapes(files: dict[str, str], expected: HwmonChip) -> None:
    assert read(CLASS_HWMON, at("hwmon0", files)) == [expected]


def test_chips_are_in_the_order_of_numbers() -> None:
    chips = read(CLASS_HWMON, at("hwmon10", {"name": "b"}) | at("hwmon9", {"name": "a"}))
    assert [chip.chip for chip in chips] == ["hwmon9", "hwmon10"]


@pytest.mark.parametrize("code", ["EIO", "ENODATA", "EAGAIN"])
def test_a_sensor_that_does_not_answer_costs_its_own_field(code: str) -> None:
    path = f"{HWMON}/hwmon0/temp1_input"
    [chip], this = reading(CLASS_HWMON, at("hwmon0", EVERY) | {path: Failure(Reason.UNSUPPORTED, path, code)})
    [temperature] = chip.temperatures
    assert temperature == msgspec.structs.replace(EXPECTED.temperatures[0], input_mc=None)
    assert chip.fans == EXPECTED.fans
    assert this.failures == {"temp*_input": Failure(Reason.UNSUPPORTED, path, code)}


@pytest.mark.parametrize(
    ("name", "text"),
    [("temp1_input", "hot"), ("temp1_alarm", "2"), ("temp1_crit", "1.5"), ("temp1_max", "18446744073709551616")],
    ids=["a word", "no flag", "a fraction", "over 64 bits"],
)
def test_garbage_costs_its_own_field(name: str, text: str) -> None:
    [chip], this = reading(CLASS_HWMON, at("hwmon0", {"temp1_min": "1", name: text}))
    assert chip.temperatures == [Temperature("temp1", min_mc=1)]
    assert [failure.reason for failure in this.failures.values()] == [Reason.MALFORMED]


def test_no_chips() -> None:
    assert read(CLASS_HWMON, {f"{HWMON}/README": "x"}) == []


def test_no_such_class() -> None:
    assert failure(CLASS_HWMON, {}) == Failure(Reason.MISSING, HWMON, "ENOENT")


def test_older_drivers_have_their_attributes_in_the_directory_of_the_device() -> None:
    files = at("hwmon0", {f"device/{name}": text for name, text in EVERY.items()} | {"uevent": ""})
    assert read(CLASS_HWMON, files) == [EXPECTED]


def test_what_is_in_the_directory_of_the_device_is_not_read_where_the_chip_has_its_own() -> None:
    files = at(
        "hwmon0", {"temp1_input": "1", "device/temp1_input": "2", "device/name": "other", "device/fan1_input": "3"}
    )
    assert read(CLASS_HWMON, files) == [HwmonChip("hwmon0", temperatures=[Temperature("temp1", input_mc=1)])]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((f"temp1_{name}", str(value)) for name in ("input", "min", "max", "crit", "emergency", "lcrit", "lowest", "highest")
          for value in (-273150, -274000, 65261850, 2147483647, -2147483648)),
        *((f"power1_{name}", str(value)) for name in ("input", "average", "min", "max", "crit", "cap", "rated_max")
          for value in (4294967295000, 4294967295, 2147483647000)),
        ("power1_average_interval", "4294967295"), ("power1_max", "unknown"),
        *((f"fan1_{name}", value) for name in ("input", "min", "max", "target") for value in ("65535", "-1", "4294967295")),
        *((f"in0_{name}", value) for name in ("input", "min", "max") for value in ("2147483647", "-2147483648")),
        *((f"curr1_{name}", value) for name in ("input", "min", "max") for value in ("2147483647", "4294967295")),
        ("humidity1_input", "-1"), ("humidity1_max", "2147483647"), ("energy1_input", "-1"),
        ("pwm1", "-1"), ("pwm1_enable", "-1"), ("pwm1_freq", "4294967295"),
    ],
)  # fmt: skip
def test_what_a_chip_does_not_know_is_none(name: str, text: str) -> None:
    [chip], this = reading(CLASS_HWMON, at("hwmon0", EVERY | {name: text}))
    changed = [
        (sensor, field, getattr(now, field))
        for kind in HwmonChip.__struct_fields__[3:]
        for sensor, now, before in zip([kind], getattr(chip, kind), getattr(EXPECTED, kind), strict=True)
        for field in now.__struct_fields__
        if getattr(now, field) != getattr(before, field)
    ]
    assert [value for _, _, value in changed] == [None]
    assert this.failures == {}


def test_what_may_be_below_0_stays() -> None:
    [chip] = read(CLASS_HWMON, at("hwmon0", EVERY | {"temp1_input": "-273149", "in0_input": "-1", "curr1_input": "-1"}))
    values = chip.temperatures[0].input_mc, chip.voltages[0].input_mv, chip.currents[0].input_ma
    assert values == (-273149, -1, -1)
