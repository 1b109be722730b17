"""The HTTP side: samples as JSON and msgpack, what they mean, whether all is well, and how it lives."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jsonschema
import pytest

from procpulse import Roots, Sampler
from procpulse.encode import json as encode_json
from procpulse.encode import msgpack
from procpulse.sources import LOADAVG, MEMINFO, STAT, processes
from procpulse.web import endpoints
from procpulse.web.application import Application
from procpulse.web.negotiate import accepted, matches
from tests.conftest import FIXTURES, settle
from tests.web import FAST, application, client


@pytest.fixture
async def app() -> AsyncIterator[Application]:
    app = application()
    yield app
    await app.hub.stop()


@pytest.fixture
async def web(app: Application) -> AsyncIterator[httpx.AsyncClient]:
    async with client(app) as web:
        yield web


async def test_a_snapshot_is_that_of_the_sampler(app: Application, web: httpx.AsyncClient) -> None:
    answer = await web.get("/v1/snapshot")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    snap = encode_json.decode(answer.content)
    assert snap[MEMINFO].mem_total_bytes > 0
    assert set(snap.values) <= set(app.hub.names)
    assert snap.seq == json.loads(answer.content)["seq"]
    packed = await web.get("/v1/snapshot", headers={"accept": "application/msgpack"})
    assert packed.headers["content-type"] == "application/msgpack"
    assert msgpack.decode(packed.content).host == snap.host


async def test_a_websocket_that_does_not_ask_to_upgrade_is_told(web: httpx.AsyncClient) -> None:
    """A proxy that leaves the header out is a common mistake: it is not as if the address were wrong."""
    answer = await web.get("/v1/stream")
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert "websocket" in answer.json()["error"]
    assert (await web.get("/v1/streams")).status_code == 404


async def test_the_part_that_was_asked_for(web: httpx.AsyncClient) -> None:
    snap = (await web.get("/v1/snapshot?sources=loadavg,stat")).json()
    assert list(snap["values"]) == ["stat", "loadavg"]
    assert list(snap["read_ns"]) == ["stat", "loadavg"]
    snap = (await web.get("/v1/snapshot?sources=")).json()
    assert snap["values"] == {}
    await web.get("/v1/usage")
    snap = (await web.get("/v1/snapshot?sources=processes&top=3&by=rss_bytes")).json()
    rows = snap["values"]["processes"]
    assert len(rows) == 3
    assert sum(count for _, count in snap["rows_ns"]["processes"]) == 3
    whole = (await web.get("/v1/snapshot?sources=processes")).json()["values"]["processes"]
    largest = sorted((row["stat"]["rss_bytes"] for row in whole.values()), reverse=True)[:3]
    assert sorted(largest) == pytest.approx(sorted(row["stat"]["rss_bytes"] for row in rows.values()), rel=0.2)


async def test_delta_and_usage(web: httpx.AsyncClient) -> None:
    delta = encode_json.decode_delta((await web.get("/v1/delta?sources=stat,net_dev")).content)
    assert set(delta.values) == {"stat", "net_dev"}
    assert delta.seconds(STAT) > 0
    usage = (await web.get("/v1/usage?top=2")).json()
    assert len(usage["usage"]["processes"]) == 2
    assert usage["usage"]["memory"]["total_bytes"] > 0
    delta = encode_json.decode_delta((await web.get("/v1/delta?sources=processes&top=1")).content)
    assert len(delta.values["processes"]) == 1


async def test_a_second_look_costs_nothing(web: httpx.AsyncClient, app: Application) -> None:
    app.hub.interval = 3600  # the next tick is far away
    first = await web.get("/v1/snapshot?sources=stat")
    again = await web.get("/v1/snapshot?sources=stat", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]
    assert float(again.headers["procpulse-age-seconds"]) >= float(first.headers["procpulse-age-seconds"])
    other = await web.get("/v1/snapshot?sources=loadavg", headers={"if-none-match": first.headers["etag"]})
    assert other.status_code == 200
    assert (await web.get("/v1/schema", headers={"if-none-match": "*"})).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/v1/snapshot?sources=nothing", "/v1/snapshot?sources=processes:environ", "/v1/snapshot?sources=slabinfo",
        "/v1/snapshot?top=-1", "/v1/snapshot?top=many", "/v1/snapshot?top=99999", "/v1/snapshot?by=comm",
        "/v1/snapshot?by=pid", "/v1/snapshot?interval=1", "/v1/snapshot?top=1&top=2", "/v1/snapshot?token=x",
        "/v1/snapshot?" + "&".join(f"a{i}=1" for i in range(50)), "/v1/history?seconds=-1", "/v1/usage?sources=stat",
        "/v1/events?interval=0.07", "/v1/events?interval=nan", "/v1/events?interval=1e9", "/v1/events?usage=2",
        "/v1/sources?x=1", "/v1/snapshot?sources=%00", "/v1/snapshot?top=%D9%A1",
    ],
)  # fmt: skip
async def test_questions_that_make_no_sense(web: httpx.AsyncClient, path: str) -> None:
    answer = await web.get(path)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_formats_that_are_not_there(web: httpx.AsyncClient) -> None:
    assert (await web.get("/v1/snapshot", headers={"accept": "text/html"})).status_code == 406
    assert (await web.post("/v1/snapshot")).status_code == 405
    assert (await web.put("/v1/events")).status_code == 405
    assert (await web.get("/v2/snapshot")).status_code == 404
    assert (await web.get("/../pyproject.toml")).status_code == 404
    assert (await web.get("/%2e%2e/application.py")).status_code == 404
    assert (await web.get("/.gitignore")).status_code == 404


@pytest.mark.parametrize(
    ("accept", "found"),
    [
        ("", "a/json"), ("*/*", "a/json"), ("a/pack", "a/pack"), ("a/pack, a/json", "a/json"),
        ("a/json;q=0.5, a/pack", "a/pack"), ("a/json;q=0, */*", "a/pack"), ("a/*;q=0.1", "a/json"),
        ("text/html", None), ("a/json;q=0", None), ("a/json;q=x", None), ("A/Pack;Q=1", "a/pack"),
        ("text/html, */*;q=0.1", "a/json"), ("a/pack;v=1;q=0.9, a/json;q=0.8", "a/pack"), (" , a/pack", "a/pack"),
    ],
)  # fmt: skip
def test_what_a_client_likes_best(accept: str, found: str | None) -> None:
    assert accepted(accept, ("a/json", "a/pack")) == found


@pytest.mark.parametrize(
    ("header", "whether"),
    [('"a"', True), ('W/"a"', True), ('"b", "a"', True), ("*", True), ("", False), ('"b"', False), ("a", False)],
)
def test_tags(header: str, whether: bool) -> None:
    assert matches(header, '"a"') is whether


async def test_history(web: httpx.AsyncClient, app: Application) -> None:
    app.hub.step = 1
    await web.get("/v1/usage")
    while len(app.hub.history) < 3:
        await asyncio.sleep(FAST)
    history = (await web.get("/v1/history")).json()
    assert history["interval"] == FAST
    assert history["boot_id"]
    seqs = [frame["seq"] for frame in history["frames"]]
    assert seqs == sorted(set(seqs))
    assert set(history["frames"][0]["usage"]) == {
        "cpu", "cpus", "memory", "disks", "disk_total", "interfaces", "network_total", "kernel", "pressure",
    }  # fmt: skip
    assert len(history["frames"][0]["load"]) == 3
    assert (await web.get("/v1/history?seconds=0")).json()["frames"] == []


async def test_sources(web: httpx.AsyncClient, app: Application) -> None:
    entries = {entry["name"]: entry for entry in (await web.get("/v1/sources")).json()}
    assert list(entries) == app.hub.names
    assert entries["loadavg"]["here"] == "yes"
    assert entries["loadavg"]["fields"]["Loadavg"][0]["help"] == "Load average over the last minute."


async def test_the_schema_holds(web: httpx.AsyncClient, app: Application) -> None:
    answer = await web.get("/v1/schema")
    assert answer.headers["content-type"] == "application/schema+json"
    schema = answer.json()
    jsonschema.Draft202012Validator(schema).validate((await web.get("/v1/snapshot")).json())
    usage = (await web.get("/v1/usage")).json()["usage"]
    jsonschema.Draft202012Validator({**schema, "$ref": "#/$defs/Rates"}).validate(usage)


async def test_health(web: httpx.AsyncClient, app: Application) -> None:
    assert (await web.get("/healthz")).status_code == 200
    assert not app.hub.running
    assert (await web.get("/readyz")).json()["status"] == "idle"
    await web.get("/v1/snapshot")
    assert (await web.get("/readyz")).status_code == 200
    app.hub._ticked = asyncio.get_running_loop().time() - 3.5 * FAST
    app.hub.interval, app.hub._task = FAST, asyncio.ensure_future(asyncio.sleep(60))
    late = await web.get("/readyz")
    assert late.status_code == 503
    assert late.json()["status"] == "stale"


async def test_it_starts_when_asked_and_stops_when_idle() -> None:
    app = application()
    app.hub._linger_seconds = 0.05
    app.hub._send_seconds = 0.15
    assert not app.hub.running
    async with client(app) as web:
        await web.get("/v1/snapshot")
        assert app.hub.running
        sampler = app.hub.sampler
        assert sampler is not None
        for _ in range(100):
            await asyncio.sleep(0.02)
            if not app.hub.running:
                break
        assert not app.hub.running
        with pytest.raises(RuntimeError, match="closed"):
            await sampler.sample()
        first = app.hub.run
        assert (await web.get("/v1/snapshot")).status_code == 200
        assert app.hub.run != first
        await app.hub.stop()


async def test_with_a_lifespan_it_goes_on() -> None:
    app = application()
    app.hub._linger_seconds = 0.01
    async with app.lifespan():
        assert app.hub.running
        await asyncio.sleep(0.2)
        assert app.hub.running
    assert not app.hub.running


async def test_a_sampler_that_is_given_is_not_closed() -> None:
    async with Sampler([LOADAVG]) as sampler:
        app = application(sampler=sampler)
        async with client(app) as web:
            assert list((await web.get("/v1/snapshot")).json()["values"]) == ["loadavg"]
        await app.hub.stop()
        assert LOADAVG in await sampler.sample()
    with pytest.raises(TypeError, match="has its sources"):
        application(sampler=sampler, sources=[LOADAVG])


async def test_a_sampler_that_breaks_is_said_and_tried_again(web: httpx.AsyncClient, app: Application) -> None:
    await web.get("/v1/snapshot")
    await app.hub.turn.wait()
    assert app.hub.sampler is not None
    app.hub.sampler.close()
    task = app.hub._task
    assert task is not None
    with pytest.raises(RuntimeError):
        await task
    failed = await web.get("/readyz")
    assert (failed.status_code, failed.json()["status"]) == (503, "failed")
    assert (await web.get("/v1/snapshot")).status_code == 200


async def test_no_sample_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "PATIENCE", 0.0)
    app = application(interval=0.01)
    app.hub._sample = _never  # type: ignore[method-assign]
    async with client(app) as web:
        answer = await web.get("/v1/snapshot")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    await app.hub.stop()


async def _never(sampler: Any) -> None:
    await asyncio.sleep(60)


async def test_another_root() -> None:
    tree = FIXTURES / "notebook"
    app = application(sources=[STAT, LOADAVG], roots=Roots(proc=str(tree / "proc"), sys=str(tree / "sys")))
    async with client(app) as web:
        snap = (await web.get("/v1/snapshot?sources=loadavg")).json()
        first = (tree / "proc/loadavg").read_text().split()[0]
        assert snap["values"]["loadavg"]["load1"] == float(first)
        entries = {entry["name"]: entry["here"] for entry in (await web.get("/v1/sources")).json()}
        assert entries["loadavg"] == "yes"
    await app.hub.stop()


async def test_the_page_says_what_is_missing(
    web: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setattr(endpoints, "STATIC", tmp_path)
    answer = await web.get("/")
    assert "make dashboard" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    (tmp_path / "index.html").write_text("<!doctype html><title>x</title>")
    app = application()
    async with client(app) as fresh:
        page = await fresh.get("/")
        assert page.text == "<!doctype html><title>x</title>"
        assert (await fresh.get("/", headers={"if-none-match": page.headers["etag"]})).status_code == 304
        assert (await fresh.get("/index.html")).status_code == 200
        assert (await fresh.get("/app.js")).status_code == 404
    assert not app.hub.running, "the page alone samples nothing"


async def test_one_tick_is_encoded_once(
    web: httpx.AsyncClient, app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    await web.get("/v1/usage")
    app.hub._task and app.hub._task.cancel()
    await settle()
    app.hub._task = asyncio.ensure_future(asyncio.sleep(60))
    calls = []
    encode = encode_json.encode
    monkeypatch.setattr(encode_json, "encode", lambda item: calls.append(1) or encode(item))
    for _ in range(10):
        assert (await web.get("/v1/snapshot?sources=stat,processes&top=5")).status_code == 200
    assert len(calls) == 1


async def test_processes_in_the_order_of_their_pids(app: Application, web: httpx.AsyncClient) -> None:
    snap = msgpack.decode((await web.get("/v1/snapshot", headers={"accept": "application/msgpack"})).content)
    assert list(snap.values["processes"]) == sorted(snap.values["processes"])
    assert set(snap.row_times("processes")) == set(snap.values["processes"])
    assert set(processes("io").row.__struct_fields__) == {"pid", "identity", "stat", "io"}
