"""A server of what the host does: snapshots, streams, metrics and a page, as one ASGI application.

    import procpulse.web

    app.mount("/pulse", procpulse.web.app())       # Starlette, FastAPI
    procpulse serve                                # by itself

It starts to sample with the first client and stops a minute after the last. Needs `pip install 'procpulse[web]'`.
"""

from collections.abc import Awaitable, Callable, Iterable
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
    auth: "Callable[[Any], bool | Awaitable[bool]] | None" = None,
    public: bool = False,
    hosts: str | Iterable[str] = (),
    origins: str | Iterable[str] = (),
    trusted_proxies: str | Iterable[str] = (),
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
        token: What clients have to show. Without any of `token`, `auth` and `public`, only programs on this machine are
            let in, and nothing that a proxy passed on, as far as that can be told: a proxy on this machine that speaks
            HTTP/1.1 and adds no header of its own looks like one of them.
        auth: Told of every request and websocket by its ASGI scope, once its Host and Origin are found right; answers
            whether it may pass. A coroutine function or a plain one that does not wait.
        public: Let anybody in who reaches this application, since what is around it has checked them.
        hosts: Names by which clients reach this server, besides localhost and its own address: `name` or `name:port`.
        origins: Other sites whose pages may ask, such as `https://grafana.example`.
        trusted_proxies: Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto count; `unix` for a socket of
            the file system. They have to set these headers, whatever a client sends.
        insecure: The former name of `public`.
        max_clients: How many may be connected to streams.
        max_clients_per_address: How many of one address.

    Raises:
        ValueError: the token is too short, the interval is not above 0, `cmdline` is something else, or more than one of
            `token`, `auth` and `public` was given.
        ModuleNotFoundError: the extra is not installed.
    """
    from procpulse.web.access import Access
    from procpulse.web.application import Application
    from procpulse.web.guard import several
    from procpulse.web.peers import TrustedProxies
    from procpulse.web.tokens import Tokens

    access = Access(
        tokens=None if token is None else Tokens.of(token),
        auth=auth,
        public=public or insecure,
        proxies=TrustedProxies(several(trusted_proxies)),
    )
    return Application(
        sampler,
        sources=sources,
        interval=interval,
        roots=roots,
        cmdline=cmdline,
        access=access,
        hosts=hosts,
        origins=origins,
        max_clients=max_clients,
        max_clients_per_address=max_clients_per_address,
    )
