"""The file of --web-config: what it may say, and how it is refused."""

import ssl
from pathlib import Path

import bcrypt
import pytest

from procpulse.web import passwords
from procpulse.web.access import Refusal
from procpulse.web.passwords import Passwords
from procpulse.web.refusals import Refusals
from procpulse.web.settings import limiter
from procpulse.web.web_config import BadConfig, parse

PLACE = Path("/etc/exporter/web.yml")
HASH = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4))


def test_nothing_and_everything() -> None:
    for text in (
        b"",
        b"---\n",
        b"tls_server_config: {}\nbasic_auth_users:\n",
        b"tls_server_config:\n  min_version: TLS13\n",
    ):
        assert parse(text, PLACE) == (None, {}, (), None, ())
    found = parse(
        b"""
tls_server_config:
  cert_file: server.crt
  key_file: /run/keys/server.key
  client_auth_type: "RequireAndVerifyClientCert"
  client_ca_file: ../ca.crt
  client_allowed_sans: [scraper.example, 10.0.0.7]
  min_version: TLS12
  max_version: TLS13
  cipher_suites:
    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
    - TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305
    - TLS_RSA_WITH_AES_256_CBC_SHA
    - TLS_AES_128_GCM_SHA256
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256]
http_server_config:
  http2: true
  headers:
    Strict-Transport-Security: max-age=31536000
    X-Frame-Options: SAMEORIGIN
    Content-Security-Policy: ""
basic_auth_users:
  jane: %s
rate_limit:
  interval: 1m1.5s
  burst: 20
"""
        % HASH,
        PLACE,
    )
    tls = found.tls
    assert tls is not None
    assert tls.cert == PLACE.parent / "server.crt"
    assert tls.key == Path("/run/keys/server.key")
    assert tls.verify is ssl.CERT_REQUIRED
    assert tls.allowed_sans == {"scraper.example", "10.0.0.7"}
    assert tls.ciphers == ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "AES256-SHA")
    assert tls.curves == ("prime256v1",)
    assert not tls.prefer_server_ciphers
    assert (tls.minimum, tls.maximum) == (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    assert found.users == {"jane": HASH}
    assert found.headers == ((b"strict-transport-security", b"max-age=31536000"), (b"x-frame-options", b"SAMEORIGIN"))
    assert found.rate == (61.5, 20)
    assert found.notes == ("http2 is ignored: this server speaks HTTP/1.1",)


SUITES = [
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
]


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_of_go_is_one_of_openssl(suite: str) -> None:
    tls = parse(f"tls_server_config: {{cert_file: c, key_file: k, cipher_suites: [{suite}]}}".encode(), PLACE).tls
    assert tls is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(":".join(tls.ciphers))
    assert tls.ciphers[0] in {cipher["name"] for cipher in context.get_ciphers()}


_TLS = "tls_server_config:\n  cert_file: c\n  key_file: k\n"


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("tls_server_confi: {}", 1, "there is no 'tls_server_confi'"), ("a: [", 1, "expected"), ("- a", 1, "names with values"),
        ("\tx", 1, "cannot start"), ("tls_server_config:\n  cert_file: c\n", 2, "key_file is missing"),
        ("tls_server_config:\n  key_file: c\n", 2, "cert_file is missing"),
        (_TLS + "  cert_file: c\n", 4, "twice"), (_TLS + "  cert: x\n", 4, "exclude each other"),
        (_TLS + "  client_auth_type: Always\n", 4, "no client_auth_type 'Always'"),
        (_TLS + "  client_auth_type: RequireAnyClientCert\n", 4, "protects nothing"),
        (_TLS + "  client_auth_type: RequestClientCert\n", 4, "protects nothing"),
        (_TLS + "  client_auth_type: RequireAndVerifyClientCert\n", 4, "needs client_ca_file"),
        (_TLS + "  client_ca_file: ca\n", 4, "client_auth_type does not ask"),
        (_TLS + "  client_allowed_sans: [a]\n", 4, "RequireAndVerifyClientCert"),
        (_TLS + "  min_version: TLS14\n", 4, "no version 'TLS14'"),
        (_TLS + "  min_version: TLS13\n  max_version: TLS12\n", 5, "no version is between"),
        (_TLS + "  cipher_suites:\n    - TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\n    - TLS_NULL\n", 6, "'TLS_NULL'"),
        (_TLS + "  cipher_suites: TLS_NULL\n", 4, "a list"), (_TLS + "  curve_preferences: [P1]\n", 4, "no curve 'P1'"),
        (_TLS + "  prefer_server_cipher_suites: perhaps\n", 4, "true or false"),
        ("http_server_config:\n  headers:\n    Server: x\n", 3, "there is no 'Server'"),
        ("http_server_config:\n  headers:\n    X-Frame-Options: always\n", 3, "deny or sameorigin"),
        ('http_server_config:\n  headers:\n    X-XSS-Protection: "a\\r\\nb: c"\n', 3, "printable"),
        ("basic_auth_users:\n  jane: secret\n", 2, "no bcrypt hash"), ("basic_auth_users:\n  jane: $2y$99$" + "a" * 53, 2, "no bcrypt"),
        ("basic_auth_users: [a]", 1, "names with values"), ("rate_limit:\n  interval: soon\n  burst: 1\n", 2, "a time such as"),
        ("rate_limit:\n  interval: 1s\n", 2, "lets nobody in"), ("rate_limit: {interval: 1s, burst: -1}", 1, "a number"),
        ("a: &a [*a]", 1, "there is no 'a'"), ("[" * 5000, 1, ""),
    ],
)  # fmt: skip
def test_what_makes_no_sense_names_its_line(text: str, line: int, why: str) -> None:
    with pytest.raises(BadConfig) as error:
        parse(text.encode(), PLACE)
    assert str(error.value).startswith(str(PLACE))
    if why:
        assert str(error.value).startswith(f"{PLACE}:{line}: ")
    assert why in str(error.value)
    assert "secret" not in str(error.value)


def test_a_rate() -> None:
    now = 100.0
    limit = limiter(0.5, 3, lambda: now)
    for _ in range(3):
        limit()
    with pytest.raises(Refusal) as refused:
        limit()
    assert refused.value.status == 429
    now += 0.5
    limit()
    with pytest.raises(Refusal):
        limit()
    now += 1000
    for _ in range(3):
        limit()
    with pytest.raises(Refusal):
        limit()


async def test_each_password_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now, checked = 100.0, list[bytes]()
    check = passwords._check

    def counted(password: bytes, hash: bytes) -> bool:
        checked.append(password)
        return check(password, hash)

    monkeypatch.setattr(passwords, "_check", counted)
    users = Passwords({"jane": HASH}, Refusals(), lambda: now)
    for _ in range(5):
        assert await users.check("jane", b"open sesame", "a")
        assert not await users.check("jane", b"open barley", "a")
    assert not await users.check("joe", b"open sesame", "a")
    assert not await users.check("", b"", "a")
    assert not await users.check("jane", b"open\0sesame", "a")
    assert not await users.check("jane", b"x" * 1000, "a")
    assert checked[:3] == [b"open sesame", b"open barley", b"open sesame"]
    count = len(checked)
    for _ in range(3):
        now += 500
        assert await users.check("jane", b"open sesame", "a"), "in use, so it is remembered"
    assert len(checked) == count
    now += 601
    assert await users.check("jane", b"open sesame", "a")
    assert len(checked) == count + 1
    for number in range(300):
        users._wrong[str(number).encode()] = now
    await users.check("jane", b"another", "a")
    assert len(users._wrong) == passwords.MOST_REMEMBERED


async def test_other_passwords_from_now_on() -> None:
    users = Passwords({"jane": HASH, "joe": HASH}, Refusals())
    assert await users.check("joe", b"open sesame", "a")
    assert not users.replace(Passwords({"jane": HASH, "joe": HASH, "jim": HASH}, Refusals()))
    assert users.replace(Passwords({"jane": HASH}, Refusals()))
    assert not await users.check("joe", b"open sesame", "a")
    assert await users.check("jane", b"open sesame", "a")


def test_a_long_password_is_what_bcrypt_sees_of_it() -> None:
    long = b"x" * 72
    assert passwords._check(long + b"more", bcrypt.hashpw(long, bcrypt.gensalt(4)))
    for made in (b"$2y$", b"$2a$", b"$2b$"):
        assert passwords._check(b"open sesame", made + HASH[4:])
