from procpulse import Reason
from procpulse.sources import CLASS_LEDS
from procpulse.sources.sysfs.class_leds import Led
from tests.cases import failure, read, reading

C = "/sys/class/leds"


def test_lights_and_what_makes_them_shine() -> None:
    files = {
        f"{C}/input3::capslock/brightness": "0\n",
        f"{C}/input3::capslock/max_brightness": "1\n",
        f"{C}/input3::capslock/trigger": "none kbd-scrolllock [kbd-capslock] cpu0 cpu1 panic\n",
        f"{C}/tpacpi::power/brightness": "255\n",
        f"{C}/tpacpi::power/max_brightness": "255\n",
        f"{C}/tpacpi::power/trigger": "[none] disk-activity\n",
    }
    assert read(CLASS_LEDS, files) == [
        Led("input3::capslock", 0, 1, "kbd-capslock"),
        Led("tpacpi::power", 255, 255, "none"),
    ]


def test_a_list_of_triggers_that_is_longer_than_a_page() -> None:
    triggers = "none " + " ".join(f"cpu{cpu}" for cpu in range(4096)) + " [heartbeat]\n"
    assert read(CLASS_LEDS, {f"{C}/led/trigger": triggers}) == [Led("led", trigger="heartbeat")]
    assert CLASS_LEDS.cap > len(triggers)


def test_none_is_chosen() -> None:
    assert read(CLASS_LEDS, {f"{C}/led/trigger": "none timer\n"}) == [Led("led")]


def test_a_hostile_name() -> None:
    assert read(CLASS_LEDS, {f"{C}/a\x1bb/brightness": "1\n"}) == [Led("a\\x1bb", 1)]


def test_garbage_costs_its_own_field() -> None:
    files = {f"{C}/led/brightness": "bright\n", f"{C}/led/max_brightness": "4294967295\n"}
    rows, this = reading(CLASS_LEDS, files)
    assert rows == [Led("led", None, 4294967295)]
    assert this.failures["brightness"].reason is Reason.MALFORMED


def test_none() -> None:
    assert failure(CLASS_LEDS, {}).reason is Reason.MISSING
