from __future__ import annotations

import logging

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from engine.core.logs import JsonLines, _bound
from ui.app.operations.requests import RequestMiddleware

logger = logging.getLogger(__name__)


@pytest.fixture
def client() -> TestClient:
    async def page(request: Request) -> PlainTextResponse:
        if "fail" in request.query_params:
            raise ZeroDivisionError("secret detail")
        return PlainTextResponse(f"{request.state.request_id} {_bound.get()['request_id']}")

    app = Starlette(routes=[Route("/", page)], middleware=[Middleware(RequestMiddleware)])
    return TestClient(app)


def test_every_request_has_an_id_of_its_own_in_its_answer_and_its_lines(client: TestClient) -> None:
    answers = [client.get("/") for _ in range(2)]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert [answer.text for answer in answers] == [f"{one} {one}" for one in ids]
    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("0af7651916cd43dd8448eb211c80319c", True),
        ("short", False),
        ("x" * 65, False),
        ('abcdefgh"}', False),
        ("abcdefgh ijkl", False),
    ],
)
def test_a_proxys_id_is_taken_where_it_is_one(client: TestClient, given: str, taken: bool) -> None:
    assert (client.get("/", headers={"x-request-id": given}).headers["x-request-id"] == given) is taken


def test_what_fails_unexpectedly_is_a_number_for_the_person_and_a_trace_in_the_log(client: TestClient, caplog) -> None:
    answer = client.get("/?fail=1")
    (record,) = [record for record in caplog.records if hasattr(record, "error")]
    assert (answer.status_code, answer.text) == (500, f"Something went wrong on our side (error {record.error}).")
    assert "ZeroDivisionError: secret detail" in JsonLines().format(record)
    assert "answered 500 at /" in caplog.messages
