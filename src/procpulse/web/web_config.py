"""The file of `--web-config`: TLS, passwords and headers in the format that Prometheus exporters share.

    tls_server_config:
      cert_file: server.crt
      key_file: server.key
      client_auth_type: RequireAndVerifyClientCert
      client_ca_file: clients.crt
    basic_auth_users:
      jane: $2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG

https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md

Paths are relative to the file. What is written wrong is an error that names the line; what this server does otherwise
than theirs is told.
"""

import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from procpulse.private_files import read_file

VERSIONS = {
    "TLS10": ssl.TLSVersion.TLSv1,
    "TLS11": ssl.TLSVersion.TLSv1_1,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS13": ssl.TLSVersion.TLSv1_3,
}
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
HEADERS = (
    "Content-Security-Policy",
    "X-Frame-Options",
    "X-Content-Type-Options",
    "X-XSS-Protection",
    "Strict-Transport-Security",
)
_WITHOUT = frozenset({"", "NoClientCert"})
_VERIFIED = {"VerifyClientCertIfGiven": ssl.CERT_OPTIONAL, "RequireAndVerifyClientCert": ssl.CERT_REQUIRED}
_UNVERIFIED = ("RequestClientCert", "RequireClientCert", "RequireAnyClientCert")
_SUITE = re.compile(
    r"TLS_(RSA|ECDHE_RSA|ECDHE_ECDSA)_WITH_(AES_128|AES_256|CHACHA20)_(CBC|GCM|POLY1305)(?:_(SHA|SHA256|SHA384))?"
)
_SUITES_13 = frozenset({"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"})
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_BCRYPT = re.compile(rb"\$2[abxy]\$([0-3][0-9])\$[./A-Za-z0-9]{53}")
_LARGEST = 1 << 20


class Tls(NamedTuple):
    """How connections are encrypted, and which certificates clients need."""

    cert: Path | str
    """A file, or the text of a certificate itself."""
    key: Path | str
    client_ca: Path | str | None = None
    verify: ssl.VerifyMode = ssl.CERT_NONE
    allowed_sans: frozenset[str] = frozenset()
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] = ()
    """As OpenSSL calls them."""
    curves: tuple[str, ...] = ()
    prefer_server_ciphers: bool = True


class WebConfig(NamedTuple):
    """What such a file says."""

    tls: Tls | None
    users: dict[str, bytes]
    """Hashes by name."""
    headers: tuple[tuple[bytes, bytes], ...]
    rate: tuple[float, int] | None
    """Seconds between two requests, and how many may come at once."""
    notes: tuple[str, ...]
    """What is done otherwise than the file may expect."""


class BadConfig(ValueError):
    """The file makes no sense; names it and the line."""


def load(path: Path) -> WebConfig:
    """Read such a file.

    Raises:
        BadConfig: it makes no sense.
        OSError: it cannot be read.
    """
    data = read_file(path, _LARGEST + 1)
    if len(data) > _LARGEST:
        raise BadConfig(f"{path}: larger than 1 MiB")
    return parse(data, path)


def parse(data: bytes, path: Path) -> WebConfig:
    """Understand the bytes of such a file.

    Raises:
        BadConfig: they make no sense.
    """
    try:
        root = yaml.compose(data, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark is not None else ""
        raise BadConfig(f"{path}{where}: {getattr(error, 'problem', None) or 'no YAML'}") from None
    except RecursionError:
        raise BadConfig(f"{path}: nested too deep") from None
    return _Reader(path).config(root)


class _Reader:
    """Walks over the nodes of a document, each of which knows its line."""

    def __init__(self, path: Path):
        self._path = path
        self.notes: list[str] = []

    def wrong(self, node: Any, message: str) -> BadConfig:
        return BadConfig(f"{self._path}:{node.start_mark.line + 1}: {message}")

    def config(self, root: Any) -> WebConfig:
        if root is None:
            return WebConfig(None, {}, (), None, ())
        parts = self.mapping(root, ("tls_server_config", "http_server_config", "basic_auth_users", "rate_limit"))
        http = self.mapping(parts.get("http_server_config"), ("http2", "headers"))
        if "http2" in http and self.boolean(http["http2"]):
            self.notes.append("http2 is ignored: this server speaks HTTP/1.1")
        return WebConfig(
            tls=self.tls(parts.get("tls_server_config")),
            users=self.users(parts.get("basic_auth_users")),
            headers=self.headers(http.get("headers")),
            rate=self.rate(parts.get("rate_limit")),
            notes=tuple(self.notes),
        )

    # Kinds of values.

    def empty(self, node: Any) -> bool:
        return node is None or (isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null")

    def mapping(self, node: Any, names: tuple[str, ...] | None) -> dict[str, Any]:
        """The members of a mapping by name; `names` are those that there are, None for any."""
        if self.empty(node):
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise self.wrong(node, "names with values are expected here")
        found: dict[str, Any] = {}
        for key, value in node.value:
            name = self.text(key)
            if names is not None and name not in names:
                raise self.wrong(key, f"there is no {name[:60]!r}; there are {', '.join(names)}")
            if name in found:
                raise self.wrong(key, f"{name[:60]!r} stands there twice")
            found[name] = value
        return found

    def text(self, node: Any) -> str:
        if self.empty(node):
            return ""
        if not isinstance(node, yaml.ScalarNode):
            raise self.wrong(node, "a text is expected here")
        return str(node.value)

    def texts(self, node: Any) -> list[tuple[Any, str]]:
        if self.empty(node):
            return []
        if not isinstance(node, yaml.SequenceNode):
            raise self.wrong(node, "a list is expected here")
        return [(item, self.text(item)) for item in node.value]

    def boolean(self, node: Any) -> bool:
        text = self.text(node).lower()
        if text not in ("true", "false", "yes", "no", "on", "off"):
            raise self.wrong(node, "true or false is expected here")
        return text in ("true", "yes", "on")

    def choice(self, node: Any, known: dict[str, Any], default: Any, what: str) -> Any:
        text = self.text(node)
        if text and text not in known:
            raise self.wrong(node, f"no {what} {text[:60]!r}; there are {', '.join(known)}")
        return known[text] if text else default

    # What it is about.

    def tls(self, node: Any) -> Tls | None:
        parts = self.mapping(
            node,
            (
                "cert", "key", "client_ca", "cert_file", "key_file", "client_ca_file", "client_auth_type",
                "client_allowed_sans", "min_version", "max_version", "cipher_suites", "prefer_server_cipher_suites",
                "curve_preferences",
            ),
        )  # fmt: skip
        cert, key, client_ca = (self.pem(parts, name) for name in ("cert", "key", "client_ca"))
        auth = self.text(parts.get("client_auth_type"))
        if cert is None and key is None and client_ca is None and auth in _WITHOUT:
            return None
        for name, value in (("cert_file", cert), ("key_file", key)):
            if value is None:
                raise self.wrong(node, f"{name} is missing")
        assert cert is not None
        assert key is not None
        verify = self.verify(parts, auth, client_ca)
        sans = frozenset(text for _, text in self.texts(parts.get("client_allowed_sans")))
        if sans and verify is not ssl.CERT_REQUIRED:
            raise self.wrong(parts["client_allowed_sans"], "needs client_auth_type: RequireAndVerifyClientCert")
        minimum = self.choice(parts.get("min_version"), VERSIONS, ssl.TLSVersion.TLSv1_2, "version")
        maximum = self.choice(parts.get("max_version"), VERSIONS, ssl.TLSVersion.TLSv1_3, "version")
        if minimum > maximum:
            raise self.wrong(
                parts.get("max_version") or parts["min_version"], "no version is between min_version and max_version"
            )
        prefer = parts.get("prefer_server_cipher_suites")
        curves = [
            (item, self.choice(item, CURVES, "", "curve")) for item, _ in self.texts(parts.get("curve_preferences"))
        ]
        if len(curves) > 1 and not hasattr(ssl.SSLContext, "set_groups"):
            self.notes.append(
                "curve_preferences: Python can set one curve before 3.15, so all of OpenSSL's are offered"
            )
        return Tls(
            cert, key, client_ca, verify, sans, minimum, maximum,
            tuple(suite for item, text in self.texts(parts.get("cipher_suites")) for suite in self.suite(item, text)),
            tuple(curve for _, curve in curves if curve),
            True if prefer is None else self.boolean(prefer),
        )  # fmt: skip

    def pem(self, parts: dict[str, Any], name: str) -> Path | str | None:
        """A certificate or key: the file of it, or its text."""
        inline, file = self.text(parts.get(name)), self.text(parts.get(f"{name}_file"))
        if inline and file:
            raise self.wrong(parts[name], f"{name} and {name}_file exclude each other")
        return inline or (self._path.parent / file if file else None)

    def verify(self, parts: dict[str, Any], auth: str, client_ca: Path | str | None) -> ssl.VerifyMode:
        node = parts.get("client_auth_type")
        if auth in _UNVERIFIED:
            raise self.wrong(
                node, f"{auth} takes any certificate, which protects nothing: write RequireAndVerifyClientCert"
            )
        if auth not in _WITHOUT and auth not in _VERIFIED:
            raise self.wrong(node, f"no client_auth_type {auth[:60]!r}; there are NoClientCert, {', '.join(_VERIFIED)}")
        if client_ca is not None and auth in _WITHOUT:
            where = parts.get("client_ca_file") or parts["client_ca"]
            raise self.wrong(where, "client certificates are named, and client_auth_type does not ask for any")
        if auth in _VERIFIED and client_ca is None:
            raise self.wrong(node, f"{auth} needs client_ca_file")
        return _VERIFIED.get(auth, ssl.CERT_NONE)

    def suite(self, node: Any, name: str) -> list[str]:
        """A cipher suite as OpenSSL calls it; none for one of TLS 1.3, which are all offered."""
        if name in _SUITES_13:
            return []
        match = _SUITE.fullmatch(name)
        if match is None:
            raise self.wrong(node, f"no cipher suite {name[:60]!r}")
        exchange, cipher, mode, digest = match.groups()
        words = [*([] if exchange == "RSA" else exchange.split("_")), cipher.replace("_", "")]
        if mode == "POLY1305":
            return ["-".join([*words, "POLY1305"])]
        return ["-".join([*words, *(["GCM"] if mode == "GCM" else []), digest or "SHA"])]

    def users(self, node: Any) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for name, value in self.mapping(node, None).items():
            hash = self.text(value).encode()
            match = _BCRYPT.fullmatch(hash)
            if match is None or not 4 <= int(match[1]) <= 31:
                raise self.wrong(
                    value, f"the password of {name[:60]!r} is no bcrypt hash; htpasswd -nBC 10 '' makes one"
                )
            if int(match[1]) > 14:
                self.notes.append(f"the hash of {name!r} has a cost of {int(match[1])}: each check takes seconds")
            found[name] = hash
        return found

    def headers(self, node: Any) -> tuple[tuple[bytes, bytes], ...]:
        found = []
        for name, value in self.mapping(node, HEADERS).items():
            text = self.text(value)
            if not text.isprintable() or not text.isascii():
                raise self.wrong(value, "a header is printable ASCII")
            allowed = {"X-Frame-Options": ("deny", "sameorigin"), "X-Content-Type-Options": ("nosniff",)}.get(name)
            if text and allowed and text.lower() not in allowed:
                raise self.wrong(value, f"{name} is {' or '.join(allowed)}")
            if text:
                found.append((name.lower().encode(), text.encode()))
        return tuple(found)

    def rate(self, node: Any) -> tuple[float, int] | None:
        parts = self.mapping(node, ("interval", "burst"))
        seconds = self.number(parts.get("interval"), _seconds, "a time such as 100ms or 1s")
        burst = self.number(parts.get("burst"), int, "a number")
        if not seconds:
            return None
        if burst < 1:
            raise self.wrong(node, "a burst of 0 lets nobody in")
        return seconds, int(burst)

    def number(self, node: Any, read: Callable[[str], float], what: str) -> float:
        text = self.text(node)
        try:
            value = read(text) if text else 0
        except ValueError:
            value = -1
        if value < 0:
            raise self.wrong(node, f"{what} is expected here")
        return value


def _seconds(text: str) -> float:
    """A duration as Go writes them: 1m30s."""
    if text == "0":
        return 0.0
    if not re.fullmatch(f"(?:{_DURATION.pattern})+", text):
        raise ValueError(text)
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))
