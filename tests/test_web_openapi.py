"""The OpenAPI document, held to by questions that schemathesis makes up."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings

from procpulse.web.application import Application
from tests.test_web_servers import Serving
from tests.web import application, client


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    with Serving("--port", "0", "--interval", "100ms", "--sources", "loadavg,net_dev") as it:
        yield it.url


# The stream has no end; tests/test_web_streams.py reads it.
OPERATIONS = [
    "GET /v1/snapshot", "GET /v1/delta", "GET /v1/usage", "GET /v1/history", "GET /v1/sources", "GET /v1/schema",
    "GET /openapi.json", "GET /healthz", "GET /readyz", "GET /metrics", "POST /v1/login", "POST /v1/logout",
]  # fmt: skip


@pytest.fixture(scope="module")
def operations(place: str) -> dict[str, Any]:
    schema = schemathesis.openapi.from_url(f"{place}openapi.json")
    found = [result.ok() for result in schema.get_all_operations()]
    return {f"{operation.method.upper()} {operation.path}": operation for operation in found}


@pytest.mark.server
@pytest.mark.parametrize("name", OPERATIONS)
def test_made_up_questions(operations: dict[str, Any], place: str, name: str) -> None:
    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operations[name].as_strategy())
    def ask(case: Any) -> None:
        case.call_and_validate(base_url=place.rstrip("/"))

    ask()


@pytest.mark.server
@pytest.mark.parametrize("name", ["GET /v1/snapshot", "GET /v1/usage", "GET /v1/history", "POST /v1/login"])
def test_made_up_nonsense(operations: dict[str, Any], place: str, name: str) -> None:
    mode = schemathesis.GenerationMode.NEGATIVE

    @settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operations[name].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(base_url=place.rstrip("/"))
        assert 200 <= answer.status_code < 500

    ask()


def test_no_operation_is_left_out(operations: dict[str, Any]) -> None:
    assert {*OPERATIONS, "GET /v1/events"} == set(operations)


async def test_every_path_is_in_the_document() -> None:
    app: Application = application()
    async with client(app) as web:
        document = (await web.get("/openapi.json")).json()
        assert document["openapi"] == "3.1.0"
        routes = {route.path for route in app._endpoints.routes} | {"/v1/events"}
        assert set(document["paths"]) == routes
        again = await web.get(
            "/openapi.json", headers={"if-none-match": (await web.get("/openapi.json")).headers["etag"]}
        )
        assert again.status_code == httpx.codes.NOT_MODIFIED
    await app.hub.stop()
