"""Requests that a browser makes for a page of another site, by what it says of itself (Sec-Fetch-Site).

A page can make a browser ask without an Origin, and not read the answer; but it can make it ask often, and for streams.
So whatever comes from another site is refused, unless that site was named, or somebody followed a link to the page.

https://www.w3.org/TR/fetch-metadata/
"""

from collections.abc import Collection

from procpulse.web.guard import Scope, route_path

PAGE = frozenset({"", "/", "/index.html"})


def is_of_another_site(scope: Scope, origins: Collection[str]) -> bool:
    """Whether a request is one that a page of another site made, and that it may not make.

    Args:
        scope: An HTTP request or a websocket.
        origins: Sites that may ask.
    """
    said = {bytes(name).lower(): bytes(value).strip().lower() for name, value in scope["headers"]}
    if said.get(b"sec-fetch-site") not in (b"cross-site", b"same-site"):
        return False
    if said.get(b"origin", b"").decode("latin-1").rstrip("/") in origins:
        return False
    followed = (
        said.get(b"sec-fetch-mode") == b"navigate"
        and said.get(b"sec-fetch-dest", b"document") == b"document"
        and scope.get("method") in ("GET", "HEAD")
    )
    return not (followed and route_path(scope) in PAGE)
