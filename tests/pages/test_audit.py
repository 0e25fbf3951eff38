"""The Audit page: what was done, narrowed and downloaded; for leads and admins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from engine.access.acting import Actor, acting, resolve_with
from engine.access.audit import AuditLog
from engine.access.people import People
from engine.access.roles import Action, Role
from engine.core.workspace import Workspace
from pages.audit import A_PAGE, FILES, _file
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
    from pages.audit import page
    from ui.app.guard import guarded

    with guarded("Audit"):
        page()


def open_page(**query: str) -> AppTest:
    app = AppTest.from_function(draw, default_timeout=30)
    app.query_params.update(query)
    app.run()
    assert not app.exception
    return app


def do_something(times: int = 1, by: str = "Ada") -> None:
    with acting(Actor(by, Role.ADMIN, "sign-in")):
        for number in range(times):
            People(database()).set_role(f"person {number}", list(Role)[number % 5])


def test_who_did_what_stands_there_with_before_and_after() -> None:
    do_something()
    do_something(by="Bo")
    (table,) = open_page().dataframe
    assert list(table.value["Who"]) == ["Bo", "Ada"]
    assert list(table.value["Which"]) == ["person 0", "person 0"]
    assert list(table.value["Before"]) == ["viewer", ""]
    assert list(table.value["After"]) == ["viewer", "viewer"]
    assert set(table.value["How it ended"]) == {"Done"}


def test_person_action_and_day_narrow_it() -> None:
    do_something()
    do_something(2, by="Bo")
    assert len(open_page(who="Bo").dataframe[0].value) == 2
    assert len(open_page(what=str(Action.SET_ROLES)).dataframe[0].value) == 3
    assert not open_page(what=str(Action.PUBLISH)).dataframe
    app = open_page()
    today = datetime.now(UTC).date()
    assert len(app.date_input(key="audit_day").set_value(today).run().dataframe[0].value) == 3
    assert not app.date_input(key="audit_day").set_value(today - timedelta(days=1)).run().dataframe


def test_older_ones_are_on_further_pages() -> None:
    do_something(A_PAGE + 3)
    app = open_page()
    assert len(app.dataframe[0].value) == A_PAGE
    app = next(button for button in app.button if button.label == "Older").click().run()
    assert len(app.dataframe[0].value) == 3
    app = next(button for button in app.button if button.label == "Newest").click().run()
    assert len(app.dataframe[0].value) == A_PAGE
    assert len(open_page(before="nonsense").dataframe[0].value) == A_PAGE


def test_it_can_be_downloaded_as_csv_and_json() -> None:
    do_something(by="=HYPERLINK(1)")
    resolve_with(None)  # this test is no session
    csv, lines = (_file(one.to_bytes, {}).decode() for one in FILES)
    assert [one.name for one in FILES] == ["CSV", "JSON Lines"]
    assert "'=HYPERLINK(1)" in csv
    assert '"actor":"=HYPERLINK(1)"' in lines
    assert len(AuditLog(database()).entries()) == len(lines.splitlines())


def test_only_leads_and_admins_see_it(shop: Workspace) -> None:
    do_something()
    for role, sees in (("merchandiser", False), ("lead", True)):
        shop.settings_file.write_text(f'[auth]\nopen_role = "{role}"\n')
        app = open_page()
        assert bool(app.dataframe) is sees
        assert bool(app.error) is not sees
