"""Who may ask: exact Host and Origin, what `Access` wants to see, and headers that browsers obey.

A plain ASGI application around another. It looks at HTTP and websockets alike, before anything else does.
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from procpulse.encode import json
from procpulse.web.access import NOTHING, Access, Refusal
from procpulse.web.connections import address_key

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
_HOST = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9_.\-]{0,252}[a-z0-9_])?)(?::([0-9]{1,5}))?")


class Guard:
    """Lets through what may pass.

    Args:
        app: Where to.
        access: Who may ask.
        public: Paths of the page itself, and the way to log in.
        hosts: Names of this server besides those of the loopback and its own address, `name` or `name:port`; "*" for
            any, where something before it checks.
        origins: Other sites that may ask from a browser, such as `https://grafana.example`.

    Attributes:
        headers: What each answer has beside what is in it already; of `HEADERS` those that are named here give way.
        limit: Raises where requests come faster than they may.
    """

    def __init__(
        self,
        app: App,
        access: Access,
        *,
        public: Callable[[str], bool],
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
    ):
        self.app = app
        self.access = access
        self._public = public
        self._hosts = {host.lower() for host in (*LOCAL, *several(hosts))}
        self._origins = {origin.lower().rstrip("/") for origin in several(origins)}
        if "*" in self._origins:
            raise ValueError("origins are named one by one")
        self.headers: tuple[tuple[bytes, bytes], ...] = HEADERS
        self.limit: Callable[[], None] = _no_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(bytes(name).lower(), []).append(bytes(value))
        if scope.get("client") in self.access.proxies:
            scope = self.access.proxies.unwrap(scope, headers)
        try:
            origin, scopes = await self._check(scope, headers)
        except Refusal as refusal:
            if refusal.kind:
                self.access.refusals.note(address_key(scope.get("client")), refusal.kind)
            more = dict(refusal.headers)
            challenges = self.access.challenges if refusal.status == 401 else ()
            await refuse(scope, receive, send, refusal.status, str(refusal), self.headers, challenges, **more)
            return
        scope = {**scope, "procpulse.scopes": scopes}
        if scope["type"] == "websocket":
            await self.app(scope, receive, send)
            return
        extra = list(self.headers)
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

    async def _check(self, scope: Scope, headers: dict[bytes, list[bytes]]) -> tuple[bytes | None, frozenset[str]]:
        """Raise `Refusal`, or return the other site that asks, if it is one, and what may be seen."""
        host = self._host(scope, headers.get(b"host", []))
        origins = headers.get(b"origin", [])
        other = None
        if origins:
            # Behind a proxy that speaks TLS the page has another scheme than we hear of; the host tells whose it is.
            origin = origins[0].decode("latin-1").lower()
            own = origin in (f"http://{host}", f"https://{host}")
            if len(origins) > 1 or not (own or origin in self._origins):
                raise Refusal(403, "this origin may not ask", "a page of another site")
            other = None if own else origins[0]
        path = route_path(scope)
        if path in HEALTH:
            return other, NOTHING
        self.limit()
        if other is not None and scope.get("method") == "OPTIONS":
            return other, NOTHING
        return other, await self.access.check(scope, headers, path, self._public(path))

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
        raise Refusal(403, "this server does not go by that name", "asked for a Host that is not ours")


def _no_limit() -> None:
    """Requests may come as fast as they do."""


def several(names: str | Iterable[str]) -> list[str]:
    """Names; a text by itself is one name."""
    return [names] if isinstance(names, str) else list(names)


def route_path(scope: Scope) -> str:
    """The path below the mount: since ASGI 3, `path` is the whole one, and begins with `root_path`.

    Where it does not, somebody mounted us in a way of their own, and it is below the mount already.
    """
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    rest = path.removeprefix(root)
    return rest if rest[:1] in ("", "/") else path


def _literal(address: str) -> str | None:
    """An IP address as it stands in a Host header; None for a name."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    return str(found) if found.version == 4 else f"[{found}]"


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    status: int,
    message: str,
    extra: Iterable[tuple[bytes, bytes]] = HEADERS,
    challenges: Iterable[str] = (),
    **more: str,
) -> None:
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
        *extra,
        *((b"www-authenticate", challenge.encode()) for challenge in challenges),
    ]
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
