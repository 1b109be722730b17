"""A FastAPI application that answers /stats and pushes to any number of websockets, from one shared sampler.

uvicorn examples.fastapi_app:app
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Response, WebSocket

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
    # Every socket shares one read of the kernel a second.
    async for delta in socket.app.state.sampler.deltas(interval=1):
        await socket.send_bytes(json.encode(delta.usage.rates()))
