"""The same application under each server and in each framework, with sockets in between."""

import asyncio
import json
import os
import signal
import socket as sockets
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from procpulse.web import server as launcher
from tests.conftest import serving

SERVERS = {
    "uvicorn": ["uvicorn", "{app}", "--port", "{port}", "--log-level", "warning"],
    "hypercorn": ["hypercorn", "{app}", "--bind", "127.0.0.1:{port}"],
    "granian": ["granian", "--interface", "asgi", "--port", "{port}", "{app}"],
}
APPS = ("starlette_app", "fastapi_mount", "litestar_app")
# Every server with one framework, every framework with one server.
PAIRS = [("uvicorn", app) for app in APPS] + [(server, "starlette_app") for server in ("hypercorn", "granian")]

serve = pytest.mark.server


@serve
@pytest.mark.parametrize(("server", "app"), PAIRS, ids=lambda word: word)
def test_mounted(server: str, app: str) -> None:
    words = [word.replace("{app}", f"examples.{app}:app") for word in SERVERS[server]]
    with serving([sys.executable, "-m", *words]) as address, httpx.Client(base_url=f"http://{address}/pulse/") as web:
        assert httpx.get(f"http://{address}/pulse").is_redirect
        assert web.get("").headers["content-security-policy"]
        assert web.get("v1/usage").json()["usage"]["memory"]["total_bytes"] > 0
        assert web.get("v1/sources", headers={"host": "evil.example"}).status_code in (400, 403)
        assert web.get("v1/sources", headers={"origin": "http://evil.example"}).status_code == 403
        assert "procpulse_stat_cpu_user_seconds_total" in web.get("metrics").text
        with websockets.sync.client.connect(
            f"ws://{address}/pulse/v1/stream?sources=loadavg&usage=1&top=3",
            subprotocols=[Subprotocol("procpulse.v1.json")],
        ) as connection:
            assert connection.subprotocol == "procpulse.v1.json"
            frames = [json.loads(connection.recv(timeout=10)) for _ in range(2)]
            assert [frame["type"] for frame in frames] == ["snapshot", "change"]
            assert frames[1]["usage"]["cpu"]
        evil = Origin("http://evil.example")
        with pytest.raises(InvalidStatus) as refused:
            websockets.sync.client.connect(f"ws://{address}/pulse/v1/stream", origin=evil).__enter__()
        assert refused.value.response.status_code == 403
        with web.stream("GET", "v1/events?sources=loadavg", timeout=10) as answer:
            lines = answer.iter_lines()
            names = []
            while len(names) < 2:
                line = next(lines)
                if line.startswith("event: "):
                    names.append(line.removeprefix("event: "))
        assert names == ["snapshot", "change"]


# procpulse serve.

COMMAND = [sys.executable, "-m", "procpulse", "serve"]


@pytest.fixture
def free_port() -> int:
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **environment}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=30, check=False, env=env)


class Serving:
    """`procpulse serve` as a process of its own."""

    def __init__(self, *arguments: str, **environment: str):
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.url = line.split()[-1] if line else ""
        assert self.url, self.process.communicate()[1]

    @property
    def address(self) -> str:
        return self.url.removeprefix("http://").rstrip("/")

    def __enter__(self) -> "Serving":
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


@serve
def test_serve() -> None:
    with Serving("--port", "0", "--interval", "100ms", "--sources", "loadavg") as it:
        usage = httpx.get(f"{it.url}v1/usage").json()
        assert usage["usage"]["memory"]["total_bytes"] > 0
        entries = httpx.get(f"{it.url}v1/sources").json()
        assert "loadavg" in [entry["name"] for entry in entries]
        it.process.send_signal(signal.SIGINT)
        said, told = it.process.communicate(timeout=5)
        assert said == ""
        assert told == "" or (os.geteuid() == 0 and "does not know who asks" in told and told.count("\n") == 1)
        assert it.process.returncode == 0


@serve
def test_a_hundred_sockets_hear_of_the_end_within_a_second() -> None:
    with Serving("--port", "0", "--interval", "100ms", "--max-clients-per-address", "200") as it, ExitStack() as stack:
        url = f"ws://{it.address}/v1/stream?sources=loadavg"
        clients = [stack.enter_context(websockets.sync.client.connect(url)) for _ in range(100)]
        for client in clients:
            client.recv(timeout=10)
        codes: list[Any] = []

        def listen(client: Any) -> None:
            try:
                while True:
                    client.recv(timeout=10)
            except ConnectionClosed as closed:
                codes.append(closed.rcvd and closed.rcvd.code)

        threads = [threading.Thread(target=listen, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        began = time.monotonic()
        it.process.send_signal(signal.SIGTERM)
        assert it.process.wait(timeout=10) == 0
        took = time.monotonic() - began
        for thread in threads:
            thread.join()
        assert codes == [1001] * 100
        assert took < 1 or os.getloadavg()[0] > (os.cpu_count() or 1), f"it took {took:.2f} s"


@serve
def test_a_client_that_does_not_read_does_not_hold_up_the_end() -> None:
    with Serving("--port", "0", "--interval", "20ms") as it:
        host, port = it.address.split(":")
        with sockets.socket() as deaf:
            deaf.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
            deaf.connect((host, int(port)))
            deaf.sendall(
                b"GET /v1/stream?usage=1 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            time.sleep(1)
            it.process.send_signal(signal.SIGTERM)
            assert it.process.wait(timeout=5) == 0


@serve
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--host", "192.0.2.1"], 5, "cannot listen on 192.0.2.1 port 8787: Cannot assign requested address"),
        (["--host", "no.such.host.invalid"], 5, "cannot listen on no.such.host.invalid"),
        (["--host", "0.0.0.0", "--port", "0"], 2, "can be reached from elsewhere: name a --token-file"),
        (["--host", "::", "--port", "0"], 2, "can be reached from elsewhere"),
        (["--token-file", "/nowhere"], 2, "--token-file"),
        (["--token-file", "/dev/null"], 2, "no regular file"),
        (["--token", "x"], 2, "--token"),
        (["--sources", "processes:environ"], 2, "environ may hold secrets and is never served"),
        (["--sources", "processes:cmdline"], 2, "only with --cmdline"),
        (["--sources", "nothing"], 2, "no source 'nothing'"),
        (["--port", "99999"], 2, "not a port"),
        (["--unix", "/nowhere/x.sock"], 5, "cannot listen on /nowhere/x.sock"),
        (["--proc-root", "/nowhere"], 2, "no directory"),
    ],
)  # fmt: skip
def test_serve_refuses(arguments: list[str], code: int, message: str) -> None:
    result = run(*arguments)
    assert result.returncode == code, result.stderr
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@serve
def test_a_port_in_use(free_port: int) -> None:
    with sockets.create_server(("127.0.0.1", free_port)):
        result = run("--port", str(free_port))
    assert result.returncode == 5
    assert result.stderr == f"procpulse: cannot listen on 127.0.0.1 port {free_port}: Address already in use\n"


@serve
def test_a_token_from_a_file_or_the_environment(tmp_path: Path) -> None:
    token = "from-a-file-0123456789"
    (tmp_path / "token").write_text(token + "\n")
    (tmp_path / "token").chmod(0o600)
    known = {"Authorization": f"Bearer {token}"}
    for arguments, environment in (
        (["--token-file", str(tmp_path / "token")], {}),
        ([], {"PROCPULSE_TOKEN": token}),
    ):
        with Serving("--port", "0", "--host", "127.0.0.1", *arguments, **environment) as it:
            assert httpx.get(f"{it.url}v1/sources").status_code == 401
            assert httpx.get(f"{it.url}v1/sources", headers=known).status_code == 200
            status = Path(f"/proc/{it.process.pid}/cmdline").read_text()
            assert token not in status
            it.process.terminate()
            assert token not in "".join(it.process.communicate(timeout=5))


@serve
def test_a_token_that_others_can_read_or_guess_is_none(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("from-a-file-0123456789\n")
    for mode in (0o644, 0o640, 0o606, 0o620):
        path.chmod(mode)
        result = run("--port", "0", "--token-file", str(path))
        assert result.returncode == 2
        assert "others than its owner may read it: chmod 600" in result.stderr
        assert "Traceback" not in result.stderr
        assert "0123456789" not in result.stderr
    path.chmod(0o600)
    for weak, why in (("a" * 16, "different"), ("abababababababababab", "different"), ("abcdefghijklmno", "16")):
        path.write_text(weak)
        result = run("--port", "0", "--token-file", str(path))
        assert result.returncode == 2
        assert why in result.stderr
        assert weak not in result.stderr


@serve
def test_a_socket_of_the_file_system(tmp_path: Path) -> None:
    path = tmp_path / "pulse.sock"
    for _ in range(2):
        with Serving("--unix", str(path)) as it:
            assert it.url == f"unix:{path}"
            assert path.stat().st_mode & 0o777 == 0o600
            with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost") as web:
                assert web.get("/v1/sources").status_code == 200
            assert run("--unix", str(path)).returncode == 5, "somebody listens"
            it.process.kill()  # which leaves the file behind
            it.process.communicate()
        assert path.exists()


@serve
def test_the_service_manager_is_told(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(10)
        with Serving("--port", "0", NOTIFY_SOCKET=str(path)) as it:
            assert manager.recv(100) == b"READY=1"
            it.process.terminate()
            assert manager.recv(100) == b"STOPPING=1"


def test_nobody_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("", "relative", "/nowhere/notify", "@nobody"):
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        launcher.notify("READY=1")


@serve
def test_arguments_with_their_secrets_hidden() -> None:
    with (
        subprocess.Popen(["sh", "-c", "sleep 60; true", "sh", "--password=S3cret"]) as talker,
        Serving("--port", "0", "--interval", "100ms", "--cmdline") as it,
    ):
        try:
            rows = httpx.get(f"{it.url}v1/snapshot?sources=processes").json()["values"]["processes"]
            assert rows[str(talker.pid)]["cmdline"]["arguments"][-1] == "--password=***"
        finally:
            talker.kill()


@pytest.fixture(autouse=True)
def no_loop_is_left() -> Iterator[None]:
    yield
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
