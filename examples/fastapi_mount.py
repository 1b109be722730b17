"""A FastAPI service that shares one sampler with procpulse's page below /pulse.

uvicorn examples.fastapi_mount:app
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

import procpulse.web
from procpulse import Sampler
from procpulse.sources import DISKSTATS, LOADAVG, MEMINFO, NET_DEV, PROCESSES, STAT, VMSTAT

sampler = Sampler([STAT, MEMINFO, VMSTAT, LOADAVG, NET_DEV, DISKSTATS, PROCESSES])
pulse = procpulse.web.app(sampler)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with sampler, pulse.lifespan():
        yield


app = FastAPI(lifespan=lifespan)
app.mount("/pulse", pulse)


@app.get("/busy")
async def busy() -> dict[str, float | None]:
    async for delta in sampler.deltas(interval=1):
        return {"busy_ratio": delta.usage.cpu.busy_ratio if delta.usage.cpu else None}
    return {}
