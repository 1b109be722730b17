"""What there is to ask for, as an OpenAPI document."""

from typing import Any

import msgspec

from procpulse import __version__
from procpulse.web.hub import Hub
from procpulse.web.select import MOST_TOP, ORDERS

_JSON, _MSGPACK = "application/json", "application/msgpack"
_ERROR = {
    "description": "Why not.",
    "content": {
        _JSON: {
            "schema": {
                "type": "object",
                "required": ["error"],
                "properties": {"error": {"type": "string"}},
            }
        }
    },
}


def description(hub: Hub) -> dict[str, Any]:
    """The document, for the sources that a server has."""
    definitions = msgspec.json.decode(hub.schema[0])["$defs"]
    schemas = msgspec.json.decode(msgspec.json.encode(definitions).replace(b"#/$defs/", b"#/components/schemas/"))

    def named(name: str) -> dict[str, Any]:
        return {"$ref": f"#/components/schemas/{name}"}

    sources = {
        "name": "sources",
        "in": "query",
        "description": "Names with commas between; all without it.",
        "style": "form",
        "explode": False,
        "schema": {"type": "array", "items": {"type": "string", "enum": hub.names}},
    }
    top = {
        "name": "top",
        "in": "query",
        "description": "So many processes; all without it.",
        "schema": {"type": "integer", "minimum": 0, "maximum": MOST_TOP},
    }
    by = {
        "name": "by",
        "in": "query",
        "description": "What these processes have most of.",
        "schema": {"type": "string", "enum": list(ORDERS), "default": "cpu_ratio"},
    }
    usage = _object(seq=_INTEGER, time=_NUMBER, gap=_INTEGER, usage=named("Rates"))
    frame = _object(
        seq=_INTEGER,
        time=_NUMBER,
        usage={"type": "object"},
        load={"type": ["array", "null"], "items": _NUMBER, "minItems": 3, "maxItems": 3},
    )
    history = _object(
        boot_id=_STRING, run=_STRING, interval=_NUMBER, step=_INTEGER, frames={"type": "array", "items": frame}
    )
    entry = _object(name=_STRING, path=_STRING, here=_STRING, detail=_STRING, fields={"type": "object"})
    seconds = {
        "name": "seconds",
        "in": "query",
        "description": "How far back.",
        "schema": {"type": "integer", "minimum": 0, "maximum": 99999, "default": 900},
    }
    interval = {
        "name": "interval",
        "in": "query",
        "description": f"Seconds between frames, a multiple of {hub.interval:g}.",
        "schema": {"type": "number", "enum": [hub.interval, 2 * hub.interval, 5 * hub.interval]},
    }
    rates = {
        "name": "usage",
        "in": "query",
        "description": "Whether rates and ratios come along.",
        "schema": {"type": "integer", "enum": [0, 1], "default": 0},
    }
    paths: dict[str, Any] = {
        "/v1/snapshot": _get("The newest sample.", [sources, top, by], named("Snapshot"), sample=True),
        "/v1/delta": _get(
            "What changed between the newest two samples.", [sources, top, by], named("Delta"), sample=True
        ),
        "/v1/usage": _get("Rates and ratios between the newest two samples.", [top, by], usage, sample=True),
        "/v1/history": _get("Rates and ratios of the last minutes, a frame a tick.", [seconds], history),
        "/v1/sources": _get("What is served, and what it means.", [], {"type": "array", "items": entry}),
        "/v1/schema": _get("JSON Schema of it.", [], {"type": "object"}, media="application/schema+json", tagged=True),
        "/openapi.json": _get("This document.", [], {"type": "object"}, tagged=True),
        "/healthz": _get("That the server answers.", [], _object(status=_STRING)),
        "/readyz": _get(
            "Whether samples come.", [], _object(status=_STRING, age_seconds={"type": ["number", "null"]}), ready=True
        ),
        "/metrics": _get("Prometheus text, or OpenMetrics.", [], _STRING, media="text/plain"),
        "/v1/events": _get(
            "Frames as server-sent events; see docs/protocol.md.",
            [sources, top, by, interval, rates],
            _STRING,
            media="text/event-stream",
        ),
        "/v1/login": {"post": _LOGIN},
        "/v1/logout": {"post": _LOGOUT},
    }
    paths["/metrics"]["get"]["responses"]["200"]["content"]["application/openmetrics-text"] = {"schema": _STRING}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "procpulse",
            "version": __version__,
            "description": "What this host does. Streams by websocket are at v1/stream; see docs/protocol.md.",
        },
        "servers": [{"url": "."}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


_STRING = {"type": "string"}
_NUMBER = {"type": "number"}
_INTEGER = {"type": "integer"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def _get(
    summary: str,
    parameters: list[dict[str, Any]],
    schema: dict[str, Any],
    *,
    sample: bool = False,
    tagged: bool = False,
    ready: bool = False,
    media: str = _JSON,
) -> dict[str, Any]:
    content: dict[str, Any] = {media: {"schema": schema}}
    responses: dict[str, Any] = {"200": {"description": summary, "content": content}}
    if sample:
        content[_MSGPACK] = {"schema": {"type": "string", "format": "binary"}}
        responses["406"] = _ERROR
    if sample or tagged:
        responses["304"] = {"description": "You have it."}
    if ready:
        responses["503"] = {"description": "They do not.", "content": content}
    else:
        responses |= {"400": _ERROR, "503": _ERROR}
    responses |= {"401": _ERROR, "403": _ERROR}
    if media == "text/event-stream":
        responses["429"] = _ERROR
    return {"get": {"summary": summary, "parameters": parameters, "responses": responses}}


_LOGIN = {
    "summary": "A cookie for a token.",
    "requestBody": {
        "required": True,
        "content": {
            _JSON: {
                "schema": {
                    "type": "object",
                    "required": ["token"],
                    "properties": {"token": {"type": "string", "maxLength": 1024}},
                    "additionalProperties": False,
                }
            }
        },
    },
    "responses": {
        "204": {"description": "The cookie is set."},
        **dict.fromkeys(("400", "401", "403", "413", "415", "429"), _ERROR),
    },
}
_LOGOUT = {
    "summary": "The end of the session that the cookie is for.",
    "responses": {"204": {"description": "It is over, if there was one."}, "403": _ERROR},
}
