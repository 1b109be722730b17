"""The server on sockets that a service manager opened."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import httpx
import pytest

from tests.running.command import COMMAND

MANAGER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.argv[2], sys.argv[2:])
"""


def start(listener: socket.socket, tmp_path: Path) -> "subprocess.Popen[bytes]":
    """Start the command as systemd does: the socket is descriptor 3, and the variables tell of it."""
    return subprocess.Popen(
        [sys.executable, "-S", "-c", MANAGER, str(listener.fileno()), *COMMAND, "serve", "--interval", "200ms"],
        pass_fds=[listener.fileno()],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )


def end(process: "subprocess.Popen[bytes]") -> None:
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors.decode()
    assert b"Traceback" not in errors


@pytest.mark.server
def test_a_tcp_socket(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = start(listener, tmp_path)
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=30).status == 200, "it waited for us"
        assert process.stdout is not None
        assert f":{port}/" in process.stdout.readline().decode()
        end(process)


@pytest.mark.server
def test_a_socket_of_the_file_system_stays_there(tmp_path: Path) -> None:
    path = tmp_path / "pulse.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen()
        process = start(listener, tmp_path)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost") as client:
            assert client.get("/v1/usage", timeout=30).json()["usage"]["memory"]["total_bytes"] > 0
        end(process)
        assert path.is_socket(), "it belongs to the service manager, which goes on listening"


@pytest.mark.server
def test_what_does_not_listen_is_refused(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        process = start(listener, tmp_path)
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, b"does not listen" in errors) == (5, True), errors.decode()


def test_variables_of_another_process_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from procpulse.web.activation import inherited

    monkeypatch.setenv("LISTEN_PID", str(os.getpid() + 1))
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert inherited() == []
    assert "LISTEN_FDS" not in os.environ
