"""The ASGI application: guard, endpoints and streams around one hub."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from procpulse.sampler import Sampler
from procpulse.source import Roots, Source
from procpulse.web import streams
from procpulse.web.answers import Answer, Answers
from procpulse.web.endpoints import Endpoints, Problem, is_public, problem
from procpulse.web.guard import Guard, Receive, Scope, Send, Token, refuse, route_path
from procpulse.web.hub import Hub
from procpulse.web.sites import is_of_another_site


class Application:
    """What `procpulse.web.app` makes: one ASGI application, to be served by itself or mounted anywhere.

    Attributes:
        hub: Where samples come from and who is connected.
    """

    def __init__(
        self,
        sampler: Sampler | None = None,
        *,
        sources: Iterable[Source[Any]] | None = None,
        interval: float = 1.0,
        roots: Roots | None = None,
        cmdline: bool | str = False,
        token: str | None = None,
        hosts: Iterable[str] = (),
        origins: Iterable[str] = (),
        insecure: bool = False,
        max_clients: int = 1024,
        max_clients_per_address: int = 32,
    ):
        if sampler is not None and (sources is not None or roots is not None):
            raise TypeError("a sampler has its sources and roots already")
        self.hub = Hub(
            sampler,
            sources=None if sources is None else list(sources),
            interval=interval,
            roots=roots,
            cmdline=cmdline,
            most=max_clients,
            most_per_address=max_clients_per_address,
        )
        origins = list(origins)
        self._origins = {origin.lower().rstrip("/") for origin in origins}
        secret = None if token is None else Token(token)
        self._answers = Answers()
        self._endpoints = Endpoints(self.hub, secret)
        self._guard = Guard(
            self._serve, public=is_public, token=secret, hosts=hosts, origins=origins, insecure=insecure
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] in ("http", "websocket"):
            scope = _placed(scope)
            if is_of_another_site(scope, self._origins):
                await refuse(scope, receive, send, 403, "a page of another site may not ask")
                return
        if scope["type"] != "http":
            await self._guard(scope, receive, send)
            return
        answer = Answer(self._answers, scope, receive, send)
        try:
            await self._guard(scope, receive, answer.send)
        finally:
            answer.end()

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Sample from now on, whether anybody asks or not, and send everybody away at the end.

        Give it to the application that this one is mounted in, whose lifespan is the only one that runs:
        `Starlette(lifespan=pulse.lifespan)`.
        """
        self.hub.pin()
        try:
            yield
        finally:
            await self.hub.unpin()

    async def _live(self, receive: Receive, send: Send) -> None:
        """The lifespan protocol, where this is the outermost application."""
        await receive()
        try:
            self.hub.pin()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.hub.unpin()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = route_path(scope)
        if scope["type"] == "websocket":
            if path == "/v1/stream":
                await streams.websocket(self.hub, scope, receive, send)
            else:
                await refuse(scope, receive, send, 404, "nothing here")
            return
        if path == "/v1/events":
            if scope["method"] in ("GET", "HEAD"):
                await streams.events(self.hub, scope, receive, send)
            else:
                await refuse(scope, receive, send, 405, "GET it", allow="GET, HEAD")
            return
        if not path:
            # Everything in the page is relative to the folder that it is in.
            await RedirectResponse(scope["path"].rsplit("/", 1)[-1] + "/", 308)(scope, receive, send)
            return
        try:
            await self._endpoints.router(scope, receive, send)
        except Problem as error:
            await problem(error.status, str(error), error.headers)(scope, receive, send)
        except HTTPException as error:
            headers = dict(error.headers) if error.headers else None
            await problem(error.status_code, error.detail, headers)(scope, receive, send)


def _placed(scope: Scope) -> Scope:
    """The scope of a request, with `root_path` and `path` as ASGI means them, whoever mounted this application.

    Litestar tells the path below the mount alone, and ends it in a slash; the bytes of the request tell the rest. A path
    has one spelling: what these bytes do not say like that, such as `/v1%2fusage`, is another path, so that rules of a
    proxy mean what they say.
    """
    route = route_path(scope)
    root = scope.get("root_path", "")
    literal = scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
    if len(route) > 1 and literal and not literal.endswith("/"):
        route = route.rstrip("/") or "/"
    raw = unquote(literal)
    if route == "/" and raw and not raw.endswith("/"):
        root, route = raw, ""
    elif literal and not literal.endswith(route):
        route = literal
    elif raw.endswith(route) and route:
        root = raw.removesuffix(route)
    return {**scope, "root_path": root, "path": root + route}
