"""Attacks of who has a foot in the door: hostile names of files, files that are exchanged, sessions, groups, odd requests."""

import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.running.attack import HOST, UPGRADE, answer, get
from tests.running.command import COMMAND, Serving, serving, wait_for

TOKEN = "an-excellent-token-0123456789"
KNOWN = f"authorization: Bearer {TOKEN}"
EVIL = "\x1b]0;own\x07\n\u202eprocpulse: all is well"
FRESH = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def run(place: Path, *arguments: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([*COMMAND, *arguments], cwd=place, env=FRESH, capture_output=True, timeout=30, check=False)


def status(got: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 ([0-9]{3}) ", got)
    return int(found[1]) if found else 0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One server for all of them: what one attack leaves behind would show in the next."""
    place = tmp_path_factory.mktemp("attacked")
    token = place / "token"
    token.touch(0o600)
    token.write_text(TOKEN)
    with serving(place, "--token-file", str(token)) as found:
        yield found
        found.alive()
        assert "Traceback" not in found.log.read_text()


# ---- names


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "{torn}", "--format", "json"),
        ("replay", "{none}"),
        ("replay", "{gone}"),
        ("record", "{new}", "--count", "1", "--sources", "loadavg"),
        ("record", "{none}", "--count", "1"),
        ("capture", "{new}", "--sources", "loadavg"),
        ("capture", "{full}", "--sources", "loadavg"),
        ("snapshot", "--proc-root", "{full}"),
        ("serve", "--web-config", "{none}"),
        ("serve", "--tokens", "{none}"),
        ("serve", "--unix", "{none}"),
        ("serve", "--unix", "{gone}/socket"),
        ("serve", "--host", EVIL),
        ("stream", "--count", "1", f"--{EVIL}"),
        ("stream", EVIL),
    ],
    ids=lambda words: " ".join(words[:2]) if isinstance(words, tuple) and words[1].startswith("{") else None,
)
def test_a_name_that_somebody_gave_a_file_reaches_no_terminal(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """`procpulse replay /srv/incoming/*.ppr` has names in it that others chose."""
    tmp_path.chmod(0o700)
    paths = {word: tmp_path / f"{EVIL} {word}" for word in ("torn", "none", "gone", "new", "full")}
    paths["none"].write_text("nothing of ours\n" * 10)
    paths["none"].chmod(0o600)
    paths["full"].mkdir()
    (paths["full"] / "file").touch()
    if "{torn}" in arguments:
        run(tmp_path, "record", str(paths["torn"]), "--count", "1", "--sources", "loadavg")
        with paths["torn"].open("ab") as file:
            file.write(b"torn" * 100)
    done = run(tmp_path, *(word.format(**paths) if "{" in word else word for word in arguments))
    said = (done.stdout + done.stderr).decode()
    assert "\\x1b]0;own\\x07" in said or "{none}" in arguments, said
    for line in said.split("\n"):
        assert line.isprintable(), repr(line)
        assert not line.startswith("\u202eprocpulse: all"), said
    assert "procpulse: all is well" not in [line.strip() for line in said.split("\n")]


# ---- files of a server that are exchanged while it runs


def _certificate(place: Path) -> None:
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "key",
            "-out",
            "cert",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ],
        cwd=place,
        capture_output=True,
        check=True,
    )


def _well(server: Serving) -> float:
    """Seconds until a new client had an answer by TLS."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    began = time.monotonic()
    with server.connect() as plain, context.wrap_socket(plain) as client:
        client.sendall(get("/healthz"))
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    return time.monotonic() - began


@pytest.mark.parametrize("name", ["web.yml", "cert"])
def test_a_pipe_in_the_place_of_a_file_holds_up_nobody(tmp_path: Path, name: str) -> None:
    _certificate(tmp_path)
    (tmp_path / "web.yml").write_text("tls_server_config:\n  cert_file: cert\n  key_file: key\n")
    run(tmp_path, "token", "--append", "tokens")
    with serving(tmp_path, "--tokens", "tokens", "--web-config", "web.yml") as server:
        _well(server)
        (tmp_path / name).rename(tmp_path / "kept")
        os.mkfifo(tmp_path / name, 0o600)
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.2)  # the signal is there
        # It used to wait for the pipe in the loop: five seconds, or for ever.
        assert max(_well(server) for _ in range(3)) < 3
        for _ in range(50):
            server.process.send_signal(signal.SIGHUP)
        assert _well(server) < 3
        (tmp_path / name).unlink()
        (tmp_path / "kept").rename(tmp_path / name)
        log = server.log
        # Who waits for a pipe waits five seconds, and then reads once more.
        wait_for(lambda: (server.process.send_signal(signal.SIGHUP), "were read again" in log.read_text())[1])
        assert "nothing was changed" in log.read_text()
        _well(server)


def test_a_certificate_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    _certificate(tmp_path)
    os.truncate(tmp_path / "cert", 1 << 40)
    (tmp_path / "web.yml").write_text("tls_server_config:\n  cert_file: cert\n  key_file: key\n")
    done = run(tmp_path, "serve", "--port", "0", "--web-config", "web.yml")
    assert done.returncode == 2
    assert b"larger than" in done.stderr


def test_the_log_tells_kinds_without_what_was_to_be_put_in(tmp_path: Path) -> None:
    _certificate(tmp_path)
    (tmp_path / "web.yml").write_text("tls_server_config:\n  cert_file: cert\n  key_file: key\n")
    with serving(tmp_path, "--web-config", "web.yml") as server:
        for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"", b"\x80" * 40):
            server.drop(sent, read=1)
        wait_for(lambda: "a TLS handshake failed: " in server.log.read_text())
        server.drop(b"no TLS at all\r\n", read=1)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(20) == 0
        server.ended = True
    lines = server.log.read_text().splitlines()
    assert not [line for line in lines if "%" in line or line.endswith("failed: ")], lines
    assert [line for line in lines if re.search(r"[0-9] more: a TLS handshake failed$", line)], lines


# ---- who may ask


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")
@pytest.mark.parametrize("more", [300])
def test_who_is_in_the_group_by_a_supplementary_group_is_let_in(tmp_path: Path, more: int) -> None:
    """That is how people are in groups; and many groups are no reason to forget one."""
    path = tmp_path / "group.sock"
    # Others reach the directory by nothing but this name.
    for folder in (tmp_path, *tmp_path.parents[: len(tmp_path.parents) - 2]):
        folder.chmod(folder.stat().st_mode | 0o011)
    process = subprocess.Popen(
        [*COMMAND, "serve", "--unix", str(path), "--unix-group", "4321"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"procpulse: unix:")
        code = (
            "import os,socket,sys;os.setgroups([*range(5000,5000+int(sys.argv[2])),*map(int,sys.argv[3:])]);"
            "os.setgid(1234);os.setuid(1234);s=socket.socket(socket.AF_UNIX);s.settimeout(10);s.connect(sys.argv[1]);"
            "s.sendall(b'GET /v1/usage HTTP/1.1\\r\\nhost: localhost\\r\\nconnection: close\\r\\n\\r\\n');"
            "print(s.recv(20)[:12].decode())"
        )

        def ask(*groups: str) -> str:
            words = ["python3", "-S", "-c", code, str(path), str(more), *groups]
            return subprocess.run(words, capture_output=True, text=True, timeout=20, check=False).stdout.strip()

        assert ask("4321") == "HTTP/1.1 200"
        assert ask("4322") == "", "the mode of the socket"
        path.chmod(0o666)  # without a bit for the group or with one: it is asked who comes
        assert ask("4322") == "HTTP/1.1 403"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _post(server: Serving, path: str, body: str = "", *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: 127.0.0.1", "connection: close", f"content-length: {len(body)}", *headers]
    return answer(server, "\r\n".join([*lines, "", body]).encode())


def _login(server: Serving, *headers: str) -> str:
    got = _post(server, "/v1/login", json.dumps({"token": TOKEN}), "content-type: application/json", *headers)
    found = re.search(rb"set-cookie: ([^;\r\n]+)", got)
    return found[1].decode() if found else ""


def _admitted(server: Serving, cookie: str, *headers: str) -> bool:
    return status(answer(server, get("/v1/usage?top=0", f"cookie: {cookie}", *headers))) == 200


def test_who_ends_a_session_ends_no_other(server: Serving) -> None:
    """Two browsers that log in within the same second are two, and who comes back at once is let in."""
    first, second = _login(server), _login(server)
    assert _admitted(server, first)
    assert _admitted(server, second)
    assert status(_post(server, "/v1/logout", "", f"cookie: {first}")) == 204
    third = _login(server)
    assert [_admitted(server, cookie) for cookie in (first, second, third)] == [False, True, True]


def test_cookies_of_the_same_name_and_damaged_ones(server: Serving) -> None:
    cookie = _login(server)
    name, _, value = cookie.partition("=")
    until, mark, once, seal = value.split(".")
    assert _admitted(server, f"{name}=nothing; {cookie}")
    for bad in (
        f"{int(until) + 1}.{mark}.{once}.{seal}",
        f"{until}.{mark}.{once[:-1]}.{seal}",
        f"{until}.{mark}.{seal}",
        f"{until}.{mark}..{seal}",
        f"{until}.{mark}.{once}.{seal[:-1]}",
        f"{until}.{mark}.{once}.{seal.upper()}",
        "." * 50,
        "\xe9" * 20,
    ):
        assert not _admitted(server, f"{name}={bad}"), bad


@pytest.mark.parametrize(
    "header",
    [
        "origin: null",
        "origin: http://127.0.0.1.evil.example",
        "origin: http://evil@127.0.0.1",
        "origin: file://",
        "sec-fetch-site: cross-site",
        "sec-fetch-site: same-site",
        "origin: http://127.0.0.1:1",
    ],
)
def test_a_page_of_another_site_can_neither_log_in_nor_out_nor_read(server: Serving, header: str) -> None:
    cookie = _login(server)
    assert _login(server, header) == ""
    assert status(_post(server, "/v1/logout", "", f"cookie: {cookie}", header)) == 403
    assert not _admitted(server, cookie, header)
    stream = f"GET /v1/stream HTTP/1.1\r\ncookie: {cookie}\r\n{header}\r\n".encode() + HOST + UPGRADE + b"\r\n"
    assert status(answer(server, stream, 2)) == 403
    assert _admitted(server, cookie)


# ---- requests

CHUNKED = b"POST /v1/login HTTP/1.1\r\n" + HOST + b"transfer-encoding: chunked\r\n"
SECRET = b"GET /v1/snapshot?sources=loadavg HTTP/1.1\r\n"


@pytest.mark.parametrize(
    ("sent", "statuses"),
    [
        (CHUNKED + b"\r\n0\r\nauthorization: Bearer " + TOKEN.encode() + b"\r\n\r\n" + SECRET + HOST, (401, 415)),
        (CHUNKED + b"content-length: 4\r\n\r\n0\r\n\r\n" + SECRET + HOST + b"\r\n", (400,)),
        (CHUNKED + b"\r\n-1\r\nx\r\n0\r\n\r\n", (400,)),
        (CHUNKED + b"\r\n" + b"F" * 18 + b"\r\nx", (400,)),
        (CHUNKED + b"\r\n1;" + b"a" * 200_000 + b"\r\nx\r\n0\r\n\r\n", (0, 400, 413, 415)),
        (SECRET + HOST + b"x: a\r\n authorization: Bearer " + TOKEN.encode() + b"\r\n\r\n", (400,)),
        (SECRET + b"host: evil.example\r\n 127.0.0.1\r\n\r\n", (400,)),
        (SECRET + HOST + b"host: evil.example\r\n\r\n", (400,)),
        (SECRET + "host: 127\u30020\u30020\u30021\r\n\r\n".encode(), (400, 403)),
        (SECRET + "host: \uff11\uff12\uff17.0.0.1\r\n\r\n".encode(), (400, 403)),
        (b"GET http://evil.example/v1/usage HTTP/1.1\r\n" + HOST + b"\r\n", (400, 403)),
        (SECRET.replace(b"\r", b"") + b"host: 127.0.0.1\n\n", (400,)),
        (SECRET + HOST + b"authorization : Bearer " + TOKEN.encode() + b"\r\n\r\n", (400,)),
        (SECRET + HOST + KNOWN.encode() + b"\r\nexpect: 100-continue\r\n\r\n", (200,)),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100, (400,)),
    ],
    ids=[
        "trailer-token",
        "length-and-chunks",
        "negative-chunk",
        "huge-chunk",
        "long-extension",
        "folded-token",
        "folded-host",
        "two-hosts",
        "wide-dots",
        "wide-digits",
        "other-authority",
        "bare-newlines",
        "blank-before-colon",
        "expecting",
        "tls",
    ],
)
def test_requests_that_two_readers_would_read_differently(
    server: Serving, sent: bytes, statuses: tuple[int, ...]
) -> None:
    got = answer(server, sent, 1.0)
    assert status(got) in statuses, got
    assert got.count(b"HTTP/1.1 200") == statuses.count(200), got


def test_many_websockets_that_hang_up_at_every_moment(server: Serving) -> None:
    handshake = b"GET /v1/stream?sources=loadavg HTTP/1.1\r\n" + HOST + UPGRADE + KNOWN.encode() + b"\r\n\r\n"
    folder = Path(f"/proc/{server.process.pid}/fd")
    before = len(list(folder.iterdir()))
    for number in range(200):
        with suppress(OSError), server.connect() as client:
            client.sendall(handshake[: len(handshake) - number % 3] + (b"\x88\x82abcd\x62\x8a" if number % 2 else b""))
            if number % 15 == 0:  # the handshake is whole
                client.recv(10)
            if number % 7 == 0:
                client.shutdown(socket.SHUT_WR)
    wait_for(lambda: len(list(folder.iterdir())) <= before + 3)
    server.alive()


@pytest.mark.parametrize(
    "query", ["top=%D9%A3", "top=1e3", "top=0x10", "interval=nan", "interval=1e400", "by=__class__"]
)
def test_numbers_that_only_some_read_as_numbers(server: Serving, query: str) -> None:
    got = answer(server, get(f"/v1/events?{query}", KNOWN), 2)
    assert status(got) == 400
    assert b'{"error":' in got


# ---- recordings


def test_a_recording_that_is_replayed_into_itself_comes_to_an_end(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    run(tmp_path, "record", "a.ppr", "--count", "3", "--interval", "10ms", "--sources", "loadavg,meminfo")
    with (tmp_path / "a.ppr").open("ab") as itself:
        words = [*COMMAND, "replay", "a.ppr", "--format", "json"]
        done = subprocess.run(words, cwd=tmp_path, stdout=itself, stderr=subprocess.PIPE, timeout=20, check=False)
    assert done.returncode in (0, 6)
    assert (tmp_path / "a.ppr").stat().st_size < 1 << 20
    assert len(run(tmp_path, "replay", "a.ppr", "--format", "json").stdout.splitlines()) == 3, "what was there is there"


def test_a_recording_that_is_all_hole_is_refused_at_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "hole.ppr").touch()
    os.truncate(tmp_path / "hole.ppr", 1 << 42)
    assert run(tmp_path, "replay", "hole.ppr").returncode == 1
    done = run(tmp_path, "record", "hole.ppr", "--count", "1", "--sources", "loadavg")
    assert done.returncode == 1
    assert (tmp_path / "hole.ppr").stat().st_size == 1 << 42


def test_another_name_of_a_secret_is_not_recorded_over(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "secret").touch(0o600)
    os.link(tmp_path / "secret", tmp_path / "hard.ppr")
    (tmp_path / "soft.ppr").symlink_to("secret")
    for name in ("hard.ppr", "soft.ppr", "/dev/null", "/proc/self/fd/1"):
        done = run(tmp_path, "record", name, "--count", "1", "--sources", "loadavg")
        assert done.returncode == 1, name
        assert not done.stdout
    assert (tmp_path / "secret").stat().st_size == 0
