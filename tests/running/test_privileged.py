"""A server that may see more than those who ask: what the kernel denies to them it does not tell either."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from procpulse import Sampler, catalog
from procpulse.sources import CLASS_POWERCAP, LOADAVG, SLABINFO, processes
from procpulse.web.privilege import FOR_EVERYBODY, OF_ROOT
from tests.conftest import program
from tests.running.command import COMMAND, serving
from tests.web import TOKEN, application, client

pytestmark = [pytest.mark.root, pytest.mark.server]
NOBODY = 65534

_ASK = """
import encodings.idna, json, os, socket, sys
os.setgroups([]); os.setresgid(*[int(sys.argv[3])] * 3); os.setresuid(*[int(sys.argv[2])] * 3)
where, path = sys.argv[1], sys.argv[4]
try:
    if where.isdigit():
        client = socket.create_connection(("127.0.0.1", int(where)), 20)
    else:
        client = socket.socket(socket.AF_UNIX); client.settimeout(20); client.connect(where)
except PermissionError:
    print(json.dumps([0, ""])); sys.exit()
client.sendall(f"GET {path} HTTP/1.1\\r\\nhost: localhost\\r\\nconnection: close\\r\\n\\r\\n".encode())
data = b""
while piece := client.recv(65536):
    data += piece
head, _, body = data.partition(b"\\r\\n\\r\\n")
print(json.dumps([int(head.split()[1]), body.decode()]))
"""


def ask(where: int | str, path: str, uid: int = NOBODY, gid: int = NOBODY) -> tuple[int, Any]:
    """What a user gets who asks a server, by its port or its socket: status and JSON. 0 where the kernel says no."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", _ASK, str(where), str(uid), str(gid), path], capture_output=True, timeout=60, check=True
    )  # fmt: skip
    status, body = httpx.Response(200, content=done.stdout).json()
    return status, httpx.Response(200, content=body.encode()).json() if body else None


def _readable(path: str) -> bool:
    """Whether nobody may read something: a file, a directory, or a link."""
    child = os.fork()
    if child == 0:
        code = 1
        with suppress(BaseException):
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            try:
                if os.path.islink(path):
                    os.readlink(path)
                elif os.path.isdir(path):
                    for name in os.listdir(path):
                        if os.path.islink(f"{path}/{name}"):
                            os.readlink(f"{path}/{name}")
                else:
                    fd = os.open(path, os.O_RDONLY)
                    os.read(fd, 100)
                code = 0
            except OSError as error:
                code = 1 if error.errno in (1, 13) else 0
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _mode(path: str) -> int:
    return os.stat(path).st_mode if os.path.isfile(path) else 0o777


def test_parts_for_everybody_are_those_that_the_kernel_shows_to_everybody() -> None:
    """Of a process of root, asked as nobody. What is not on the list stays hidden whatever the kernel says."""
    with subprocess.Popen(["sleep", "60"]) as target:
        try:
            for name in catalog.part_modules():
                part = catalog.part(name)
                paths = part.path if isinstance(part.path, tuple) else (part.path,)
                for path in paths:
                    place = f"/proc/{target.pid}/{path.rstrip('/@')}"
                    if os.path.lexists(place) and not _readable(place):
                        assert name not in FOR_EVERYBODY, place
                    if name in ("io", "exe", "cwd", "fd"):
                        assert not _readable(place), "this test sees what the kernel denies"
        finally:
            target.kill()


async def test_sources_of_root_are_those_that_read_files_of_root() -> None:
    """Every file that every source opens here: one that nobody may read is of a source that is left out whole."""
    seen: dict[str, set[str]] = {}
    for name, source in catalog.sources().items():
        if name == "processes":
            continue
        paths: set[str] = set()

        def note(request: Any, answer: Any, paths: set[str] = paths) -> None:
            if isinstance(answer, bytes):
                paths.add(request.path)

        async with Sampler([source], observe=note) as sampler:
            await sampler.sample()
        seen[name] = {path for path in paths if not _mode(path) & 0o004}
    found = {name: paths for name, paths in seen.items() if paths}
    assert "slabinfo" in found, "this test sees what the kernel denies"
    assert set(found) <= OF_ROOT, found


async def test_files_for_everybody_and_no_others() -> None:
    async with Sampler([SLABINFO, CLASS_POWERCAP, LOADAVG], for_everybody=True) as sampler:
        for _ in range(2):
            snapshot = await sampler.sample()
            assert "loadavg" in snapshot.values
            assert "slabinfo" not in snapshot.values
            assert snapshot.failures["slabinfo"].reason == "denied"
    async with Sampler([SLABINFO]) as sampler:
        assert "slabinfo" in (await sampler.sample()).values


GATED = "processes:io+exe+cwd+fd_count+smaps_rollup+status,slabinfo,timer_list,loadavg"


def _row(where: int | str, pid: int, **who: int) -> dict[str, Any]:
    status, snapshot = ask(where, "/v1/snapshot?sources=processes", **who)
    assert status == 200
    row: dict[str, Any] = snapshot["values"]["processes"][str(pid)]
    return row


def test_a_server_of_root_without_a_token(tmp_path: Path) -> None:
    with serving(tmp_path, "--interval", "100ms", "--sources", GATED) as server:
        row = _row(server.port, server.process.pid)
        assert {"io", "exe", "cwd", "fd_count", "smaps_rollup"} & set(row) == set()
        assert row["stat"]["rss_bytes"] > 0
        assert row["status"]
        status, snapshot = ask(server.port, "/v1/snapshot")
        assert status == 200
        assert not {"slabinfo", "timer_list"} & set(snapshot["values"])
        assert snapshot["failures"]["slabinfo"]["reason"] == "denied"
        _, usage = ask(server.port, "/v1/usage")
        mine = usage["usage"]["processes"][str(server.process.pid)]
        assert mine["rss_bytes"] > 0
        assert not mine.get("read_bytes_per_second")
        text = httpx.get(f"{server.url}/metrics").text
        assert "procpulse_stat_cpu_user_seconds_total" in text
    log = server.log.read_text()
    assert log.startswith("procpulse: this server runs as root and does not know who asks: I/O, open files")
    assert "--token-file, by --unix, or with --insecure" in log
    assert log.count("\n") == 1


@pytest.mark.parametrize("word", ["token", "insecure"])
def test_a_server_of_root_that_knows_who_asks_or_was_told_not_to_care(tmp_path: Path, word: str) -> None:
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    arguments = ("--token-file", str(token)) if word == "token" else ("--insecure",)
    with serving(tmp_path, "--interval", "100ms", "--sources", GATED, *arguments) as server:
        if word == "token":
            assert ask(server.port, "/v1/snapshot")[0] == 401
        answer = httpx.get(f"{server.url}/v1/snapshot", headers={"authorization": f"Bearer {TOKEN}"}).json()
        assert "slabinfo" in answer["values"]
        assert answer["values"]["processes"][str(server.process.pid)]["io"]
        assert "does not know who asks" not in server.log.read_text()


@contextmanager
def _on_a_socket(path: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [*COMMAND, "serve", "--unix", str(path), "--interval", "100ms", "--sources", GATED, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        assert process.stdout.readline().startswith(b"procpulse: unix:"), process.stderr.read()
        yield process
    finally:
        process.terminate()
        said = process.communicate(timeout=20)[1]
        assert b"Traceback" not in said, said


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may enter, with a short name."""
    path = Path(subprocess.run(["mktemp", "-d"], capture_output=True, check=True, text=True).stdout.strip())
    path.chmod(0o755)
    yield path
    subprocess.run(["rm", "-r", str(path)], check=True)


def test_a_socket_is_for_its_user_and_its_group(place: Path) -> None:
    path = place / "own.sock"
    with _on_a_socket(path) as process:
        row = _row(str(path), process.pid, uid=0, gid=0)
        assert row["io"]
        assert "exe" in row
        assert ask(str(path), "/v1/usage") == (0, None), "the mode of the socket"
        path.chmod(0o666)
        status, answer = ask(str(path), "/v1/usage")
        assert status == 403
        assert answer == {"error": "this socket belongs to another user"}
        assert ask(str(path), "/healthz")[0] == 200
    path = place / "group.sock"
    with _on_a_socket(path, "--unix-group", "4321") as process:
        assert path.stat().st_mode & 0o777 == 0o660
        assert path.stat().st_gid == 4321
        assert _row(str(path), process.pid, uid=1234, gid=4321)["io"]
        assert ask(str(path), "/v1/usage", uid=1234, gid=1234) == (0, None)


def test_a_group_needs_a_socket_and_has_to_be_one() -> None:
    for arguments, why in (
        (["--unix-group", "root"], "--unix-group is for a --unix socket"),
        (["--unix", "/tmp/x.sock", "--unix-group", "no-such-group"], "there is no group 'no-such-group'"),
    ):
        done = subprocess.run([*COMMAND, "serve", *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2
        assert why in done.stderr


def test_hidden_processes_stay_hidden(tmp_path: Path) -> None:
    """With hidepid=2 a user sees its own processes alone; a server of root would tell of all."""
    log = tmp_path / "log"
    inside = f"mount -t proc -o hidepid=2 proc /proc && exec {' '.join(COMMAND)} serve --port 0 --interval 100ms"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [program("unshare"), "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", inside],
            stdout=subprocess.PIPE, stderr=file,
        )  # fmt: skip
    assert process.stdout is not None
    try:
        line = process.stdout.readline().decode()
        assert "http://127.0.0.1:" in line, log.read_text()
        port = int(line.rstrip("/\n").rpartition(":")[2])
        status, snapshot = ask(port, "/v1/snapshot")
        assert status == 200
        assert "processes" not in snapshot["values"]
        assert snapshot["values"]["meminfo"]
        end = time.monotonic() + 30
        while (answer := ask(port, "/v1/usage"))[0] != 200:
            assert time.monotonic() < end, answer
        assert not answer[1]["usage"]["processes"]
        assert ask(port, "/v1/usage?top=5")[0] == 200
        assert "procpulse_process_group" not in httpx.get(f"http://127.0.0.1:{port}/metrics").text
        assert "no process is shown (/proc is mounted with hidepid)" in log.read_text()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


async def test_a_mounted_application_with_a_sampler_of_its_own() -> None:
    """What somebody else's sampler reads is taken out before clients see it, unless the application knows them."""
    asked = [processes("io", "status", "exe", threads=["io", "stat"]), SLABINFO, LOADAVG]
    async with Sampler(asked) as sampler:
        for options, shown in (({}, False), ({"token": TOKEN}, True), ({"public": True}, True)):
            app = application(sampler=sampler, **options)
            bearer = {"authorization": f"Bearer {TOKEN}"}
            async with client(app, headers=bearer) as web:
                await web.get("/v1/usage")
                snapshot = (await web.get("/v1/snapshot")).json()
                row = snapshot["values"]["processes"][str(os.getpid())]
                assert ("io" in row) is shown
                assert ("exe" in row) is shown
                assert ("slabinfo" in snapshot["values"]) is shown
                assert row["status"]
                thread = row["threads"][str(os.getpid())]
                assert ("io" in thread) is shown
                assert thread["stat"]
                schema = (await web.get("/v1/schema")).text
                assert ("PidIo" in schema) is shown
                delta = (await web.get("/v1/delta")).json()
                assert ("io" in delta["values"]["processes"][str(os.getpid())]) is shown
            await app.hub.stop()


def test_the_kernel_does_not_lie_about_who_connects() -> None:
    """SO_PEERGROUPS, by its number."""
    from procpulse.web.peers import peer_of

    class Transport:
        def __init__(self, sock: socket.socket):
            self.sock = sock

        def get_extra_info(self, name: str) -> Any:
            return self.sock if name == "socket" else None

    one, two = socket.socketpair(socket.AF_UNIX)
    with one, two:
        peer = peer_of(Transport(one))
        assert peer is not None
        assert peer.uid == os.geteuid()
        assert peer.groups >= {os.getegid(), *os.getgroups()}
    with socket.socket() as inet:
        assert peer_of(Transport(inet)) is None
