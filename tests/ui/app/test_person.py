"""What a person is comes from their sign-in and the settings, else from an admin, else from what everyone has; and ends at once."""

from __future__ import annotations

import time

import pytest

from engine.access.acting import Actor, acting, current_actor, resolve_with
from engine.access.people import People, Person
from engine.access.roles import Action, Role
from engine.core.errors import NotAllowedError
from engine.core.settings import AuthSettings
from engine.core.workspace import Workspace
from tests.support.sign_in import cookie_header, cookies_of, use_oidc
from ui.app import person as module
from ui.app.identity import Identity
from ui.app.person import forget_roles, person, role_of, visitor_of
from ui.app.resources import database
from ui.widgets.background_work import BackgroundWork

LEADS = AuthSettings(role_claim="groups", roles={"leads": "lead", "curators": "curator"}, admins=("root",))


def known(role: Role | None) -> Person:
    return Person("ada", role, None, None, None, None, None)


@pytest.mark.parametrize(
    ("name", "groups", "given", "role"),
    [
        ("ada", ("leads",), None, Role.LEAD),
        ("ada", ("curators",), Role.ADMIN, Role.CURATOR),
        ("ada", ("curators", "leads"), None, Role.LEAD),
        ("root", ("curators",), Role.VIEWER, Role.ADMIN),
        ("ada", (), Role.MERCHANDISER, Role.MERCHANDISER),
        ("ada", ("strangers",), None, Role.VIEWER),
    ],
)
def test_sign_in_and_settings_come_first_then_an_admin_then_what_everyone_has(
    name: str, groups: tuple[str, ...], given: Role | None, role: Role
) -> None:
    assert role_of(Identity(name, groups, "sign-in", 1.0), LEADS, known(given)) is role


def test_everyone_may_have_nothing() -> None:
    assert role_of(Identity("ada", (), "proxy"), AuthSettings(default_role="none"), None) is None
    assert role_of(Identity("ada", (), "proxy"), AuthSettings(default_role="none"), known(Role.VIEWER)) is Role.VIEWER


@pytest.fixture
def ada(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A request of somebody who signed in."""
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    workspace.root.mkdir(parents=True)
    use_oidc(monkeypatch)
    forget_roles()
    cookie = cookie_header(cookies_of({"email": "ada@example.com"}))["cookie"]
    return {"type": "http", "path": "/", "headers": [(b"cookie", cookie.encode())]}


def test_a_role_that_is_taken_away_elsewhere_is_gone_within_seconds(
    ada: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert module.LOOK_AGAIN_SECONDS <= 3
    for role in (Role.LEAD, Role.VIEWER):
        People(database()).set_role("ada@example.com", role)  # as another process does: this one is not told
        deadline = time.monotonic() + module.LOOK_AGAIN_SECONDS + 2
        while (actor := visitor_of(ada).actor) is None or actor.role is not role:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_outside_a_session_nobody_acts_in_a_server(ada: dict[str, object]) -> None:
    assert person() is None
    resolve_with(person)
    try:
        with pytest.raises(NotAllowedError, match="Sign in first"):
            current_actor()
        with acting(Actor("Ada", Role.LEAD, "sign-in")):
            assert current_actor().may(Action.PUBLISH)
    finally:
        resolve_with(None)


def test_work_in_the_background_is_done_by_whoever_began_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ui.widgets.background_work.st.session_state", kept := {})
    lead = Actor("Ada", Role.LEAD, "sign-in")
    work: BackgroundWork[Actor] = BackgroundWork("work")
    resolve_with(lambda: None)
    try:
        with pytest.raises(NotAllowedError):
            work.begin("Publishing", lambda count: current_actor())
        with acting(lead):
            work.begin("Publishing", lambda count: current_actor())
        assert kept["work"].future.result(10) == lead
    finally:
        resolve_with(None)
