"""What tests of the web share: an application that is sampled without waiting, and a real server around it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

import procpulse.web
from procpulse.web.application import Application
from procpulse.web.server import Server, listen

TOKEN = "correct-horse-battery-staple"
FAST = 0.05
"""Seconds between ticks in tests."""


def application(**options: Any) -> Application:
    return procpulse.web.app(**{"interval": FAST, **options})


def client(app: Any, **options: Any) -> httpx.AsyncClient:
    """A client on this machine, without sockets in between."""
    transport = httpx.ASGITransport(app, client=options.pop("client", ("127.0.0.1", 4711)))
    base = options.pop("base_url", "http://127.0.0.1:8787")
    return httpx.AsyncClient(transport=transport, base_url=base, **options)


@asynccontextmanager
async def served(app: Application, most: int = 1024) -> AsyncIterator[str]:
    """The address of a real server, in this loop."""
    sockets = listen("127.0.0.1", 0)
    server = Server(app, most)
    task = asyncio.create_task(server._serve(sockets))
    try:
        while not server.started:
            await asyncio.sleep(0.01)
            if task.done():
                task.result()
        yield f"127.0.0.1:{sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, 10)


def socket(address: str, query: str = "", *, format: str | None = "json", **options: Any) -> connect:
    """A websocket to a stream."""
    protocols = None if format is None else [Subprotocol(f"procpulse.v1.{format}")]
    if "origin" in options:
        options["origin"] = Origin(options["origin"])
    return connect(f"ws://{address}/v1/stream?{query}", subprotocols=protocols, **options)


async def until_closed(connection: ClientConnection) -> tuple[int | None, str | None]:
    """Read on until the server closes; why it did."""
    with suppress(ConnectionClosed):
        async for _ in connection:
            pass
    return connection.close_code, connection.close_reason
