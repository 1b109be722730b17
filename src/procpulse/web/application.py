"""The ASGI application: guard, endpoints and streams around one hub."""

import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from procpulse.sampler import Sampler
from procpulse.source import Roots, Source
from procpulse.web import streams
from procpulse.web.access import Access
from procpulse.web.answers import Answer, Answers
from procpulse.web.connections import address_key
from procpulse.web.endpoints import Endpoints, Problem, is_public, problem
from procpulse.web.guard import Guard, Receive, Scope, Send, refuse, route_path, several
from procpulse.web.hub import Hub
from procpulse.web.privilege import withheld
from procpulse.web.sites import is_of_another_site

_logger = logging.getLogger("procpulse.web")


class Application:
    """What `procpulse.web.app` makes: one ASGI application, to be served by itself or mounted anywhere.

    Attributes:
        hub: Where samples come from and who is connected.
        access: Who may ask.
        guard: What holds them to it.
        withheld: What is not served, since other users of the host may ask; None for nothing.
        announced: Whether somebody was told what applies.
    """

    def __init__(
        self,
        sampler: Sampler | None = None,
        *,
        sources: Iterable[Source[Any]] | None = None,
        interval: float = 1.0,
        roots: Roots | None = None,
        cmdline: bool | str = False,
        access: Access | None = None,
        hosts: str | Iterable[str] = (),
        origins: str | Iterable[str] = (),
        max_clients: int = 1024,
        max_clients_per_address: int = 32,
    ):
        if sampler is not None and (sources is not None or roots is not None):
            raise TypeError("a sampler has its sources and roots already")
        self.access = Access() if access is None else access
        self.withheld = None if self.access.protected or self.access.by_socket else withheld(roots)
        self.hub = Hub(
            sampler,
            sources=None if sources is None else list(sources),
            interval=interval,
            roots=roots,
            cmdline=cmdline,
            most=max_clients,
            most_per_address=max_clients_per_address,
            withheld=self.withheld,
        )
        origins = several(origins)
        self._origins = {origin.lower().rstrip("/") for origin in origins}
        self.hub.on_end.append(self.access.refusals.release)
        self._answers = Answers()
        self._endpoints = Endpoints(self.hub, self.access)
        self.guard = Guard(self._serve, self.access, public=is_public, hosts=hosts, origins=origins)
        self.announced = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if not self.announced:
            self.announced = True
            self._announce()
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        if scope["type"] in ("http", "websocket"):
            scope = _placed(scope)
            if is_of_another_site(scope, self._origins):
                self.access.refusals.note(address_key(scope.get("client")), "a page of another site")
                await refuse(scope, receive, send, 403, "a page of another site may not ask", self.guard.headers)
                return
        if scope["type"] != "http":
            await self.guard(scope, receive, send)
            return
        answer = Answer(self._answers, scope, receive, send)
        try:
            await self.guard(scope, receive, answer.send)
        finally:
            answer.end()

    def _announce(self) -> None:
        """Say, once, what applies to those who come."""
        if self.access.protected and not self.access.public:
            _logger.info("procpulse.web.app: %s", self.access)
        elif self.access.public:
            _logger.warning("procpulse.web.app: %s (public=True)", self.access)
        else:
            _logger.warning(
                "procpulse.web.app: %s; to let others in, give it token=, auth= or public=True%s",
                self.access,
                f"; {self.withheld}" if self.withheld else "",
            )

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
