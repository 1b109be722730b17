"""There and back: equal objects, and tolerance of what is not known."""

import json as plain_json
from typing import Annotated, Any

import anyio
import jsonschema
import msgspec
import pytest

from procpulse import Reason, Sampler, Snapshot, Source, Unavailable, catalog, counter, difference
from procpulse.encode import json, msgpack
from procpulse.encode.pieces import Once
from procpulse.encode.schema import schema
from procpulse.sources import LOADAVG, MEMINFO, PROCESSES, STAT, SWAPS, processes

FORMATS = pytest.mark.parametrize("format", [json, msgpack], ids=["json", "msgpack"])


class Mine(msgspec.Struct, frozen=True):
    """A record of a user."""

    ticks: Annotated[int, counter("Ticks.")]


MINE = Source("mine", "/proc/uptime", Mine, lambda file: Mine(int(file.data.split(b".")[0])))


@pytest.fixture(scope="module")
def snapshots() -> tuple[Snapshot, Snapshot]:
    sources = [source for source in catalog.sources().values() if source.name != "processes"]
    sampler = Sampler([*sources, MINE, processes()])
    pair = sampler.sample_sync(), sampler.sample_sync()
    sampler.close()
    return pair


@FORMATS
def test_snapshots_and_deltas_come_back_equal(snapshots: tuple[Snapshot, Snapshot], format: Any) -> None:
    before, after = snapshots
    assert format.decode(format.encode(after), [MINE]) == after
    delta = difference(before, after)
    assert format.decode_delta(format.encode(delta), [MINE]) == delta
    assert (
        difference(format.decode(format.encode(before), [MINE]), format.decode(format.encode(after), [MINE])) == delta
    )


@FORMATS
def test_sources_that_are_not_known_stay_plain(snapshots: tuple[Snapshot, Snapshot], format: Any) -> None:
    back = format.decode(format.encode(snapshots[0]))
    assert back.values["mine"] == {"ticks": snapshots[0][MINE].ticks}
    assert format.decode(format.encode(back), [MINE]) == snapshots[0], "and lose nothing"


def test_fields_and_reasons_of_a_later_version() -> None:
    snap = Sampler([LOADAVG]).sample_sync()
    message = plain_json.loads(json.encode(snap))
    message["values"]["loadavg"]["load60"] = 3.0
    message["mood"] = "fine"
    message["failures"]["swaps"] = {"reason": "tired", "path": "/proc/swaps"}
    back = json.decode(plain_json.dumps(message))
    assert back[LOADAVG] == snap[LOADAVG]
    assert back.failures["swaps"].reason is Reason.UNSUPPORTED


def test_a_value_that_does_not_fit_costs_its_own_source() -> None:
    snap = Sampler([LOADAVG, STAT]).sample_sync()
    message = plain_json.loads(json.encode(snap))
    message["values"]["loadavg"] = {"load1": "high"}
    back = json.decode(plain_json.dumps(message))
    assert back[STAT] == snap[STAT]
    with pytest.raises(Unavailable, match="does not fit this version"):
        back[LOADAVG]


@pytest.mark.parametrize("damaged", [b"", b"{}", b"[]", b'{"seq":', b"\xff\xff", b"null", b'{"seq":1,"time":"x"}'])
@FORMATS
def test_what_is_no_snapshot(format: Any, damaged: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        format.decode(damaged)


def test_processes_keep_the_parts_that_they_had() -> None:
    sampler = Sampler([processes("io", "comm")])
    snap = sampler.sample_sync()
    sampler.close()
    back = json.decode(json.encode(snap))
    row = next(iter(back[PROCESSES].values()))
    assert row.comm is not None
    with pytest.raises(AttributeError, match="'cmdline' was not asked for"):
        row.cmdline  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        row.nonsense  # type: ignore[attr-defined]  # noqa: B018


def test_the_schema_describes_what_is_sent(snapshots: tuple[Snapshot, Snapshot]) -> None:
    whole = schema()
    jsonschema.Draft202012Validator.check_schema(whole)
    validator = jsonschema.Draft202012Validator(whole)
    validator.validate(plain_json.loads(json.encode(snapshots[1])))
    delta = difference(*snapshots)
    jsonschema.Draft202012Validator({**whole, "$ref": "#/$defs/Delta"}).validate(plain_json.loads(json.encode(delta)))
    rates = plain_json.loads(json.encode(delta.usage.rates()))
    jsonschema.Draft202012Validator({**whole, "$ref": "#/$defs/Rates"}).validate(rates)


def test_the_schema_says_what_fields_mean() -> None:
    definitions = schema([MEMINFO, SWAPS])["$defs"]
    assert definitions["Swap"]["properties"]["used_bytes"] == {
        "type": "integer",
        "description": "How much is in it.",
        "x-kind": "gauge",
        "x-unit": "bytes",
    }
    assert set(definitions["Snapshot"]["properties"]["values"]["properties"]) == {"meminfo", "swaps"}


def test_wrong_types_are_caught_by_the_schema(snapshots: tuple[Snapshot, Snapshot]) -> None:
    message = plain_json.loads(json.encode(snapshots[1]))
    message["values"]["loadavg"]["load1"] = "high"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema()).validate(message)


@FORMATS
def test_pieces_are_the_whole(snapshots: tuple[Snapshot, Snapshot], format: Any) -> None:
    before, after = snapshots
    row = next(iter(after[PROCESSES].values()))
    many = msgspec.structs.replace(
        after,
        values={
            "processes": dict.fromkeys(range(70), row),
            "very many": dict.fromkeys(range(70_000), 1),
            "swaps": [],
            "few": [1] * 15,
            "more": list(range(16)),
            "rows": list(range(130)),
            "names": {str(i): i for i in range(65)},
        },
    )
    for item in (after, difference(before, after), many, row, None):
        assert b"".join(format.pieces(item)) == format.encode(item)


@FORMATS
async def test_what_two_want_is_encoded_once(snapshots: tuple[Snapshot, Snapshot], format: Any) -> None:
    begun = []

    class Counting:
        def pieces(self, item: Any) -> Any:
            begun.append(item)
            return format.pieces(item)

    encode = Once(Counting(), keep=2)
    found: list[bytes] = []

    async def consumer() -> None:
        found.append(await encode(snapshots[0]))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(consumer)
    assert found == [format.encode(snapshots[0])] * 3
    assert len(begun) == 1
    assert await encode(snapshots[1]) is await encode(snapshots[1])
    assert await encode(snapshots[0]) is found[0]
    assert len(begun) == 2
    await encode(1)
    await encode(2)
    await encode(snapshots[0])
    assert len(begun) == 5, "only the newest are kept"


async def test_encoding_goes_on_when_the_first_is_cancelled(snapshots: tuple[Snapshot, Snapshot]) -> None:
    encode = Once(json)
    found = []

    async def first(scope: anyio.CancelScope) -> None:
        with scope:
            await encode(snapshots[0])
            raise AssertionError("it was cancelled")

    async def second() -> None:
        found.append(await encode(snapshots[0]))

    scope = anyio.CancelScope()
    scope.cancel()
    async with anyio.create_task_group() as group:
        group.start_soon(first, scope)
        group.start_soon(second)
    assert found == [json.encode(snapshots[0])]
