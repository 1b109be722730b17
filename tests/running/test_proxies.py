"""Who is on this machine, and who came through a proxy: with nginx as it comes, in front of the command and of uvicorn."""

import shutil
import socket as sockets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running.command import serving
from tests.running.proxy import free_port, nginx
from tests.web import TOKEN

pytestmark = pytest.mark.server
BEARER = {"authorization": f"Bearer {TOKEN}"}
PATHS = ("v1/snapshot?sources=loadavg", "v1/usage", "v1/sources", "v1/schema", "metrics", "openapi.json", "")

_APP = """
import procpulse.web
from procpulse.sources import LOADAVG
from starlette.applications import Starlette
from starlette.routing import Mount

async def friends(scope):
    return (b"x-friend", b"yes") in scope["headers"]

app = Starlette(routes=[
    Mount("/pulse", procpulse.web.app(sources=[LOADAVG], interval=0.1{protection})),
])
"""


def _listens(address: Any) -> bool:
    with sockets.socket(sockets.AF_UNIX if isinstance(address, str) else sockets.AF_INET) as probe:
        return probe.connect_ex(address) == 0


@contextmanager
def mounted(folder: Path, protection: str, unix: bool = False) -> Iterator[tuple[str, Path]]:
    """A mounted application under uvicorn: what nginx passes on to, and the log."""
    folder.mkdir()
    (folder / "site_of_ours.py").write_text(_APP.format(protection=protection))
    short = Path(tempfile.mkdtemp(prefix="pulse"))  # a path of a socket has at most 107 bytes
    socket = short / "app.sock"
    port = free_port()
    where = ["--uds", str(socket)] if unix else ["--port", str(port)]
    log = folder / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "site_of_ours:app", "--log-level", "warning", *where],
            cwd=folder, stdout=file, stderr=file,
        )  # fmt: skip
    to = f"http://unix:{socket}:" if unix else f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 30
        while not _listens(str(socket) if unix else ("127.0.0.1", port)):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield to, log
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()
            process.wait()
            shutil.rmtree(short)


# What people write beside proxy_pass, from nothing to what every guide recommends.
PROXIES = {
    "as it comes": (),
    "with the Host": ("proxy_set_header Host $host;",),
    "with the address": ("proxy_http_version 1.1;", "proxy_set_header X-Real-IP $remote_addr;"),
    "for websockets": (
        "proxy_http_version 1.1;",
        'proxy_set_header Connection "";',
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
    ),
}


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "uds"])
def test_a_mounted_application_behind_nginx(tmp_path: Path, unix: bool) -> None:
    with mounted(tmp_path / "app", "", unix) as (to, log):
        for number, more in enumerate(PROXIES.values()):
            with nginx(tmp_path / f"nginx{number}", to, *more) as url:
                for path in PATHS:
                    answer = httpx.get(f"{url}/pulse/{path}", headers=BEARER)
                    assert answer.status_code == 403, (path, more)
                    assert "only programs on this machine" in answer.json()["error"]
                assert httpx.get(f"{url}/pulse/healthz").status_code == 200
        text = log.read_text()
        assert text.count("procpulse.web.app: only programs on this machine may ask") == 1
        assert "token=, auth= or public=True" in text
        if not unix:
            assert httpx.get(f"{to}/pulse/v1/sources").status_code == 200, "a program on this machine"


@pytest.mark.parametrize("unix", [False, True], ids=["tcp", "uds"])
@pytest.mark.parametrize(
    ("protection", "good", "bad", "status"),
    [
        (f", token={TOKEN!r}", BEARER, {"authorization": "Bearer wrong"}, 401),
        (", auth=friends", {"x-friend": "yes"}, {"x-friend": "no"}, 403),
        (", public=True", {}, None, 200),
    ],
    ids=["token", "auth", "public"],
)
def test_a_mounted_application_that_says_how_it_is_protected(
    tmp_path: Path, protection: str, good: dict[str, str], bad: dict[str, str] | None, status: int, unix: bool
) -> None:
    with mounted(tmp_path / "app", protection, unix) as (to, log), nginx(tmp_path / "nginx", to) as url:
        for path in PATHS:
            assert httpx.get(f"{url}/pulse/{path}", headers=good).status_code == 200, path
        if bad is not None:
            for headers in (bad, {}):
                assert httpx.get(f"{url}/pulse/v1/usage", headers=headers).status_code == status
        assert ("anybody who reaches this server" in log.read_text()) == (protection == ", public=True")


def test_the_command_behind_nginx(tmp_path: Path) -> None:
    with serving(tmp_path, "--sources", "loadavg", "--interval", "100ms") as server:
        for number, more in enumerate(PROXIES.values()):
            with nginx(tmp_path / f"nginx{number}", server.url, *more) as url:
                for path in PATHS:
                    assert httpx.get(f"{url}/{path}").status_code == 403, (path, more)
        assert httpx.get(f"{server.url}/v1/sources").status_code == 200
        log = server.log.read_text()
        assert log.count("refused loopback: came through a proxy") == 1, log


def test_the_command_with_a_token_behind_nginx(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    arguments = ("--sources", "loadavg", "--interval", "100ms", "--token-file", str(token), "--name", "pulse.example")
    host = {"host": "pulse.example"}
    told = (
        "proxy_set_header Host $host;",
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        "proxy_set_header X-Forwarded-Proto https;",
    )
    with serving(tmp_path, *arguments, "--trusted-proxy", "127.0.0.1") as server:
        with nginx(tmp_path / "plain", server.url) as url:
            assert httpx.get(f"{url}/v1/usage").status_code == 401
            assert httpx.get(f"{url}/v1/usage", headers=BEARER).status_code == 200
            assert "Secure" not in httpx.post(f"{url}/v1/login", json={"token": TOKEN}).headers["set-cookie"]
        with nginx(tmp_path / "told", server.url, *told) as url:
            # A browser's page, which is at https://pulse.example as far as it knows.
            page = {**host, "origin": "https://pulse.example", "sec-fetch-site": "same-origin"}
            answer = httpx.post(f"{url}/v1/login", json={"token": TOKEN}, headers=page)
            assert answer.status_code == 204
            cookie = answer.headers["set-cookie"]
            assert "Secure" in cookie.split("; ")
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            shown = {**page, "cookie": cookie.partition(";")[0]}
            assert httpx.get(f"{url}/v1/usage", headers=shown).status_code == 200
            assert httpx.post(f"{url}/v1/logout", headers=shown).status_code == 204
            assert httpx.get(f"{url}/v1/usage", headers=shown).status_code == 401
            forged = {**host, "authorization": "Bearer wrong", "x-forwarded-for": "203.0.113.9"}
            with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as guessing:
                for _ in range(3):
                    assert guessing.get(f"{url}/v1/usage", headers=forged).status_code == 401
    log = server.log.read_text()
    assert "203.0.113.9" not in log, "what a client writes itself into X-Forwarded-For is not believed"
    assert "refused loopback: a wrong token" in log


def test_a_proxy_that_is_not_trusted_is_not_believed(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    with serving(tmp_path, "--sources", "loadavg", "--token-file", str(token)) as server:
        answer = httpx.post(f"{server.url}/v1/login", json={"token": TOKEN}, headers={"x-forwarded-proto": "https"})
        assert "Secure" not in answer.headers["set-cookie"]
