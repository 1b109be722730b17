"""What a client would like to get, by its headers."""

from collections.abc import Sequence


def accepted(accept: str, offers: Sequence[str]) -> str | None:
    """The offer that a client likes best; the first of those that it likes equally, None where it wants none.

    Args:
        accept: The Accept header; empty for none, which means anything.
        offers: Media types, the server's favourite first.
    """
    if not accept.strip():
        return offers[0]
    ranges = [_range(piece) for piece in accept.split(",") if piece.strip()]
    best, most = None, 0.0
    for offer in offers:
        kind, _, _ = offer.partition("/")
        quality = 0.0
        for wanted in (offer, f"{kind}/*", "*/*"):
            found = [q for name, q in ranges if name == wanted]
            if found:
                quality = max(found)
                break
        if quality > most:
            best, most = offer, quality
    return best


def _range(piece: str) -> tuple[str, float]:
    name, *parameters = (word.strip().lower() for word in piece.split(";"))
    quality = 1.0
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
            quality = quality if 0 <= quality <= 1 else 0.0
    return name, quality


def matches(if_none_match: str, etag: str) -> bool:
    """Whether a client has this already."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag.removeprefix("W/") in tags
