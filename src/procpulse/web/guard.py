"""Who may ask: exact Host and Origin, a token unless the client is on this machine, and headers that browsers obey.

A plain ASGI application around another. It looks at HTTP and websockets alike, before anything else does.
"""

import hmac
import ipaddress
import re
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from hashlib import sha256
from typing import Any

from procpulse.encode import json

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL = ("localhost", "127.0.0.1", "[::1]")
"""Names by which this machine knows itself. Another name that leads here is how DNS rebinding begins."""

HEADERS = (
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
HEALTH = frozenset({"/healthz", "/readyz"})
"""Says nothing but whether it works; anybody may ask."""
SESSION_SECONDS = 30 * 86400
LEAST_TOKEN = 16
"""Characters that a token has at least."""
LEAST_VARIETY = 5
"""Different ones among them; random digits have as many, a key that was held down has not."""

_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_.\-]{0,252}[a-z0-9_])?)(?::([0-9]{1,5}))?")


class Token:
    """A secret that clients show, and the cookie that a browser gets for it.

    Args:
        token: The secret.

    Raises:
        ValueError: it is too short to be one.
    """

    def __init__(self, token: str):
        token = token.strip()
        if len(token) < LEAST_TOKEN:
            raise ValueError(f"a token has at least {LEAST_TOKEN} characters")
        if len(set(token)) < LEAST_VARIETY:
            raise ValueError(f"a token has at least {LEAST_VARIETY} different characters")
        self._token = token.encode()
        self.cookie = "procpulse_" + self._seal(b"name")[:8]
        """Its name: servers on other ports of this host have other cookies."""

    def matches(self, given: bytes) -> bool:
        """Whether this is the token, in a time that does not tell where it differs."""
        return hmac.compare_digest(sha256(given).digest(), sha256(self._token).digest())

    def session(self, now: float) -> str:
        """The value of a cookie: until when it is good, and a seal on that. A server that starts anew knows it still."""
        until = str(int(now) + SESSION_SECONDS)
        return f"{until}.{self._seal(until.encode())}"

    def admits(self, session: str, now: float) -> bool:
        """Whether a cookie is ours and still good."""
        until, _, seal = session.partition(".")
        good = hmac.compare_digest(
            seal.encode("utf-8", "replace"), self._seal(until.encode("utf-8", "replace")).encode()
        )
        return good and until.isascii() and until.isdigit() and len(until) < 12 and int(until) > now

    def _seal(self, what: bytes) -> str:
        return hmac.new(self._token, b"procpulse session " + what, sha256).hexdigest()


class Refusal(Exception):
    """Not like this; carries the HTTP status."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class Guard:
    """Lets through what may pass.

    Args:
        app: Where to.
        public: Paths that need no token: the page itself, and the way to log in.
        token: What clients have to show; without one, only those on this machine are let in.
        hosts: Names of this server besides those of the loopback and its own address, `name` or `name:port`; "*" for
            any, where something before it checks.
        origins: Other sites that may ask from a browser, such as `https://grafana.example`.
        insecure: Whether anybody may ask without a token.
    """

    def __init__(
        self,
        app: App,
        *,
        public: Callable[[str], bool],
        token: Token | None = None,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
        insecure: bool = False,
    ):
        self.app = app
        self.token = token
        self._public = public
        self._hosts = {host.lower() for host in (*LOCAL, *hosts)}
        self._origins = {origin.lower().rstrip("/") for origin in origins}
        if "*" in self._origins:
            raise ValueError("origins are named one by one")
        self._insecure = insecure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(bytes(name).lower(), []).append(bytes(value))
        try:
            origin = self._check(scope, headers)
        except Refusal as refusal:
            await refuse(scope, receive, send, refusal.status, str(refusal))
            return
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        extra = list(HEADERS)
        if origin is not None:
            extra = [header for header in extra if header[0] != b"cross-origin-resource-policy"]
            extra += [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
            if scope["method"] == "OPTIONS":
                await _preflight(send, extra)
                return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {bytes(name).lower() for name, _ in message.get("headers", ())}
                more = [header for header in extra if header[0] not in given or header[0] == b"vary"]
                message = {**message, "headers": [*message.get("headers", ()), *more]}
            await send(message)

        await self.app(scope, receive, dressed)

    def _check(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> bytes | None:
        """Raise `Refusal`, or return the other site that asks, if it is one."""
        host = self._host(scope, headers.get(b"host", []))
        origins = headers.get(b"origin", [])
        other = None
        if origins:
            origin = origins[0].decode("latin-1").lower()
            scheme = "https" if scope.get("scheme") in ("https", "wss") else "http"
            if len(origins) > 1 or (origin != f"{scheme}://{host}" and origin not in self._origins):
                raise Refusal(403, "this origin may not ask")
            other = origins[0] if origin != f"{scheme}://{host}" else None
        path = route_path(scope)
        if path in HEALTH or self._insecure:
            return other
        if self.token is None:
            if not is_local(scope.get("client")):
                raise Refusal(403, "there is no token: only clients on this machine may ask")
            return other
        if self._public(path) or (other is not None and scope.get("method") == "OPTIONS"):
            return other
        if not self._knows(self.token, headers):
            raise Refusal(401, "a token is needed: Authorization: Bearer TOKEN")
        return other

    def _host(self, scope: Scope, given: list[bytes]) -> str:
        if len(given) != 1:
            raise Refusal(400, "one Host is needed")
        host = given[0].decode("latin-1").lower()
        match = _HOST.fullmatch(host)
        if match is None:
            raise Refusal(400, "this is no Host")
        if host in self._hosts or match[1] in self._hosts or "*" in self._hosts:
            return host
        server = scope.get("server")
        if server and _literal(server[0]) == match[1]:
            return host
        raise Refusal(403, "this server does not go by that name")

    @staticmethod
    def _knows(token: Token, headers: dict[bytes, list[bytes]]) -> bool:
        for value in headers.get(b"authorization", []):
            scheme, _, given = value.partition(b" ")
            if scheme.lower() == b"bearer" and token.matches(given.strip()):
                return True
        now = time.time()
        for line in headers.get(b"cookie", []):
            for piece in line.decode("latin-1").split(";"):
                name, _, session = piece.strip().partition("=")
                if name == token.cookie and token.admits(session, now):
                    return True
        return False


def route_path(scope: Scope) -> str:
    """The path below the mount: since ASGI 3, `path` is the whole one, and begins with `root_path`.

    Where it does not, somebody mounted us in a way of their own, and it is below the mount already.
    """
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    rest = path.removeprefix(root)
    return rest if rest[:1] in ("", "/") else path


def is_local(client: Any) -> bool:
    """Whether a client is on this machine: by the loopback, or by a socket of the file system."""
    if not client:
        return True
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return bool(address.ipv4_mapped.is_loopback)
    return address.is_loopback


def _literal(address: str) -> str | None:
    """An IP address as it stands in a Host header; None for a name."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return str(found) if found.version == 4 else f"[{found}]"


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, message: str, **more: str) -> None:
    """Answer with an error; a websocket gets it in place of its handshake."""
    kind = "http.response"
    if scope["type"] == "websocket":
        await receive()
        if "websocket.http.response" not in (scope.get("extensions") or {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        kind = "websocket.http.response"
    body = json.encode({"error": message})
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        *((name.replace("_", "-").encode(), value.encode()) for name, value in more.items()),
        *HEADERS,
    ]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})


async def _preflight(send: Send, extra: list[tuple[bytes, bytes]]) -> None:
    headers = [
        *extra,
        (b"access-control-allow-methods", b"GET, HEAD"),
        (b"access-control-allow-headers", b"authorization, if-none-match, last-event-id"),
        (b"access-control-max-age", b"600"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
