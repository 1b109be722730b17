"""Counters that start again at a value which the device tells, such as the energy of a CPU package."""

from typing import Annotated

import msgspec
import pytest

from procpulse import Host, Reset, Snapshot, counter, difference, fields, gauge, label
from procpulse.sources import CLASS_POWERCAP
from procpulse.sources.sysfs.class_powercap import PowerZone


class Meter(msgspec.Struct, frozen=True):
    """A meter."""

    name: Annotated[str, label("Its name.")]
    energy: Annotated[int | None, counter("Energy.", wraps_at="largest")] = None
    largest: Annotated[int | None, gauge("Largest energy.")] = None


class Whole(msgspec.Struct, frozen=True):
    """A meter that is always there."""

    largest: Annotated[int, gauge("Largest energy.")]
    energy: Annotated[int, counter("Energy.", wraps_at="largest")]


def snapshot(seq: int, source: str, value: object) -> Snapshot:
    at = seq * 1_000_000_000
    return Snapshot(seq, 1000.0 + seq, at, Host(boot_id="a"), {source: value}, {}, {source: at}, {}, 1.0)


def growth(before: Meter, after: Meter) -> tuple[int | None, int]:
    """How much the energy grew, and how many resets were reported; None where the meter has no growth."""
    delta = difference(snapshot(1, "meters", [before]), snapshot(2, "meters", [after]))
    if not delta.values["meters"]:
        return None, len(delta.resets)
    [row] = delta.values["meters"]
    assert row.largest == after.largest, "a gauge is that of the newer snapshot"
    return row.energy, len(delta.resets)


BIG = 2**64 - 1
CASES = [
    pytest.param(Meter("a", 10, 999), Meter("a", 25, 999), (15, 0), id="it grew"),
    pytest.param(Meter("a", 990, 999), Meter("a", 5, 999), (15, 0), id="it wrapped"),
    pytest.param(Meter("a", 999, 999), Meter("a", 0, 999), (1, 0), id="from the largest value to the next"),
    pytest.param(Meter("a", 600, 999), Meter("a", 99, 999), (499, 0), id="almost half of the range"),
    pytest.param(Meter("a", 600, 999), Meter("a", 100, 999), (None, 1), id="half of the range and more is a reset"),
    pytest.param(Meter("a", 1000, 999), Meter("a", 5, 999), (None, 1), id="it was beyond its range"),
    pytest.param(Meter("a", 990), Meter("a", 5), (None, 1), id="of no known range"),
    pytest.param(Meter("a", 990), Meter("a", 5, 999), (None, 1), id="of no known range before"),
    pytest.param(Meter("a", 990, 999), Meter("a", 5), (None, 1), id="of no known range now"),
    pytest.param(Meter("a", 990, 999), Meter("a", 5, 1999), (None, 1), id="the range changed"),
    pytest.param(Meter("a", 5, 0), Meter("a", 3, 0), (None, 1), id="a range of nothing"),
    pytest.param(Meter("a", None, 999), Meter("a", 5, 999), (None, 0), id="denied before"),
    pytest.param(Meter("a", 5, 999), Meter("a", None, 999), (None, 0), id="denied now"),
    pytest.param(Meter("a", BIG - 2, BIG), Meter("a", 3, BIG), (6, 0), id="exact above 2^53"),
]


@pytest.mark.parametrize(("before", "after", "expected"), CASES)
def test_wrapping(before: Meter, after: Meter, expected: tuple[int | None, int]) -> None:
    assert growth(before, after) == expected


def test_each_row_wraps_at_its_own_value() -> None:
    before = [Meter("a", 95, 99), Meter("b", 995, 999), Meter("c", 995, 99_999)]
    after = [Meter("a", 1, 99), Meter("b", 1, 999), Meter("c", 1, 99_999)]
    delta = difference(snapshot(1, "meters", before), snapshot(2, "meters", after))
    assert [row.energy for row in delta.values["meters"]] == [6, 6]
    assert delta.resets == [Reset("meters", "c", "energy", 995, 1)]


def test_fields_that_are_always_there() -> None:
    delta = difference(snapshot(1, "meter", Whole(99, 95)), snapshot(2, "meter", Whole(99, 1)))
    assert delta.values["meter"] == Whole(99, 6)


def test_the_energy_of_a_package() -> None:
    before = [PowerZone("intel-rapl:0", energy_uj=262_143_000_000, max_energy_range_uj=262_143_328_850)]
    after = [PowerZone("intel-rapl:0", energy_uj=99_671_149, max_energy_range_uj=262_143_328_850)]
    delta = difference(snapshot(1, "class_powercap", before), snapshot(2, "class_powercap", after))
    assert delta[CLASS_POWERCAP][0].energy_uj == 100_000_000
    assert delta.resets == []


def test_the_field_has_to_be_there() -> None:
    class Lost(msgspec.Struct, frozen=True):
        """A meter."""

        energy: Annotated[int, counter("Energy.", wraps_at="nowhere")]

    class Many(msgspec.Struct, frozen=True):
        """Meters."""

        energies: Annotated[dict[str, int], counter("Energy.", wraps_at="largest")]
        largest: Annotated[int, gauge("Largest energy.")]

    for record in (Lost, Many):
        with pytest.raises(TypeError, match="cannot wrap at"):
            fields(record)


def test_the_table_of_fields_names_it() -> None:
    assert [(field.name, field.wraps_at) for field in fields(Meter)] == [
        ("name", ""),
        ("energy", "largest"),
        ("largest", ""),
    ]
