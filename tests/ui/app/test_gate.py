"""No route answers before it is known who asks, and nobody can say that they are somebody else."""

from __future__ import annotations

import time

import pytest
from starlette.websockets import WebSocketDisconnect

from engine.access.people import People
from engine.access.roles import Role
from engine.core.workspace import Workspace
from tests.support.dashboard import open_shell
from tests.support.sign_in import HEADER_SECRET, cookie_header, cookies_of, gated, use_oidc, use_proxy
from ui.app.gate import is_public
from ui.app.identity import SEALED_HEADER, SEALED_NAME, UNKNOWN, unseal
from ui.app.navigation import NAVIGATION
from ui.app.person import forget_roles, sign_out_everywhere
from ui.app.resources import database
from ui.review.tokens import ReviewToken, sign_token

CLOSED = [
    "thumb/" + "0" * 64,
    "picture/" + "0" * 64,
    "media/0123.png",
    "component/longtail.x/index.html",
    "app/static/file.txt",
    "_stcore/upload_file/session/file",
    "_stcore/bidi-components/x/y.js",
    "_stcore/script-health-check",
    "_stcore/agent/interact",
    "_stcore/agent/mcp",
    "_stcore/agent/openapi.json",
    "review/cards",
    "review/decisions",
    "static/../thumb/" + "0" * 64,
    "//thumb/" + "0" * 64,
    "thumb//" + "0" * 64,
    "similar_items/thumb",
    "nothing",
]
PICTURE = "/thumb/" + "0" * 64
ADA = {"email": "ada@example.com", "email_verified": True}
PROXIED = {"x-forwarded-user": "ada@example.com", "x-longtail-secret": HEADER_SECRET}


@pytest.fixture(autouse=True)
def shop(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    workspace.root.mkdir(parents=True)
    forget_roles()
    return workspace


@pytest.fixture
def oidc(monkeypatch: pytest.MonkeyPatch) -> None:
    use_oidc(monkeypatch)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.usefixtures("oidc")
def test_no_route_answers_before_sign_in(path: str, method: str) -> None:
    answer = gated().request(method, f"/{path}")
    assert answer.status_code == 401
    assert "Sign in first" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("path", CLOSED)
def test_no_route_answers_whom_no_proxy_vouches_for(path: str, shop: Workspace) -> None:
    use_proxy(shop.root)
    for headers in ({}, {"x-forwarded-user": "ada@example.com"}, {**PROXIED, "x-longtail-secret": "a guess"}):
        assert gated().get(f"/{path}", headers=headers).status_code == 401


def test_the_screen_that_asks_for_sign_in_can_be_drawn_at_every_address() -> None:
    pages = [entry.module for entries in NAVIGATION.values() for entry in entries]
    assert all(is_public(path) for path in ["", "static/js/index.js", "_stcore/health", "auth/login", *pages])
    assert not any(is_public(path.strip("/")) for path in CLOSED if not path.startswith("static/"))


@pytest.mark.usefixtures("oidc")
def test_somebody_who_signed_in_is_answered() -> None:
    headers = cookie_header(cookies_of(ADA))
    answer = gated().get(PICTURE, headers=headers)
    assert answer.status_code == 404
    assert answer.text.startswith("<svg")


@pytest.mark.usefixtures("oidc")
def test_a_session_hears_of_its_person_from_the_gate_alone() -> None:
    forged = {SEALED_HEADER: "anything", "x-longtail-secret": "anything"}
    for headers, name in ((cookie_header(cookies_of(ADA)), "ada@example.com"), ({}, None)):
        with gated().websocket_connect("/_stcore/stream", headers={**headers, **forged, "host": "localhost"}) as socket:
            heard = socket.receive_json()
        identity = unseal(heard.get(SEALED_HEADER))
        assert (identity and identity.name) == name
        assert "x-longtail-secret" not in heard
        assert name is not None or heard[SEALED_HEADER] == UNKNOWN


def test_who_came_while_people_signed_in_is_not_let_in_by_settings_that_no_longer_say_so(shop: Workspace) -> None:
    use_proxy(shop.root)
    with gated().websocket_connect("/_stcore/stream", headers={"host": "localhost"}) as socket:
        told = socket.receive_json()[SEALED_HEADER]
    shop.settings_file.write_text("")  # as an editor leaves it for a moment
    stranger, at_home = open_shell(), open_shell()
    stranger.user = {SEALED_NAME: told}
    assert [one.value for one in stranger.run().title] == ["Sign in to Longtail"]
    assert [one.value for one in at_home.title] == ["Welcome to Longtail"]


def test_settings_that_cannot_be_read_leave_only_this_machine_free_to_come_in_later(shop: Workspace) -> None:
    shop.settings_file.write_text("nonsense")
    for client, told in (("127.0.0.1", None), ("10.0.0.9", UNKNOWN)):
        with gated(client).websocket_connect("/_stcore/stream", headers={"host": "localhost"}) as socket:
            assert socket.receive_json().get(SEALED_HEADER) == told


def test_headers_that_name_somebody_are_taken_off_whoever_sends_them(shop: Workspace) -> None:
    use_proxy(shop.root)
    for headers in (PROXIED, {"x-forwarded-user": "eve"}):
        with gated().websocket_connect("/_stcore/stream", headers={**headers, "host": "localhost"}) as socket:
            heard = socket.receive_json()
        assert "x-forwarded-user" not in heard
        identity = unseal(heard.get(SEALED_HEADER))
        assert (identity.name if identity else None) == ("ada@example.com" if headers is PROXIED else None)


def test_a_proxy_that_proves_itself_is_believed(shop: Workspace) -> None:
    use_proxy(shop.root)
    assert gated().get(PICTURE, headers=PROXIED).status_code == 404
    twice = [*PROXIED.items(), ("x-forwarded-user", "eve@example.com")]
    assert gated().get(PICTURE, headers=twice).status_code == 401


@pytest.mark.usefixtures("oidc")
def test_signing_out_ends_what_was_signed_before_and_nothing_after(monkeypatch: pytest.MonkeyPatch) -> None:
    before, others = (cookie_header(cookies_of({**ADA, "email": who})) for who in ("ada@example.com", "bo@example.com"))
    assert gated().get(PICTURE, headers=before).status_code == 404
    sign_out_everywhere("ada@example.com")
    assert gated().get(PICTURE, headers=before).status_code == 401
    assert gated().get(PICTURE, headers=others).status_code == 404
    later = time.time() + 5
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: later)
    assert gated().get(PICTURE, headers=cookie_header(cookies_of(ADA))).status_code == 404
    assert gated().get(PICTURE, headers=before).status_code == 401


@pytest.mark.usefixtures("oidc")
def test_who_has_no_role_gets_nothing_until_an_admin_gives_one(shop: Workspace) -> None:
    shop.settings_file.write_text('[auth]\ndefault_role = "none"\n')
    headers = cookie_header(cookies_of(ADA))
    refused = gated().get(PICTURE, headers=headers)
    assert refused.status_code == 403
    assert "no role" in refused.text
    People(database()).set_role("ada@example.com", Role.VIEWER)
    forget_roles()
    assert gated().get(PICTURE, headers=headers).status_code == 404


@pytest.mark.usefixtures("oidc")
def test_a_token_is_of_use_to_nobody_else(shop: Workspace) -> None:
    body = {"token": sign_token(shop, ReviewToken("ada@example.com", "")), "want": 1, "have": []}
    bo = cookie_header(cookies_of({**ADA, "email": "bo@example.com"})) | {"host": "localhost:8501"}
    for path in ("/review/cards", "/review/decisions"):
        answer = gated().post(path, json=body, headers=bo)
        assert answer.status_code == 403
        assert "Someone else is judging" in answer.json()["error"]
    named = {**bo, "cookie": f"{bo['cookie']}; longtail_curator=ada%40example.com"}
    assert gated().post("/review/cards", json=body, headers=named).status_code == 403


@pytest.mark.usefixtures("oidc")
def test_a_token_from_before_signing_out_is_no_good_after(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("itsdangerous.timed.time.time", lambda: 1_790_000_000)
        token = sign_token(shop, ReviewToken("ada@example.com", ""))
    monkeypatch.setattr("ui.review.tokens.LIFETIME_SECONDS", 10**9)
    sign_out_everywhere("ada@example.com")
    monkeypatch.setattr("ui.app.person.time.time", lambda: 1_900_000_000.0)
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 1_900_000_000)
    headers = cookie_header(cookies_of(ADA))
    answer = gated().post("/review/cards", json={"token": token, "want": 1, "have": []}, headers=headers)
    assert answer.status_code == 403
    assert "signed out" in answer.json()["error"]


def test_where_nobody_signs_in_this_machine_alone_is_answered(shop: Workspace) -> None:
    assert gated().get(PICTURE).status_code == 404
    for client in (gated("10.0.0.9"), gated("::ffff:10.0.0.9"), gated("testclient")):
        answer = client.get(PICTURE)
        assert answer.status_code == 403
        assert "auth.open = true" in answer.text
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
            pass
    named = gated(hosts=("shop.example.com",)).get(PICTURE, headers={"host": "shop.example.com"})
    assert named.status_code == 403
    shop.settings_file.write_text("[auth]\nopen = true\n")
    assert gated("10.0.0.9", hosts=("shop.example.com",)).get(PICTURE).status_code == 404


def test_there_is_no_way_to_sign_in_where_none_is_configured() -> None:
    assert gated().get("/auth/login").status_code == 404
    assert gated().get("/oauth2callback").status_code == 404


def test_settings_that_cannot_be_read_close_every_route(shop: Workspace) -> None:
    shop.settings_file.write_text("[auth\n")
    assert gated().get(PICTURE).status_code == 503
    assert gated("10.0.0.9").get("/review/cards").status_code == 503


def test_where_nobody_signs_in_a_token_is_for_the_browser_that_bears_the_name(shop: Workspace) -> None:
    body = {"token": sign_token(shop, ReviewToken("Ada", "")), "decisions": "none"}
    for cookie in ("longtail_curator=Bo", ""):
        answer = gated().post("/review/decisions", json=body, headers={"cookie": cookie})
        assert answer.status_code == 403
        assert "Someone else is judging" in answer.json()["error"]
    read = gated().post("/review/decisions", json=body, headers={"cookie": "longtail_curator=Ada"})
    assert read.status_code == 400
