"""Nobody is refused who works, and whoever asks for too much is told so."""

from __future__ import annotations

import time
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from engine.core.settings import AuthSettings
from engine.core.settings_limits import LimitSettings
from ui.app.fair_shares import middleware
from ui.app.fair_shares.middleware import FairSharesMiddleware, proxies_of
from ui.app.fair_shares.token_buckets import TokenBuckets
from ui.app.proxies import is_among


async def sent(request: Request) -> JSONResponse:
    body = await request.body()
    return JSONResponse({"bytes": len(body)}, status_code=400 if body == b"bad" else 200)


async def seen(_request: Request) -> JSONResponse:
    return JSONResponse({})


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        pass


def server(**limits: Any) -> TestClient:
    routes = [Route("/sent", sent, methods=["POST"]), Route("/seen", seen), WebSocketRoute("/tab", echo)]
    fair = Middleware(FairSharesMiddleware, limits=LimitSettings(**limits), auth=AuthSettings(proxies=("10.9.9.9",)))
    return TestClient(Starlette(routes=routes, middleware=[fair]), client=("10.9.9.9", 1))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "SLOW_SECONDS", 0.05)
    monkeypatch.setattr(middleware, "PATIENCE_SECONDS", 0.01)


def from_address(address: str, name: str = "Ada") -> dict[str, str]:
    return {"x-forwarded-for": address, "cookie": f"longtail_curator={name}"}


def statuses(client: TestClient, count: int, content: bytes = b"ok", **headers: str) -> list[int]:
    return [client.post("/sent", content=content, headers=headers).status_code for _ in range(count)]


def test_what_is_sent_arrives_whole():
    assert server().post("/sent", content=bytes(900_000)).json() == {"bytes": 900_000}


def test_too_often_is_refused_with_a_sentence_and_when_to_come_back():
    client = server(actions_per_second=0.5)
    assert statuses(client, 7) == [200] * 7
    answer = client.post("/sent", content=b"ok")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "Wait a few seconds" in answer.json()["error"]


def test_a_refusal_takes_its_time():
    client = server(actions_per_second=0.1)
    statuses(client, 2)
    began = time.monotonic()
    assert statuses(client, 3) == [429] * 3
    assert time.monotonic() - began >= 0.15


def test_what_others_do_costs_nobody_anything():
    client = server(actions_per_second=0.1)
    assert 429 in statuses(client, 4, **from_address("9.9.9.9", "Eve"))
    assert statuses(client, 1, **from_address("10.0.0.1")) == [200]


def test_an_address_with_invented_names_is_bounded_as_a_whole():
    client = server(actions_per_second=0.1, people_per_address=4)
    taken = [statuses(client, 1, **from_address("9.9.9.9", f"Eve{number}"))[0] for number in range(12)]
    assert taken == [200] * 6 + [429] * 6
    assert statuses(client, 1, **from_address("10.0.0.1")) == [200]


def test_bad_requests_cost_more_than_good_ones():
    client = server(actions_per_second=1)
    assert statuses(client, 4, b"bad").count(400) == 3


def test_pictures_are_counted_by_themselves():
    client = server(actions_per_second=0.1, views_per_second=2)
    statuses(client, 3)
    assert [client.get("/seen").status_code for _ in range(30)] == [200] * 30
    assert client.get("/seen").status_code == 429


def test_too_much_at_once_is_refused_whether_it_says_so_or_not():
    client = server(body_mb=0.25)
    for content in (bytes(300_000), iter([bytes(150_000), bytes(150_000)])):
        answer = client.post("/sent", content=content)
        assert answer.status_code == 413
        assert "0.25 MB" in answer.json()["error"]


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 400, "x"])
def test_a_length_that_is_no_number_is_refused(length):
    assert server().post("/sent", content=b"", headers={"content-length": length}).status_code in {400, 413}


def test_one_person_opens_so_many_tabs():
    client = server(tabs=2, people_per_address=1)
    with client.websocket_connect("/tab") as first, client.websocket_connect("/tab"):
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/tab"):
            pass
        first.send_text("still here")
        assert first.receive_text() == "still here"
    with client.websocket_connect("/tab"):
        pass


def test_messages_that_come_too_fast_wait_and_are_all_taken():
    client = server(messages_per_second=20, people_per_address=1)
    with client.websocket_connect("/tab") as tab:
        began = time.monotonic()
        for number in range(306):
            tab.send_text(str(number))
        assert [tab.receive_text() for _ in range(306)] == [str(number) for number in range(306)]
        assert time.monotonic() - began > 0.2


def test_all_the_pictures_that_somebody_chose_may_come_at_once():
    client = server()
    answers = {
        client.put(f"/_stcore/upload_file/tab/{number}", content=b"picture").status_code for number in range(200)
    }
    assert 429 not in answers


def test_a_curator_who_judges_every_second_and_fetches_ahead_is_never_refused(monkeypatch: pytest.MonkeyPatch):
    """Two minutes of one judgement a second and cards with their pictures every five, on a clock of the test's."""
    now = 0.0
    monkeypatch.setattr(middleware, "TokenBuckets", lambda rate, size: TokenBuckets(rate, size, lambda: now))
    client = server()
    for second in range(120):
        now = float(second)
        assert client.post("/sent", content=b"decision").status_code == 200
        if second % 5 == 0:
            assert client.post("/sent", content=b"cards").status_code == 200
            assert {client.get("/seen").status_code for _ in range(12)} == {200}


@pytest.mark.parametrize(
    ("auth", "many"),
    [
        ({}, []),
        ({"open": True}, ["127.0.0.1"]),
        ({"header": "X-User", "header_secret": "only the proxy knows this"}, ["127.0.0.1"]),
        ({"header": "X-User", "proxies": ["10.0.0.0/24"]}, ["10.0.0.5", "127.0.0.1"]),
        ({"header": "X-User"}, []),
    ],
    ids=["this-machine-alone", "open", "proxy-by-secret", "proxy-by-address", "half-set-up"],
)
def test_a_proxy_on_this_machine_may_hold_the_connections_of_many(auth, many):
    proxies = proxies_of(AuthSettings.model_validate(auth))
    assert [one for one in ("10.0.0.5", "127.0.0.1", "9.9.9.9") if is_among(one, proxies)] == many
