"""The proxy is known by its secret and by the address that is really connected, whatever X-Forwarded-For says."""

from __future__ import annotations

from typing import Any

import pytest
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from engine.core.settings import AuthSettings
from tests.support.own_loop import run_alone
from ui.app.proxies import comes_from_proxy, is_loopback, peers

SECRET = "only the proxy knows this"


def seen_through_uvicorn(peer: str, forwarded: str | None, secret: str | None = None) -> dict[str, Any]:
    """The scope that an app gets of a request from `peer`, as uvicorn passes it on by default."""
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded is not None else []
    if secret is not None:
        headers.append((b"x-longtail-secret", secret.encode()))
    seen: dict[str, Any] = {}

    async def app(scope: dict[str, Any], *_: object) -> None:
        seen.update(scope)

    scope = {"type": "http", "client": (peer, 50_000), "headers": headers}
    run_alone(ProxyHeadersMiddleware(app, "127.0.0.1,::1")(scope, None, None))  # type: ignore[arg-type]
    return seen


@pytest.mark.parametrize(
    ("peer", "forwarded", "proxies", "believed"),
    [
        ("10.0.0.5", None, ["10.0.0.5"], True),
        ("10.0.0.5", "203.0.113.7", ["10.0.0.5"], True),
        ("10.0.0.9", "10.0.0.5", ["10.0.0.5"], False),
        ("10.0.0.9", None, ["10.0.0.0/24"], True),
        ("::ffff:10.0.0.5", None, ["10.0.0.5"], True),
        ("127.0.0.1", "203.0.113.7", ["127.0.0.1"], True),
        ("::1", "203.0.113.7", ["127.0.0.1"], True),
        ("127.0.0.1", "10.0.0.5", ["10.0.0.5"], False),
        ("127.0.0.1", "10.0.0.5:50000", ["10.0.0.5"], False),
        ("127.0.0.1", "203.0.113.7, 10.0.0.5", ["10.0.0.5"], False),
        ("127.0.0.1", "127.0.0.1", ["10.0.0.5"], False),
        ("", None, ["10.0.0.5"], False),
        ("a-socket", None, ["10.0.0.5"], False),
    ],
)
def test_the_address_that_counts_is_the_one_that_is_connected(
    peer: str, forwarded: str | None, proxies: list[str], believed: bool
) -> None:
    scope = seen_through_uvicorn(peer, forwarded)
    assert comes_from_proxy(scope, AuthSettings(header="X-User", proxies=proxies)) is believed


def test_secret_and_address_are_both_asked_for_where_both_are_set() -> None:
    auth = AuthSettings(header="X-User", header_secret=SECRET, proxies=["10.0.0.5"])
    assert comes_from_proxy(seen_through_uvicorn("10.0.0.5", None, SECRET), auth)
    assert not comes_from_proxy(seen_through_uvicorn("10.0.0.5", None, "a guess of this length!!!"), auth)
    assert not comes_from_proxy(seen_through_uvicorn("10.0.0.9", None, SECRET), auth)
    assert not comes_from_proxy(seen_through_uvicorn("10.0.0.5", None), auth)


def test_nobody_is_believed_where_nothing_is_known_of_the_proxy() -> None:
    assert not comes_from_proxy(seen_through_uvicorn("127.0.0.1", None), AuthSettings(header="X-User"))


def test_whoever_uvicorn_believes_may_be_the_one_that_is_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    scope = seen_through_uvicorn("127.0.0.1", "203.0.113.7")
    assert peers(scope) == ["127.0.0.1", "::1"]
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    assert not comes_from_proxy(scope, AuthSettings(header="X-User", proxies=["127.0.0.1"]))


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("x", False),
    ],
)
def test_this_machine_is_known_by_its_addresses(host: str, own: bool) -> None:
    assert is_loopback(host) is own
