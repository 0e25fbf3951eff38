"""The People page: who is what, and why; giving and taking back roles."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from engine.access.acting import Actor, acting, resolve_with
from engine.access.audit import AuditLog
from engine.access.people import People
from engine.access.roles import Role
from engine.core.workspace import Workspace
from pages.people import NEW
from ui.app.person import forget_roles, person
from ui.app.resources import database


@pytest.fixture(autouse=True)
def shop(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("LONGTAIL_WORKSPACE", str(workspace.root))
    workspace.root.mkdir(parents=True)
    resolve_with(person)
    forget_roles()
    yield workspace
    resolve_with(None)


def draw() -> None:
    from pages.people import page
    from ui.app import notices
    from ui.app.guard import guarded

    notices.show()
    with guarded("People"):
        page()


def open_page() -> AppTest:
    app = AppTest.from_function(draw, default_timeout=30).run()
    assert not app.exception
    return app


def give(name: str, role: Role) -> None:
    with acting(Actor("Root", Role.ADMIN, "command")):
        People(database()).set_role(name, role)


def shown(app: AppTest) -> dict[str, tuple[str, str]]:
    rows = app.dataframe[0].value
    return {row["Name"]: (row["Role"], row["Where it comes from"].partition(",")[0]) for _, row in rows.iterrows()}


def test_everybody_is_listed_with_their_role_and_where_it_comes_from(shop: Workspace) -> None:
    shop.settings_file.write_text('[auth]\nadmins = ["Root@example.com"]\n')
    people = People(database())
    people.seen("ada@example.com", Role.LEAD)
    people.seen("bo@example.com", None)
    give("cy@example.com", Role.CURATOR)
    assert shown(open_page()) == {
        "ada@example.com": ("Lead", "Their sign-in"),
        "bo@example.com": ("Viewer", "Everyone has it"),
        "cy@example.com": ("Curator", "Given by Root"),
        "root@example.com": ("Admin", "Settings (auth.admins)"),
    }


def test_a_role_is_given_recorded_and_taken_back() -> None:
    app = open_page()
    app.selectbox(key="people_who").set_value(NEW).run()
    app.text_input(key="people_new").set_value("Zoe@example.com").run()
    app.radio(key="people_role_zoe@example.com").set_value(Role.LEAD).run()
    app = next(button for button in app.button if button.label == "Give this role").click().run()
    assert People(database()).role_of("zoe@example.com") is Role.LEAD
    assert "zoe@example.com is a lead now" in app.session_state["undo_offered"].words
    next(button for button in app.button if button.label == "Take the role back").click().run()
    assert People(database()).role_of("zoe@example.com") is None
    entries = AuditLog(database()).entries()
    assert [(one.subject, one.before, one.after) for one in entries] == [
        ("zoe@example.com", "lead", None),
        ("zoe@example.com", None, "lead"),
    ]


def test_the_last_admin_stays() -> None:
    give("ada", Role.ADMIN)
    app = open_page()
    app.selectbox(key="people_who").set_value("ada").run()
    app = next(button for button in app.button if button.label == "Take the role back").click().run()
    assert "last admin" in app.toast[0].value
    assert People(database()).role_of("ada") is Role.ADMIN


def test_a_name_that_no_sign_in_gives_is_refused() -> None:
    app = open_page()
    app.selectbox(key="people_who").set_value(NEW).run()
    app.text_input(key="people_new").set_value("ada\u200b@example.com").run()
    assert "No sign-in gives such a name" in app.error[0].value
    assert not [button for button in app.button if button.label == "Give this role"]


def test_only_admins_see_it(shop: Workspace) -> None:
    shop.settings_file.write_text('[auth]\nopen_role = "lead"\n')
    app = open_page()
    assert "Only an admin may say who may do what." in app.error[0].value
    assert not app.dataframe
