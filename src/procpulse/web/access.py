"""What a server asks of those who come: a token, a password, a certificate, an answer of the application around it, or
that they are on this machine. What applies is said in one line when it starts."""

import base64
import binascii
import inspect
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from procpulse.web.connections import address_key
from procpulse.web.peers import Headers, Peer, TrustedProxies, is_forwarded, is_local, is_ours
from procpulse.web.refusals import Refusals
from procpulse.web.tokens import ALL, EVERYTHING, METRICS, USAGE, Tokens

Auth = Callable[[Any], bool | Awaitable[bool]]

NOTHING: frozenset[str] = frozenset()
_OF_USAGE = ("/v1/usage", "/v1/history", "/v1/sources", "/v1/schema", "/v1/stream", "/v1/events", "/openapi.json")
_NEEDS = {"/metrics": METRICS} | dict.fromkeys(_OF_USAGE, USAGE)
"""The scope that opens a path, beside `all`, which opens every path."""

WRONG_TOKEN = "a wrong token"
WRONG_PASSWORD = "a wrong name or password"


class Users(Protocol):
    """Names and passwords."""

    async def check(self, name: str, password: bytes, address: str) -> bool:
        """Whether they belong together. Raises `Refusal` where too many ask at a time."""
        ...


class Refusal(Exception):
    """Not like this.

    Args:
        status: Of HTTP.
        message: For the one who asked.
        kind: For the administrator; empty for what happens every day.
        headers: More headers of the answer.
    """

    def __init__(self, status: int, message: str, kind: str = "", headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.headers = headers or {}


class Access:
    """Who is let in, and to what.

    Args:
        tokens: What may be shown in `Authorization: Bearer`, or in a cookie.
        users: What may be shown in `Authorization: Basic`.
        auth: Told of each request by its ASGI scope, answers whether it may pass.
        public: Whether anybody may ask.
        certificates: Whether nobody gets here without a certificate that was verified.
        group: A group whose members may use the socket of the file system that this server made.
        proxies: Proxies that are believed.
        by_socket: Whether nobody gets here but by a socket of the file system that this server made.

    Raises:
        ValueError: two of these exclude each other.
    """

    def __init__(
        self,
        *,
        tokens: Tokens | None = None,
        users: Users | None = None,
        auth: Auth | None = None,
        public: bool = False,
        certificates: bool = False,
        group: int | None = None,
        proxies: TrustedProxies | None = None,
        by_socket: bool = False,
    ):
        if auth is not None and (tokens or users or public):
            raise ValueError("auth decides alone: no token and no public beside it")
        if public and (tokens or users):
            raise ValueError("a server is public, or asks for a token: one of the two")
        self.tokens = tokens
        self.users = users
        self.auth = auth
        self.public = public
        self.certificates = certificates
        self.group = group
        self.by_socket = by_socket
        self.proxies = TrustedProxies() if proxies is None else proxies
        self.refusals = Refusals()

    @property
    def protected(self) -> bool:
        """Whether something is said about who may ask, so that it is not just everybody on this machine."""
        return bool(self.tokens or self.users or self.auth or self.public or self.certificates)

    @property
    def challenges(self) -> list[str]:
        """What may be shown, for WWW-Authenticate."""
        return ['Basic realm="procpulse"'] * bool(self.users) + ["Bearer"] * bool(self.tokens or not self.users)

    def __str__(self) -> str:
        """What applies, in a sentence."""
        if self.public:
            return "anybody who reaches this server sees what this host does"
        if self.auth is not None:
            return "the application around it decides who may ask"
        ways = ["a token"] * bool(self.tokens) + ["a name and a password"] * bool(self.users)
        if ways or self.certificates:
            return f"who asks shows {' or '.join(ways) if ways else 'a certificate'}"
        return "only programs on this machine may ask, and nothing that came through a proxy"

    async def check(self, scope: Any, headers: Headers, path: str, public: bool) -> frozenset[str]:
        """What a request may see, by names of scopes.

        Args:
            scope: Of ASGI, with the address and scheme as far as they are believed.
            headers: Its headers.
            path: What it asks for, below the mount.
            public: Whether that is part of the page itself.

        Raises:
            Refusal: nothing.
        """
        client = scope.get("client")
        if isinstance(client, Peer) and not is_ours(client, self.group):
            raise Refusal(403, "this socket belongs to another user", "not a user of this socket")
        if self.public:
            return EVERYTHING
        if self.auth is not None:
            answer = self.auth(scope)
            if inspect.isawaitable(answer):
                answer = await answer
            if not answer:
                raise Refusal(403, "you may not ask", "the application said no")
            return EVERYTHING
        if self.tokens or self.users:
            return await self._shown(address_key(client), headers, path, public)
        if self.certificates:
            return EVERYTHING
        forwarded = is_forwarded(scope, headers)
        if forwarded or not (is_local(client) or isinstance(client, Peer)):
            where = "through a proxy" if forwarded else "from another machine" if client else "without an address"
            raise Refusal(
                403, f"there is no token: only programs on this machine may ask, and this came {where}", f"came {where}"
            )
        return EVERYTHING

    async def _shown(self, address: str, headers: Headers, path: str, public: bool) -> frozenset[str]:
        wrong = ""
        for value in headers.get(b"authorization", [])[:1]:
            scheme, _, given = value.partition(b" ")
            if scheme.lower() == b"bearer" and self.tokens is not None:
                token = self.tokens.find(given.strip())
                if token is not None:
                    return _opened(token.scopes, path)
                wrong = WRONG_TOKEN
            elif scheme.lower() == b"basic" and self.users is not None:
                name, password = _basic(given)
                if name and await self.users.check(name, password, address):
                    return EVERYTHING
                wrong = WRONG_PASSWORD
        if wrong:
            await self.fail(address, wrong)
        if self.tokens is not None:
            now = time.time()
            for session in self.tokens.sessions(headers.get(b"cookie", [])):
                token = self.tokens.admits(session, now)
                if token is not None:
                    return _opened(token.scopes, path)
            if public:
                return NOTHING
        ways = ["Authorization: Bearer TOKEN"] * bool(self.tokens) + ["a name and a password"] * bool(self.users)
        raise Refusal(401, f"a token is needed: {' or '.join(ways)}" if self.tokens else f"{ways[0]} are needed")

    async def fail(self, address: str, kind: str) -> None:
        """Somebody showed something wrong: they wait, longer each time, and are refused.

        Raises:
            Refusal: always.
        """
        if await self.refusals.failed(address, kind):
            raise Refusal(401, f"this is {kind}")
        raise Refusal(429, "too many wrong attempts", headers={"retry-after": "10"})


def _opened(scopes: Iterable[str], path: str) -> frozenset[str]:
    """What a token opens.

    Raises:
        Refusal: not this path.
    """
    scopes = frozenset(scopes)
    needed = _NEEDS.get(path)
    if ALL in scopes or needed in scopes or not path.startswith(("/v1/", "/metrics", "/openapi")):
        return scopes
    if path in ("/v1/login", "/v1/logout"):
        return scopes
    raise Refusal(403, f"this token opens {' and '.join(sorted(scopes))} alone", "a token for something else")


def _basic(given: bytes) -> tuple[str, bytes]:
    """A name and a password as they stand in a header; an empty name for what makes no sense."""
    try:
        name, colon, password = base64.b64decode(given.strip(), validate=True).partition(b":")
        return (name.decode() if colon else ""), password
    except (binascii.Error, UnicodeDecodeError):
        return "", b""
