"""Who may ask: the attacks of the list, one test each, against a real server where sockets matter."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from websockets.exceptions import ConnectionClosed, InvalidStatus

from procpulse import Roots, Sampler
from procpulse.redact import Arguments
from procpulse.sources import CMDLINE, LOADAVG, MEMINFO, STAT, UPTIME, VERSION, processes
from procpulse.sources.proc.pid_cmdline import SHOWN, PidCmdline
from procpulse.web import protocols, refusals
from procpulse.web.guard import route_path
from procpulse.web.peers import is_local
from procpulse.web.publish import allowed, arguments, default_sources
from tests.web import TOKEN, application, client, served, socket, until_closed

PATHS = ["/v1/snapshot", "/v1/delta", "/v1/usage", "/v1/history", "/v1/sources", "/v1/schema", "/v1/events", "/metrics"]
PATHS += ["/openapi.json"]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is refused often waits; tests that are about something else do not."""
    monkeypatch.setattr(refusals, "FIRST_DELAY", 0.0)


@asynccontextmanager
async def asking(
    base_url: str = "http://127.0.0.1:8787", peer: Any = ("127.0.0.1", 1), **options: Any
) -> AsyncIterator[httpx.AsyncClient]:
    app = application(sources=[LOADAVG], **options)
    async with client(app, base_url=base_url, client=peer) as web:
        yield web
    await app.hub.stop()


# S1: pages of other sites.


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "https://127.0.0.1:8788", "http://127.0.0.1:8788", "http://127.0.0.1", "null",
        "http://localhost:8787", "http://127.0.0.1:8787.evil.example", "http://evil.example@127.0.0.1:8787", "",
        "http://127.0.0.1:8787/", "ws://127.0.0.1:8787",
    ],
)  # fmt: skip
async def test_s1_another_origin_is_refused(origin: str) -> None:
    async with asking() as web:
        for path in [*PATHS, "/", "/healthz"]:
            answer = await web.get(path, headers={"origin": origin})
            assert answer.status_code == 403, path
            assert "access-control-allow-origin" not in answer.headers
        assert (await web.post("/v1/login", headers={"origin": origin}, json={"token": TOKEN})).status_code == 403


async def test_s1_its_own_origin_and_none_at_all_are_fine() -> None:
    async with asking() as web:
        for origin in ("http://127.0.0.1:8787", "https://127.0.0.1:8787"):  # one is that of a page behind a TLS proxy
            answer = await web.get("/v1/sources", headers={"origin": origin})
            assert answer.status_code == 200
            assert "access-control-allow-origin" not in answer.headers
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert (await web.get("/v1/sources")).status_code == 200


async def test_s1_websockets_of_other_sites() -> None:
    app = application(sources=[LOADAVG])
    async with served(app) as address:
        for origin in ("http://evil.example", "null", f"https://{address}1"):
            with pytest.raises(InvalidStatus) as refused:
                await socket(address, origin=origin)
            assert refused.value.response.status_code == 403
        async with socket(address, origin=f"http://{address}") as own:
            assert json.loads(await own.recv())["type"] == "snapshot"
        assert not app.hub.counts["evicted"]


async def test_s1_no_cors_unless_named() -> None:
    grafana = "https://grafana.example"
    async with asking(token=TOKEN, origins=[grafana]) as web:
        answer = await web.options("/v1/usage", headers={"origin": grafana, "access-control-request-method": "GET"})
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-origin"] == grafana
        assert "access-control-allow-credentials" not in answer.headers
        answer = await web.get("/v1/sources", headers={"origin": grafana})
        assert answer.status_code == 401
        answer = await web.get("/v1/sources", headers={"origin": grafana, "authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == grafana
        assert (await web.get("/v1/sources", headers={"origin": "https://grafana.example.evil"})).status_code == 403
        assert (await web.options("/v1/usage")).status_code in (401, 405)
    with pytest.raises(ValueError, match="one by one"):
        application(origins=["*"])


# S2: another name that leads here.


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("LOCALHOST:8787", 200), ("127.0.0.1:1", 200), ("[::1]:8787", 200),
        ("evil.example", 403), ("evil.example:8787", 403), ("localhost.evil.example", 403), ("127.0.0.1.nip.io", 403),
        ("127.0.0.2", 403), ("[::2]", 403), ("0.0.0.0", 403), ("localhost:80:80", 400), ("localhost/", 400),
        ("local host", 400), ("", 400), ("a@localhost", 400), ("localhost.", 400), ("2130706433", 403),
    ],
)  # fmt: skip
async def test_s2_names(host: str, status: int) -> None:
    async with asking() as web:
        for path in ("/v1/sources", "/healthz", "/", "/v1/events"):
            if status != 200 or path != "/v1/events":
                assert (await web.get(path, headers={"host": host})).status_code == status


async def test_s2_names_that_were_given() -> None:
    async with asking(hosts=["pulse.example", "other.example:9000"]) as web:
        for host, status in {
            "pulse.example": 200, "pulse.example:1": 200, "other.example:9000": 200, "other.example": 403,
            "x.pulse.example": 403,
        }.items():  # fmt: skip
            assert (await web.get("/v1/sources", headers={"host": host})).status_code == status


async def test_s2_names_on_websockets_and_raw_requests() -> None:
    async with served(application(sources=[LOADAVG])) as address:
        with pytest.raises(InvalidStatus) as refused:
            await socket(address, additional_headers={"Host": "evil.example"})
        assert refused.value.response.status_code in (400, 403)
        for request in (
            b"GET /v1/sources HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
            b"GET /v1/sources HTTP/1.0\r\n\r\n",
        ):
            assert (await raw(address, request)).split()[1] == b"400"


async def raw(address: str, request: bytes, wait: float = 5) -> bytes:
    """What a server answers to these bytes, until it closes or has said a line."""
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(request)
        await writer.drain()
        return await asyncio.wait_for(reader.readline(), wait)
    finally:
        writer.close()


# S3: who has no token.


async def test_s3_without_a_token_only_this_machine() -> None:
    for peer in (("10.0.0.7", 1), ("::ffff:10.0.0.7", 1), ("nonsense", 1), ("2001:db8::1", 1)):
        async with asking(peer=peer) as web:
            for path in [*PATHS, "/"]:
                assert (await web.get(path)).status_code == 403, path
            assert (await web.get("/healthz")).status_code == 200
    async with asking(peer=("10.0.0.7", 1), insecure=True) as web:
        assert (await web.get("/v1/sources")).status_code == 200
        assert (await web.get("/v1/sources", headers={"host": "evil.example"})).status_code == 403


@pytest.mark.parametrize(
    ("client", "local"),
    [
        (None, False), (("127.0.0.1", 1), True), (("127.9.9.9", 1), True), (("::1", 1), True),
        (("::ffff:127.0.0.1", 1), True), (("::ffff:10.0.0.1", 1), False), (("10.0.0.1", 1), False),
        (("localhost", 1), False), (("", 0), False), (("1", 1), False),
    ],
)  # fmt: skip
def test_s3_who_is_on_this_machine(client: Any, local: bool) -> None:
    assert is_local(client) is local


async def test_s3_with_a_token_everybody_shows_it() -> None:
    async with asking(token=TOKEN) as web:
        for path in PATHS:
            answer = await web.get(path)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == "Bearer"
            for wrong in ("Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN):
                assert (await web.get(path, headers={"authorization": wrong})).status_code == 401, (path, wrong)
            assert (await web.get(f"{path}?token={TOKEN}")).status_code == 401, "never in an address"
        assert (await web.get("/")).status_code == 200
        assert (await web.get("/healthz")).status_code == 200
        assert (await web.get("/v1/sources", headers={"authorization": f"bearer {TOKEN}"})).status_code == 200


async def test_s3_websockets_show_it_too() -> None:
    async with served(application(sources=[LOADAVG], token=TOKEN)) as address:
        for headers in ({}, {"Authorization": "Bearer x"}, {"Cookie": f"procpulse={TOKEN}"}):
            with pytest.raises(InvalidStatus) as refused:
                await socket(address, additional_headers=headers)
            assert refused.value.response.status_code == 401
        async with socket(address, additional_headers={"Authorization": f"Bearer {TOKEN}"}) as known:
            assert json.loads(await known.recv())["type"] == "snapshot"


async def test_s3_a_page_logs_in() -> None:
    async with asking(token=TOKEN) as web:
        assert (await web.post("/v1/login", json={"token": "x" * 20})).status_code == 401
        answer = await web.post("/v1/login", json={"token": TOKEN})
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"]
        assert TOKEN not in cookie
        assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        assert (await web.get("/v1/sources")).status_code == 200
        name, _, value = cookie.partition(";")[0].partition("=")
        for forged in (value + "0", "9" + value, value.partition(".")[2], f"9999999999.{value.partition('.')[2]}"):
            web.cookies.clear()
            assert (await web.get("/v1/sources", headers={"cookie": f"{name}={forged}"})).status_code == 401
    async with asking(token=TOKEN, base_url="https://localhost") as web:
        assert "Secure" in (await web.post("/v1/login", json={"token": TOKEN})).headers["set-cookie"]
    async with asking(token=TOKEN + "2") as web:
        assert (await web.get("/v1/sources", headers={"cookie": f"{name}={value}"})).status_code == 401


async def test_s3_a_page_logs_out() -> None:
    async with asking(token=TOKEN) as web:
        await web.post("/v1/login", json={"token": TOKEN})
        [(name, value)] = web.cookies.items()
        answer = await web.post("/v1/logout", headers={"origin": "http://evil.example"})
        assert answer.status_code == 403
        assert (await web.get("/v1/logout")).status_code == 404
        assert (await web.get("/v1/sources")).status_code == 200
        answer = await web.post("/v1/logout")
        assert answer.status_code == 204
        assert "Max-Age=0" in answer.headers["set-cookie"]
        assert not web.cookies
        again = await web.get("/v1/sources", headers={"cookie": f"{name}={value}"})
        assert again.status_code == 401, "whoever copied it has nothing"
        assert (await web.post("/v1/logout")).status_code == 204
    async with asking() as web:
        assert (await web.post("/v1/logout")).status_code == 204


async def test_s3_the_cookie_is_for_the_mount_alone() -> None:
    app = application(sources=[LOADAVG], token=TOKEN)
    async with client(Starlette(routes=[Mount("/deep/pulse", app)])) as web:
        cookie = (await web.post("/deep/pulse/v1/login", json={"token": TOKEN})).headers["set-cookie"]
        assert "Path=/deep/pulse" in cookie.split("; ")
        assert (await web.get("/deep/pulse/v1/sources")).status_code == 200
    await app.hub.stop()


@pytest.mark.parametrize(
    ("root", "path", "route"),
    [
        ("", "/v1/sources", "/v1/sources"), ("", "/", "/"), ("", "", ""), ("/deep", "/deep/healthz", "/healthz"),
        ("/deep", "/deep/", "/"), ("/deep", "/deep", ""), ("/deep", "/healthz", "/healthz"),
        ("/deep", "/deeper/healthz", "/deeper/healthz"), ("/deep", "/deep/deep/healthz", "/deep/healthz"),
    ],
)  # fmt: skip
def test_the_path_below_the_mount(root: str, path: str, route: str) -> None:
    assert route_path({"path": path, "root_path": root}) == route
    if not root:
        assert route_path({"path": path}) == route


async def test_below_a_prefix_the_same_is_public() -> None:
    """And nothing else, whatever else is mounted there or looks as if it were."""
    app = application(sources=[LOADAVG], token=TOKEN)
    async with client(Starlette(routes=[Mount("/deep", Mount("/pulse", app))])) as web:
        for path, status in (("healthz", 200), ("v1/sources", 401), ("x/healthz", 401), ("deep/pulse/healthz", 401)):
            assert (await web.get(f"/deep/pulse/{path}")).status_code == status, path
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert (await web.get("/deep/pulse/v1/sources", headers=bearer)).status_code == 200
    await app.hub.stop()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 400), (b"x", "application/json", 400), (b'{"token": 1}', "application/json", 400),
        (b'{"token": "x"}', "text/plain", 415), (b"token=x", "application/x-www-form-urlencoded", 415),
        (b'{"token": "' + b"x" * 5000 + b'"}', "application/json", 413), (b"[" * 4000, "application/json", 400),
        (b'{"token": "\xff"}', "application/json", 400),
    ],
)  # fmt: skip
async def test_s3_logins_that_make_no_sense(body: bytes, kind: str, status: int) -> None:
    async with asking(token=TOKEN) as web:
        assert (await web.post("/v1/login", content=body, headers={"content-type": kind})).status_code == status


# S4: secrets of processes.


async def test_s4_environ_and_arguments_are_not_sampled() -> None:
    for cmdline in (False, True, "names", "redacted", "raw"):
        how = arguments(cmdline)
        for source in allowed([processes("environ", "cmdline", "io")], how):
            names = [part.name for part in source.parts]  # type: ignore[attr-defined]
            assert names == (["cmdline", "io"] if cmdline else ["io"])
            assert not cmdline or SHOWN[how or Arguments.NAMES] in source.parts  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="not a valid"):
        arguments("some")
    assert [part.name for part in default_sources(None)[-1].parts] == ["io"]  # type: ignore[attr-defined]
    [source] = allowed([processes()], None)
    assert not {"environ", "cmdline"} & {part.name for part in source.parts}  # type: ignore[attr-defined]


@pytest.mark.parametrize("cmdline", [False, "redacted", "names"])
async def test_s4_not_even_from_a_sampler_that_has_them(cmdline: str | bool) -> None:
    secret = "S3cretS3cret"
    victim = await asyncio.create_subprocess_exec(
        "sleep", "60", env={"NOBODY_ELSES_PASSWORD": secret}, stdin=asyncio.subprocess.DEVNULL
    )
    talker = await asyncio.create_subprocess_exec("sh", "-c", "sleep 60; true", "sh", f"--password={secret}", "--open")
    try:
        async with Sampler([processes("environ", "cmdline", "io"), LOADAVG]) as sampler:
            own = await sampler.sample()
            assert secret in str(own.values["processes"][victim.pid].environ)
            app = application(sampler=sampler, cmdline=cmdline)
            async with client(app) as web:
                await web.get("/v1/usage")
                for path in [*PATHS[:6], "/metrics"]:
                    text = (await web.get(path)).text
                    assert secret not in text
                    assert "NOBODY_ELSES_PASSWORD" not in text
                row = (await web.get("/v1/snapshot?sources=processes")).json()["values"]["processes"][str(talker.pid)]
                assert "environ" not in row
                assert ("cmdline" in row) is bool(cmdline)
                if cmdline:
                    assert row["cmdline"]["arguments"][-2:] == ["--password=***", "--open"]
                    assert ("sleep" in row["cmdline"]["arguments"][2]) is (cmdline == "redacted")
            await app.hub.stop()
    finally:
        for process in (victim, talker):
            process.kill()
            await process.wait()


async def test_s4_arguments_are_scrubbed_where_they_are_parsed() -> None:
    from procpulse.process import ProcessFile
    from procpulse.source import Host

    found = SHOWN[Arguments.REDACTED].parse(ProcessFile(b"mysql\0-uroot\0-pS3cret\0", Host()))
    assert found == PidCmdline(["mysql", "-uroot", "-p***"])


@pytest.mark.parametrize("given", [False, True], ids=["its own sampler", "a sampler that it is given"])
async def test_s4_the_command_line_of_the_kernel_is_scrubbed(tmp_path: Path, given: bool) -> None:
    secret = "S3cretS3cret"
    (tmp_path / "proc").mkdir()
    line = f'root=/dev/vda ro luks.passphrase="{secret} x" inst.token={secret} nfs=http://jane:{secret}@nas/ -- --api-key {secret}'
    (tmp_path / "proc/cmdline").write_text(line + "\n")
    roots = Roots(proc=str(tmp_path / "proc"), sys=str(tmp_path / "sys"))
    sampler = Sampler([CMDLINE], roots=roots) if given else None
    app = application(sampler=sampler) if given else application(sources=[CMDLINE], roots=roots)
    async with client(app) as web:
        for path in [*PATHS[:6], "/metrics"]:
            assert secret not in (await web.get(path)).text
        shown = (await web.get("/v1/snapshot?sources=cmdline")).json()["values"]["cmdline"]["parameters"]
        assert shown[:2] == ["root=/dev/vda", "ro"]
        assert len(shown) == 8
    await app.hub.stop()
    if sampler is not None:
        assert secret in str((await sampler.sample())[CMDLINE]), "who asks the sampler itself sees all"


# S5: nobody can ask for more than the server was started with.


async def test_s5_nothing_but_what_is_sampled() -> None:
    app = application(sources=[LOADAVG])
    async with client(app) as web:
        before = list(app.hub.names)
        for name in ("slabinfo", "processes:smaps_rollup", "processes:maps", "processes:environ", "statfs", "all", "*"):
            for path in ("snapshot", "delta", "events"):
                assert (await web.get(f"/v1/{path}?sources={name}")).status_code == 400
        assert app.hub.names == before
    await app.hub.stop()


# S6: a tree that lies.


async def test_s6_a_tree_that_lies(tree: Path) -> None:
    secret = tree / "secret"
    secret.write_text("0.1 0.2 0.3 1/2 S3cret\n")
    (tree / "proc/loadavg").symlink_to(secret)
    (tree / "proc/version").symlink_to("/etc/hostname")
    os.mkfifo(tree / "proc/meminfo")
    (tree / "proc/stat").mkdir()
    (tree / "proc/uptime").write_text("12.5 3.25\n")
    roots = Roots(proc=str(tree / "proc"), sys=str(tree / "sys"))
    app = application(sources=[LOADAVG, MEMINFO, STAT, UPTIME, VERSION], roots=roots)
    async with client(app) as web:
        answer = await asyncio.wait_for(web.get("/v1/snapshot"), 10)
        snap = answer.json()
        assert "S3cret" not in answer.text
        assert "uptime" in snap["values"]
        for name in ("loadavg", "meminfo", "stat", "version"):
            assert name not in snap["values"], name
            assert name in snap["failures"]
    await app.hub.stop()


# S7: too much of everything.


async def test_s7_a_client_has_nothing_to_say() -> None:
    async with served(application(sources=[LOADAVG])) as address:
        for message, code in (("hello", 1008), (b"x", 1008), ("x" * 5000, 1009), ("", 1008)):
            async with socket(address) as chatty:
                await chatty.send(message)
                assert (await until_closed(chatty))[0] == code


async def test_s7_no_deflate() -> None:
    async with served(application(sources=[LOADAVG])) as address, socket(address, compression="deflate") as plain:
        assert plain.response is not None
        assert "Sec-WebSocket-Extensions" not in plain.response.headers


async def test_s7_slow_headers_and_slow_bodies_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "REQUEST_SECONDS", 0.3)
    async with served(application(sources=[LOADAVG], token=TOKEN)) as address:
        head = b"POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n"
        for start in (b"GET / HTTP/1.1\r\nHost: localhost\r\nX-A: ", b"", b"G", head + b'{"to'):
            host, port = address.split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(start)
            drip = asyncio.create_task(_drip(writer, b"x" if start else b"\r\n"))
            assert b"200" not in await asyncio.wait_for(reader.read(), 15), "it is cut, not served"
            drip.cancel()
            await asyncio.gather(drip, return_exceptions=True)
            writer.close()


async def _drip(writer: asyncio.StreamWriter, piece: bytes) -> None:
    while True:
        writer.write(piece)
        await asyncio.sleep(0.05)


async def test_s7_a_kept_connection_is_not_cut_while_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "REQUEST_SECONDS", 0.3)
    async with (
        served(application(sources=[LOADAVG])) as address,
        httpx.AsyncClient(base_url=f"http://{address}") as web,
        web.stream("GET", "/v1/events") as events,
    ):
        lines = events.aiter_lines()
        for _ in range(6):
            assert (await web.get("/healthz")).status_code == 200
            await asyncio.sleep(0.1)
        assert await anext(lines) == "retry: 1000"


async def test_s7_so_many_clients_and_no_more() -> None:
    app = application(sources=[LOADAVG], max_clients=3, max_clients_per_address=2)
    async with served(app) as address:
        async with socket(address) as one, socket(address) as two:
            await one.recv()
            with pytest.raises(InvalidStatus) as refused:
                await socket(address)
            assert refused.value.response.status_code == 429
            assert refused.value.response.headers["Retry-After"] == "5"
            async with httpx.AsyncClient(base_url=f"http://{address}") as web:
                assert (await web.get("/v1/events")).status_code == 429
                assert (await web.get("/v1/sources")).status_code == 200, "questions are still answered"
            await two.close()
            while len(app.hub.subscribers) > 1:
                await asyncio.sleep(0.01)
            async with socket(address) as again:
                await again.recv()
        app.hub._most = 0
        with pytest.raises(InvalidStatus) as refused:
            await socket(address)
        assert refused.value.response.status_code == 503
        assert app.hub.counts["refused"] == 3


async def test_s7_so_many_selections_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("procpulse.web.hub.MOST_FEEDS", 2)
    app = application(sources=[LOADAVG])
    async with served(app) as address, socket(address, "top=1"), socket(address, "top=2"), socket(address, "top=1"):
        with pytest.raises(InvalidStatus) as refused:
            await socket(address, "top=3")
        assert refused.value.response.status_code == 503


async def test_s7_fragments_and_pings() -> None:
    app = application(sources=[LOADAVG])
    async with served(app) as address, socket(address) as pinging:
        with suppress(ConnectionClosed):
            for _ in range(200):
                await pinging.ping()
        assert (await until_closed(pinging))[0] == 1008
    async with served(app) as address, socket(address) as busy:
        for _ in range(5):
            await busy.ping()
        assert json.loads(await busy.recv())["type"] == "snapshot"
        with suppress(ConnectionClosed):
            await busy.send(["x" * 1000] * 10)
        assert (await until_closed(busy))[0] == 1009, "the pieces add up"


# S10, S11: what a browser is told of every answer.


async def test_s10_headers_of_every_answer() -> None:
    async with asking(token=TOKEN) as web:
        answers = [await web.get(path) for path in (*PATHS, "/", "/healthz", "/nothing")]
        answers += [await web.get("/", headers={"host": "evil"}), await web.post("/v1/login", json={"token": TOKEN})]
        answers += [await web.get(path) for path in PATHS if path != "/v1/events"]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in answer.headers


async def test_s10_a_hostile_name_is_data() -> None:
    name = "<img src=x>\n\x1b"
    victim = await asyncio.create_subprocess_exec(
        "python3", "-S", "-c", f"import time; open('/proc/self/comm', 'w').write({name!r}); print(1, flush=True); time.sleep(60)",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert victim.stdout is not None
    await victim.stdout.readline()
    app = application()
    try:
        async with client(app) as web:
            answer = await web.get("/v1/snapshot?sources=processes")
            assert answer.headers["content-type"] == "application/json"
            comm = answer.json()["values"]["processes"][str(victim.pid)]["stat"]["comm"]
            assert comm.startswith("<img src=x>")
            assert comm.isprintable()
            await asyncio.sleep(0.2)
            metrics = (await web.get("/metrics")).text
            assert f'name="{comm}"'.replace("\\", "\\\\") in metrics
    finally:
        victim.kill()
        await victim.wait()
        await app.hub.stop()
