import pytest

from procpulse import Failure, Reason
from procpulse.sources import CLASS_POWER_SUPPLY
from procpulse.sources.sysfs.class_power_supply import PowerSupply
from tests.cases import failure, read, reading

P = "/sys/class/power_supply"


def supply(name: str, **files: str) -> dict[str, str | bytes | Failure]:
    return {f"{P}/{name}/{file}": content + "\n" for file, content in files.items()}


NOTEBOOK = supply(
    "BAT0",
    type="Battery",
    manufacturer="Example Cells",
    model_name="EC-57W",
    serial_number=" 20447",
    technology="Li-poly",
    status="Not charging",
    present="1",
    cycle_count="212",
    capacity="81",
    capacity_level="Normal",
    energy_full_design="57000000",
    energy_full="51230000",
    energy_now="41510000",
    power_now="0",
    voltage_min_design="15440000",
    voltage_now="16811000",
    alarm="0",
    uevent="POWER_SUPPLY_NAME=BAT0",
)
NOTEBOOK_ROW = PowerSupply(
    "BAT0",
    type="Battery",
    manufacturer="Example Cells",
    model_name="EC-57W",
    serial_number="20447",
    technology="Li-poly",
    status="Not charging",
    present=True,
    cycle_count=212,
    capacity_percent=81,
    capacity_level="Normal",
    energy_full_design_uwh=57_000_000,
    energy_full_uwh=51_230_000,
    energy_now_uwh=41_510_000,
    power_now_uw=0,
    voltage_min_design_uv=15_440_000,
    voltage_now_uv=16_811_000,
)
CASES = [
    pytest.param(supply("AC", type="Mains", online="0"), PowerSupply("AC", "Mains", online=0), id="mains that is not plugged in"),
    pytest.param(NOTEBOOK, NOTEBOOK_ROW, id="a notebook that counts energy, kernel 4.18"),
    pytest.param(
        supply("BAT1", charge_control_start_threshold="70", charge_control_end_threshold="90"),
        PowerSupply("BAT1", charge_control_start_threshold_percent=70, charge_control_end_threshold_percent=90),
        id="limits of charging, kernel 5.2",
    ),
    pytest.param(
        supply(
            "ucsi-source-psy-USBC000:001", type="USB", usb_type="C [PD] PD_PPS", scope="System", online="2",
            voltage_max="20000000", voltage_min="5000000", current_now="2250000", current_max="3250000",
        ),
        PowerSupply(
            "ucsi-source-psy-USBC000:001", type="USB", usb_type="C [PD] PD_PPS", scope="System", online=2,
            voltage_max_uv=20_000_000, voltage_min_uv=5_000_000, current_now_ua=2_250_000, current_max_ua=3_250_000,
        ),
        id="USB",
    ),
    pytest.param(
        supply(
            "bq27542-0", health="Over voltage", authentic="0", calibrate="1", capacity_alert_min="10", capacity_alert_max="95",
            charge_now="1226000", charge_avg="1290000", charge_full="3605000", charge_full_design="3800000",
            charge_empty="30000", charge_empty_design="20000", charge_counter="-84000", energy_avg="4700000",
            energy_empty="110000", energy_empty_design="70000", power_avg="-1566000", current_avg="-412000",
            current_boot="-118000", voltage_avg="3790000", voltage_max_design="4350000", voltage_ocv="3841000",
            voltage_boot="3902000", temp="287", temp_max="600", temp_min="-200", temp_alert_max="550",
            temp_alert_min="-105", temp_ambient="0", temp_ambient_alert_max="400", temp_ambient_alert_min="1",
            time_to_empty_now="10234", time_to_empty_avg="10712",
        ),
        PowerSupply(
            "bq27542-0", health="Over voltage", authentic=False, calibrate=1, capacity_alert_min_percent=10,
            capacity_alert_max_percent=95, charge_now_uah=1_226_000, charge_avg_uah=1_290_000, charge_full_uah=3_605_000,
            charge_full_design_uah=3_800_000, charge_empty_uah=30_000, charge_empty_design_uah=20_000,
            charge_counter_uah=-84_000, energy_avg_uwh=4_700_000, energy_empty_uwh=110_000,
            energy_empty_design_uwh=70_000, power_avg_uw=-1_566_000, current_avg_ua=-412_000, current_boot_ua=-118_000,
            voltage_avg_uv=3_790_000, voltage_max_design_uv=4_350_000, voltage_ocv_uv=3_841_000,
            voltage_boot_uv=3_902_000, temp_mc=28_700, temp_max_mc=60_000, temp_min_mc=-20_000, temp_alert_max_mc=55_000,
            temp_alert_min_mc=-10_500, temp_ambient_mc=0, temp_ambient_alert_max_mc=40_000, temp_ambient_alert_min_mc=100,
            time_to_empty_now_seconds=10_234, time_to_empty_avg_seconds=10_712,
        ),
        id="a fuel gauge that counts charge; temperatures in tenths of a degree",
    ),
    pytest.param(
        supply(
            "charger", charge_type="Fast", charge_control_limit="1", charge_control_limit_max="7",
            constant_charge_current="1536000", constant_charge_current_max="2048000", constant_charge_voltage="4208000",
            constant_charge_voltage_max="4400000", input_current_limit="1500000", precharge_current="256000",
            charge_term_current="128000", time_to_full_now="5040", time_to_full_avg="5400",
        ),
        PowerSupply(
            "charger", charge_type="Fast", charge_control_limit=1, charge_control_limit_max=7,
            constant_charge_current_ua=1_536_000, constant_charge_current_max_ua=2_048_000,
            constant_charge_voltage_uv=4_208_000, constant_charge_voltage_max_uv=4_400_000,
            input_current_limit_ua=1_500_000, precharge_current_ua=256_000, charge_term_current_ua=128_000,
            time_to_full_now_seconds=5_040, time_to_full_avg_seconds=5_400,
        ),
        id="a charger",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), CASES)
def test_supplies(files: dict[str, str | bytes | Failure], expected: PowerSupply) -> None:
    found, this = reading(CLASS_POWER_SUPPLY, files)
    assert found == [expected]
    assert this.failures == {}


def test_a_battery_that_was_taken_out() -> None:
    """The kernel answers ENODEV for everything but its presence."""
    gone = Failure(Reason.MISSING, f"{P}/BAT1/energy_now", "ENODEV")
    found, this = reading(CLASS_POWER_SUPPLY, supply("BAT1", type="Battery", present="0") | {gone.path: gone})
    assert found == [PowerSupply("BAT1", "Battery", present=False)]
    assert this.failures == {}


def test_a_value_that_the_driver_has_no_data_for() -> None:
    path = f"{P}/BAT0/power_now"
    found, this = reading(CLASS_POWER_SUPPLY, NOTEBOOK | {path: Failure(Reason.UNSUPPORTED, path, "ENODATA")})
    assert found[0].power_now_uw is None
    assert found[0].voltage_now_uv == 16_811_000
    assert this.failures == {"power_now": Failure(Reason.UNSUPPORTED, path, "ENODATA")}


def test_garbage_costs_its_own_field() -> None:
    files = supply(
        "BAT0", capacity="full", temp="28.7", voltage_now="99999999999999999999", present="yes", energy_now="5"
    )
    found, this = reading(CLASS_POWER_SUPPLY, files)
    assert found == [PowerSupply("BAT0", energy_now_uwh=5)]
    assert set(this.failures) == {"capacity", "temp", "voltage_now", "present"}


def test_hostile_names() -> None:
    files = {f"{P}/hid-\x1b[2J/model_name": b"\xe2\x80\xaemouse\xff\n"}
    assert read(CLASS_POWER_SUPPLY, files) == [PowerSupply("hid-\\x1b[2J", model_name="\\u202emouse\\xff")]


def test_a_host_without() -> None:
    assert failure(CLASS_POWER_SUPPLY, {}).reason is Reason.MISSING


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("cycle_count", "0", "cycle_count"), ("cycle_count", "-1", "cycle_count"), ("capacity", "-1", "capacity_percent"),
        ("time_to_empty_now", "3932100", "time_to_empty_now_seconds"), ("time_to_full_avg", "-60", "time_to_full_avg_seconds"),
        ("temp", "-2731", "temp_mc"), ("temp", "2147483647", "temp_mc"), ("temp_max", "-2147483648", "temp_max_mc"),
        ("energy_full", "-1000", "energy_full_uwh"), ("charge_now", "-1", "charge_now_uah"),
        ("voltage_now", "2147483647", "voltage_now_uv"), ("current_now", "-2147483648", "current_now_ua"),
        ("power_now", "4294967295", "power_now_uw"), ("charge_control_limit", "-1", "charge_control_limit"),
    ],
)  # fmt: skip
def test_what_a_supply_does_not_know_is_none(name: str, text: str, field: str) -> None:
    [supply], this = reading(CLASS_POWER_SUPPLY, {f"{PATH}/type": "Battery\n", f"{PATH}/{name}": text + "\n"})
    assert (supply.type, getattr(supply, field), this.failures) == ("Battery", None, {})


@pytest.mark.parametrize("field", ["current_now_ua", "current_avg_ua", "charge_counter_uah", "power_now_uw"])
def test_what_goes_out_may_be_below_0(field: str) -> None:
    name = field.rpartition("_")[0]
    [supply] = read(CLASS_POWER_SUPPLY, {f"{PATH}/type": "Battery\n", f"{PATH}/{name}": "-1\n"})
    assert getattr(supply, field) == -1


PATH = "/sys/class/power_supply/BAT7"
