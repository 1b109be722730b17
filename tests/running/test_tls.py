"""TLS, certificates of clients, and passwords, as --web-config says: with the command and real connections."""

import base64
import json
import os
import signal
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest
import trustme
import websockets.sync.client
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.running.command import COMMAND, Serving, serving, wait_for

pytestmark = pytest.mark.server
QUICK = ("--sources", "loadavg", "--interval", "100ms")
SERVER = "  cert_file: server.crt\n  key_file: server.key\n"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def _written(folder: Path, authority: trustme.CA, text: str = "", **leaf: Any) -> str:
    """A configuration with a certificate of a server beside it; its path."""
    made = authority.issue_cert("localhost", "127.0.0.1", **leaf)
    made.private_key_pem.write_to_path(folder / "server.key.new")
    made.cert_chain_pems[0].write_to_path(folder / "server.crt")
    (folder / "server.key.new").rename(folder / "server.key")
    authority.cert_pem.write_to_path(folder / "ca.crt")
    path = folder / "web.yml"
    path.write_text(f"tls_server_config:\n{SERVER}{text}")
    return str(path)


def _trusting(authority: trustme.CA, leaf: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if leaf is not None:
        leaf.configure_cert(context)
    return context


def _serial(server: Serving, context: ssl.SSLContext) -> str:
    with server.connect() as plain, context.wrap_socket(plain, server_hostname="localhost") as client:
        found = client.getpeercert()
        assert found
        return str(found["serialNumber"])


def test_everything_over_tls(tmp_path: Path, authority: trustme.CA) -> None:
    hsts = (
        "http_server_config:\n  headers:\n    Strict-Transport-Security: max-age=600\n    X-Frame-Options: sameorigin\n"
    )
    config = _written(tmp_path, authority, hsts)
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("a-token-of-this-test")
    context = _trusting(authority)
    with serving(tmp_path, *QUICK, "--web-config", config, "--token-file", str(token)) as server:
        url = f"https://127.0.0.1:{server.port}"
        bearer = {"authorization": "Bearer a-token-of-this-test"}
        with httpx.Client(verify=context, base_url=url) as web:
            assert web.get("/v1/usage").status_code == 401
            answer = web.get("/v1/usage", headers={**bearer, "origin": url})
            assert answer.status_code == 200
            assert answer.headers["strict-transport-security"] == "max-age=600"
            assert answer.headers["x-frame-options"] == "sameorigin"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert web.get("/v1/nothing", headers=bearer).headers["strict-transport-security"] == "max-age=600"
            assert web.get("/v1/usage").headers["strict-transport-security"] == "max-age=600"
            cookie = web.post("/v1/login", json={"token": "a-token-of-this-test"}).headers["set-cookie"]
            assert "Secure" in cookie.split("; ")
        with websockets.sync.client.connect(
            f"wss://127.0.0.1:{server.port}/v1/stream?usage=1", ssl=context, additional_headers=bearer
        ) as stream:
            assert [json.loads(stream.recv(timeout=20))["type"] for _ in range(2)] == ["snapshot", "change"]
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"http://127.0.0.1:{server.port}/healthz")
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz")  # an authority that nobody knows
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        with pytest.deprecated_call():
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with server.connect() as plain, pytest.raises(OSError), old.wrap_socket(plain):  # noqa: PT011
            pass
        assert "a TLS handshake failed" in server.log.read_text()


def test_who_says_nothing_does_not_keep_a_place(tmp_path: Path, authority: trustme.CA) -> None:
    config = _written(tmp_path, authority)
    with serving(tmp_path, *QUICK, "--web-config", config) as server:
        with server.connect() as silent:
            silent.settimeout(30)
            assert silent.recv(1) == b""
        assert httpx.get(f"https://127.0.0.1:{server.port}/healthz", verify=_trusting(authority)).status_code == 200


def test_certificates_of_clients(tmp_path: Path, authority: trustme.CA) -> None:
    known = authority.issue_cert("scraper.example")
    other = authority.issue_cert("other.example")
    foreign = trustme.CA().issue_cert("scraper.example")
    wanted = "  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n"

    def status(server: Serving, leaf: trustme.LeafCert | None) -> int:
        try:
            url = f"https://127.0.0.1:{server.port}/v1/usage"
            return httpx.get(url, verify=_trusting(authority, leaf), timeout=20).status_code
        except (httpx.TransportError, OSError):
            return 0

    with serving(tmp_path, *QUICK, "--web-config", _written(tmp_path, authority, wanted)) as server:
        assert [status(server, leaf) for leaf in (known, other, foreign, None)] == [200, 200, 0, 0]
    named = f"{wanted}  client_allowed_sans: [scraper.example]\n"
    with serving(tmp_path, *QUICK, "--web-config", _written(tmp_path, authority, named)) as server:
        assert [status(server, leaf) for leaf in (known, other, foreign, None)] == [200, 0, 0, 0]
        assert "none of the names in client_allowed_sans" in server.log.read_text()
        # With one that is right, the connection counts as known: beyond the loopback, too.
        assert "does not know who asks" not in server.log.read_text()


def test_certificates_are_read_again(tmp_path: Path, authority: trustme.CA) -> None:
    context = _trusting(authority)
    with serving(tmp_path, *QUICK, "--web-config", _written(tmp_path, authority)) as server:
        first = _serial(server, context)
        assert _serial(server, context) == first
        _written(tmp_path, authority)
        second = _serial(server, context)
        assert second != first
        _written(tmp_path, authority, key_type=trustme.KeyType.RSA)
        third = _serial(server, context)
        assert third not in (first, second)
        (tmp_path / "server.crt").write_text("nonsense")
        assert _serial(server, context) == third
        assert "certificates stay as they were" in server.log.read_text()
        _written(tmp_path, authority)
        assert _serial(server, context) not in (first, second, third)


def _drain(stream: Any) -> None:
    while True:
        stream.recv(timeout=20)


def _basic(name: str, password: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_passwords(tmp_path: Path) -> None:
    hash = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(10)).decode()
    config = tmp_path / "web.yml"
    config.write_text(f"basic_auth_users:\n  jane: {hash}\n")
    with serving(tmp_path, *QUICK, "--web-config", str(config)) as server:
        with httpx.Client(base_url=server.url, timeout=60) as web:
            for path in ("/v1/usage", "/metrics", "/", "/v1/schema"):
                answer = web.get(path)
                assert answer.status_code == 401
                assert answer.headers["www-authenticate"].startswith("Basic realm=")
                assert web.get(path, auth=("jane", "open sesame")).status_code == 200
            assert web.get("/healthz").status_code == 200
            for name, password in (("jane", "x"), ("joe", "open sesame"), ("", ""), ("jane", "")):
                assert web.get("/v1/usage", headers=_basic(name, password)).status_code == 401
            for nonsense in ("Basic", "Basic !", "Basic " + base64.b64encode(b"jane").decode()):
                assert web.get("/v1/usage", headers={"authorization": nonsense}).status_code == 401
        with websockets.sync.client.connect(
            f"ws://127.0.0.1:{server.port}/v1/stream", additional_headers=_basic("jane", "open sesame")
        ) as stream:
            assert json.loads(stream.recv(timeout=20))["type"] == "snapshot"
        with pytest.raises(InvalidStatus):
            websockets.sync.client.connect(f"ws://127.0.0.1:{server.port}/v1/stream").__enter__()
    log = server.log.read_text()
    assert "refused loopback: a wrong name or password" in log
    assert "sesame" not in log
    assert "there is no TLS" in log


def test_who_guesses_holds_up_nobody_who_is_known(tmp_path: Path) -> None:
    """Each guess costs a tenth of a second of a core; those who were let in before do not notice."""
    config = tmp_path / "web.yml"
    config.write_text(f"basic_auth_users:\n  jane: {bcrypt.hashpw(b'open sesame', bcrypt.gensalt(11)).decode()}\n")
    with serving(tmp_path, *QUICK, "--web-config", str(config)) as server:
        right = _basic("jane", "open sesame")
        with httpx.Client(base_url=server.url, timeout=60) as web:
            assert web.get("/v1/usage", headers=right).status_code == 200
            stop = threading.Event()
            answers: list[int] = []

            def guess(number: int) -> None:
                with httpx.Client(base_url=server.url, timeout=60) as guessing:
                    while not stop.is_set():
                        answers.append(
                            guessing.get("/v1/usage", headers=_basic("jane", f"{number} {len(answers)}")).status_code
                        )

            threads = [threading.Thread(target=guess, args=(number,)) for number in range(16)]
            for thread in threads:
                thread.start()
            try:
                slowest = 0.0
                for _ in range(50):
                    began = time.monotonic()
                    assert web.get("/v1/usage", headers=right).status_code == 200
                    slowest = max(slowest, time.monotonic() - began)
                    time.sleep(0.05)
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
            assert set(answers) <= {401, 429}
            assert 429 in answers, "what comes beside those that wait is sent away"
            assert slowest < 5, "right ones do not wait for wrong ones"


def test_a_rate_limit(tmp_path: Path) -> None:
    config = tmp_path / "web.yml"
    config.write_text("rate_limit:\n  interval: 1h\n  burst: 3\n")
    with serving(tmp_path, *QUICK, "--web-config", str(config)) as server:
        answers = [httpx.get(f"{server.url}/v1/schema") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert httpx.get(f"{server.url}/healthz").status_code == 200


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tls_server_config:\n  cert_fil: x\n", "web.yml:2: there is no 'cert_fil'"),
        (f"tls_server_config:\n{SERVER}", "server.crt"),
        ("tls_server_config: [", "web.yml:1: "),
        ("basic_auth_users:\n  jane: plain-text-password\n", "web.yml:2: the password of 'jane' is no bcrypt hash"),
    ],
)
def test_a_bad_configuration(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "web.yml").write_text(text)
    command = [*COMMAND, "serve", "--port", "0", "--web-config", str(tmp_path / "web.yml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("procpulse: --web-config: ")
    assert why in done.stderr
    assert done.stderr.count("\n") == 1
    assert "plain-text-password" not in done.stderr


def test_certificate_and_key_that_do_not_fit(tmp_path: Path, authority: trustme.CA) -> None:
    config = _written(tmp_path, authority)
    authority.issue_cert("localhost").private_key_pem.write_to_path(tmp_path / "server.key")
    command = [*COMMAND, "serve", "--port", "0", "--web-config", config]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "server.key" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("module", ["yaml", "bcrypt"])
def test_without_what_it_needs(tmp_path: Path, module: str) -> None:
    (tmp_path / f"{module}.py").write_text(f"raise ModuleNotFoundError('No module named {module}', name={module!r})")
    (tmp_path / "web.yml").write_text("")
    done = subprocess.run(
        [*COMMAND, "serve", "--port", "0", "--web-config", str(tmp_path / "web.yml")],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"procpulse: --web-config needs {module}: pip install 'procpulse[web]'\n"


def test_certificates_in_the_file_itself(tmp_path: Path, authority: trustme.CA) -> None:
    made = authority.issue_cert("localhost", "127.0.0.1")
    config = tmp_path / "web.yml"
    pem = {"cert": made.cert_chain_pems[0].bytes(), "key": made.private_key_pem.bytes()}
    lines = [
        f"  {name}: |\n" + "".join(f"    {line}\n" for line in text.decode().splitlines()) for name, text in pem.items()
    ]
    config.write_text("tls_server_config:\n" + "".join(lines))
    with serving(tmp_path, *QUICK, "--web-config", str(config)) as server:
        assert httpx.get(f"https://127.0.0.1:{server.port}/v1/usage", verify=_trusting(authority)).status_code == 200


def test_beyond_this_machine(tmp_path: Path, authority: trustme.CA) -> None:
    """TLS alone lets nobody in from elsewhere; a token without TLS is told to go in the clear."""
    token = tmp_path / "token"
    token.touch(0o600)
    token.write_text("a-token-of-this-test")
    config = _written(tmp_path, authority)
    outside = [*COMMAND, "serve", "--port", "0", "--host", "0.0.0.0", *QUICK]
    done = subprocess.run([*outside, "--web-config", config], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "https://0.0.0.0:" in done.stderr
    assert "--insecure" in done.stderr
    for more, warned in (([], True), (["--web-config", config], False)):
        log = tmp_path / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [*outside, "--token-file", str(token), *more], stdout=subprocess.PIPE, stderr=file
            )
        assert process.stdout is not None
        try:
            assert b"://0.0.0.0:" in process.stdout.readline()
            assert ("is not encrypted" in log.read_text()) is warned
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            process.stdout.close()


def test_a_configuration_is_read_again(tmp_path: Path) -> None:
    def users(*names: str) -> str:
        return "basic_auth_users:\n" + "".join(
            f"  {name}: {bcrypt.hashpw(name.encode(), bcrypt.gensalt(4)).decode()}\n" for name in names
        )

    config = tmp_path / "web.yml"
    config.write_text(users("jane", "joe"))
    with serving(tmp_path, *QUICK, "--web-config", str(config)) as server:

        def status(name: str) -> int:
            return httpx.get(f"{server.url}/v1/usage", headers=_basic(name, name), timeout=30).status_code

        assert [status(name) for name in ("jane", "joe", "jim")] == [200, 200, 401]
        stream = websockets.sync.client.connect(
            f"ws://127.0.0.1:{server.port}/v1/stream", additional_headers=_basic("joe", "joe")
        )
        with stream:
            stream.recv(timeout=20)
            config.write_text(users("jane", "jim"))
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "read again" in server.log.read_text())
            # Who has a stream shows again who they are.
            with pytest.raises(ConnectionClosed) as closed:
                _drain(stream)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
        assert [status(name) for name in ("jane", "joe", "jim")] == [200, 401, 200]
        for broken in ("basic_auth_users: [", "", "tls_server_config: {cert_file: a, key_file: b}"):
            config.write_text(broken)
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: "nothing was changed" in server.log.read_text())
            assert [status(name) for name in ("jane", "joe", "jim")] == [200, 401, 200]
        config.unlink()
        server.process.send_signal(signal.SIGHUP)
        assert status("jane") == 200
