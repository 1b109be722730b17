"""Tokens of several scopes: made by the command, stored as hashes, read again by SIGHUP."""

import json
import os
import pty
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.running import attack
from tests.running.command import COMMAND, Serving, serving, wait_for

pytestmark = pytest.mark.server
QUICK = ("--interval", "100ms")


def make(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*COMMAND, "token", *arguments], capture_output=True, text=True, timeout=60, check=False)


def made(path: Path, scope: str, name: str = "") -> str:
    """A new token whose line is in a file."""
    done = make("--scope", scope, "--name", name, "--append", str(path))
    assert done.returncode == 0, done.stderr
    token = done.stdout.strip()
    assert token not in path.read_text()
    return token


def get(server: Serving, path: str, token: str) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", headers={"authorization": f"Bearer {token}"}, timeout=30)


def stream(server: Serving, token: str, query: str = "") -> Any:
    return websockets.sync.client.connect(
        f"ws://127.0.0.1:{server.port}/v1/stream?{query}", additional_headers={"authorization": f"Bearer {token}"}
    )


def drain(shown: Any) -> None:
    while True:
        shown.recv(timeout=20)


EVERYTHING = (
    "/v1/snapshot",
    "/v1/delta",
    "/v1/usage",
    "/v1/history",
    "/v1/sources",
    "/v1/schema",
    "/metrics",
    "/openapi.json",
)
OF_USAGE = ("/v1/usage", "/v1/history", "/v1/sources", "/v1/schema", "/openapi.json")


def test_what_each_opens(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    metrics, usage, both, everything = (made(path, scope) for scope in ("metrics", "usage", "metrics,usage", "all"))
    assert path.stat().st_mode & 0o777 == 0o600
    with serving(tmp_path, *QUICK, "--tokens", str(path), "--cmdline") as server:
        for token, opened in (
            (metrics, {"/metrics"}),
            (usage, set(OF_USAGE)),
            (both, {"/metrics", *OF_USAGE}),
            (everything, set(EVERYTHING)),
        ):
            for place in EVERYTHING:
                answer = get(server, place, token)
                assert answer.status_code == (200 if place in opened else 403), (place, opened)
                if place not in opened:
                    assert "this token opens" in answer.json()["error"]
            assert get(server, "/healthz", token).status_code == 200
            assert get(server, "/", token).status_code == 200
        rates = get(server, "/v1/usage", usage).json()["usage"]
        assert rates["cpu"]
        assert not rates["processes"]
        assert not rates["cgroups"]
        assert get(server, "/v1/usage?top=5", usage).json()["usage"]["processes"] == {}
        assert get(server, "/v1/usage", everything).json()["usage"]["processes"]
        assert get(server, "/v1/sources", usage).json() == []
        with stream(server, usage, "usage=1&top=50") as narrow:
            for _ in range(3):
                frame = json.loads(narrow.recv(timeout=20))
                assert not frame.get("data", {}).get("values")
                assert not frame.get("values")
                assert not (frame["usage"] or {}).get("processes")
        with stream(server, usage, "sources=processes") as refused, pytest.raises(ConnectionClosed) as closed:
            refused.recv(timeout=20)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008
        with pytest.raises(InvalidStatus) as status:
            stream(server, metrics).__enter__()
        assert status.value.response.status_code == 403
        with httpx.stream("GET", f"{server.url}/v1/events", headers={"authorization": f"Bearer {usage}"}) as events:
            lines = events.iter_lines()
            data = next(line for line in lines if line.startswith("data: "))
            assert not json.loads(data.removeprefix("data: "))["data"]["values"]
        # A page may log in with a token that opens less, and sees as much.
        with httpx.Client(base_url=server.url) as page:
            assert page.post("/v1/login", json={"token": usage}).status_code == 204
            assert page.get("/v1/usage").status_code == 200
            assert page.get("/v1/snapshot").status_code == 403
            assert page.post("/v1/logout").status_code == 204
            assert page.get("/v1/usage").status_code == 401


def test_read_again(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    first, second = made(path, "all", "first"), made(path, "all")
    lines = path.read_text().splitlines(keepends=True)
    with serving(tmp_path, *QUICK, "--tokens", str(path)) as server:
        with httpx.Client(base_url=server.url) as page, stream(server, second) as shown:
            page.post("/v1/login", json={"token": first})
            shown.recv(timeout=20)
            third = made(path, "metrics")
            assert get(server, "/metrics", third).status_code == 401, "not yet"
            path.write_text(lines[0] + path.read_text().splitlines()[2])
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "read again" in server.log.read_text())
            assert get(server, "/metrics", third).status_code == 200
            assert get(server, "/metrics", second).status_code == 401
            assert page.get("/v1/schema").status_code == 200, "sessions of tokens that are still there go on"
            with pytest.raises(ConnectionClosed):
                drain(shown)
        for broken in ("all sha256:x\n", ""):
            path.write_text(broken)
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "nothing was changed: --tokens" in server.log.read_text())
            assert get(server, "/metrics", first).status_code == 200
        path.write_text("".join(lines))
        path.chmod(0o644)
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "chmod 600" in server.log.read_text())
        assert get(server, "/metrics", second).status_code == 401


def test_a_token_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text("the-first-of-two-tokens")
    with serving(tmp_path, *QUICK, "--token-file", str(path)) as server:
        assert get(server, "/v1/schema", "the-first-of-two-tokens").status_code == 200
        path.write_text("the-second-of-two-tokens")
        server.process.send_signal(signal.SIGHUP)
        wait_for(lambda: "read again" in server.log.read_text())
        assert get(server, "/v1/schema", "the-first-of-two-tokens").status_code == 401
        assert get(server, "/v1/schema", "the-second-of-two-tokens").status_code == 200


def test_a_server_without_files_survives_it(tmp_path: Path) -> None:
    with serving(tmp_path, "--sources", "loadavg") as server:
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        server.alive()


@pytest.mark.parametrize("nohup", [False, True], ids=["as it is", "nohup"])
def test_the_end_of_its_terminal_ends_it(nohup: bool) -> None:
    """SIGHUP means that as well: a server that somebody started in a window ends with the window, unless by nohup."""
    pid, terminal = pty.fork()
    if pid == 0:
        if nohup:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.execv(COMMAND[0], [*COMMAND, "serve", "--port", "0", "--sources", "loadavg"])
    ended: list[int] = []

    def gone() -> bool:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            ended.append(status)
        return bool(ended)

    try:
        said = b""
        while b"http://127.0.0.1:" not in said:
            said += os.read(terminal, 1000)
        os.kill(pid, signal.SIGHUP)
        time.sleep(0.5)
        assert not gone(), "the terminal is still there"
        os.close(terminal)
        if nohup:
            time.sleep(1)
            assert not gone()
            os.kill(pid, signal.SIGTERM)
        wait_for(gone)
        assert os.waitstatus_to_exitcode(ended[0]) == 0
    finally:
        if not ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--scope", "everything"], "scopes are metrics, usage, all"), (["--scope", "metrics,metrics"], "each once"),
        (["--scope", ""], "scopes are"), (["--name", "a\nb"], "cannot be printed"),
    ],
)  # fmt: skip
def test_tokens_that_are_not_made(arguments: list[str], why: str) -> None:
    done = make(*arguments)
    assert done.returncode == 2
    assert why in done.stderr
    assert not done.stdout


def test_where_tokens_are_not_stored(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.touch(0o644)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    fifo = tmp_path / "folder"
    fifo.mkdir()
    for path in (shared, link, fifo, tmp_path / "nowhere" / "tokens"):
        done = make("--append", str(path))
        assert done.returncode == 1, path
        assert "--append" in done.stderr
        assert not done.stdout, "a token that is not stored is not told"
    assert shared.read_text() == ""
    assert not (tmp_path / "elsewhere").exists()


def test_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    path.touch(0o600)
    path.write_text("# mine")
    made(path, "all", "a name with blanks")
    lines = path.read_text().splitlines()
    assert lines[0] == "# mine"
    assert lines[1].startswith("all sha256:")
    assert lines[1].endswith(" a name with blanks")
    done = make("--scope", "usage,metrics")
    token, line = done.stdout.splitlines()
    assert token.startswith("procpulse_")
    assert line.startswith("metrics,usage sha256:")


def test_guessing_is_told_and_slow(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    right = made(path, "all")
    with serving(tmp_path, *QUICK, "--tokens", str(path)) as server:
        with httpx.Client(base_url=server.url, timeout=60) as web:
            took = []
            for number in range(9):
                began = time.monotonic()
                assert web.get("/v1/usage", headers={"authorization": f"Bearer guess-{number}"}).status_code == 401
                took.append(time.monotonic() - began)
            assert sum(took[5:]) > 0.25 + 0.5 + 1 + 2
        began = time.monotonic()
        assert get(server, "/v1/schema", right).status_code == 200
        assert time.monotonic() - began < 4, "the right one does not wait, wherever it comes from"
    log = server.log.read_text()
    assert log.count("refused loopback: a wrong token") == 1
    assert "guess" not in log
    assert right not in log


@pytest.mark.server
def test_who_waits_for_a_slowed_refusal_does_not_hold_up_the_end(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("an-excellent-token-0123456789")
    with serving(tmp_path, "--token-file", str(token)) as server:
        wrong = attack.get("/v1/usage", "authorization: Bearer wrong-wrong-wrong-wrong")
        for _ in range(9):
            server.drop(wrong)
        with attack.crowd(server, 6, wrong):
            time.sleep(0.3)
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(20) == 0
        server.ended = True
        assert "Traceback" not in server.log.read_text()
