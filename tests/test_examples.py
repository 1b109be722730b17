"""Examples do what they say, each within a screen."""

import importlib
import json
import re
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from socket import SHUT_RDWR, SO_LINGER, SOL_SOCKET

import httpx
import pytest
import websockets.sync.client

from tests.conftest import serving

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, *arguments: str) -> str:
    result = subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments], capture_output=True, text=True, timeout=30, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.name)
def test_an_example_fits_on_a_screen(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 50


def test_custom_source() -> None:
    assert re.fullmatch(r"(load [0-9.]+, entropy [0-9]+ bits\n){4}", run("custom_source.py"))


def test_alert() -> None:
    assert re.fullmatch(r"less than 100% available: [0-9]+ bytes\n", run("alert.py", "1.0"))


def test_size_a_pool() -> None:
    assert re.fullmatch(
        r"[0-9]+ workers: [0-9.]+ of [0-9]+ CPUs, [0-9]+ bytes of memory\n(there may be less: .+\n)*",
        run("size_a_pool.py", "64"),
    )
    assert run("size_a_pool.py", str(1 << 40)).startswith("1 workers")


@pytest.mark.server
def test_fastapi_app() -> None:
    with serving([sys.executable, "-m", "uvicorn", "examples.fastapi_app:app", "--port", "{port}"]) as address:
        stats = httpx.get(f"http://{address}/stats").json()
        assert stats["values"]["meminfo"]["mem_total_bytes"] > 0
        with (
            websockets.sync.client.connect(f"ws://{address}/live") as one,
            websockets.sync.client.connect(f"ws://{address}/live") as two,
        ):
            for socket in (one, two, one, two):
                rates = json.loads(socket.recv(timeout=5))
                assert 0 <= rates["cpu"]["busy_ratio"] <= 1


@pytest.mark.server
@pytest.mark.parametrize("server", ["uvicorn", "hypercorn"])
def test_tabs_that_are_closed_leave_nothing_behind(server: str, tmp_path: Path) -> None:
    """Politely, rudely, and while something is sent: no traceback, and the next one is served."""
    log = tmp_path / "log"
    bind = ["--port", "{port}"] if server == "uvicorn" else ["--bind", "127.0.0.1:{port}"]
    script = f"exec {sys.executable} -m {server} examples.fastapi_app:app {' '.join(bind)} > {log} 2>&1"
    with serving(["sh", "-c", script]) as address:
        for i in range(12):
            with suppress(OSError), websockets.sync.client.connect(f"ws://{address}/live", close_timeout=1) as socket:
                if i % 4 == 0:
                    socket.recv(timeout=10)
                if i % 2:
                    socket.socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                    socket.socket.shutdown(SHUT_RDWR)
        with websockets.sync.client.connect(f"ws://{address}/live") as last:
            last.recv(timeout=10)
            last.recv(timeout=10)  # those that were closed have had a tick by now
    assert "Traceback" not in log.read_text()
    assert "ERROR" not in log.read_text()


def test_busy_hours(tmp_path: Path) -> None:
    output = run("busy_hours.py", str(tmp_path / "host.ppr"))
    assert re.match(r"5 ticks in [0-9]+ bytes\n( +[0-9.]+ s  .+\n){1,5}\Z", output)


@pytest.mark.parametrize("name", ["starlette_app", "fastapi_mount", "litestar_app"])
async def test_mounted(name: str) -> None:
    """By themselves; tests/test_web_servers.py has them behind real servers."""
    module = importlib.import_module(f"examples.{name}")
    transport = httpx.ASGITransport(module.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as web:
        assert (await web.get("/pulse/v1/usage")).json()["usage"]["memory"]["total_bytes"] > 0
        assert (await web.get("/pulse/metrics")).status_code == 200
    await module.pulse.hub.stop()
