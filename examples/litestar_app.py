"""A Litestar service with procpulse's page, streams and metrics below /pulse.

uvicorn examples.litestar_app:app
"""

from litestar import Litestar, asgi, get

import procpulse.web

pulse = procpulse.web.app()


@get("/", sync_to_thread=False)
def home() -> str:
    return "How this host is: /pulse/"


mount = asgi("/pulse", is_mount=True, copy_scope=True)(pulse)
app = Litestar([home, mount], lifespan=[pulse.lifespan], logging_config=None)
