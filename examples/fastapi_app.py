"""A FastAPI application that answers /stats and pushes to any number of websockets, from one shared sampler.

uvicorn examples.fastapi_app:app
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
from fastapi import FastAPI, Response, WebSocket, WebSocketDisconnect

from procpulse import Sampler
from procpulse.encode import json
from procpulse.sources import DISKSTATS, LOADAVG, MEMINFO, NET_DEV, STAT


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with Sampler([STAT, MEMINFO, LOADAVG, NET_DEV, DISKSTATS]) as app.state.sampler:
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/stats")
async def stats() -> Response:
    snap = await app.state.sampler.sample()
    return Response(json.encode(snap), media_type="application/json")


@app.websocket("/live")
async def live(socket: WebSocket) -> None:
    await socket.accept()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(push, socket)
        # Only who receives is told that a tab was closed; a server may drop in silence what is sent to it.
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
        tasks.cancel_scope.cancel()


async def push(socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect):  # it was closed while this was sent
        # Every socket shares one read of the kernel per second.
        async for delta in socket.app.state.sampler.deltas(interval=1):
            await socket.send_bytes(json.encode(delta.usage.rates()))
