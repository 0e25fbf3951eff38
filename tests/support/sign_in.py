"""Signing in, in tests: secrets, cookies as Streamlit sets them, and apps behind the gate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket
from streamlit.auth_util import set_cookie_with_chunks
from streamlit.runtime.secrets import secrets_singleton
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from ui.app.access import AccessMiddleware
from ui.app.gate import GateMiddleware
from ui.app.routes import routes

COOKIE_SECRET = "a secret that is long enough to be one"
HEADER_SECRET = "only the proxy knows this"
ORIGIN = "http://localhost:8501"
PROXY_SETTINGS = f'[auth]\nheader = "X-Forwarded-User"\nheader_secret = "{HEADER_SECRET}"\n'


def use_oidc(monkeypatch: pytest.MonkeyPatch, **more: Any) -> None:
    """Have this process believe that secrets.toml configures a provider."""
    section = {
        "redirect_uri": f"{ORIGIN}/oauth2callback",
        "cookie_secret": COOKIE_SECRET,
        "client_id": "longtail",
        "client_secret": "hush",
        "server_metadata_url": "http://localhost:1/.well-known/openid-configuration",
    }
    monkeypatch.setattr(secrets_singleton, "_secrets", {"auth": {**section, **more}})


def use_proxy(workspace_root: Path, more: str = "") -> None:
    """Have the workspace's settings name a proxy that is known by its secret."""
    workspace_root.mkdir(parents=True, exist_ok=True)
    (workspace_root / "settings.toml").write_text(PROXY_SETTINGS + more)


def cookies_of(claims: dict[str, Any], *, secret: str = COOKIE_SECRET, origin: str = ORIGIN) -> dict[str, str]:
    """The cookies that Streamlit sets when somebody with these claims has signed in."""
    made: dict[str, str] = {}

    def sign(name: str, value: str) -> bytes:
        return create_signed_value(secret, name, value)

    def keep(name: str, value: str) -> None:
        made[name] = sign(name, value).decode()

    content = {"is_logged_in": True, "provider": "default", "origin": origin, **claims}
    set_cookie_with_chunks(keep, sign, USER_COOKIE_NAME, content, cookie_attr_size=100)
    return made


def cookie_header(cookies: dict[str, str]) -> dict[str, str]:
    """Cookies as a header."""
    return {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}


def gated(client: str = "127.0.0.1", hosts: tuple[str, ...] = ()) -> TestClient:
    """Our routes and a WebSocket that tells its headers, behind the middlewares, for requests from one address."""

    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_json(dict(socket.headers))
        await socket.close()

    app = Starlette(
        routes=[*routes, WebSocketRoute("/_stcore/stream", stream)],
        middleware=[Middleware(AccessMiddleware, hosts=hosts), Middleware(GateMiddleware)],
    )
    return TestClient(app, base_url=ORIGIN, client=(client, 50_000))
