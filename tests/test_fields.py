"""What a field means, said on the field and read back as a table."""

from typing import Annotated, Any, Optional

import msgspec
import pytest

from procpulse import Kind, Unit, fields
from procpulse.fields import Field, Shape, counter, describe, gauge, group, info, is_record, label, unit_of


class Inner(msgspec.Struct, frozen=True):
    """A record inside."""

    name: Annotated[str, label("Which.")]


class Everything(msgspec.Struct, frozen=True):
    """One field of each kind and shape."""

    device: Annotated[str, label("Which device.")]
    rx_bytes: Annotated[int, counter("Bytes received.")]
    wait_ms: Annotated[int | None, counter("Time waited (Linux 5.5).", bits=32)] = None
    energy_uj: Annotated[int, counter("Energy used.", wraps_at="energy_max_uj")] = 0
    energy_max_uj: Annotated[int, gauge("Where it starts again.")] = 0
    temp_mc: Annotated[int | None, gauge("Temperature.")] = None
    load1: Annotated[float, gauge("Load.")] = 0.0
    pages: Annotated[dict[str, int], gauge("Pages by use.", Unit.PAGES)] = {}
    counts: Annotated[dict[int, int], counter("Served by CPU.")] = {}
    state: Annotated[str | None, info("State.")] = None
    size_bytes: Annotated[int, info("A fact has no unit, whatever its name.")] = 0
    options: Annotated[list[str], info("Options.")] = []
    one: Annotated[Inner | None, group("One record.")] = None
    rows: Annotated[list[Inner], group("Some records.")] = []
    table: Annotated[dict[int, Inner], group("Records by number.")] = {}


TABLE = (
    Field("device", Kind.LABEL, Unit.NONE, "Which device.", Shape.SCALAR, False, 64, str),
    Field("rx_bytes", Kind.COUNTER, Unit.BYTES, "Bytes received.", Shape.SCALAR, False, 64, int),
    Field("wait_ms", Kind.COUNTER, Unit.MS, "Time waited (Linux 5.5).", Shape.SCALAR, True, 32, int),
    Field("energy_uj", Kind.COUNTER, Unit.UJ, "Energy used.", Shape.SCALAR, False, 64, int, "energy_max_uj"),
    Field("energy_max_uj", Kind.GAUGE, Unit.UJ, "Where it starts again.", Shape.SCALAR, False, 64, int),
    Field("temp_mc", Kind.GAUGE, Unit.MC, "Temperature.", Shape.SCALAR, True, 64, int),
    Field("load1", Kind.GAUGE, Unit.NONE, "Load.", Shape.SCALAR, False, 64, float),
    Field("pages", Kind.GAUGE, Unit.PAGES, "Pages by use.", Shape.MAPPING, False, 64, int),
    Field("counts", Kind.COUNTER, Unit.NONE, "Served by CPU.", Shape.MAPPING, False, 64, int),
    Field("state", Kind.INFO, Unit.NONE, "State.", Shape.SCALAR, True, 64, str),
    Field("size_bytes", Kind.INFO, Unit.NONE, "A fact has no unit, whatever its name.", Shape.SCALAR, False, 64, int),
    Field("options", Kind.INFO, Unit.NONE, "Options.", Shape.OTHER, False, 64, list[str]),
    Field("one", Kind.GROUP, Unit.NONE, "One record.", Shape.RECORD, True, 64, Inner),
    Field("rows", Kind.GROUP, Unit.NONE, "Some records.", Shape.ROWS, False, 64, Inner),
    Field("table", Kind.GROUP, Unit.NONE, "Records by number.", Shape.TABLE, False, 64, Inner),
)


def test_the_table_of_a_record() -> None:
    assert fields(Everything) == TABLE
    assert fields(Everything) is fields(Everything), "computed once a type"


class Silent(msgspec.Struct):
    """A field that says nothing."""

    count: int


class Half(msgspec.Struct):
    """A field that says something else."""

    count: Annotated[int, msgspec.Meta(description="How many.")]


class Extra(msgspec.Struct):
    """A field with metadata of somebody else."""

    count: Annotated[int, msgspec.Meta(extra={"column": 3})]


@pytest.mark.parametrize("record", [Silent, Half, Extra])
def test_a_field_without_a_meaning(record: type[msgspec.Struct]) -> None:
    with pytest.raises(TypeError, match=rf"{record.__name__}\.count does not say what it means"):
        fields(record)


class WrapsNowhere(msgspec.Struct):
    """A counter that starts again at a field that is not there."""

    energy_uj: Annotated[int, counter("Energy used.", wraps_at="most_uj")]


class WrapsMany(msgspec.Struct):
    """Counters that cannot all start again at one number."""

    by_zone: Annotated[dict[str, int], counter("Energy used.", Unit.UJ, wraps_at="most_uj")]
    most_uj: Annotated[int, gauge("Most.")]


@pytest.mark.parametrize("record", [WrapsNowhere, WrapsMany])
def test_a_counter_that_cannot_wrap_there(record: type[msgspec.Struct]) -> None:
    with pytest.raises(TypeError, match="cannot wrap at most_uj"):
        fields(record)


def test_a_record_inherits_the_fields_of_its_parts() -> None:
    class More(Inner, frozen=True):
        """A record and one field more."""

        count: Annotated[int, counter("How many.")] = 0

    assert [field.name for field in fields(More)] == ["name", "count"]


def test_metadata_is_plain_and_stays_out_of_the_way() -> None:
    meta = counter("Bytes received.", bits=32)
    assert isinstance(meta, msgspec.Meta)
    assert meta.description == "Bytes received."
    assert msgspec.json.decode(b'{"device": "a", "rx_bytes": 5}', type=Everything) == Everything("a", 5)
    schema = msgspec.json.schema(Everything)["$defs"]["Everything"]["properties"]
    assert schema["rx_bytes"]["description"] == "Bytes received."
    assert schema["wait_ms"]["description"] == "Time waited (Linux 5.5)."


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("rx_bytes", Unit.BYTES), ("bytes", Unit.BYTES), ("read_ms", Unit.MS), ("user_ticks", Unit.TICKS),
        ("temp_mc", Unit.MC), ("input_rpm", Unit.RPM), ("charge_uah", Unit.UAH), ("energy_uwh", Unit.UWH),
        ("input_millipercent", Unit.MILLIPERCENT), ("avg10_percent", Unit.PERCENT), ("busy_ratio", Unit.RATIO),
        ("speed_bits_per_second", Unit.BITS_PER_SECOND), ("rx_bytes_per_second", Unit.BYTES_PER_SECOND),
        ("up_seconds", Unit.SECONDS), ("reads", Unit.NONE), ("alarms", Unit.NONE), ("bytesize", Unit.NONE),
        ("programs", Unit.NONE), ("bytes_read", Unit.NONE), ("", Unit.NONE),
    ],
)  # fmt: skip
def test_unit_of(name: str, unit: Unit) -> None:
    assert unit_of(name) is unit


@pytest.mark.parametrize("unit", [unit for unit in Unit if unit])
def test_every_unit_is_known_by_its_name(unit: Unit) -> None:
    assert unit_of(f"any_{unit}") is unit


@pytest.mark.parametrize(
    ("unit", "base", "factor"),
    [
        (Unit.NONE, "", 1), (Unit.BYTES, "bytes", 1), (Unit.SECONDS, "seconds", 1), (Unit.MS, "seconds", 1e-3),
        (Unit.US, "seconds", 1e-6), (Unit.NS, "seconds", 1e-9), (Unit.MC, "celsius", 1e-3), (Unit.MV, "volts", 1e-3),
        (Unit.UV, "volts", 1e-6), (Unit.MA, "amperes", 1e-3), (Unit.UA, "amperes", 1e-6), (Unit.UW, "watts", 1e-6),
        (Unit.UJ, "joules", 1e-6), (Unit.HZ, "hertz", 1), (Unit.PERCENT, "ratio", 1e-2),
        (Unit.MILLIPERCENT, "ratio", 1e-5), (Unit.TICKS, "ticks", 1), (Unit.PAGES, "pages", 1),
    ],
)  # fmt: skip
def test_base_units(unit: Unit, base: str, factor: float) -> None:
    assert unit.base == (base, factor)


@pytest.mark.parametrize(
    ("type_", "shape"),
    [
        pytest.param(int, (Shape.SCALAR, False, int), id="a number"),
        pytest.param(int | None, (Shape.SCALAR, True, int), id="a number or nothing"),
        pytest.param(Optional[float], (Shape.SCALAR, True, float), id="said the old way"),  # noqa: UP045
        pytest.param(bool, (Shape.SCALAR, False, bool), id="a truth value"),
        pytest.param(str, (Shape.SCALAR, False, str), id="a text"),
        pytest.param(Inner, (Shape.RECORD, False, Inner), id="a record"),
        pytest.param(Inner | None, (Shape.RECORD, True, Inner), id="a record or nothing"),
        pytest.param(list[Inner], (Shape.ROWS, False, Inner), id="rows"),
        pytest.param(list[Inner] | None, (Shape.ROWS, True, Inner), id="rows or nothing"),
        pytest.param(dict[int, Inner], (Shape.TABLE, False, Inner), id="records by number"),
        pytest.param(dict[str, int], (Shape.MAPPING, False, int), id="numbers by name"),
        pytest.param(dict[str, float] | None, (Shape.MAPPING, True, float), id="numbers by name, or nothing"),
        pytest.param(dict[str, str], (Shape.OTHER, False, dict[str, str]), id="texts by name"),
        pytest.param(dict[str, list[int]], (Shape.OTHER, False, dict[str, list[int]]), id="lists by name"),
        pytest.param(list[str], (Shape.OTHER, False, list[str]), id="texts"),
        pytest.param(list[int] | None, (Shape.OTHER, True, list[int]), id="numbers or nothing"),
        pytest.param(bytes, (Shape.OTHER, False, bytes), id="bytes"),
        pytest.param(int | str, (Shape.OTHER, False, int | str), id="one of two"),
        pytest.param(int | str | None, (Shape.OTHER, True, int | str | None), id="one of two, or nothing"),
    ],
)
def test_describe(type_: Any, shape: tuple[Shape, bool, Any]) -> None:
    assert describe(type_) == shape


def test_is_record() -> None:
    assert is_record(Inner)
    assert not is_record(Inner("a"))
    assert not is_record(list[Inner])
    assert not is_record(int)
    assert not is_record(None)
