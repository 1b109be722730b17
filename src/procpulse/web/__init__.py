"""A server of what the host does: snapshots, streams, metrics and a page, as one ASGI application.

    import procpulse.web

    app.mount("/pulse", procpulse.web.app())       # Starlette, FastAPI
    procpulse serve                                # by itself

It starts to sample with the first client and stops a minute after the last. Needs `pip install 'procpulse[web]'`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from procpulse.sampler import Sampler
    from procpulse.source import Roots, Source
    from procpulse.web.application import Application

__all__ = ["app"]


def app(
    sampler: "Sampler | None" = None,
    *,
    sources: "Iterable[Source[Any]] | None" = None,
    interval: float = 1.0,
    roots: "Roots | None" = None,
    cmdline: bool | str = False,
    token: str | None = None,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
    insecure: bool = False,
    max_clients: int = 1024,
    max_clients_per_address: int = 32,
) -> "Application":
    """One ASGI application, to be served by itself or mounted behind any prefix.

    Args:
        sampler: One that you have already; its sources are served, and you close it. By default one is made.
        sources: What to sample instead of the host, its processes and its temperatures. What usage needs is added.
        interval: Seconds between ticks.
        roots: Where /proc and /sys are.
        cmdline: What clients may see of the arguments of processes: "names", the program and the names of options;
            "redacted", all but what may be secret; "raw", all, secrets as well. True is "names". By default they see
            nothing, and `environ` is never shown.
        token: What clients have to show. Without one, only clients on this machine are let in.
        hosts: Names by which clients reach this server, besides localhost and its own address: `name` or `name:port`.
        origins: Other sites whose pages may ask, such as `https://grafana.example`.
        insecure: Let anybody in without a token.
        max_clients: How many may be connected to streams.
        max_clients_per_address: How many of one address.

    Raises:
        ValueError: the token is too short, the interval is not above 0, or `cmdline` is something else.
        ModuleNotFoundError: the extra is not installed.
    """
    from procpulse.web.application import Application

    return Application(
        sampler,
        sources=sources,
        interval=interval,
        roots=roots,
        cmdline=cmdline,
        token=token,
        hosts=hosts,
        origins=origins,
        insecure=insecure,
        max_clients=max_clients,
        max_clients_per_address=max_clients_per_address,
    )
