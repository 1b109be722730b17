import pytest

from procpulse import Failure, Reason
from procpulse.sources import CLASS_POWERCAP
from procpulse.sources.sysfs.class_powercap import PowerConstraint, PowerZone
from tests.cases import Files, failure, read, reading

C = "/sys/class/powercap"
PACKAGE = {
    f"{C}/intel-rapl/enabled": "1\n",
    f"{C}/intel-rapl:0/name": "package-0\n",
    f"{C}/intel-rapl:0/enabled": "1\n",
    f"{C}/intel-rapl:0/energy_uj": "190447120338\n",
    f"{C}/intel-rapl:0/max_energy_range_uj": "262143328850\n",
    f"{C}/intel-rapl:0/constraint_0_name": "long_term\n",
    f"{C}/intel-rapl:0/constraint_0_power_limit_uw": "105000000\n",
    f"{C}/intel-rapl:0/constraint_0_time_window_us": "27983872\n",
    f"{C}/intel-rapl:0/constraint_0_max_power_uw": "105000000\n",
    f"{C}/intel-rapl:0/constraint_1_name": "short_term\n",
    f"{C}/intel-rapl:0/constraint_1_power_limit_uw": "118750000\n",
    f"{C}/intel-rapl:0/constraint_1_time_window_us": "2440\n",
    f"{C}/intel-rapl:0/constraint_1_max_power_uw": "0\n",
}
CONSTRAINTS = [
    PowerConstraint(0, "long_term", 105_000_000, 27_983_872, 105_000_000),
    PowerConstraint(1, "short_term", 118_750_000, 2_440, 0),
]


def test_a_package_with_its_limits() -> None:
    assert read(CLASS_POWERCAP, PACKAGE) == [
        PowerZone(
            "intel-rapl:0",
            "package-0",
            "package",
            0,
            None,
            True,
            190_447_120_338,
            262_143_328_850,
            None,
            None,
            CONSTRAINTS,
        )
    ]


def test_energy_is_for_root_since_kernel_5_10() -> None:
    path = f"{C}/intel-rapl:0/energy_uj"
    [zone], this = reading(CLASS_POWERCAP, PACKAGE | {path: Failure(Reason.DENIED, path, "EACCES")})
    assert zone == PowerZone(
        "intel-rapl:0", "package-0", "package", 0, None, True, None, 262_143_328_850, None, None, CONSTRAINTS
    )
    assert this.failures == {"energy_uj": Failure(Reason.DENIED, path, "EACCES")}


def test_power_instead_of_energy() -> None:
    files = {
        f"{C}/dtpm:0/name": "soc\n",
        f"{C}/dtpm:0/enabled": "0\n",
        f"{C}/dtpm:0/power_uw": "1204338\n",
        f"{C}/dtpm:0/max_power_range_uw": "8904000\n",
    }
    assert read(CLASS_POWERCAP, files) == [
        PowerZone("dtpm:0", "soc", "soc", enabled=False, power_uw=1_204_338, max_power_range_uw=8_904_000)
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("package-10", ("package", 10, None)),
        ("package-1-die-3", ("package", 1, 3)),
        ("core", ("core", None, None)),
        ("uncore", ("uncore", None, None)),
        ("dram", ("dram", None, None)),
        ("psys", ("psys", None, None)),
        ("cpu0-cpufreq", ("cpu0-cpufreq", None, None)),
        ("package-99999999999", ("package-99999999999", None, None)),
        ("\x1b[2J", ("\\x1b[2J", None, None)),
    ],
)
def test_names(name: str, expected: tuple[str, int | None, int | None]) -> None:
    [zone] = read(CLASS_POWERCAP, {f"{C}/intel-rapl:0/name": name + "\n"})
    assert (zone.domain, zone.package, zone.die) == expected


def test_every_zone_and_nothing_else() -> None:
    """The numbers in their names are hexadecimal; a type of control without a colon is no zone."""
    zones = ("intel-rapl:a", "intel-rapl:0:0", "intel-rapl:2", "intel-rapl:0", "intel-rapl-mmio:0")
    found = read(CLASS_POWERCAP, {f"{C}/{zone}/name": "core\n" for zone in zones} | {f"{C}/intel-rapl/enabled": "1\n"})
    assert [zone.zone for zone in found] == [
        "intel-rapl-mmio:0", "intel-rapl:0", "intel-rapl:0:0", "intel-rapl:2", "intel-rapl:a",
    ]  # fmt: skip


def test_limits_without_a_value() -> None:
    """The kernel answers ENODATA, or nothing at all."""
    path = f"{C}/intel-rapl:0/constraint_0_power_limit_uw"
    files: Files = {
        f"{C}/intel-rapl:0/constraint_0_name": "long_term\n",
        path: Failure(Reason.UNSUPPORTED, path, "ENODATA"),
        f"{C}/intel-rapl:0/constraint_0_max_power_uw": "",
    }
    [zone], this = reading(CLASS_POWERCAP, files)
    assert zone == PowerZone("intel-rapl:0", constraints=[PowerConstraint(0, "long_term")])
    assert this.failures == {"constraint_*_power_limit_uw": Failure(Reason.UNSUPPORTED, path, "ENODATA")}


def test_garbage_costs_its_own_field() -> None:
    files = {f"{C}/intel-rapl:0/energy_uj": "-", f"{C}/intel-rapl:0/max_energy_range_uj": "18446744073709551616"}
    [zone], this = reading(CLASS_POWERCAP, files | {f"{C}/intel-rapl:0/name": "dram\n"})
    assert zone == PowerZone("intel-rapl:0", "dram", "dram")
    assert set(this.failures) == {"energy_uj", "max_energy_range_uj"}


def test_no_powercap() -> None:
    assert failure(CLASS_POWERCAP, {}).reason is Reason.MISSING
