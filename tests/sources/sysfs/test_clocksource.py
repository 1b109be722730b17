from procpulse import Reason
from procpulse.sources import CLOCKSOURCE
from procpulse.sources.sysfs.clocksource import Clocksource
from tests.cases import failure, read

C = "/sys/devices/system/clocksource/clocksource0"


def test_the_clock_in_use_and_those_to_choose_from() -> None:
    files = {f"{C}/current_clocksource": "tsc\n", f"{C}/available_clocksource": "tsc hpet acpi_pm \n"}
    assert read(CLOCKSOURCE, files) == [Clocksource(0, "tsc", ["tsc", "hpet", "acpi_pm"])]


def test_a_guest() -> None:
    files = {f"{C}/current_clocksource": "kvm-clock\n", f"{C}/available_clocksource": "kvm-clock \n"}
    assert read(CLOCKSOURCE, files) == [Clocksource(0, "kvm-clock", ["kvm-clock"])]


def test_nothing_in_the_files() -> None:
    files = {f"{C}/current_clocksource": "", f"{C}/available_clocksource": "\n"}
    assert read(CLOCKSOURCE, files) == [Clocksource(0)]


def test_a_hostile_name() -> None:
    assert read(CLOCKSOURCE, {f"{C}/current_clocksource": b"ts\xffc\x00\n"}) == [Clocksource(0, "ts\\xffc")]


def test_none() -> None:
    assert failure(CLOCKSOURCE, {}).reason is Reason.MISSING
