"""A Starlette service with procpulse's page, streams and metrics below /pulse.

uvicorn examples.starlette_app:app
"""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

import procpulse.web

pulse = procpulse.web.app()


async def home(request: Request) -> PlainTextResponse:
    return PlainTextResponse("How this host is: /pulse/")


# With the lifespan it samples from the start and has a history; without, from the first visitor on.
app = Starlette(routes=[Route("/", home), Mount("/pulse", pulse)], lifespan=pulse.lifespan)
