"""Signing in with a real OpenID Connect provider and through a proxy's header, on servers that are really started."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from engine.access.people import People
from engine.access.roles import Role
from engine.core.workspace import Workspace
from engine.store import Database
from tests.browser.conftest import free_port, serve
from tests.support.sign_in import HEADER_SECRET, PROXY_SETTINGS
from tests.support.tab import Tab
from tests.support.tiny_release import TinyRelease, build_tiny_release
from ui.app.navigation import NAVIGATION

pytestmark = pytest.mark.browser
GENEROUS = "[limits]\nactions_per_second = 1000\nviews_per_second = 1000\ntabs = 100\n"  # every page is opened at once

PEOPLE = [
    {"sub": "ada", "email": "ada@example.com", "email_verified": True, "groups": ["staff", "shop-leads"]},
    {"sub": "vic", "email": "vic@example.com", "email_verified": True},
    {"sub": "eve", "email": "ada@example.com", "email_verified": False, "groups": ["shop-leads"]},
]
PAGES = [entry for entries in NAVIGATION.values() for entry in entries]


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """The address of an OpenID Connect provider that knows `PEOPLE`."""
    port = free_port()
    people = [part for one in PEOPLE for part in ("--user-claims", json.dumps(one))]
    process = subprocess.Popen(
        [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--host", "localhost", *people],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyRelease:
    tiny = build_tiny_release(Workspace(tmp_path_factory.mktemp("sign-in") / "workspace"))
    tiny.workspace.settings_file.write_text('[auth]\nrole_claim = "groups"\nroles = { shop-leads = "lead" }\n')
    return tiny


@pytest.fixture(scope="module")
def address(tiny: TinyRelease, provider: str) -> Iterator[str]:
    """The dashboard, where people sign in at the provider."""
    port = free_port()
    secrets = tiny.workspace.root.parent / "secrets.toml"
    secrets.write_text(
        f'[auth]\nredirect_uri = "http://localhost:{port}/oauth2callback"\ncookie_secret = "{"0123456789abcdef" * 4}"\n'
        f'client_id = "longtail"\nclient_secret = "hush"\n'
        f'server_metadata_url = "{provider}/.well-known/openid-configuration"\n'
    )
    with serving(tiny.workspace.root, port, STREAMLIT_SECRETS_FILES=str(secrets)):
        yield f"http://localhost:{port}"


@contextmanager
def serving(workspace: Path, port: int, **variables: str) -> Iterator[None]:
    server = serve(workspace, port, **variables)
    try:
        yield
    finally:
        server.terminate()
        server.wait(10)


def sign_in(page: Page, address: str, who: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=who, exact=True).click()
    page.wait_for_url(lambda url: url.startswith(address.rpartition("/")[0] if address.count("/") > 2 else address))


def status(address: str, **headers: str) -> int:
    try:
        with urlopen(Request(address, headers=headers), timeout=20) as answer:
            return int(answer.status)
    except HTTPError as refused:
        return refused.code


def test_a_lead_signs_in_works_under_that_name_and_signs_out_everywhere(
    tiny: TinyRelease, address: str, page: Page, context: BrowserContext
) -> None:
    sign_in(page, address, "ada")
    expect(page.get_by_role("link", name="Audit")).to_be_visible()
    expect(page.get_by_role("link", name="People")).to_have_count(0)
    who = page.get_by_role("button", name=re.compile("ada.*example"))
    expect(who).to_be_visible()
    page.get_by_role("link", name="Similar items").click()
    picture = page.locator(".card img").first
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    page.goto(f"{address}/review")
    expect(page.get_by_role("heading", name="Review")).to_be_visible()
    assert page.get_by_label("Your name").count() == 0
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in context.cookies() if "user" in one["name"])
    thumb = f"{address}/thumb/{'0' * 64}"
    assert (status(thumb, Cookie=cookie), status(thumb)) == (404, 401)
    other = context.new_page()
    other.goto(f"{address}/irrelevance")
    expect(other.get_by_role("heading", name="Irrelevance")).to_be_visible()
    time.sleep(1.1)  # what was signed in the very second of signing out is over too; nothing is told apart within one
    who.click()
    page.get_by_role("button", name="Sign out everywhere").click()
    page.wait_for_url("**/end_session**")  # the provider's own
    assert status(thumb, Cookie=cookie) == 401
    other.get_by_role("link", name="Review").click()
    expect(other.get_by_text("You signed out, or your sign-in has expired.")).to_be_visible()
    expect(other.locator("h1")).to_have_text(["Sign in to Longtail"])
    (person,) = People(Database(f"sqlite:///{tiny.workspace.root}/longtail.db")).all()
    assert (person.name, person.claimed_role) == ("ada@example.com", Role.LEAD)


def test_who_has_no_group_looks_and_changes_nothing(address: str, page: Page) -> None:
    sign_in(page, address, "vic")
    expect(page.get_by_role("button", name=re.compile("vic.*example"))).to_be_visible()
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)
    page.goto(f"{address}/model")
    expect(page.get_by_role("button", name="Train again")).to_be_disabled()
    page.goto(f"{address}/audit")
    expect(page.get_by_text("Only a lead or an admin may see who did what.")).to_be_visible()


def test_an_address_that_nobody_verified_is_nobodys(address: str, page: Page) -> None:
    sign_in(page, address, "eve")
    expect(page.get_by_text("your e-mail address has not been verified")).to_be_visible()
    expect(page.locator("h1")).to_have_text(["Not signed in yet"])


def test_a_cookie_of_anothers_making_opens_nothing(address: str, page: Page, context: BrowserContext) -> None:
    context.add_cookies([{"name": "_streamlit_user", "value": "eyJlbWFpbCI6ICJhIn0.aaaa.bbbb", "url": address}])
    context.add_cookies([{"name": "longtail_curator", "value": "ada%40example.com", "url": address}])
    page.goto(f"{address}/people")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    expect(page.locator("h1")).to_have_text(["Sign in to Longtail"])


def test_behind_a_proxy_a_cold_server_shows_its_pages_to_those_alone_whom_the_proxy_names(tmp_path: Path) -> None:
    port = free_port()
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "settings.toml").write_text(
        PROXY_SETTINGS + 'admins = ["ada@example.com"]\ndefault_role = "none"\n' + GENEROUS
    )
    named = {"X-Forwarded-User": "ada@example.com", "X-Longtail-Secret": HEADER_SECRET}
    stranger = {"X-Forwarded-User": "ada@example.com", "X-Longtail-Person": "ada@example.com"}
    with serving(workspace, port):
        for entry in PAGES:
            with Tab(port, entry.module, headers=stranger) as tab:
                drawn = tab.texts()
            assert "Your company's sign-in did not say who you are" in drawn.replace("\\'", "'"), entry.module
            assert "Welcome to Longtail" not in drawn
            assert f'body: "{entry.title}"' not in drawn
        with Tab(port, "people", headers=named) as tab:
            drawn = tab.texts()
        assert "Where it comes from" in drawn or "Who has been here" in drawn or 'body: "People"' in drawn
        with Tab(port, "people", headers={**named, "X-Forwarded-User": "bo@example.com"}) as tab:
            drawn = tab.texts()
        assert "You have no role here yet" in drawn
        assert status(f"http://localhost:{port}/thumb/{'0' * 64}", **named) == 404
        assert status(f"http://localhost:{port}/thumb/{'0' * 64}", **stranger) == 401
