"""What is asked for once: the newest sample, what it means, and whether all is well."""

import os
import time
from collections.abc import AsyncIterator, Iterable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router
from starlette.staticfiles import StaticFiles

from procpulse import __version__
from procpulse.encode import json, msgpack
from procpulse.encode.schema import tables
from procpulse.web.access import WRONG_TOKEN, Access, Refusal
from procpulse.web.answers import PIECE
from procpulse.web.connections import address_key
from procpulse.web.hub import Hub
from procpulse.web.memory import HistoryFrame
from procpulse.web.metrics import ENCODERS, Metrics, media_of
from procpulse.web.negotiate import accepted, matches
from procpulse.web.openapi import description
from procpulse.web.select import Selection, Wrong, rates, select, select_delta
from procpulse.web.streams import narrowed, sees_all
from procpulse.web.workers import Workers, is_one_of_several

STATIC = Path(__file__).parent / "static"
JSON, MSGPACK = "application/json", "application/msgpack"
FORMATS = (JSON, MSGPACK, "application/vnd.msgpack", "application/x-msgpack")
PATIENCE = 5.0
"""Seconds that a request waits for a first sample, beside the interval."""
LARGEST_BODY = 4096
MOST_KEPT, MOST_KEPT_BYTES = 16, 8 << 20
"""Answers of one tick that are kept for others who ask for the same."""
MOST_WAITING = 256
"""Requests that wait for a sample at a time."""

MISSING_PAGE = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>procpulse</title>
<h1>procpulse is running, its page is missing</h1>
<p>This is a checkout in which the page was not built: run <code>make dashboard</code>, which needs npm. An installed
wheel has it.</p>
<p>The rest works: <a href="v1/snapshot">v1/snapshot</a>, <a href="v1/usage">v1/usage</a>,
<a href="v1/sources">v1/sources</a>, <a href="metrics">metrics</a>, <a href="openapi.json">openapi.json</a>.</p>
</html>
"""


class Entry(msgspec.Struct):
    """A source that is served."""

    name: str
    path: str
    here: str
    """yes, or the reason why there is no value; unknown before the first sample."""
    detail: str
    fields: dict[str, list[dict[str, Any]]]


class Login(msgspec.Struct, forbid_unknown_fields=True):
    """What a page sends to log in."""

    token: Annotated[str, msgspec.Meta(max_length=LARGEST_BODY)]


class Problem(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.headers = headers


def problem(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """An error as JSON."""
    more = {"cache-control": "no-store", **(headers or {})}
    return Response(json.encode({"error": message}), status, more, JSON)


class Endpoints:
    """The HTTP side of a server, as a Starlette router.

    Args:
        hub: Where samples come from.
        access: What a browser shows to log in, if anything.
    """

    def __init__(self, hub: Hub, access: Access):
        self.hub = hub
        self._access = access
        self._metrics = Metrics(hub)
        self._workers = Workers(f"{hub.names} {hub.interval} {hub.roots} {hub.for_everybody}", self._scraped)
        hub.on_cease.append(self._workers.close)
        self._made: dict[tuple[str, int, str, Selection], bytes] = {}
        _files.cache_clear()
        self._files = StaticFiles(directory=STATIC, check_dir=False)
        self.routes = [
            Route("/v1/snapshot", self.snapshot),
            Route("/v1/delta", self.delta),
            Route("/v1/usage", self.usage),
            Route("/v1/history", self.history),
            Route("/v1/sources", self.sources),
            Route("/v1/schema", self.schema),
            Route("/v1/login", self.login, methods=["POST"]),
            Route("/v1/logout", self.logout, methods=["POST"]),
            Route("/metrics", self.metrics),
            Route("/openapi.json", self.openapi),
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
        ]
        self.router = Router(
            [*self.routes, Route("/{path:path}", self.page)],
            redirect_slashes=False,
        )

    # Samples.

    async def snapshot(self, request: Request) -> Response:
        """The newest sample."""
        selection = self._selection(request, ("sources", "top", "by"))
        pace = await self._newest(delta=False)
        assert pace.latest is not None
        now = pace.latest
        return self._sample(request, "snapshot", now.seq, selection, lambda: select(now, pace.delta, selection))

    async def delta(self, request: Request) -> Response:
        """What changed between the newest two samples."""
        selection = self._selection(request, ("sources", "top", "by"))
        delta = (await self._newest(delta=True)).delta
        assert delta is not None
        return self._sample(request, "delta", delta.seq, selection, lambda: select_delta(delta, selection))

    async def usage(self, request: Request) -> Response:
        """Rates and ratios between the newest two samples."""
        selection = self._selection(request, ("top", "by"))
        delta = (await self._newest(delta=True)).delta
        assert delta is not None

        def make() -> Any:
            return {"seq": delta.seq, "time": delta.time, "gap": delta.gap, "usage": rates(delta, selection)}

        return self._sample(request, "usage", delta.seq, selection, make)

    async def history(self, request: Request) -> Response:
        """Rates and ratios of the last minutes, a frame a tick, the oldest first."""
        query = self._query(request, ("seconds",))
        seconds = query.get("seconds", "900")
        if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 6):
            raise Problem(400, "seconds is a number from 0 to 900")
        pace = await self._newest(delta=False)
        assert pace.latest is not None
        since = pace.latest.monotonic_ns / 1e9 - int(seconds)
        frames = [frame for frame in self.hub.history if frame.when > since]
        head = json.encode(
            {
                "boot_id": pace.latest.host.boot_id,
                "run": self.hub.run,
                "interval": self.hub.interval,
                "step": self.hub.step,
            }
        )
        first, last = head[:-1] + b',"frames":[', b"]}"
        length = len(first) + len(last) + sum(frame.bytes for frame in frames) + max(0, len(frames) - 1)
        headers = {"cache-control": "no-store", "content-length": str(length)}
        return StreamingResponse(_joined(first, frames, last), headers=headers, media_type=JSON)

    # What they mean.

    async def sources(self, request: Request) -> Response:
        """What is served: what it means, and whether this host has it."""
        self._query(request, ())
        pace = await self._newest(delta=False)
        assert pace.latest is not None
        failures, values = pace.latest.failures, pace.latest.values
        entries = []
        for source in self.hub.sources if sees_all(request.scope) else ():
            failure = failures.get(source.name)
            here = "yes" if source.name in values else str(failure.reason) if failure else "unknown"
            detail = "" if failure is None else f"{failure.path} {failure.detail.strip().splitlines()[-1]}".strip()
            entries.append(Entry(source.name, source.path, here, detail, tables(source.type)))
        return Response(json.encode(entries), headers={"cache-control": "no-store"}, media_type=JSON)

    async def schema(self, request: Request) -> Response:
        """The JSON Schema of what is served."""
        self._query(request, ())
        data, hash = self.hub.schema
        return _tagged(request, f'"{hash}"', lambda: data, "application/schema+json", {})

    async def metrics(self, request: Request) -> Response:
        """Prometheus text, or OpenMetrics."""
        self._query(request, ())
        media = media_of(", ".join(request.headers.getlist("accept")))
        if self.hub.ending is not None and is_one_of_several():
            try:
                body = await self._workers.ask(media)
            except TimeoutError as error:
                raise Problem(503, str(error) or "another worker is busy", {"retry-after": "1"}) from None
        else:
            body = await self._scraped(media)
        headers = {"cache-control": "no-store", "vary": "Accept", "content-type": ENCODERS[media][1]}
        return Response(body, headers=headers)

    async def _scraped(self, media: str) -> bytes:
        if media not in ENCODERS:
            raise ValueError(f"no format {media[:40]!r}")
        await self._newest(delta=False)
        return self._metrics.text(media)

    async def openapi(self, request: Request) -> Response:
        """What there is, for programs."""
        self._query(request, ())
        data = json.encode(description(self.hub))
        return _tagged(request, f'"{self.hub.schema[1]}-{__version__}"', lambda: data, JSON, {})

    # Whether all is well.

    async def healthz(self, request: Request) -> Response:
        """That the server answers."""
        return Response(b'{"status":"ok"}', headers={"cache-control": "no-store"}, media_type=JSON)

    async def readyz(self, request: Request) -> Response:
        """Whether samples come; while nobody asks for any there is nothing to wait for."""
        hub = self.hub
        age = hub.age()
        status = "idle"
        if hub.running:
            limit = 3 * hub.interval
            status = "starting" if age is None else "ready" if age <= limit else "stale"
        elif hub.error is not None:
            status = "failed"
        body = json.encode({"status": status, "age_seconds": age})
        code = 200 if status in ("ready", "idle") else 503
        return Response(body, code, {"cache-control": "no-store"}, JSON)

    # The page.

    async def login(self, request: Request) -> Response:
        """A cookie for a token."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
            raise Problem(415, "send JSON")
        body = b""
        try:
            async for piece in request.stream():
                body += piece
                if len(body) > LARGEST_BODY:
                    raise Problem(413, "too big")
        except ClientDisconnect:  # or it took too long to send what it had announced
            raise Problem(400, "there was more to come") from None
        try:
            login = msgspec.json.decode(body, type=Login)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise Problem(400, 'send {"token": "..."}') from None
        response = Response(status_code=204, headers={"cache-control": "no-store"})
        tokens = self._access.tokens
        if tokens is None:
            return response
        token = tokens.find(login.token.strip().encode("utf-8", "replace"))
        if token is None:
            try:
                await self._access.fail(address_key(request.scope.get("client")), WRONG_TOKEN)
            except Refusal as refusal:
                headers = {"www-authenticate": "Bearer"} if refusal.status == 401 else refusal.headers
                raise Problem(refusal.status, str(refusal), headers) from None
            raise AssertionError("a wrong token is refused")
        response.set_cookie(
            tokens.cookie, tokens.session(token, time.time()), max_age=tokens.session_seconds, **_cookie(request)
        )
        return response

    async def logout(self, request: Request) -> Response:
        """The end of a session: its cookie is forgotten by the browser, and no longer good."""
        response = Response(status_code=204, headers={"cache-control": "no-store"})
        tokens = self._access.tokens
        if tokens is not None:
            for session in tokens.sessions(line.encode("latin-1") for line in request.headers.getlist("cookie")):
                tokens.revoke(session)
            response.delete_cookie(tokens.cookie, **_cookie(request))
        return response

    async def page(self, request: Request) -> Response:
        """The page and its files."""
        path: str = request.path_params["path"]
        if request.method not in ("GET", "HEAD"):
            raise Problem(405, "GET it", {"allow": "GET, HEAD"})
        name = path or "index.html"
        if not is_file(name):
            if path == "v1/stream":  # often so behind a proxy that does not pass the header `upgrade` on
                plain = str(request.scope.get("http_version", "1.1")).startswith("1")
                headers = {"upgrade": "websocket", "connection": "upgrade"} if plain else None
                raise Problem(426, "this is a websocket: ask to upgrade; v1/events is the same by HTTP", headers)
            if path:
                raise Problem(404, "nothing here")
            return Response(MISSING_PAGE, headers={"cache-control": "no-store"}, media_type="text/html")
        response = await self._files.get_response(name, request.scope)
        response.headers["cache-control"] = "no-cache"
        return response

    # What they share.

    def _query(self, request: Request, allow: Iterable[str]) -> dict[str, str]:
        query = self._parsed(request)
        allow = set(allow)
        for name, values in query.items():
            if name not in allow or len(values) > 1:
                raise Problem(400, f"parameters: {', '.join(sorted(allow)) or 'none'}, each once")
        return {name: values[0] for name, values in query.items()}

    def _selection(self, request: Request, allow: Iterable[str]) -> Selection:
        try:
            return narrowed(request.scope, self.hub, self._parsed(request), allow)
        except Wrong as wrong:
            raise Problem(400, str(wrong)) from None

    @staticmethod
    def _parsed(request: Request) -> dict[str, list[str]]:
        try:
            return parse_qs(request.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=20)
        except ValueError:
            raise Problem(400, "too many parameters") from None

    async def _newest(self, delta: bool) -> Any:
        if self.hub.waiting >= MOST_WAITING:
            raise Problem(503, "too many wait for a sample", {"retry-after": "1"})
        try:
            return await self.hub.newest(PATIENCE + 2 * self.hub.interval, delta)
        except TimeoutError:
            raise Problem(503, "no sample yet", {"retry-after": "1"}) from None

    def _sample(self, request: Request, what: str, seq: int, selection: Selection, make: Any) -> Response:
        """Something of one tick, encoded once for all who ask for it."""
        media = accepted(", ".join(request.headers.getlist("accept")), FORMATS)
        if media is None:
            raise Problem(406, f"formats: {JSON}, {MSGPACK}")
        format = "json" if media == JSON else "msgpack"
        key = (what, seq, format, selection)

        def data() -> bytes:
            made = self._made.get(key)
            if made is None:
                made = (json if format == "json" else msgpack).encode(make())
                # What is of an older tick is asked for no more.
                self._made = {known: data for known, data in self._made.items() if known[1] >= seq}
                if len(self._made) < MOST_KEPT and sum(map(len, self._made.values())) + len(made) <= MOST_KEPT_BYTES:
                    self._made[key] = made
            return made

        picked = sha256(repr(selection).encode()).hexdigest()[:16]
        etag = f'"{self.hub.run}-{what}-{seq}-{picked}-{format}"'
        age = self.hub.age() or 0.0
        headers = {"vary": "Accept", "age": str(int(age)), "procpulse-age-seconds": f"{age:.3f}"}
        return _tagged(request, etag, data, media, headers)


@cache
def _files(folder: Path) -> frozenset[str]:
    """The names of the files of the page, read once."""
    try:
        return frozenset(entry.name for entry in os.scandir(folder) if entry.is_file() and entry.name[0] != ".")
    except OSError:
        return frozenset()


def is_file(name: str) -> bool:
    """Whether the page has a file of this name."""
    return name in _files(STATIC)


def is_public(path: str) -> bool:
    """Whether a path is of the page itself, which says nothing about the host."""
    return path in ("", "/", "/v1/login", "/v1/logout") or is_file(path[1:])


def _cookie(request: Request) -> dict[str, Any]:
    """Where the cookie of a session goes, and where not."""
    return {
        "path": request.scope.get("root_path", "").rstrip("/") or "/",
        "secure": request.url.scheme == "https",
        "httponly": True,
        "samesite": "strict",
    }


async def _joined(first: bytes, frames: list[HistoryFrame], last: bytes) -> AsyncIterator[bytes]:
    """The frames with commas between, in pieces. The bytes of a frame are those that the hub keeps."""
    piece = bytearray(first)
    for place, frame in enumerate(frames):
        if place:
            piece += b","
        for part in frame.pieces:
            piece += part
        while len(piece) >= PIECE:
            yield bytes(piece[:PIECE])
            del piece[:PIECE]
    piece += last
    for start in range(0, len(piece), PIECE):
        yield bytes(piece[start : start + PIECE])


def _tagged(request: Request, etag: str, data: Any, media: str, headers: dict[str, str]) -> Response:
    headers = {"etag": etag, "cache-control": "no-cache", **headers}
    if matches(request.headers.get("if-none-match", ""), etag):
        return Response(status_code=304, headers=headers)
    return Response(data(), headers=headers, media_type=media)
